# All tasks of this project. Run `make help` for a list.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal
COVERED := tests/crypto tests/identifiers tests/verification tests/exposures
UV_PIP_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

# --no-deps: the lock file lists every package. Without it, pip 23 looks for the newest release of a package that is
# locked without an extra that another package requires, and refuses it. One line shows how far it is; the log has the rest.
# --no-build-isolation: the build backend comes from the lock file too, and pip finds its binary by PATH.
define INSTALL
	@echo "installing $$(grep -c == $(1)) packages of $(1) into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r $(1) 2>.venv/pip.log \
	  | awk '/^Collecting/ {if (++n % 10 == 0) printf " %d", n; fflush()} END {print " done"}'; \
	  test $${PIPESTATUS[0]} -eq 0 || { cat .venv/pip.log >&2; exit 1; }
endef
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-fast coverage bench adversary browser lint format lock clean

help:  ## list all targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.runtime  ## install the service and its command into .venv

$(BIN)/.runtime: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call INSTALL,requirements.txt)
	@PATH=$(abspath $(BIN)):$$PATH $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . 2>>.venv/pip.log || { cat .venv/pip.log >&2; exit 1; }
	@touch $@

$(BIN)/.dev: $(BIN)/.runtime requirements-dev.txt
	$(call INSTALL,requirements-dev.txt)
	@touch $@

demo: setup  ## start a demo on a temporary SQLite database with synthetic people; prints its URL
	@$(BIN)/exposure demo

dev: setup  ## like demo, on a database that is kept in data/dev; restarts when the code changes, prints tracebacks
	@$(BIN)/exposure demo --folder data/dev --reload

ifdef ARGS
test: $(BIN)/.dev browser  ## run all tests, on SQLite and on a PostgreSQL and a Valkey that the tests start; ARGS= selects
	$(PYTEST) $(ARGS)
else
test: coverage
	HYPOTHESIS_PROFILE=ci $(PYTEST) -m "slow or not covered"
endif

test-fast: $(BIN)/.dev  ## run the tests that take milliseconds and need no browser, few examples each; ARGS= selects
	HYPOTHESIS_PROFILE=dev $(PYTEST) -m "not (slow or kill or browser or fuzz or fleet)" $(ARGS)

# Coverage makes tests a third slower, so it is measured only where there is a floor.
coverage: $(BIN)/.dev browser  ## run the tests of the packages that have a coverage floor, and hold them to it
	HYPOTHESIS_PROFILE=ci $(PYTEST) -m "covered and not slow" --cov --cov-report= $(COVERED)
	$(BIN)/python tests/coverage_floor.py

bench: $(BIN)/.dev  ## run all benchmarks against references on the same machine; about 15 minutes
	$(BIN)/python -m benchmarks

adversary: $(BIN)/.dev  ## simulate an attack of 100,000 tries beside 1,000 honest people; about six minutes
	$(BIN)/python -m benchmarks.adversary

browser:  ## install Chromium and a Korean font for the page tests, if missing
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || { \
	  echo "make test requires Chromium: install the packages 'chromium' and 'fonts-noto-cjk'" >&2; exit 1; }

lint: $(BIN)/.dev  ## run ruff, mypy (strict), import-linter, the check of wording, and hadolint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python .ci/check_prose.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(BIN)/.dev  ## format the code and apply automatic fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(BIN)/.dev  ## update the lock files to the newest versions that pyproject.toml allows
	$(UV_PIP_COMPILE) --group build -o requirements.txt
	$(UV_PIP_COMPILE) --group dev -o requirements-dev.txt

clean:  ## remove the virtual environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
