# Each target makes the virtual environment .venv once, with what it needs, and uses it from then on.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --quiet --disable-pip-version-check
TESTS := -n auto --dist loadfile
CAN_BUILD := $(RUN) tests/packaging/can_build.py

.PHONY: demo test lint fuzz bench wheel clean

demo: $(VENV)/.demos ## train the two demos and draw what they learned
	$(RUN) demos/moons.py
	$(RUN) demos/digits.py

# LLVM text that is the same to the letter is compiled once for both ways of the tests, and for their next run.
test: export AUTOGRAD_JIT_CACHE = $(CURDIR)/$(VENV)/jit
# On the C build the doctests and the tests marked `once` are left out. These are of pages in a browser, file formats,
# packaging, documentation and machine code: nothing in them depends on how the engine is built, and they take a third of the time.
test: $(VENV)/.dev ## run the tests twice: all on the plain Python files, and those that use the engine on the C build
	@if $(CAN_BUILD); then $(MAKE) --no-print-directory $(VENV)/c_build; fi
	AUTOGRAD_EXPECT_BUILD=Python $(RUN) -m pytest $(TESTS)
	@if $(CAN_BUILD); then set -x; \
	PYTHONPATH=$(CURDIR)/$(VENV)/c_build AUTOGRAD_EXPECT_BUILD=C $(VENV)/bin/pytest $(TESTS) -m "not once" tests; \
	else echo "So the tests ran on plain Python only."; fi

lint: $(VENV)/.dev ## check types, style and layout
	$(RUN) -m mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

fuzz: $(VENV)/.dev ## compare 100,000 random graphs with an independent evaluation
	$(RUN) tests/support/fuzz.py --graphs 100000

bench: $(VENV)/.bench $(VENV)/c_build ## time this project and its peers side by side
	$(RUN) tests/benchmarks/engine.py
	$(RUN) tests/benchmarks/compiled.py
	$(RUN) tests/benchmarks/loops.py
	$(RUN) tests/benchmarks/hessians.py
	$(RUN) tests/benchmarks/drawing.py

wheel: $(VENV)/.dev ## build two wheels into dist: one of plain Python, and the C build for this Python and system
	rm -rf build
	AUTOGRAD_BUILD=Python $(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	AUTOGRAD_BUILD=C $(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove everything made here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demos/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version) if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.%: pyproject.toml | $(RUN)
	AUTOGRAD_BUILD=Python $(PIP) install --editable '.[$*]'
	touch $@

# The packages as an installation has them, with the C build of the engine.
$(VENV)/c_build: setup.py pytest_autograd.py $(shell find autograd nn -type f -not -name '*.pyc') $(VENV)/.dev
	rm -rf build $@
	AUTOGRAD_BUILD=C $(PIP) install --no-deps --no-build-isolation --target $@ .
	touch $@
