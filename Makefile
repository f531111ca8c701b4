# Everything here needs only Python 3.11 or newer (with venv) and make. Try: make help

PYTHON ?= python3
UV ?= uv
NPM ?= npm
ARGS ?=

# Settings of the machine's own Python and pip that would put the libraries somewhere else.
unexport PIP_CONSTRAINT PIP_NO_BINARY PIP_PREFIX PIP_ROOT PIP_TARGET PYTHONHOME PYTHONPATH
# Whoever compiles nothing to be kept compiles everything each time that a program starts, and tests start many.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_USER := 0

PY := .venv/bin/python
INSTALL := $(PY) -m pip install --quiet --quiet
LOCKED := $(INSTALL) --require-hashes --only-binary :all: --requirement
ITSELF := $(INSTALL) --no-deps --no-build-isolation --editable .
LOCK := $(UV) pip compile pyproject.toml --no-config --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" --quiet
# npm writes this file last. Without Node.js and npm the tests that need these clients are skipped, with a word.
CLIENTS := $(if $(shell command -v node && command -v "$(NPM)"),tests/clients/node_modules/.package-lock.json)
NO_LIBRARIES := { echo "The libraries could not be installed. The lines above say why; without a network, or behind a proxy" \
	"or a package mirror that pip doesn't know, this step cannot work. Put that right and run make again."; exit 1; }

.PHONY: help demo test audit platforms format lock upgrade clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@echo "make demo       a fictional service in your browser; nothing to configure (ARGS=\"--port 8099\")"
	@echo "make test       every check and test (ARGS=\"-k calendar\" for a part of the tests)"
	@echo "make audit      looks every library up among the known vulnerabilities (needs a network), and lists their licences"
	@echo "make platforms  adds what Microsoft Teams and Slack need to .venv, for: .venv/bin/auditloop serve"
	@echo "make format     puts the code into its standard form"
	@echo "make lock       writes the lock files again after a change to pyproject.toml (needs uv)"
	@echo "make upgrade    the same, with the newest versions of everything"
	@echo "make clean      removes .venv, the clients for the tests, and all that was built"

demo: .venv/.runtime
	@.venv/bin/auditloop demo $(ARGS)

test: .venv/.dev $(CLIENTS)
	@echo "Checking: formatting"
	@$(PY) -m ruff format --quiet --check . || { echo "Run: make format"; exit 1; }
	@echo "Checking: lint"
	@$(PY) -m ruff check --quiet .
	@echo "Checking: types"
	@# The tests are read meanwhile, once: what that compiles, the workers below needn't compile each for itself.
	@$(PY) -m pytest --collect-only -qq >.venv/.collected 2>&1 & $(PY) -m mypy --no-error-summary; checked=$$?; wait; exit $$checked
	@echo "Checking: which room imports which"
	@.venv/bin/lint-imports --no-logo >.venv/.imports 2>&1 || { cat .venv/.imports; exit 1; }
	@echo "Testing"
	@$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)
	@echo "All checks and tests passed."

audit: .venv/.dev
	@echo "Looking up: known vulnerabilities of the libraries"
	@$(PY) .ci/vulnerabilities.py requirements-platforms.lock requirements-dev.lock
	@echo "Listing: the licences of the libraries that are installed with auditloop"
	@$(PY) -m piplicenses --from=mixed --order=license --packages \
		$$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' requirements-platforms.lock)
	@echo "make test holds these licences against those that are allowed."

platforms: .venv/.platforms

format: .venv/.dev
	@$(PY) -m ruff check --quiet --fix .
	@$(PY) -m ruff format .

upgrade: LOCK += --upgrade
lock upgrade:
	@command -v "$(UV)" >/dev/null 2>&1 || { echo "This needs uv: https://docs.astral.sh/uv (or say where it is: UV=…)"; exit 1; }
	$(LOCK) --group build --group dev --all-extras --output-file requirements-dev.lock
	$(LOCK) --group build --all-extras --constraint requirements-dev.lock --output-file requirements-platforms.lock
	$(LOCK) --group build --constraint requirements-dev.lock --output-file requirements.lock

clean:
	rm -rf .venv tests/clients/node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.created:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
		echo "auditloop needs Python 3.11 or newer, and \"$(PYTHON)\" was not found."; \
		echo "Install Python, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "auditloop needs Python 3.11 or newer; \"$(PYTHON)\" is $$("$(PYTHON)" --version 2>&1)."; \
		echo "Install a newer one, or say where it is: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python comes without venv. On Debian and Ubuntu: sudo apt-get install python3-venv"; \
		echo "Then run make again."; exit 1; }
	@echo "Setting up: a Python environment of its own in .venv"
	@"$(PYTHON)" -m venv .venv
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo ".venv was made by an older Python. Run: make clean, then try again."; exit 1; }
	@touch $@

.venv/.runtime: .venv/.created requirements.lock pyproject.toml
	@echo "Setting up: the libraries in requirements.lock (about half a minute)"
	@$(LOCKED) requirements.lock || $(NO_LIBRARIES)
	@echo "Setting up: auditloop itself"
	@$(ITSELF)
	@touch $@

.venv/.platforms: .venv/.created requirements-platforms.lock pyproject.toml
	@echo "Setting up: the libraries in requirements-platforms.lock (about a minute)"
	@$(LOCKED) requirements-platforms.lock || $(NO_LIBRARIES)
	@echo "Setting up: auditloop itself"
	@$(ITSELF)
	@touch .venv/.runtime $@

.venv/.dev: .venv/.created requirements-dev.lock pyproject.toml
	@echo "Setting up: the libraries in requirements-dev.lock (about a minute)"
	@$(LOCKED) requirements-dev.lock || $(NO_LIBRARIES)
	@echo "Setting up: auditloop itself"
	@$(ITSELF)
	@touch .venv/.runtime .venv/.platforms $@

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json tests/clients/package.json
	@echo "Setting up: the clients of others for the tests, from npm (a few seconds)"
	@if (cd tests/clients && "$(NPM)" ci --loglevel=error >/dev/null); then touch $@; else \
		echo "They could not be installed. The lines above say why; the tests that need them are skipped."; fi
