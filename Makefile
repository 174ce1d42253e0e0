# make run: the product with its demo company.  make test: the tests.  Neither needs anything set up before.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PYTHONDONTWRITEBYTECODE ?= $(CI)

.DEFAULT_GOAL := run
.PHONY: run test lint bench format lock assets dev clean

run: $(VENV)/.run assets/dist/.built
	exec $(BIN)/python -m gtmops up $(ARGS)

test: $(VENV)/.dev assets/dist/.built
	./.ci/chromium
	$(BIN)/python -m pytest -n auto $(ARGS)

bench: $(VENV)/.dev $(VENV)-bench/.ready assets/dist/.built
	BENCH_PYTHON=$(abspath $(VENV)-bench/bin/python) $(BIN)/python -m tests.benchmarks $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lint

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(git ls-files -co --exclude-standard 'templates/*.html')

dev: $(VENV)/.dev
assets: assets/dist/.built

$(VENV)/.uv: requirements/bootstrap.txt
	@if [ -z "$(PYTHON)" ]; then echo "gtmops needs Python 3.11 or newer and none was found. \
	On Debian and Ubuntu: apt-get install python3 python3-venv. Another place: make PYTHON=/path/to/python"; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. \
	On Debian and Ubuntu: apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< \
	|| echo "uv is not to be had here; pip does it, only slower."
	@touch $@

# The machine's own certificates, where it has any: a proxy's may be among them.
UV := $(BIN)/uv $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)

# $(call install,requirements file)
install = { [ -x $(BIN)/uv ] && VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r $(1); } || \
	{ echo "pip installs what uv could not …"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); }

$(VENV)/.run: requirements/embedded.txt $(VENV)/.uv
	@$(call install,$<)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.uv
	@$(call install,$<)
	@touch $(VENV)/.run $@

# The libraries that benchmarks measure beside ours never share an environment with us.
$(VENV)-bench/.ready: requirements/bench.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

node_modules/.installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "npm is missing. On Debian and Ubuntu: apt-get install npm. \
	Elsewhere: Node.js 20 or newer brings it."; exit 1; }
	npm ci --silent
	@touch $@

assets/dist/.built: node_modules/.installed $(shell find assets -type f -not -path 'assets/dist/*')
	npm run --silent build
	@touch $@

lock: $(VENV)/.uv
	cd requirements && for name in bootstrap dev embedded base bench; do \
	  constraint=; case $$name in embedded|base) constraint="-c dev.txt";; esac; \
	  ../$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $$name.in -o $$name.txt $$constraint $(ARGS) || exit 1; done
	npm install --package-lock-only --silent

# Keeps var/, where the data of the embedded servers lies.
clean:
	rm -rf $(VENV) $(VENV)-bench node_modules assets/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
