# The only interface to the repository: what a person types and what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/common libs/embedded-kafka libs/cli services/gateway services/key-vault services/connector \
	services/strategy-engine services/paper-exchange services/dashboard
SOURCES := $(PACKAGES) tests
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PIP_NO_INPUT := 1
# Apache Kafka for development and tests, native, from Maven Central
KAFKA := $(BIN)/python -m tests.support.apache_kafka

.DEFAULT_GOAL := help
.PHONY: help run setup test check fmt lint types unit parts e2e bench-backtest clean kafka kafka-deps kafka-test kafka-full access pages browser postgres-deps prometheus-deps simulation simulate

help: ## say what there is
	@grep -hE '^[a-z0-9-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: setup ## start the whole platform on this machine (Ctrl-C stops it)
	@exec $(BIN)/backfuture up $(ARGS)

setup: $(VENV)/.installed ## make the virtual environment with everything the platform needs

$(VENV)/.installed: constraints.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "BackFuture needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing. On Debian: sudo apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (a minute or two, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --upgrade setuptools wheel
	@$(INSTALL) --no-build-isolation $(addprefix --editable ,$(PACKAGES))
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(INSTALL) --requirement requirements-dev.txt
	@touch $@

test: check unit simulation parts e2e kafka-test pages ## everything: format, lint, types, architecture, unit to end-to-end tests

check: $(VENV)/.installed-dev ## format, lint and types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)

unit: $(VENV)/.installed-dev ## architecture, unit and property tests (seconds)
	$(BIN)/pytest -q -n 2 tests/architecture tests/unit tests/property

simulation: $(VENV)/.installed-dev ## ten thousand simulated lives of the money path, each with its disasters
	$(BIN)/pytest -q -n 2 tests/simulation

RUNS ?= 100000
simulate: $(VENV)/.installed-dev ## many more of them (RUNS=100000), or one in full (SEED=n)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--runs $(RUNS) $(if $(FIRST),--first $(FIRST)))

parts: $(VENV)/.installed-dev ## contract and integration tests on the real parts (minutes)
	$(BIN)/pytest -q -n 2 -m 'not real_kafka' tests/contract tests/integration

e2e: $(VENV)/.installed-dev ## the whole platform, used and killed as users and machines do
	$(BIN)/pytest -q -n 2 --dist loadfile tests/e2e tests/chaos

kafka: $(VENV)/.installed-dev ## run Apache Kafka natively until Ctrl-C (NODES=3, PORT=9092, DATA=folder)
	@exec $(KAFKA) --nodes $(or $(NODES),1) --port $(or $(PORT),9092) $(if $(DATA),--data-dir $(DATA))

kafka-deps: $(VENV)/.installed-dev ## fetch Apache Kafka with Maven
	@$(KAFKA) --fetch-only

kafka-test: $(VENV)/.installed-dev ## the bounded part of the tests on Apache Kafka (skipped when it cannot be fetched)
	@if said=$$($(KAFKA) --fetch-only); then set -e; \
		$(KAFKA) --port 0 -- $(BIN)/pytest -q -n 2 tests/contract/broker tests/contract/bus; \
		TEST_BROKER=kafka $(BIN)/pytest -q tests/integration/kafka tests/integration/access tests/integration/engine -m kafka_bounded; \
		echo "brokers used: embedded, and $$said with one and with three nodes"; \
	else echo "brokers used: embedded only ($$said)"; fi

kafka-full: kafka-deps ## every test that can run on Apache Kafka (many minutes)
	$(KAFKA) --port 0 -- $(BIN)/pytest -q tests/contract/broker tests/contract/bus
	TEST_BROKER=kafka $(BIN)/pytest -q tests/integration/kafka tests/integration/access tests/integration/engine
	$(KAFKA) --port 0 -- $(BIN)/pytest -q tests/integration/connector tests/integration/gateway
	$(KAFKA) --port 0 -- $(BIN)/pytest -q tests/e2e/test_money_path.py

postgres-deps: ## install Debian's PostgreSQL server for the tests (as root; nothing is started)
	@test -n "$$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" \
		|| DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql

prometheus-deps: ## install Debian's Prometheus for the tests (as root; nothing is started)
	@command -v prometheus >/dev/null \
		|| DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends prometheus

access: $(VENV)/.installed ## write the access scripts of Kafka and PostgreSQL from the table of identities
	@$(BIN)/python -m backfuture_common.provision access deploy
pages: $(VENV)/.installed-dev browser ## the dashboard in a real browser, on the whole platform
	$(BIN)/pytest -q -n 2 --dist loadfile tests/browser

browser: ## install Chromium for the browser tests, if it is not there (Debian's package)
	@command -v chromium >/dev/null || test -n "$$BACKFUTURE_TEST_CHROMIUM" || { \
		as_root=$$(test "$$(id -u)" = 0 || echo sudo); \
		echo "Installing Debian's chromium ..."; \
		$$as_root apt-get update -qq && $$as_root apt-get install -qq --no-install-recommends chromium fonts-dejavu-core; \
	} || { echo "No Chromium: install it, or name yours: BACKFUTURE_TEST_CHROMIUM=/path/to/chromium"; exit 1; }

bench-backtest: $(VENV)/.installed-dev ## how many candles a second a backtest takes
	$(BIN)/python -m tests.perf.backtest_speed $(ARGS)

fmt: $(VENV)/.installed-dev ## format and mend what can be mended by a tool
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

clean: ## remove the environment and caches (not the platform's state)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
