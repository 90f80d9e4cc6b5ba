# Python 3.11+ and make are all that is needed. Everything is installed into .venv in this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Most tests wait for something: several processes, each with its own services; a module's tests stay together.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz crash check format pictures lock clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.bootstrap: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.demo: $(VENV)/.bootstrap requirements/demo.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/demo.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.demo ## Install what the demo needs into .venv

demo: setup ## Run the whole way on this machine and print the board's address (ARGS="--help" for more)
	@exec $(BIN)/kommuncenter demo $(ARGS)

test: $(VENV)/.dev ## Run all tests (ARGS="tests/streams -k laws" for some)
	@$(BIN)/pytest $(SIDE_BY_SIDE) $(ARGS)

fuzz: $(VENV)/.dev ## Fuzz every source with a million inputs (ARGS="asterisk --inputs 50000" for less)
	@nice -n 10 $(BIN)/python -m tests.fuzz $(ARGS)

check: $(VENV)/.dev ## Linters, types, layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kommuncenter dashboards check
	$(BIN)/python -m kommuncenter.documents --check

crash: $(VENV)/.dev ## The large crash test: 200 000 events, 30 workers killed, on both brokers (takes many minutes)
	$(BIN)/pytest -s tests/crash/large.py

format: $(VENV)/.dev ## Put the code into shape, and write the generated files anew
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/kommuncenter dashboards generate
	$(BIN)/python -m kommuncenter.documents

pictures: $(VENV)/.dev ## Take the pictures of the documentation from a running demo (needs Chromium)
	$(BIN)/python docs/take_pictures.py

lock: $(VENV)/.bootstrap ## Resolve the requirements anew, with hashes
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --no-header --extra embedded --group build --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --no-header --extra embedded --group build -c requirements/dev.txt pyproject.toml -o requirements/demo.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --no-header -c requirements/dev.txt pyproject.toml -o requirements/production.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --no-header --group build -c requirements/dev.txt -o requirements/build.txt

clean: ## Remove what was installed and built
	rm -rf $(VENV) var build dist
