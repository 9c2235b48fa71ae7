# Each target makes the virtual environment .venv once, with what it needs, and uses it from then on.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: demo test lint fuzz bench clean

demo: $(VENV)/.demos ## train the two demos and draw what they learned
	$(RUN) demos/moons.py
	$(RUN) demos/digits.py

test: $(VENV)/.dev ## run the tests
	$(RUN) -m pytest -n auto --dist loadfile

lint: $(VENV)/.dev ## check types, style and layout
	$(RUN) -m mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

fuzz: $(VENV)/.dev ## compare 100,000 random graphs with an independent evaluation
	$(RUN) tests/fuzz.py --graphs 100000

bench: $(VENV)/.bench ## time this project and its peers side by side
	$(RUN) tests/benchmarks/engine.py
	$(RUN) tests/benchmarks/compiled.py
	$(RUN) tests/benchmarks/drawing.py

clean: ## remove everything made here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demos/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version) if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.%: pyproject.toml | $(RUN)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@
