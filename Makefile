# `make benchmark` and `make test` are all that a newcomer needs; both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: benchmark test test-killed test-ray check docs install results clean sanitize

.venv/installed: pyproject.toml setup.py constraints.txt $(wildcard gengraph/models/graphrnn/kernels/native/*)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

install: .venv/installed

benchmark: install
	$(BIN)/gengraph benchmark --datasets ladder,grid,community --budget 60s --workers 2 --out results

test: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadgroup -m "not (ray and slow)"

# The short set of what survives a kill, in a process of its own: a worker while sampling, a worker while training.
test-killed: install
	$(BIN)/python -m pytest -q -n 0 -m "ray and slow" -k "(any_number_of_workers and gran) or killed_workers or worker_that_is_killed"

# Workers, drivers and nodes that are killed, sweeps: minutes of Ray, in a process of their own.
test-ray: install
	$(BIN)/python -m pytest -q -n 0 -m "ray and slow"

check: install docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests of the native kernels on a library that checks its memory accesses and arithmetic; then the fast one again.
sanitize: install
	$(BIN)/python -m gengraph.models.graphrnn.kernels.build --sanitize
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
	  $(BIN)/python -m pytest -q --timeout 1200 tests/models/graphrnn/kernels; status=$$?; $(BIN)/python -m gengraph.models.graphrnn.kernels.build; exit $$status

# Hours: every model on every data set with three seeds, and the studies behind docs/; goes on where it was stopped.
results: install
	for study in graphrnn-c graphrnn graphrnn-s gran orderings ablation backends; do \
	  $(BIN)/python -m gengraph.benchmarks.studies $$study --out results/studies || exit 1; done

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build site dist *.egg-info
