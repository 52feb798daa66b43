# What a person types. Everything sets itself up; `make` alone lists the commands.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
DATA ?=
EVENTS ?=
LOCAL_CLOUD ?=
export DATA EVENTS LOCAL_CLOUD

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo demo-drift test slow-test unit-test integration-test chaos prove-aws prove-loop prove-api fuzz mutants bench bench-guard lint audit check format up smoke release rollback-code down bundle eda mlflow-ui lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 26

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@echo "setup: installing the locked requirements into $(VENV) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import uv' 2>/dev/null || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# A tool in an environment of its own: what it pins is not what we pin.
.cache/%/.ready: requirements/%.txt | $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@touch $@

setup: $(READY) ## install the locked requirements and `belo` into .venv

demo: $(READY) ## the main job on a local cloud of its own, end to end (DATA=file.csv EVENTS=N)
	@$(BIN)/python -m belo.demo

demo-drift: $(READY) ## the feedback loop closes by itself: prices rise, the alarm rings, a challenger takes over
	@$(BIN)/python -m belo.demo.drift

# Threads that spin while they wait for a core take it from the other worker: a training on a busy machine took ten
# times as long.
test slow-test unit-test integration-test: export OMP_WAIT_POLICY := passive

# Three workers on two cores, since the cloud's one often waits for Terraform; what takes long comes first.
test: $(READY) ## unit tests, and beside them integration tests on MiniStack; all but the slow ones
	@echo "test: unit tests, and beside them integration tests on MiniStack" >&2
	@LOCAL_CLOUD=ministack $(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not slow" \
	  integration_tests tests/training tests

slow-test: $(READY) ## the slow ones: kills, servers, trainings, the retraining loop
	@$(BIN)/pytest -q -n 2 --dist loadfile -m slow tests
	@LOCAL_CLOUD=ministack $(BIN)/pytest -m slow integration_tests

unit-test: $(READY) ## the tests that need no cloud
	@$(BIN)/pytest -n 2 --dist loadfile tests

integration-test: $(READY) ## the tests against a cloud (LOCAL_CLOUD=ministack|localstack)
	@$(BIN)/pytest -m "not slow" integration_tests

chaos: $(READY) ## a million events through the real handler under faults; planted defects must be caught
	@$(BIN)/python -m tests.chaos

prove-aws: $(READY) ## the whole stack without an account: applied to moto, requests, policies and alarms held against AWS's own
	@$(BIN)/python -m tests.aws_proof

prove-loop: $(READY) ## simulated years of markets around the loop: false promotions, time to repair, harm; planted defects
	@$(BIN)/python -m tests.loop

prove-api: .cache/schemathesis/.ready ## POST /price: 2,000 described cases and 100,000 mutated bodies; planted defects must be caught
	@$(BIN)/python -m tests.price_api

fuzz: $(READY) ## millions of mutated payloads; nothing but the declared errors may come out
	@$(BIN)/python -m tests.fuzz

MUTMUT := .cache/mutmut/bin/mutmut
$(MUTMUT): requirements/dev.txt requirements/mutants.txt | $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .cache/mutmut
	@$(BIN)/uv pip sync --quiet --python .cache/mutmut/bin/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python .cache/mutmut/bin/python --require-hashes -r requirements/mutants.txt
	@touch $@

mutants: $(MUTMUT) ## change the core line by line; its tests must notice (half an hour)
	@PATH="$(CURDIR)/.cache/mutmut/bin:$$PATH" $(MUTMUT) run --max-children 2

bench: $(READY) ## what everything costs beside what it could cost (DATA=file.csv); writes build/bench.json
	@$(BIN)/python -m benchmarks.speed

MARGIN ?= 0.2
SECTIONS ?=
bench-guard: $(READY) ## measure again; fails where a ratio is a fifth worse than the committed one (MARGIN=0.2 SECTIONS="scoring put")
	@$(BIN)/python -m benchmarks.speed.guard $(MARGIN) $(SECTIONS)

# Its package fetches the program from GitHub. Where that cannot be reached it is tried once, and the others look all the
# same; on GitHub itself it must be there.
ACTIONLINT := .cache/actionlint/bin/actionlint
.cache/actionlint/.tried: requirements/actionlint.txt | $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .cache/actionlint
	@$(BIN)/uv pip sync --quiet --python .cache/actionlint/bin/python --require-hashes requirements/actionlint.txt 2>$@ || true

lint: .cache/lint/.ready .cache/actionlint/.tried ## workflows, Dockerfiles and compose files
	@if test -x $(ACTIONLINT); then $(ACTIONLINT) .github/workflows/*.yaml; \
	  elif test -n "$${GITHUB_ACTIONS:-}"; then cat .cache/actionlint/.tried >&2; exit 1; \
	  else echo "lint: without actionlint, which cannot be fetched here: .cache/actionlint/.tried says why" >&2; fi
	@.cache/lint/bin/zizmor --quiet --offline .github/workflows
	@.cache/lint/bin/hadolint training/Dockerfile lambdas/Dockerfile
	@if docker compose version >/dev/null 2>&1; then docker compose --profile mlflow config --quiet; fi

audit: .cache/audit/.ready ## known vulnerabilities of what the locks name; says so where nobody can be asked
	@$(BIN)/python -m belo.audit .cache/audit/bin/pip-audit

check: .cache/checkov/.ready lint audit ## style, types, Terraform, checkov, workflows, Dockerfiles
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m belo.terraform check
	@.cache/checkov/bin/checkov -d . --framework terraform dockerfile secrets --skip-path .venv --skip-path .cache --skip-path build \
	  --quiet --compact --skip-download

format: $(READY) ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@terraform fmt -recursive infra

up: $(READY) ## a local cloud with a champion, ready for events; writes build/stack.env
	@$(BIN)/python -m belo.local_cloud up

smoke: $(READY) ## try everything that a stack does, once, on the stack that BELO_STACK names, or `make up` made (RETRAINING=1: a retraining, too)
	@$(BIN)/python -m belo.smoke $(if $(RETRAINING),--retraining)

release: $(READY) ## what was applied last takes over on AWS, a tenth of the calls first; goes back should it fail
	@$(BIN)/python -m belo.release forward

rollback-code: $(READY) ## the functions' code goes back to what ran before the last release
	@$(BIN)/python -m belo.release back

down: $(READY) ## stop it
	@$(BIN)/python -m belo.local_cloud down

bundle: $(READY) ## the zip that Lambda runs (BUNDLE_PYTHON=3.12 for AWS)
	@$(BIN)/python -m belo.bundle $(if $(BUNDLE_PYTHON),--python $(BUNDLE_PYTHON))

eda: $(READY) ## explore a listings file (DATA=file.csv): runs the notebook, leaves build/eda.ipynb
	@$(BIN)/python -m training.explore

mlflow-ui: $(READY) ## the local experiments in a browser
	@$(BIN)/mlflow ui --host 127.0.0.1 --backend-store-uri sqlite:///build/mlflow.db

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: $(READY) ## lock the requirements again (UPGRADE=1 takes newer versions)
	@$(LOCK) $(if $(UPGRADE),--upgrade) -o requirements/dev.txt requirements/dev.in
	@for each in lambda uv worker; do $(LOCK) $(if $(UPGRADE),--upgrade) -c requirements/dev.txt -o requirements/$$each.txt requirements/$$each.in; done
	@for each in ministack checkov lint actionlint schemathesis audit; do $(LOCK) $(if $(UPGRADE),--upgrade) -o requirements/$$each.txt requirements/$$each.in; done

clean: ## remove everything that was built
	@rm -rf build .cache .mypy_cache .ruff_cache .hypothesis
