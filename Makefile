# Tasks of Serinus. Everything a task needs is set up by the task itself, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where it is set, each worker and each of the tests' many processes would compile all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-unchecked nightly check kafka test-kafka test-prometheus fetch-argo test-argo bench lock clean

help: ## show the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Serinus needs Python 3.11 or newer, $(PYTHON) is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## play a healthy and a broken rollout through the whole pipeline
	$(BIN)/serinus demo $(DEMO_FLAGS)

check: $(READY) ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check test-unchecked ## everything that needs neither Apache Kafka nor Go nor Prometheus

test-unchecked: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder -m "not kafka and not argo and not prometheus and not nightly" $(PYTEST_FLAGS)

nightly: $(READY) ## the simulations in their full size: hours (CONTRIBUTING.md: how long each takes, and parts of it)
	$(BIN)/python -m pytest --numprocesses logical --dist loadgroup -m "nightly and not kafka" --timeout 1800 --timeout-method thread --durations 0 $(PYTEST_FLAGS)

kafka: $(READY) ## run a single-node Apache Kafka here until Ctrl-C (JDK 17 and Maven)
	deploy/kafka/run

test-kafka: $(READY) ## the tests on real Apache Kafka (JDK 17 and Maven)
	$(BIN)/python -m pytest -m "kafka and not nightly" --timeout 900 -o cache_dir=.pytest_cache/$@ $(PYTEST_FLAGS) tests/integration

test-prometheus: $(READY) ## the tests with a real Prometheus and Alertmanager (tests/prometheus/install)
	$(BIN)/python -m pytest -m prometheus -o cache_dir=.pytest_cache/$@ $(PYTEST_FLAGS) tests/prometheus

fetch-argo: ## fetch and build the code of Argo Rollouts that test-argo runs (Go; minutes, the first time)
	cd tests/argo && go mod download && (cd keda && go mod download github.com/kedacore/keda/v2) && go vet ./...
	cd tests/argo && go test -count=1 -run '^$$' ./...
	cd tests/argo/apiserver && go vet ./... && go build -o /dev/null .

test-argo: $(READY) fetch-argo ## our templates and manifests against the code of Argo Rollouts (Go)
	$(BIN)/python -m pytest -m argo -o cache_dir=.pytest_cache/$@ $(PYTEST_FLAGS) tests/argo

bench: $(READY) ## measure; writes build/bench.json
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

lock: ## pin the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what the tasks made
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
