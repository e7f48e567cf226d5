# Everything that this project does, one word each. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
UV_PIP_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench adversary browser lint format lock clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.runtime  ## .venv with the service and its command, .venv/bin/exposure

# The lock names every package, so nothing is left to resolve (--no-deps); pip 23 would otherwise ask for
# the newest release of a package that is locked without the extra by which another wants it, and refuse it.
$(BIN)/.runtime: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(BIN)/.dev: $(BIN)/.runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.txt
	touch $@

demo: setup  ## the main job on an embedded database with synthetic people; prints where to look
	$(BIN)/exposure demo

test: $(BIN)/.dev browser  ## all tests, on SQLite and on a PostgreSQL and a Valkey that they start
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term:skip-covered
	$(BIN)/python tests/coverage_floor.py

bench: $(BIN)/.dev  ## import, rows, point reads, requests, a lost store and answers that must look alike, against floors beside them; a quarter of an hour
	$(BIN)/python -m benchmarks

adversary: $(BIN)/.dev  ## a whole attack on loopback, 100,000 tries, and 1,000 honest people beside it; about six minutes
	$(BIN)/python -m benchmarks.adversary

browser:  ## a Chromium and a Korean font for the tests of the pages, where there is none
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || { \
	  echo "make test needs a Chromium: install the package 'chromium' (and 'fonts-noto-cjk')" >&2; exit 1; }

lint: $(BIN)/.dev  ## ruff, mypy (strict), the layers of the house, the Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(BIN)/.dev  ## lay the code out
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(BIN)/.dev  ## newest versions that pyproject.toml admits, with their hashes
	$(UV_PIP_COMPILE) -o requirements.txt
	$(UV_PIP_COMPILE) --group dev -o requirements-dev.txt

clean:  ## take away what the other words made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
