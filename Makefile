# Verbs only; what takes more than a few lines lives in scripts/ or in the package.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PORTS ?= default
PYTEST := $(BIN)/pytest
PYTHON_SCRIPTS = $(shell grep -lE '^#!.*python' scripts/*)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-19s %s\n", $$1, $$2 }'

$(VENV)/.demo $(VENV)/.test: exporters/pyproject.toml exporters/constraints.txt scripts/install
	@scripts/install $(@F:.%=%)

.PHONY: up
up: ## Run the stack in Docker: check the machine, start, wait, show the addresses (PROFILES="demo gpu")
	@scripts/up $(PROFILES:%=--profile %)

.PHONY: down
down: ## Stop the stack; data, silences and passwords stay
	@docker compose --profile '*' down

.PHONY: credentials
credentials: ## Show the logins that were created at the first start
	@docker compose run --rm --no-deps --quiet-pull setup credentials

.PHONY: backup
backup: ## Write all that the stack keeps into one archive (TO=folder, KEEP=7 deletes older ones)
	@scripts/backup $(if $(TO),"$(TO)")

.PHONY: restore
restore: ## Fill empty volumes from such an archive, once all of it is checked, and start (FROM=archive, REPLACE=1 deletes what is there)
	@scripts/restore "$(FROM)"

.PHONY: rotate-secrets
rotate-secrets: ## Make all passwords, keys and certificates anew while the stack runs (ONLY="NAME …", DRY_RUN=1)
	@scripts/rotate-secrets $(if $(DRY_RUN),--dry-run) $(ONLY:%=--only %)

.PHONY: test-alerts
test-alerts: ## Send a test alert of each severity through the running stack and say where each arrived
	@scripts/test-alerts

.PHONY: preflight
preflight: ## Check Docker, memory, ports and .env, and say what to mend
	@scripts/preflight && echo "preflight: nothing to mend"

.PHONY: demo
demo: $(VENV)/.demo ## Run everything embedded, without Docker: metrics, alerts, their inbox (Ctrl-C ends it)
	@$(BIN)/vectorwatch demo up --ports $(PORTS)

.PHONY: demo-check
demo-check: $(VENV)/.demo ## Run the demo's story without a person: break the cache, see Slack and mail, mend it
	@$(BIN)/vectorwatch demo check

.PHONY: jaeger
jaeger: ## Build Jaeger from its Go module into .tools/, for `make demo` (needs Go; some minutes the first time)
	@scripts/build-jaeger

.PHONY: test
test: lint validate-rules unit test-logs story ## Run every check: lint, configuration, unit tests, the log half, the whole story

.PHONY: lint
lint: $(VENV)/.test ## Check style and types of Python, YAML and shell
	$(BIN)/ruff check --config exporters/pyproject.toml exporters $(PYTHON_SCRIPTS) && $(BIN)/ruff check tests
	$(BIN)/ruff format --check --config exporters/pyproject.toml exporters $(PYTHON_SCRIPTS) && $(BIN)/ruff format --check tests
	MYPYPATH=exporters $(BIN)/mypy --config-file exporters/pyproject.toml --explicit-package-bases exporters/vectorwatch tests
	$(BIN)/yamllint --strict .
	scripts/list-shell | xargs $(BIN)/shellcheck -x

.PHONY: validate-rules
validate-rules: $(VENV)/.test ## Check and unit-test the Prometheus and Alertmanager configuration
	@scripts/validate-rules

.PHONY: validate-dashboards
validate-dashboards: $(VENV)/.test ## Check the form, the links and the queries of grafana/dashboards/, and that it is as made
	$(PYTEST) tests/config tests/unit/dashboards/test_build.py -k "dashboard or test_build"

.PHONY: lint-rules
lint-rules: ## Ask pint about the rules; built once where Go is, left out where neither is
	@scripts/lint-rules

.PHONY: unit
unit: $(VENV)/.test ## Run the unit and configuration tests (JOBS=4: that many at once)
	$(PYTEST) $(if $(JOBS),--numprocesses $(JOBS) --dist loadfile) tests/unit tests/config

.PHONY: test-logs
test-logs: $(VENV)/.test ## Run the tests of the log half, with all real parts that this machine has
	$(PYTEST) tests/logs

.PHONY: golden-logs
golden-logs: $(VENV)/.test ## Write the documents of the golden log events anew; read the diff
	@$(BIN)/python -m tests.logs.pipeline.golden

.PHONY: test-compose
test-compose: $(VENV)/.test ## Check docker-compose.yml, .env.example and the Dockerfile, without an engine
	$(PYTEST) tests/config/test_compose.py tests/config/test_environment.py tests/config/test_dockerfile.py \
	  tests/config/test_preflight.py tests/config/test_up.py

.PHONY: smoke
smoke: $(VENV)/.test ## Run the unchanged docker-compose.yml on a real Docker engine and check it (Linux, root)
	$(BIN)/python -m tests.smoke

.PHONY: chaos
chaos: $(VENV)/.test ## Crash, kill, pause, cut off, starve and fill every container of docs/reference/chaos.md that has no result yet (Linux, root)
	$(BIN)/python -m tests.chaos

.PHONY: faults
faults: $(VENV)/.test ## Break the demo in every way of docs/reference/fault-matrix.md, see what fires (an hour or two)
	$(BIN)/python -m tests.faults

.PHONY: story
story: $(VENV)/.test ## Run the end-to-end tests: the whole demo, real alerts, faults
	$(PYTEST) tests/e2e

.PHONY: golden
golden: $(VENV)/.test ## Rewrite the recorded expositions after a change of metrics; read the diff
	@PYTEST=$(PYTEST) scripts/rewrite-golden

.PHONY: rules
rules: $(VENV)/.test ## Make prometheus/rules/service-levels.yml anew from prometheus/service-levels.yml
	@mkdir -p build
	$(BIN)/vectorwatch rules service-levels > build/service-levels.yml && mv build/service-levels.yml prometheus/rules/

.PHONY: dashboards
dashboards: $(VENV)/.test ## Make grafana/dashboards/ anew from exporters/vectorwatch/dashboards/
	@$(BIN)/vectorwatch dashboards make

.PHONY: saved-objects
saved-objects: $(VENV)/.test ## Make kibana/saved-objects/ anew from exporters/vectorwatch/elastic/saved_objects/
	@$(BIN)/vectorwatch elastic make-saved-objects

.PHONY: reference
reference: $(VENV)/.test ## Rewrite the pages of docs/reference/ that are made from the code
	$(BIN)/python -m vectorwatch.catalogue docs/reference

.PHONY: bench
bench: $(VENV)/.test ## Measure what the aims are about; writes build/bench.json
	$(BIN)/python -m tests.bench

.PHONY: check-links
check-links: ## Ask for every page elsewhere that the documentation links to; no part of `make test`
	@scripts/check-links

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) .tools .demo build
