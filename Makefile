# Thin: each target is a command that the README also gives.
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
# the first Python that is recent enough
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
STUDY ?= draguignan
# what `make lowest` tries, and where
LOWEST ?= .venv-lowest
TESTS ?= tests
DEV = .[notebooks,servers,scale,docs,dev]

# tests are rewritten as they are read: what is kept spares that at the next run, and in each process
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test slow lowest lint format docs lab bench bench-national clean

run: $(VENV)/.installed
	$(BIN)/territory run $(STUDY)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

slow: $(VENV)/.installed-dev
	TERRITORY_EXAMPLES=slow $(BIN)/python -m pytest -n 2 --dist loadfile -p nbmake.pytest_plugin --nbmake
	$(BIN)/python tools/mutations.py

lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -n 2 --dist loadfile -m "not slow" $(TESTS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -b html -W --keep-going -q -j 2 docs docs/_build/html

lab: $(VENV)/.installed-dev
	JUPYTER_CONFIG_PATH=notebooks/.jupyter:$$JUPYTER_CONFIG_PATH $(BIN)/jupyter lab notebooks

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/embedded_study.py

bench-national: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/national.py

clean:
	rm -rf $(VENV) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 ou plus récent est nécessaire."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# uv takes half a minute where pip takes three; pip where uv cannot reach what pip is set up for
$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '$(DEV)' || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(DEV)'
	@touch $@ $(VENV)/.installed

# apart from constraints.txt: each dependency at the lowest version that pyproject.toml allows; uv alone resolves so
$(LOWEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/python -m uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
		--resolution lowest-direct --extra scale --extra servers -o $(LOWEST)/lowest.txt pyproject.toml
	$(LOWEST)/bin/python -m uv pip install --quiet --python $(LOWEST)/bin/python -r $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m uv pip install --quiet --python $(LOWEST)/bin/python -c $(LOWEST)/lowest.txt \
		access hypothesis inequality nbmake pytest pytest-xdist
	$(LOWEST)/bin/python -m uv pip install --quiet --python $(LOWEST)/bin/python --no-deps -e .
	@touch $@
