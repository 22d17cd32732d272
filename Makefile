# What one can do here. Programs go into .venv, which `make clean` removes; what a RabbitMQ or PostgreSQL of the
# tests keeps is in the temporary folder, and goes when it stops.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PY := .venv/bin/python
WITH_BROKER := $(PY) scripts/with-broker
WITH_SERVICES := $(PY) scripts/with-postgres scripts/with-broker
# Most tests of the whole wait for something, so three processes keep two cores busy. One test at a time is handed
# out, so that the long ones do not gather in one process.
IN_PARALLEL := --numprocesses 3 --maxschedchunk 1
SETUP := scripts/install pyproject.toml requirements/build.txt

.PHONY: help
help:  ## list what one can do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F '|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: install
install: .venv/.runtime  ## make .venv with the kit-worker command

.PHONY: demo
demo: .venv/.runtime  ## see it work: a dozen events, and what each did (ARGS=--keep: then try it yourself)
	@$(WITH_BROKER) .venv/bin/kit-worker demo $(ARGS)

.PHONY: test
test: .venv/.dev  ## run the tests, with a real RabbitMQ, PostgreSQL and browser (ARGS='-k name': some)
	@$(WITH_SERVICES) .venv/bin/pytest --quiet $(IN_PARALLEL) --ignore tests/chaos $(ARGS)

.PHONY: chaos
chaos: .venv/.dev  ## break everything under load and check that nobody is wrong (ARGS=--full: 21 minutes; ARGS=--bulk: with bulk calls)
	@$(WITH_SERVICES) .venv/bin/pytest --quiet $(IN_PARALLEL) tests/chaos $(ARGS)

.PHONY: test-fast
test-fast: .venv/.dev
	@.venv/bin/pytest --quiet --numprocesses 2 tests/unit tests/bench tests/container $(ARGS)

.PHONY: check-fast
check-fast: format-check lint types test-fast  ## before each commit, within a minute: format, lint, types, the tests that need no services

.PHONY: check
check: format-check lint types test  ## the one gate: format, lint, types, tests

.PHONY: format
format: .venv/.dev  ## put the code into its format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --quiet --fix --exit-zero .

.PHONY: format-check
format-check: .venv/.dev
	@.venv/bin/ruff format --quiet --check --output-format concise . || { echo "format: not in its format: run 'make format'." >&2; exit 1; }
	@echo "format: in order"

.PHONY: lint
lint: .venv/.dev  ## look for mistakes (ruff)
	@.venv/bin/ruff check --quiet --output-format concise .
	@echo "lint:   in order"

.PHONY: types
types: .venv/.dev  ## check the types (mypy, strict)
	@.venv/bin/mypy --no-error-summary
	@echo "types:  in order"

.PHONY: bench
bench: .venv/.dev  ## measure beside a plain and a FastStream consumer, 15 minutes (ARGS=--short: counts, a minute)
	@$(WITH_SERVICES) $(PY) -m tests.bench $(ARGS)

.PHONY: charts
charts: .venv/.dev  ## draw the charts and the table of docs/performance.md from docs/pictures/performance.json
	@$(PY) -m tests.bench --show docs/pictures/performance.json --record

.PHONY: passwords
passwords:  ## write passwords for docker compose into .env, where there are none
	@scripts/passwords

.PHONY: pictures
pictures: .venv/.dev  ## take the pictures of the main views into docs/pictures (in Chromium)
	@scripts/with-broker $(PY) -m tests.page.pictures

.PHONY: compose-trial
compose-trial: .venv/.dev  ## try docker-compose.yml with three workers (needs Docker)
	@$(PY) -m tests.container.trial

.PHONY: cluster-trial
cluster-trial: .venv/.dev  ## try a cluster of three nodes of RabbitMQ with 500 accounts and two shards (needs Docker)
	@$(PY) -m tests.container.cluster $(ARGS)

.PHONY: schema
schema: .venv/.runtime  ## write config/account.schema.json and config/tests.schema.json, for editors
	@.venv/bin/kit-worker schema account > config/account.schema.json.new
	@mv config/account.schema.json.new config/account.schema.json
	@.venv/bin/kit-worker schema tests > config/tests.schema.json.new
	@mv config/tests.schema.json.new config/tests.schema.json

.PHONY: audit
audit: .venv/.audit  ## look for known vulnerabilities in what is locked (asks PyPI, and fails where it cannot)
	@$(PY) -m scripts.audit

# CycloneDX, of what requirements/runtime.txt locks, which is what the image gets.
SBOM := dist/kit-worker.cdx.json
.PHONY: sbom
sbom: .venv/.audit  ## write dist/kit-worker.cdx.json: which packages the image has (CycloneDX)
	@mkdir -p $(dir $(SBOM))
	@.venv/audit/bin/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --short-PURLs \
		--output-reproducible --output-file $(SBOM) requirements/runtime.txt
	@echo "sbom: $(SBOM)"

# The newest versions that pyproject.toml allows. The smaller sets follow the largest, so that all agree.
COMPILE := .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
.PHONY: lock
lock: .venv/.dev  ## lock the newest allowed versions, with their hashes
	@[ -x .venv/lock/bin/uv ] || { $(PY) -m venv .venv/lock && .venv/lock/bin/pip --quiet --disable-pip-version-check install uv; }
	@$(COMPILE) --upgrade --group dev --output-file requirements/dev.txt pyproject.toml requirements/build.in
	@$(COMPILE) --upgrade --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml
	@$(COMPILE) --upgrade --constraint requirements/dev.txt --output-file requirements/build.txt requirements/build.in
	@if command -v npm >/dev/null; then npm update --prefix tests/node --package-lock-only --omit-lockfile-registry-resolved --silent; \
		else echo "lock: there is no Node.js (npm): tests/node/package-lock.json stays as it is" >&2; fi
	@$(COMPILE) --upgrade --output-file requirements/audit.txt requirements/audit.in

.PHONY: clean
clean:  ## remove what the other targets made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist tests/node/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: $(SETUP) requirements/runtime.txt
	@scripts/install runtime
	@touch $@

# All of runtime is in dev, at the same versions.
.venv/.dev: $(SETUP) requirements/dev.txt requirements/runtime.txt tests/node/package-lock.json
	@scripts/install dev
	@touch .venv/.runtime $@

# By themselves, since nothing of the worker needs them.
.venv/.audit: requirements/audit.txt | .venv/.runtime
	@$(PY) -m venv --clear .venv/audit
	@.venv/audit/bin/python -m pip -qq --disable-pip-version-check --no-input install --require-hashes --only-binary :all: \
		-r requirements/audit.txt
	@touch $@
