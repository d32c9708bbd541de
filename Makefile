# The commands of the project; every one works on a fresh machine with Python >= 3.11 and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Two stamps in one environment: what table 2 needs, and all of the rest on top of it.
TABLE2 := $(VENV)/.table2
STAMP  := $(VENV)/.installed

install = $(BIN)/python -m pip install --quiet --disable-pip-version-check \
  --constraint constraints.txt --editable

.DEFAULT_GOAL := help
.PHONY: help setup table2 test coverage mutants style lint docs bench fuzz faults audit clean

help:
	@echo "make table2    install what it needs into $(VENV), denoise photographs and print table 2"
	@echo "make test      install the rest, lint, check types and run the tests"
	@echo "make coverage  say which lines and branches no test takes"
	@echo "make mutants   change one thing at a time in the modules that decide, and see a test fail"
	@echo "make setup     only build $(VENV)"
	@echo "make lint      ruff, mypy, and the floors of the house (import-linter)"
	@echo "make docs      build the pages of docs into docs/_build/html"
	@echo "make bench     measure the speed of the kernels"
	@echo "make fuzz      feed odd arrays and damaged files to everything public, for an hour"
	@echo "make faults    kill work 360 times, call from 8 threads, look at the memory"
	@echo "make audit     ask for known faults of the versions in constraints.txt"
	@echo "make clean     remove $(VENV), caches and build files"

setup: $(STAMP)

$(TABLE2): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(install) '.[table2]'
	@touch $@

$(STAMP): $(TABLE2)
	$(install) '.[dev]'
	@touch $@

table2: $(TABLE2)
	$(BIN)/python -m comparisons.table2

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

lint: style
	$(BIN)/mypy

# Tests run in a process for each core, at most eight: WORKERS=0 for one, as a debugger wants it.
# Each process has one thread of BLAS and of OpenMP, so that they do not wait for one another, and
# keeps the bytecode of modules for the hundreds of processes that tests start, as Python does
# unless told otherwise.
WORKERS ?= $(shell nproc)
PYTEST  := -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal

# Types are checked beside the tests: what mypy says comes last, and both must pass.
test: style
	@types=$$(mktemp); trap 'rm -f "$$types"' EXIT; \
	$(BIN)/mypy > "$$types" 2>&1 & mypy=$$!; trap 'kill $$mypy' INT TERM; \
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	  $(BIN)/python $(PYTEST); tests=$$?; \
	wait $$mypy; typed=$$?; echo $(BIN)/mypy; cat "$$types"; exit $$((tests | typed))

coverage: setup
	$(BIN)/python -m coverage erase
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m coverage run $(PYTEST)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# As much as you like, of each module: make mutants MUTANTS=50; 0 for all.
MUTANTS ?= 0

mutants: setup
	$(BIN)/python -m tests.mutants --count $(MUTANTS)

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: setup
	$(BIN)/python -m benchmarks

# As much as you like: make fuzz RUNS=200000 EXAMPLES=2000; make faults KILLS=60 CALLS=1000
RUNS     ?= 200000
EXAMPLES ?= 2000
KILLS    ?= 60
CALLS    ?= 1000

fuzz: setup
	$(install) '.[fuzz]'
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz
	$(BIN)/python -m tests.fuzz.guided --runs $(RUNS) --seconds 0

faults: setup
	$(BIN)/python -m pytest tests/faults
	$(BIN)/python -m tests.faults.kills --kills $(KILLS)
	$(BIN)/python -m tests.faults.mixed --calls $(CALLS) --growth $(CALLS)

audit: setup
	-@$(install) '.[audit]'
	$(BIN)/python -m tests.audit

clean:
	rm -rf $(VENV) build dist docs/_build docs/generated docs/tutorials/clean docs/tutorials/noisy docs/tutorials/stripes docs/tutorials/*.toml *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
