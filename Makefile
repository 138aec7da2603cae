PYTHON ?= python3
VENV ?= .venv
DUCKDB ?= duckdb
EXTRAS ?= test,lint
TESTS ?=
FUZZ ?= --tables 2000
BIN = $(VENV)/bin

.PHONY: all demo sql test test-doors test-engines test-spark docs lint bench quality fuzz clean

all: lint test

# A stamp per set of tools: nothing is installed twice, and a changed pyproject.toml installs anew.
$(VENV)/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]' '$(DUCKDB)'
	touch $@

$(VENV)/.bench: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' '$(DUCKDB)'
	touch $@

demo: $(VENV)/.made
	$(BIN)/python examples/demo.py

# The macros in sql/ and the statements in sql/golden/; a test says where they are out of date.
sql: $(VENV)/.made
	$(BIN)/python sql/make.py

# A process for each core; -v shows the seed of the order. To repeat it in one: pytest -n 0 --randomly-seed=last, or the seed.
# -rs says which tests were not run: those of databases that are not here. EXTRAS=test,lint,engines installs them.
# Compiled modules are kept, wherever that is turned off: tests start the command line again and again.
test: $(VENV)/.made
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto -v -rs $(TESTS)

# What else opens DuckDB, in a place of its own: dbt holds back tools that lint needs. Nothing is skipped here but by a DuckDB's version.
$(VENV)-doors/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)-doors
	$(VENV)-doors/bin/python -m pip install --quiet --disable-pip-version-check -e '.[plot,dbt,doors]' '$(DUCKDB)'
	$(VENV)-doors/bin/python -c 'import dbt.adapters.duckdb, duckdb_engine, ibis, marimo, sql.magic'
	touch $@

test-doors: $(VENV)-doors/.made
	$(VENV)-doors/bin/python -m pytest -v -rs -m doors tests/test_dbt.py tests/test_pages.py

# The pages that a command makes, and the site, in site/.
docs: $(VENV)/.docs
	$(BIN)/python docs/make.py
	$(BIN)/mkdocs build --strict

$(VENV)/.docs: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]' '$(DUCKDB)'
	touch $@

# The text of ppp_sql on every engine, Spark too, which wants Java: the whole matrix, about an hour.
test-engines: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[engines,spark]' '$(DUCKDB)'
	PPP_ENGINES=whole $(BIN)/python -m pytest -n auto -v tests/portable

# What runs on Spark, which wants Java: one process, as each has a session of its own.
test-spark: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[spark]' '$(DUCKDB)'
	PPP_ENGINES=spark $(BIN)/python -m pytest -v -rs tests/spark tests/test_examples.py -k spark

lint: $(VENV)/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Some minutes; benchmarks/scale/run.py says how the tables that take hours are measured.
bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.round_trip
	$(BIN)/python -m benchmarks.scale.run

# What docs/method.md and the README say of quality, about an hour; the labelled sets lie in ../shared/bench.
quality: $(VENV)/.bench
	$(BIN)/python -m benchmarks.quality.run --large
	$(BIN)/python -m benchmarks.quality.run
	$(BIN)/python -m benchmarks.quality.run --null --seeds 6
	$(BIN)/python -m benchmarks.quality.run --null --large
	$(BIN)/python -m benchmarks.quality.inertia --large
	$(BIN)/python -m benchmarks.quality.separable
	$(BIN)/python -m benchmarks.quality.power
	$(BIN)/python -m benchmarks.quality.speed
	$(BIN)/python -m benchmarks.quality.halves
	$(BIN)/python -m benchmarks.quality.bootstrap
	$(BIN)/python -m benchmarks.tables.run
	$(BIN)/python -m benchmarks.real_tables

# Hostile tables, some hours; FUZZ='--tables 1 --first 14' is one of them. docs/reliability.md has what was found.
fuzz: $(VENV)/.bench
	$(BIN)/python -m benchmarks.fuzz $(FUZZ)

clean:
	rm -rf $(VENV) $(VENV)-doors .venv-lts site .pytest_cache .mypy_cache .ruff_cache .hypothesis
