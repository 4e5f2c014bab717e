PYTHON ?= python3
PYTEST_ARGS ?=
BENCH ?=

# The oldest hikari that is promised; lightbulb accepts no newer one yet, hence a second environment without it.
OLDEST := hikari==2.6.0
NEWEST := hikari>=2.7,<3

# Every Python can read this, also those that could read nothing else here.
IS_NEW := 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("persist needs Python 3.11 or newer, this is %d.%d.%d (%s): make $(MAKECMDGOALS) PYTHON=python3.12" % (v[0], v[1], v[2], sys.executable))'

# Strict editable mode links file by file: a new name needs a new installation, an edited file does not. So each
# environment is stamped with the names of the files, and a changed name is a stamp that does not exist yet.
FILES := $(sort $(wildcard $(foreach folder,persist_core persist_core/_hikaripersist backends integrations,$(folder)/*.py $(folder)/py.typed)))
NAMES := $(firstword $(shell echo '$(FILES)' | cksum))
LINKED := .linked-$(NAMES)

.DEFAULT_GOAL := help
# Both environments link into build/, and so does the wheel: one at a time.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

# Environments

# setuptools warns of what is meant: that a strict editable installation is one.
%/.installed %/$(LINKED): export PYTHONWARNINGS := ignore

.venv/.installed: pyproject.toml
	@test -x .venv/bin/pip || $(PYTHON) -c $(IS_NEW)
	@echo 'Installing what it takes into .venv: a minute or two, and only the first time.'
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv/bin/python -m pip install --quiet --editable '.[all]' --group dev '$(OLDEST)'
	touch $@

.venv-newest/.installed: pyproject.toml
	@test -x .venv-newest/bin/pip || $(PYTHON) -c $(IS_NEW)
	test -x .venv-newest/bin/pip || $(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-newest/bin/python -m pip install --quiet --upgrade --editable '.[arc,cli,compression,crescent,encryption,mysql,opentelemetry,postgresql,prometheus,tanjun]' --group test '$(NEWEST)'
	touch $@

%/$(LINKED): %/.installed
	$*/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	rm -f $*/.linked-*
	touch $@

.PHONY: venv
venv: .venv/$(LINKED) ## Create .venv with everything a contributor needs

.PHONY: sync
sync: ## Install again, whatever changed
	rm -f .venv/.installed
	$(MAKE) venv

# What people run

.PHONY: demo
demo: .venv/$(LINKED) ## Watch a bot lose its process and keep its memory (no token needed)
	.venv/bin/python examples/demo.py

.PHONY: test
test: test-oldest test-newest ## Run all tests twice: on the oldest hikari with every framework, and on the newest

.PHONY: test-oldest
test-oldest: .venv/$(LINKED) ## Run the tests in .venv (PYTEST_ARGS="-k journal" to choose)
	.venv/bin/python -c 'import importlib.metadata as m; print("hikari", m.version("hikari"))'
	.venv/bin/pytest $(PYTEST_ARGS)

.PHONY: test-newest
test-newest: .venv-newest/$(LINKED) ## Run the tests on the newest hikari, without lightbulb
	.venv-newest/bin/python -c 'import importlib.metadata as m; print("hikari", m.version("hikari"))'
	.venv-newest/bin/pytest $(PYTEST_ARGS)

.PHONY: test-once
test-once: .venv/$(LINKED) ## Run the tests that take long: a stranger's backend in an environment of its own
	.venv/bin/pytest -m once $(PYTEST_ARGS)

.PHONY: check
check: .venv/$(LINKED) ## Formatter, linter, mypy, pyright, and the completeness of the public types
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pyright
	$(MAKE) check-public-types

# pyright judges an installed library, so it gets one: the wheel in an environment of its own, and arc, whose errors are
# the bases of some of ours.
.PHONY: check-public-types
check-public-types: .venv/$(LINKED)
	rm -rf build/lib build/public-types
	.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/public-types .
	.venv/bin/python -m venv build/public-types/venv
	build/public-types/venv/bin/python -m pip install --quiet "$$(echo build/public-types/hikari_persist-*.whl)[arc,cli]"
	cd build/public-types && . venv/bin/activate && ../../.venv/bin/pyright --verifytypes persist --ignoreexternal

.PHONY: bench
bench: .venv/$(LINKED) ## Measure (BENCH="--help" for what and how)
	.venv/bin/python benchmarks/run.py $(BENCH)

.PHONY: pages
pages: .venv/$(LINKED) ## Write the pages of the reference that are made of what the code says
	.venv/bin/python docs/tables.py

.PHONY: docs
docs: pages ## Build the documentation into site/
	.venv/bin/mkdocs build --strict --site-dir site

.PHONY: clean
clean: ## Remove everything that was generated, environments too
	rm -rf .venv .venv-newest build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
