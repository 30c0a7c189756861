# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
SANDBOX_PORT ?= 18080
LIFECYCLES ?= 1000000
MINUTES ?= 15
export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
export PYTHONDONTWRITEBYTECODE :=
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help demo stop status test check prove soak bench bench-orders accuracy check-mappings sandbox lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.locked: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Tieout needs Python 3.11, 3.12 or 3.13; %s is %s. Try: make PYTHON=python3.12 demo" % (sys.executable, sys.version.split()[0]) if not (3, 11) <= sys.version_info[:2] < (3, 14) else 0)'
	@echo "Making .venv from the hash-locked requirements.txt ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r requirements.txt
	@touch $@

$(VENV)/.locked-tests: $(VENV)/.locked tests/requirements.txt
	@echo "Adding the test tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r tests/requirements.txt
	@touch $@

demo: $(VENV)/.locked ## run several settlement days for real and leave the UI running
	@$(BIN)/python -m include.local demo --port $(PORT) --sandbox-port $(SANDBOX_PORT)

stop: $(VENV)/.locked ## stop everything the demo left running
	@$(BIN)/python -m include.local stop

status: $(VENV)/.locked ## say what is running
	@$(BIN)/python -m include.local status

test: $(VENV)/.locked-tests ## everything from unit tests to a real scheduler run
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m pytest -n 3 --dist loadscope

check: $(VENV)/.locked-tests ## the quick checks: style, types, unit tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/python -m pytest -q tests/unit

check-mappings: $(VENV)/.locked ## check the YAML tables: file, line, value, fix
	@$(BIN)/python -m include.mappings.check

prove: $(VENV)/.locked-tests ## whole lifecycles of orders under faults, and every mutant: LIFECYCLES=1000000
	@$(BIN)/python -m tests.prove --lifecycles $(LIFECYCLES) --mutants

soak: $(VENV)/.locked-tests ## the real stack through a storm of faults and kills, then the books and the day: MINUTES=15
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

accuracy: $(VENV)/.locked-tests ## a labelled quarter: precision and recall per fault class
	@$(BIN)/python -m tests.accuracy

bench: $(VENV)/.locked-tests ## 1 and 5 million lines beside bare pandas, Polars and DuckDB
	@$(BIN)/python -m tests.bench

bench-orders: $(VENV)/.locked-tests ## checkout, webhooks under kill -9, an outage of SYSPRO, the operator's list
	@$(BIN)/python -m tests.bench.orders

sandbox: $(VENV)/.locked ## the local Cybersource, SYSPRO and bank alone
	@$(BIN)/python -m include.sandbox --port $(SANDBOX_PORT)

lock: ## resolve both lock files anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q -o requirements.txt
	uv pip compile pyproject.toml --extra dev -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-header -q -o tests/requirements.txt

clean: stop ## remove everything the commands made
	@rm -rf .tieout .tieout-soak $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
