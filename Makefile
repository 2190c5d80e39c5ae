# Every target does its own set-up and says what it does; a second run is quick.
# Mirrors: PIP_INDEX_URL, NPM_CONFIG_REGISTRY and IMAGE_PREFIX are read from the environment.

PYTHON ?= python3
PYTEST_ARGS ?=
# Two more than there are cores: many tests wait, for a clock or for another process.
WORKERS ?= $(shell echo $$(($$(nproc) + 2)))
LOCK_ARGS ?=
# Such as --python 3.13 --architecture aarch64 --target FOLDER.
BUNDLE_ARGS ?=
# Compiled files are kept, whatever a container's environment says: the tests start the product many
# times, and each of their processes reads all tests.
export PYTHONDONTWRITEBYTECODE =
SET_UP := $(PYTHON) -m scripts.set_up
RUN := .venv/bin/

.DEFAULT_GOAL := help
.PHONY: help demo tags test proof lint bench lock format screenshots bundle

help:  ## Show the targets and the settings.
	@echo "make demo    set up, then run the product with a simulated site"
	@echo "make tags    set up what a reader of tags needs (watchkeeper tags)"
	@echo "make test    set up, then every test (PYTEST_ARGS='tests/rules -k unit' narrows it)"
	@echo "make proof   the long campaigns: kills, outages, histories drawn anew, broken messages, Lighthouse, Node-RED"
	@echo "make lint    ruff, mypy and the architecture test"
	@echo "make bench   the numbers: ingest, rules, points, durability, trip, latency, api, telemetry"
	@echo "make bundle  one archive that installs the product without Internet (BUNDLE_ARGS)"
	@echo "make format  let ruff lay out the code"
	@echo "make screenshots  take the pictures of the documents anew"
	@echo "make lock    resolve the locks again (LOCK_ARGS=--upgrade takes newer versions)"
	@echo
	@echo "WORKERS=0            run the tests in one process; by default in two more than there are cores"
	@echo "PYTHON=python3.12    another interpreter (3.11 or newer)"
	@echo "PIP_INDEX_URL        a mirror of the Python package index"
	@echo "NPM_CONFIG_REGISTRY  a mirror of the npm registry"
	@echo "IMAGE_PREFIX         a mirror of the container images, ending in /"

demo:  ## Set up and run the product with a simulated site.
	@$(SET_UP) demo
	@exec $(RUN)watchkeeper up --demo

tags:  ## Set up what a PC/SC reader of tags needs.
	@$(SET_UP) tags

test:  ## Set up and run every test.
	@$(SET_UP) test
	@exec $(RUN)python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

proof:  ## Set up and run the long campaigns.
	@$(SET_UP) test
	@exec $(RUN)python -m pytest proof/ $(PYTEST_ARGS)

lint:  ## Check style, types and architecture.
	@$(SET_UP) lint
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	@# Side by side: each takes one processor.
	$(RUN)mypy & types=$$!; $(RUN)python -m pytest -q tests/test_architecture.py; rooms=$$?; \
		wait $$types && exit $$rooms

bench:  ## Measure what the product promises.
	@$(SET_UP) test
	$(RUN)watchkeeper bench ingest --messages 200000 --json
	$(RUN)watchkeeper bench rules --json
	$(RUN)watchkeeper bench points --json
	$(RUN)watchkeeper bench durability --json
	$(RUN)watchkeeper bench trip --json
	$(RUN)watchkeeper bench latency --rate 1000 --json
	$(RUN)watchkeeper bench api --json
	$(RUN)python -m bench.telemetry --json

bundle:  ## Build the archive that installs the product without Internet.
	@$(SET_UP) bundle
	$(RUN)python -m scripts.bundle $(BUNDLE_ARGS)

screenshots:  ## Take the pictures of the documents anew.
	@$(SET_UP) test
	$(RUN)python -m tests.web.quality.screenshots

format:  ## Lay out the code.
	@$(SET_UP) lint
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

lock:  ## Resolve the Python and npm locks (LOCK_ARGS=--upgrade takes newer versions).
	@$(SET_UP) lock
	$(RUN)python -m scripts.lock $(LOCK_ARGS)
	cd web/assets && npm install --package-lock-only --ignore-scripts
	cd tests/servers/oidc && npm install --package-lock-only --ignore-scripts
	cd tests/servers/flux && npm install --package-lock-only --ignore-scripts
	cd tests/web/quality && npm install --package-lock-only --ignore-scripts
	cd proof/node_red && npm install --package-lock-only --ignore-scripts
