# Every target does its own set-up and says what it does; a second run is quick.
# Mirrors: PIP_INDEX_URL, NPM_CONFIG_REGISTRY and IMAGE_PREFIX are read from the environment.

PYTHON ?= python3
PYTEST_ARGS ?=
SET_UP := $(PYTHON) -m scripts.set_up
RUN := .venv/bin/

.DEFAULT_GOAL := help
.PHONY: help demo test proof lint bench lock lock-upgrade format

help:  ## Show the targets and the settings.
	@echo "make demo    set up, then run the product with a simulated site"
	@echo "make test    set up, then every test (PYTEST_ARGS='tests/rules -k unit' narrows it)"
	@echo "make proof   the long campaigns: kills, outages, long replays"
	@echo "make lint    ruff, mypy and the architecture test"
	@echo "make bench   the numbers: ingest and latency"
	@echo "make format  let ruff lay out the code"
	@echo "make lock    resolve the locks again after a change of dependencies"
	@echo "make lock-upgrade  the same, with the newest versions allowed"
	@echo
	@echo "PYTHON=python3.12    another interpreter (3.11 or newer)"
	@echo "PIP_INDEX_URL        a mirror of the Python package index"
	@echo "NPM_CONFIG_REGISTRY  a mirror of the npm registry"
	@echo "IMAGE_PREFIX         a mirror of the container images, ending in /"

demo:  ## Set up and run the product with a simulated site.
	@$(SET_UP) demo
	@exec $(RUN)watchkeeper up --demo

test:  ## Set up and run every test.
	@$(SET_UP) test
	@exec $(RUN)python -m pytest $(PYTEST_ARGS)

proof:  ## Set up and run the long campaigns.
	@$(SET_UP) test
	@exec $(RUN)python -m pytest proof/ $(PYTEST_ARGS)

lint:  ## Check style, types and architecture.
	@$(SET_UP) lint
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)python -m pytest -q tests/test_architecture.py

bench:  ## Measure ingest and latency.
	@$(SET_UP) test
	$(RUN)watchkeeper bench ingest --messages 200000 --json
	$(RUN)watchkeeper bench latency --rate 1000 --json

format:  ## Lay out the code.
	@$(SET_UP) lint
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

lock:  ## Resolve the Python and npm locks.
	@$(SET_UP) lint
	@$(RUN)python -c "import uv" 2>/dev/null || $(RUN)python -m pip install "$$($(RUN)python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["lock"][0])')"
	$(RUN)python -m scripts.lock
	cd web/assets && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

lock-upgrade:  ## Resolve the Python locks with the newest versions allowed.
	$(RUN)python -m scripts.lock --upgrade
