# Development tasks. Each target does its own set-up. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test fresh check format docs bench clean setup
.DEFAULT_GOAL := help

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/demo.stamp  ## Sign in by all five flows on the embedded tenant
	@$(BIN)/entra demo

test: setup  ## Run all tests
	@scripts/test

fresh:  ## Run the demo and the tests on bare machines with Debian 12 and 13
	@$(PYTHON) scripts/fresh

check: setup  ## Lint, format and type check
	@scripts/check

format: setup  ## Format the sources and apply automatic fixes
	@$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format --quiet .

docs: setup  ## Write the generated reference pages
	@$(BIN)/python scripts/write-command-reference && $(BIN)/python scripts/write-error-reference

bench: setup  ## Measure the speed, compared with other libraries
	@scripts/install-azure-cli
	@$(BIN)/python -m bench

setup:  ## Create the virtual environment and install the packages for tests and checks
	@scripts/setup

clean:  ## Remove generated files
	@rm -rf $(VENV) $(VENV)-azure-cli $(VENV)-without-extras build dist artifacts .mypy_cache .ruff_cache .hypothesis .coverage*

$(VENV)/demo.stamp: pyproject.toml
	@scripts/install-system-packages demo
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[emulator]'
	@touch $@
