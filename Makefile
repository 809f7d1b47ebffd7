# `make benchmark` and `make test` are all that a newcomer needs; both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: benchmark test check docs install clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

install: .venv/installed

benchmark: install
	$(BIN)/gengraph benchmark --datasets ladder,grid,community --budget 60s --out results

test: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadgroup

check: install docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf .venv build site dist *.egg-info
