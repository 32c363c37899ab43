# `make demo` and `make test` work on a fresh clone; they need Python 3.11 or newer, and the network once, to install.

BIN := .venv/bin
READY := .venv/.installed
READY6 := .venv-ipykernel6/.installed
MODULES := labextension/node_modules/.yarn-state.yml
PAGE := agentnb/labextension/package.json
LINKED := .venv/.page
# One more than there are processors: tests wait for kernels and browsers much of their time. In the order of their
# folders, for those of the browser take longest and must not come last.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
TIMES ?= 1
IPYKERNEL6_PYTHON = $${AGENTNB_IPYKERNEL6_PYTHON:-$(CURDIR)/.venv-ipykernel6/bin/python}
ARGS ?=

# The first Python that is new enough and can make virtual environments; looked for only when it is needed.
PYTHON = $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v $$python; break; fi; done)

# What the page is made of; `make lab` and `make test` build it, `make demo` does not need it.
PAGE_SOURCES = $(wildcard labextension/*.json labextension/*.mjs labextension/schema/* labextension/yarn.lock) \
	$(shell find labextension/src labextension/style -type f)

# The oldest kernel generation that is supported; it lies over the main environment, which has the newest.
IPYKERNEL6 := ipykernel==6.31.0 nest-asyncio==1.6.0

# Libraries whose threads a branch has to survive and that are too large for every test run; with torch 5 GB on disk.
HAZARDS := lightgbm==4.7.0 numba==0.68.1 torch==2.14.1
READY_HAZARDS := .venv-hazards/.installed
FORKS ?= 1000

YARN = cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm

.DEFAULT_GOAL := help
.PHONY: help install demo page lab test faults stress hazards lint check bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY) $(READY6) ## make the environments that everything below runs in

demo: $(READY) ## run the example notebook in a real kernel, no key needed
	$(BIN)/agentnb demo

page: $(LINKED) ## build what JupyterLab and the widget show, and link it into the environment

lab: $(LINKED) ## open JupyterLab on the examples
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) examples

test: install $(LINKED) ## run the whole test suite; ARGS='-k name' for a part of it
	$(YARN) test
	AGENTNB_IPYKERNEL6_PYTHON=$(IPYKERNEL6_PYTHON) $(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

faults: install $(LINKED) ## run the table of faults, TIMES=5 for five times in a row
	for turn in $$(seq $(TIMES)); do AGENTNB_IPYKERNEL6_PYTHON=$(IPYKERNEL6_PYTHON) \
	$(BIN)/python -m pytest tests/faults tests/browser -k fault $(ARGS) || exit; done

stress: $(READY) ## a thousand forks beside busy threads, and a thousand branches; FORKS=200 for fewer
	AGENTNB_FORKS=$(FORKS) $(BIN)/python -m pytest tests/kernel/test_branch_stress.py --durations 2 $(ARGS)

hazards: $(READY_HAZARDS) ## branches beside torch, numba and LightGBM, in an environment of its own
	.venv-hazards/bin/python -m pytest tests/kernel/native_hazards.py $(ARGS)

lint: $(READY) $(MODULES) ## check style, types and import directions
	$(YARN) check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## lint and test

bench: $(READY) ## measure, side by side with smolagents
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## renew requirements.lock with the newest versions that fit
	@$(need_python)
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip
	build/lock/bin/python -m pip install --quiet --editable . --group bench --group build --group lint --group test
	{ echo '# Exact versions for development, demo and tests. Written by `make lock`.'; \
	build/lock/bin/python -m pip freeze --exclude-editable; } > requirements.lock
	rm -rf build/lock

clean: ## remove the environments and all that was built
	rm -rf agentnb/labextension agentnb/static labextension/node_modules labextension/lib labextension/build
	rm -rf .venv .venv-ipykernel6 .venv-hazards build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

define need_python
test -n "$(PYTHON)" || { echo 'agentnb needs Python 3.11 or newer with venv: type `apt-get install python3-venv`, or name one with `make PYTHON=...`' >&2; exit 1; }
endef

$(READY): requirements.lock pyproject.toml
	@$(need_python)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(READY6): $(READY) Makefile
	test -x .venv-ipykernel6/bin/python || $(BIN)/python -m venv .venv-ipykernel6
	$(BIN)/python -c "import pathlib, site; pathlib.Path('.venv-ipykernel6/lib').glob('python*/site-packages').__next__() \
	.joinpath('main.pth').write_text(f'import site; site.addsitedir({site.getsitepackages()[0]!r})\n')"
	.venv-ipykernel6/bin/python -m pip install --quiet --no-deps $(IPYKERNEL6)
	@touch $@

$(READY_HAZARDS): $(READY) Makefile
	test -x .venv-hazards/bin/python || $(BIN)/python -m venv .venv-hazards
	$(BIN)/python -c "import pathlib, site; pathlib.Path('.venv-hazards/lib').glob('python*/site-packages').__next__() \
	.joinpath('main.pth').write_text(f'import site; site.addsitedir({site.getsitepackages()[0]!r})\n')"
	.venv-hazards/bin/python -m pip install --quiet $(HAZARDS)
	@touch $@

$(MODULES): labextension/package.json labextension/yarn.lock $(READY)
	$(YARN) install --immutable
	@touch $@

$(PAGE): $(PAGE_SOURCES) | $(MODULES)
	$(YARN) build
	@touch $@

$(LINKED): $(PAGE)
	mkdir -p .venv/share/jupyter/labextensions/@agentnb
	ln -sfn $(CURDIR)/agentnb/labextension .venv/share/jupyter/labextensions/@agentnb/labextension
	@touch $@
