"""What a statement needs stays as long as the statement does, whatever else runs and whoever lets go of what."""

from __future__ import annotations

import gc

import duckdb
import pyarrow as pa
import pytest
from conftest import sizes

import ppp_duck
from ppp_duck.binding.interface import MEASUREMENT, MODEL
from ppp_duck.running.memory import MEMORY, ORPHANS

SOURCE = "SELECT i % 2 * 9 + sin(i) AS x FROM range(40) r(i)"
LONG = "SELECT x, y, tree FROM blobs, range(2000)"  # more rows than DuckDB makes ahead of its reader
MANY = ORPHANS + 6


def default() -> duckdb.DuckDBPyConnection:
    return duckdb.default_connection()


def test_the_default_connection_needs_no_name() -> None:
    ppp_duck.register(default())
    gc.collect()
    found = duckdb.sql(f"SELECT cluster_id, count(*) FROM ppp_cluster('{SOURCE}') GROUP BY ALL ORDER BY ALL").fetchall()
    assert found == [(0, 20), (1, 20)]


def test_the_default_connection_keeps_what_it_chose() -> None:
    told: list[str] = []
    ppp_duck.register(default(), notes=told.append, progress=lambda _: None)
    gc.collect()
    duckdb.sql("FROM ppp_cluster('SELECT 1 AS one, i % 2 * 9 + sin(i) AS x FROM range(40) r(i)')").fetchall()
    assert len(told) == 1
    assert "left out one" in told[0]
    ppp_duck.register(default(), notes=False, progress=False)


def read(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    new = hasattr(relation, "to_arrow_reader")
    return relation.to_arrow_reader(2048) if new else relation.fetch_arrow_reader(2048)


def test_a_slow_reader_is_not_disturbed(fitted: duckdb.DuckDBPyConnection) -> None:
    other = ppp_duck.register(fitted.cursor())
    result = fitted.execute(f"FROM ppp_predict('{LONG}', model := 'seg')")
    first = result.fetchmany(10)
    for _ in range(MANY):
        other.execute("FROM ppp_centers('seg')").fetchall()
    assert len(first) + len(result.fetchall()) == 300_000


def test_a_reader_outlives_the_object_of_its_connection(fitted: duckdb.DuckDBPyConnection) -> None:
    other = ppp_duck.register(fitted.cursor())
    reader = read(other.sql(f"FROM ppp_predict('{LONG}', model := 'seg')"))
    del other
    gc.collect()
    assert sum(len(batch) for batch in reader) == 300_000


def test_one_statement_may_call_as_often_as_it_likes(fitted: duckdb.DuckDBPyConnection) -> None:
    calls = [f"(SELECT count(*) FROM ppp_predict('SELECT {i} AS x, 0 AS y, ''elm'' AS tree', model := 'seg'))"
             for i in range(MANY)]  # fmt: skip
    assert fitted.execute(f"SELECT {' + '.join(calls)}").fetchall() == [(MANY,)]


def test_a_statement_that_is_over_keeps_nothing(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute("PREPARE p AS FROM ppp_predict('blobs', model := 'seg')").fetchall()
    kept = MEMORY.keys(MODEL)
    for begin, end in [("SELECT 1", "SELECT 1"), ("BEGIN", "COMMIT")]:
        fitted.execute(begin).fetchall()
        for _ in range(3):
            fitted.execute("EXECUTE p").fetchall()
            sizes(fitted, "ppp_predict('blobs', model := 'seg')")
        fitted.execute(end).fetchall()
    assert len(MEMORY.keys(MODEL) - kept) == 1


@pytest.mark.parametrize("function", ["ppp_evaluate", "ppp_profile"])
def test_measurements_end_with_their_statement(fitted: duckdb.DuckDBPyConnection, function: str) -> None:
    before = MEMORY.keys(MEASUREMENT)
    assert fitted.execute(f"FROM {function}('blobs', model := 'seg')").fetchall()
    assert MEMORY.keys(MEASUREMENT) == before
