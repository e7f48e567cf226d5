# All tasks of this project. Run `make help` for a list.
PYTHON ?= python3
BIN := .venv/bin
UV_PIP_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench adversary browser lint format lock clean

help:  ## list all targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.runtime  ## install the service and its command into .venv

# --no-deps: the lock file lists every package. Without it, pip 23 looks for the newest release of a package that is
# locked without an extra that another package requires, and refuses it.
$(BIN)/.runtime: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(BIN)/.dev: $(BIN)/.runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.txt
	touch $@

demo: setup  ## start a demo on a temporary SQLite database with synthetic people; prints its URL
	$(BIN)/exposure demo

test: $(BIN)/.dev browser  ## run all tests, on SQLite and on a PostgreSQL and a Valkey that the tests start
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term:skip-covered
	$(BIN)/python tests/coverage_floor.py

bench: $(BIN)/.dev  ## run all benchmarks against references on the same machine; about 15 minutes
	$(BIN)/python -m benchmarks

adversary: $(BIN)/.dev  ## simulate an attack of 100,000 tries beside 1,000 honest people; about six minutes
	$(BIN)/python -m benchmarks.adversary

browser:  ## install Chromium and a Korean font for the page tests, if missing
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || { \
	  echo "make test requires Chromium: install the packages 'chromium' and 'fonts-noto-cjk'" >&2; exit 1; }

lint: $(BIN)/.dev  ## run ruff, mypy (strict), import-linter and hadolint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(BIN)/.dev  ## format the code and apply automatic fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(BIN)/.dev  ## update the lock files to the newest versions that pyproject.toml allows
	$(UV_PIP_COMPILE) -o requirements.txt
	$(UV_PIP_COMPILE) --group dev -o requirements-dev.txt

clean:  ## remove the virtual environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
