# One command for everything that people and CI do here; `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test check format bench bench-long lock clean

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
# Stamps: the environment is touched again only when what it is made of has changed.
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.installed
DEVELOP := $(VENV)/.installed-dev
# Tests run beside each other on this many processes.
WORKERS ?= 2

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## Post a marketplace month and show the books, in a minute
	@$(VENV)/bin/ledgerctl demo

up: $(RUNTIME) ## Keep the whole stack running with the query API, until Ctrl-C
	@$(VENV)/bin/ledgerctl up

test: check ## Everything that CI runs: format, lint, types, import rules, tests
	$(PYTHON) -m pytest --numprocesses=$(WORKERS) --dist=loadgroup

check: $(DEVELOP) ## Format, lint, types and import rules, without the tests
	$(PYTHON) -m ruff format --check --quiet .
	$(PYTHON) -m ruff check --quiet .
	$(PYTHON) -m mypy
	$(VENV)/bin/basedpyright
	$(VENV)/bin/lint-imports

format: $(DEVELOP) ## Format the code and repair what the linter can repair
	$(PYTHON) -m ruff check --fix --quiet .
	$(PYTHON) -m ruff format .

bench: $(DEVELOP) ## Measure against raw COPY, on this machine, in one run
	$(PYTHON) -m benchmarks

# How many events the long run posts, as one topic through two workers.
EVENTS ?= 5000000

bench-long: $(DEVELOP) ## Post five million events in one go: does the rate hold? (EVENTS=n for others)
	$(PYTHON) -m benchmarks --long --only sustained --sustained-events $(EVENTS)

lock: ## Renew the pinned versions (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 requirements.in --output-file requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 requirements-dev.in --output-file requirements-dev.lock

clean: ## Remove the environment and caches; the data of `make up` stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@for python in python3 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m venv $(VENV) && touch $@ && exit 0; \
	  fi; \
	done; \
	echo "No Python 3.11 or later with the module venv is on PATH (Debian: apt install python3-venv)." >&2; exit 1

$(RUNTIME): requirements.lock pyproject.toml $(CREATED)
	@echo "Installing the ledger into $(VENV) …" >&2
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOP): requirements-dev.lock $(RUNTIME)
	@echo "Installing what checks and tests it …" >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
