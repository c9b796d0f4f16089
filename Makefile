# Everything a user or a contributor runs. Each target works from a fresh clone: it needs Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: setup demo gallery test test-slow lint bench peers survey clean help

help:
	@echo "make demo    the whole experiment: pictures, numbers and a page in ./demo"
	@echo "make gallery docs/gallery.md and its pictures"
	@echo "make test    every test that is not slow      make test-slow   the slow ones"
	@echo "make survey  published optimizer classes against hand-written loops"
	@echo "make lint    ruff, mypy, import-linter        make bench       speed, as ratios"

setup: $(VENV)/.installed

# Installed in editable mode, with what the tests and the linters need; renewed when pyproject.toml or the constraints change.
$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("slalom needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint,video,export]'
	@touch $@

demo: setup
	$(BIN)/slalom demo --out demo

# docs/gallery.md and its pictures, by the commands that it shows.
gallery: setup
	$(BIN)/python docs/make_gallery.py

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow

lint: setup
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup peers
	$(BIN)/python benchmarks/run.py

# Published optimizer classes against hand-written loops: how many race, equal the loop, and train a network.
survey: setup .venv-survey/.installed
	.venv-survey/bin/python benchmarks/survey.py

.venv-survey/.installed: benchmarks/survey.py constraints.txt
	@test -x .venv-survey/bin/python || $(PYTHON) -m venv .venv-survey
	.venv-survey/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade \
		--upgrade-strategy only-if-needed --editable . pytorch_optimizer schedulefree prodigyopt lion_pytorch
	@touch $@

# What the benchmarks compare with lives in an environment of its own; without it they say that it was not measured.
peers: .venv-peers/.installed

.venv-peers/.installed: benchmarks/peers/requirements.txt
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	-.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

clean:
	rm -rf $(VENV) .venv-peers .venv-survey demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
