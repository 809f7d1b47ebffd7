# `make benchmark` and `make test` are all that a newcomer needs; both make .venv first, the second with all that developers need.
PYTHON ?= python3
BIN := .venv/bin
comma := ,
unexport PYTHONDONTWRITEBYTECODE  # each of the many commands in the tests would compile PyTorch's files again
SOURCES := pyproject.toml setup.py constraints.txt $(wildcard gengraph/models/graphrnn/kernels/native/*)

.PHONY: benchmark test test-killed test-ray check docs install develop results clean sanitize

# $(1): extras, $(2): megabytes with a PyTorch for CPUs, $(3): minutes on two idle cores. Python files are compiled when they are
# first imported, which most never are.
define install
	@echo "Installing gengraph[$(1)] into .venv, PyTorch and Ray among what it needs: about $(2) MB (a PyTorch for GPUs is larger)."
	@echo "That takes about $(3) minutes on two idle cores, and as long as your network needs to download a third of it."
	@$(PYTHON) -m venv .venv
	@begun=$$(date +%s); \
	while sleep 15 >/dev/null 2>&1 && kill -0 $$$$ 2>/dev/null; do \
	  echo "$$(($$(date +%s) - begun)) s: .venv has $$(du -sm .venv | cut -f1) of about $(2) MB"; \
	done & trap "kill $$!" EXIT; \
	$(BIN)/pip install --no-compile --progress-bar off --constraint constraints.txt --editable '.[$(1)]'
endef

.venv/installed: $(SOURCES)
	$(call install,metrics$(comma)plot$(comma)tune,1800,2)
	@touch $@

.venv/developed: $(SOURCES)
	$(call install,dev,3700,4)
	@touch .venv/installed $@

install: .venv/installed

develop: .venv/developed

benchmark: install
	$(BIN)/gengraph benchmark --datasets ladder,grid,community-small --models graphrnn,graphrnn-c,er,ba,kronecker,mmsb,configuration,empirical --budget 30s --workers 2 --out results

test: develop
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 -m "not (ray and slow)"

# The short set of what survives a kill, in a process of its own: a worker while sampling, a worker while training.
test-killed: develop
	$(BIN)/python -m pytest -q -n 0 -m "ray and slow" -k "(any_number_of_workers and gran) or killed_workers or worker_that_is_killed"

# Workers, drivers and nodes that are killed, sweeps: minutes of Ray, in a process of their own.
test-ray: develop
	$(BIN)/python -m pytest -q -n 0 -m "ray and slow"

check: develop docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests of the native kernels on a library that checks its memory accesses and arithmetic; then the fast one again.
sanitize: develop
	$(BIN)/python -m gengraph.models.graphrnn.kernels.build --sanitize
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
	  $(BIN)/python -m pytest -q --timeout 1200 tests/models/graphrnn/kernels; status=$$?; $(BIN)/python -m gengraph.models.graphrnn.kernels.build; exit $$status

# Hours: every model on every data set with three seeds, and the studies behind docs/; goes on where it was stopped.
results: develop
	for study in graphrnn-c graphrnn graphrnn-s gran maps trees blocks attachment \
	    deepgmg digress gnf graphgan graphgen graphvae vgae orderings ablation backends; do \
	  $(BIN)/python -m gengraph.benchmarks.studies $$study --out results/studies || exit 1; done
	$(BIN)/python -m gengraph.benchmarks.choosing --out results/studies

docs: develop
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build site dist *.egg-info src/*.egg-info
