# Sets up, runs, tests and checks. Needs GNU make and Python 3.11 or later, nothing else.
# Every step leaves a stamp as its last act: a second run is quick, a broken-off one starts over.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --progress-bar off --disable-pip-version-check --require-hashes
STEP := @sh deploy/step.sh
COMPILE := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header
# Options for python standalone.py or pytest: make test ARGS="-k outbox -x"
ARGS ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev system-packages run demo test faults bench coverage screenshots check sbom format lock clean

# A Python that was upgraded or removed leaves an environment that no longer starts.
ifneq ($(wildcard $(VENV)/made.stamp),)
ifeq ($(shell $(PY) -V 2>/dev/null),)
$(shell rm -f $(VENV)/*.stamp)
endif
endif

help:  ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(VENV)/run.stamp static/vendor/.stamp  ## Get ready to run: .venv, libraries, browser files
	@:

setup-dev: $(VENV)/dev.stamp static/vendor/.stamp

run: setup  ## Set up and start one centre on this machine
	@$(PY) -m kiosk voices || :
	@exec $(PY) standalone.py $(ARGS)

demo: setup  ## The same with a simulated quarter, in its own data folder
	@HAILONG_VAR=$${HAILONG_VAR:-var}/demo $(PY) -m kiosk voices || :
	@exec $(PY) standalone.py --demo $(ARGS)

# Tests start hundreds of programs: none compiles again what the one before it did.
test faults: export PYTHONDONTWRITEBYTECODE =

test: setup-dev system-packages  ## Run every test; says which were left out and why
	@$(PY) -m pytest -n auto --dist worksteal $(ARGS)

faults: setup-dev  ## Kill, cut, delay and damage from tap to tally: N=10000 schedules, SEED= to repeat
	@$(PY) -m tests.faults $(if $(N),--number $(N)) $(if $(SEED),--seed $(SEED)) $(if $(ON),--on $(ON))

bench: setup-dev  ## Measure speed and memory; AGAINST=COMMIT: ingest and pages, both in turn
	@$(PY) -m tests.bench $(if $(AGAINST),--against $(AGAINST)) $(ARGS)

coverage: setup-dev  ## Measure intervals, daily verdicts and flags, by simulation
	@$(PY) -m tests.simulation $(ARGS)

screenshots: setup-dev  ## Take the README's pictures from the simulated quarter
	@$(PY) -m tests.browser.screenshots
	@$(PY) -m tests.browser.pictures

check: setup-dev  ## Lint, formatting, types, known faults in libraries
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m deploy.supply audit

sbom: setup-dev  ## List all parts with versions and hashes (CycloneDX) in var/sbom/
	@$(PY) -m deploy.supply sbom var/sbom

format: setup-dev  ## Format the code and mend what the linter can
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lock: setup-dev  ## Renew the locks from requirements/*.in (ARGS=--upgrade for newer releases)
	@for name in run dev node; do \
	    $(COMPILE) $(ARGS) requirements/$$name.in --output-file requirements/$$name.txt || exit; \
	done

clean:  ## Remove what the set-up made; data under var/ stays
	@rm -rf $(VENV) node_modules static/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system-packages:
	@sh deploy/test-packages.sh

$(VENV)/made.stamp:
	@sh deploy/venv.sh $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp requirements/run.txt
	$(STEP) "Installing the libraries (requirements/run.txt)" $(PIP) -r requirements/run.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(STEP) "Installing what tests and checks need (requirements/dev.txt)" $(PIP) -r requirements/dev.txt
	@touch $@

# The environment only lends its Python here: a new one is no reason to copy again.
static/vendor/.stamp: package.json package-lock.json deploy/vendor.py | $(VENV)/made.stamp
	$(STEP) "Fetching the browser files (package.json)" $(PY) deploy/vendor.py
	@touch $@
