# Everything runs from here; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where this is set, every start of a process would compile all imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run notebook report test drill drill-week check bench bench-smoke bench-api bench-pages bench-forecast bench-latency bench-growth attack audit matrix reproduce fix dictionary clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	@umask 022; $(PYTHON) -m venv $(VENV)
	@$(BIN)/python .ci/install.py
	@touch $@

# With what develops and tests it.
$(VENV)/.ready: $(VENV)/.installed
	@$(BIN)/python .ci/install.py dev
	@touch $@

install: $(VENV)/.installed ## what runs it, without linters and tests: for production
	@$(BIN)/finale --version

run: $(VENV)/.installed ## start everything: database, sandbox, Dagster; Ctrl-C stops it
	$(BIN)/finale dev

notebook: $(VENV)/.ready ## six questions of a stock analyst, answered from the warehouse, to change and try
	$(BIN)/marimo edit notebooks/six_questions.py

report: $(VENV)/.ready ## the same as a page to read, on loopback; nothing can be changed
	$(BIN)/marimo run notebooks/six_questions.py

check: $(VENV)/.ready ## lint, types, layer contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/marimo check --strict notebooks

test: check ## lint, types, layer contracts, tests, and how much of each folder they reach
	@rm -rf .reached; mkdir .reached
	REACHED="$(CURDIR)/.reached" $(BIN)/pytest -q -n 3 --dist worksteal -rs
	@$(BIN)/python .ci/coverage.py .reached

drill: $(VENV)/.ready ## the slow tests: daemons started, processes killed at every request
	$(BIN)/pytest -q --tb=short -m slow -rs

drill-week: $(VENV)/.ready ## twenty minutes: a week of ticks, kills and outages, then all is compared with the truth
	$(BIN)/python -m finale_pipeline_tests.drill_week

# The peer stays out of our own environment.
.venv-bench/.ready: benchmarks/constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -c $< 'dlt[postgres]'
	touch $@

bench: $(VENV)/.ready .venv-bench/.ready ## measure speed and memory; ARGS="--only small --turns 3"
	$(BIN)/python -m benchmarks $(ARGS)

attack: $(VENV)/.ready ## try what should be refused, as a stranger, a reader, another site's page, another user
	$(BIN)/python -m finale_pipeline_tests.attack

audit: $(VENV)/.ready ## ask for known faults of the pinned versions
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	@$(BIN)/python .ci/audit.py .venv-audit/bin/pip-audit constraints.txt

matrix: ## install and start it with each Python that is here, as root and not, in an odd place
	$(PYTHON) .ci/matrix.py $(ARGS)

bench-smoke: $(VENV)/.ready ## run every benchmark once, tiny: that they work, not how fast
	$(BIN)/python -m benchmarks --smoke
	$(BIN)/python -m benchmarks.api --smoke

fix: $(VENV)/.ready ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dictionary: $(VENV)/.ready ## write docs/data-dictionary.md from the tables' comments
	$(BIN)/python -m finale_pipeline.warehouse.dictionary

clean: ## remove the virtual environment and caches; data in .finale stay
	rm -rf $(VENV) .venv-bench .venv-audit .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

reproduce: $(VENV)/.ready ## reach the published numbers of the forecast: make reproduce DATA=FOLDER
	DEMAND_DATA=$(DATA) $(BIN)/pytest -q -m 'slow or not slow' finale_pipeline_tests/domain/forecast/test_evidence.py

bench-latency: $(VENV)/.ready ## time from a due tick to done, with real daemons; ARGS="--strategy inventory"
	$(BIN)/python -m benchmarks.latency $(ARGS)

bench-api: $(VENV)/.ready ## 50 clients read for a minute while full syncs run; ARGS="--seconds 20"
	$(BIN)/python -m benchmarks.api $(ARGS)

bench-pages: $(VENV)/.ready ## time of the buyer's pages at 30,000 products; ARGS="--products 5000"
	$(BIN)/python -m benchmarks.pages $(ARGS)

bench-forecast: $(VENV)/.ready ## time forecasts and the plan of 280,000 products; ARGS="--warehouse"
	$(BIN)/python -m benchmarks.forecast $(ARGS)

bench-growth: $(VENV)/.ready ## how much a day adds to the warehouse; ARGS="--products 280000 --syncs 4"
	$(BIN)/python -m benchmarks.growth $(ARGS)
