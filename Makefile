# Everything runs from here; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where this is set, every start of a process would compile all imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check fix clean reproduce bench-forecast

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

run: $(VENV)/.ready ## start everything: database, sandbox, Dagster; Ctrl-C stops it
	$(BIN)/finale dev

check: $(VENV)/.ready ## lint, types, layer contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## lint, types, layer contracts, tests
	$(BIN)/pytest -q -n 2

fix: $(VENV)/.ready ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtual environment and caches; data in .finale stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

reproduce: $(VENV)/.ready ## reach the published numbers of the forecast: make reproduce DATA=FOLDER
	DEMAND_DATA=$(DATA) $(BIN)/pytest -q -m 'slow or not slow' finale_pipeline_tests/domain/test_evidence.py

bench-forecast: $(VENV)/.ready ## time forecasts and the plan of 280,000 products
	$(BIN)/python benchmarks/forecast.py
