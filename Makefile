# From a bare clone: `make demo` shows a result, `make test` checks the project.
# Needed: Python 3.11 or newer with its venv module, and make. Nothing is installed outside .venv.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_VENV := build/uv
UV_VERSION := 0.13.9

# PYTHON=/path/to/python chooses the interpreter; otherwise the first of these that is new enough.
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)

# Sets $$python, or ends the recipe with one line that says what to do.
define find_python
python=''; \
for candidate in $(PYTHONS); do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		python=$$candidate; break; \
	fi; \
done; \
if [ -z "$$python" ]; then \
	echo 'error: no Python 3.11 or newer among: $(PYTHONS); install one or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)' >&2; \
	exit 1; \
fi; \
if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	echo "error: $$python lacks the venv module; install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; \
	exit 1; \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo test lint fixtures lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

demo: $(VENV)/.package  ## install, then measure a made-up study into demo-output/
	$(BIN)/scarmetrics demo --out demo-output

test: lint  ## install, then run the linters and all tests
	$(BIN)/pytest -n auto --maxprocesses 2

lint: $(VENV)/.package  ## install, then check format, style, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fixtures: $(VENV)/.package  ## make the photographs under fixtures/images again
	$(BIN)/python -m scarmetrics.phantom.fixtures fixtures/images

# Keeps the versions that still fit; `make lock UV_FLAGS=--upgrade` takes the newest.
lock: $(UV_VENV)/bin/uv  ## resolve pyproject.toml into requirements.lock
	$(UV_VENV)/bin/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --extra dev \
		--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' \
		$(UV_FLAGS) pyproject.toml -o requirements.lock

clean:  ## remove the environment, caches and everything made
	rm -rf $(VENV) build dist demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A changed lock gets a fresh environment, so that it holds the locked versions and no others.
$(VENV)/.locked: requirements.lock
	@$(find_python); \
	echo "Making $(VENV) with $$python and installing the locked dependencies (takes minutes)"; \
	"$$python" -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# pip check ends in an error where pyproject.toml asks for what the lock does not hold.
$(VENV)/.package: $(VENV)/.locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) check
	@touch $@

$(UV_VENV)/bin/uv:
	@$(find_python); "$$python" -m venv --clear $(UV_VENV)
	@$(UV_VENV)/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
