# A fresh machine needs Python 3.11+, pip, make and git; everything else is set up here.
PYTHON ?= python3
BIN := .venv/bin

# Without cached byte code every stage compiles its imports again, for ten seconds and more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo run test types units models lint clean
.DEFAULT_GOAL := run

demo: .venv/ready  ## a small experiment, and one sentence answered; then the default one is in place
	$(BIN)/plait run --experiment smoke
	$(BIN)/plait predict "turn on the kitchen lights" --service assistant
	$(BIN)/plait configure default

run: .venv/ready  ## from raw data to a promoted plan per service
	$(BIN)/plait run

test: .venv/ready  ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory --jobs=2 types units

types: .venv/ready
	$(BIN)/mypy

units: .venv/ready
	$(BIN)/pytest -n auto -m "not slow and not gpu and not browser"

models: .venv/ready  ## every approach on every architecture; writes the matrix in docs/models.md
	PLAIT_MATRIX=$${PLAIT_MATRIX:-write} $(BIN)/pytest -n auto --dist worksteal -m slow tests/models

lint: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

clean:  ## every output; the environment stays
	rm -rf digests fetched data weights prepared inputs heldout validation models curves predictions confusions \
	  scores timings/measured timings/requests report finished.json .dvc/cache .plait

# The pip that comes with Python may be old: such a one takes a minute longer.
.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@
