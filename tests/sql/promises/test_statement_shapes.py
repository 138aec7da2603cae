"""Wherever a call may stand in a statement, it gives what it gives alone."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from conftest import BLOBS, Rows

import ppp_duck
from ppp_duck.running import functions, memory
from ppp_duck.running.functions import for_each

FIT = "columns := ['x', 'y'], k := 3, covariance := 'diag'"
# A call, and a column of what it returns that is not NULL.
CALLS = {
    "cluster": (f"ppp_cluster('blobs', {FIT}, output := 'full')", "id"),
    "cluster by": ("ppp_cluster('blobs', columns := ['x'], k := 1, by := ['tree'])", "id"),
    "fit": (f"ppp_fit('blobs', {FIT})", "center"),
    "predict": ("ppp_predict('blobs', model := 'seg')", "id"),
    "centers": ("ppp_centers('seg')", "feature"),
    "outliers": ("ppp_outliers('blobs', model := 'seg')", "id"),
    "evaluate": ("ppp_evaluate('blobs', model := 'seg')", "inertia"),
    "evaluate by": ("ppp_evaluate('blobs', model := 'by_tree')", "inertia"),
    "profile": ("ppp_profile('blobs', model := 'seg')", "mean"),
    "match": ("ppp_match('seg', 'seg', 'blobs')", "shared_rows"),
}
# {c} is the call, {k} its column; r has 12 rows.
SHAPES = {
    "EXISTS": "FROM r WHERE EXISTS (FROM {c} c WHERE hash(c.{k}) % 20 = r.i)",
    "NOT EXISTS": "FROM r WHERE NOT EXISTS (FROM {c} c WHERE hash(c.{k}) % 20 = r.i)",
    "LATERAL": "SELECT r.i, n FROM r, LATERAL (SELECT count(*) AS n FROM {c} c WHERE hash(c.{k}) % 5 = r.i) l",
    "scalar": "SELECT (SELECT count(DISTINCT {k}) FROM {c})",
    "correlated": "SELECT r.i, (SELECT max(hash(c.{k})) FROM {c} c WHERE hash(c.{k}) % 7 = r.i) FROM r",
    "IN": "FROM r WHERE i IN (SELECT hash(c.{k}) % 20 FROM {c} c)",
    "UNION ALL": "FROM {c} UNION ALL FROM {c}",
    "CTE": "WITH a AS (FROM {c}), b AS (FROM a) SELECT b.* FROM b, (SELECT count(*) FROM a)",
    "none outside": "SELECT (SELECT count(*) FROM {c} c WHERE hash(c.{k}) % 7 = r.i) FROM r WHERE i < 0",
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with ppp_duck.connect() as connection:
        connection.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
        connection.execute("CREATE TABLE r AS FROM range(12) r(i)").fetchall()
        connection.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', {FIT})").fetchall()
        by = "FROM ppp_fit('blobs', columns := ['x'], k := 1, by := ['tree'])"
        connection.execute(f"CREATE TABLE by_tree AS {by}").fetchall()
        yield connection


def rows(con: duckdb.DuckDBPyConnection, statement: str) -> list[str]:
    return sorted(map(repr, con.execute(statement).fetchall()))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gives_what_it_gives_alone(con: duckdb.DuckDBPyConnection, name: str) -> None:
    call, column = CALLS[name]
    con.execute(f"CREATE OR REPLACE TABLE alone AS FROM {call}").fetchall()
    for shape in SHAPES.values():
        assert rows(con, shape.format(c=call, k=column)) == rows(con, shape.format(c="alone", k=column)), shape
    con.execute(f"CREATE OR REPLACE VIEW seen AS FROM {call}").fetchall()
    con.execute(f"PREPARE p AS FROM r WHERE EXISTS (FROM {call} c WHERE hash(c.{column}) % 20 = r.i)").fetchall()
    exists = SHAPES["EXISTS"].format(c="alone", k=column)
    assert rows(con, "FROM seen") == rows(con, "FROM alone")
    assert rows(con, SHAPES["EXISTS"].format(c="seen", k=column)) == rows(con, exists)
    assert rows(con, "EXECUTE p") == rows(con, "EXECUTE p") == rows(con, exists)


def test_calls_inside_calls(con: duckdb.DuckDBPyConnection) -> None:
    """A call in the source of another, and as its model; a correlated subquery around both.

    DuckDB expands no macro inside itself: ppp_predict of ppp_predict is an error of its own.
    """
    inner = f"SELECT x, y FROM ppp_cluster(''blobs'', {FIT.replace(chr(39), chr(39) * 2)}) WHERE cluster_id < 2"
    call = f"ppp_predict('{inner}', model := 'FROM ppp_fit(''blobs'', {FIT.replace(chr(39), chr(39) * 2)})')"
    assert con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall() == [
        (0, 60), (1, 50)
    ]  # fmt: skip
    found = con.execute(f"FROM r WHERE EXISTS (FROM {call} c WHERE c.cluster_id = r.i) ORDER BY i").fetchall()
    assert found == [(0,), (1,)]


def test_more_rows_outside_than_a_chunk_holds(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 1.4 goes through the rounds of a fit for each row outside: one fit goes on for all."""
    call = "ppp_fit('blobs', columns := ['x'], k := 2, covariance := 'diag')"
    found = con.execute(
        f"SELECT count(*) FROM range(5000) r(i) WHERE EXISTS (FROM {call} c WHERE c.cluster_id = r.i)"
    ).fetchall()
    assert found == [(2,)]


def test_one_fit_for_all_rows_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, begun = functions.FUNCTIONS["ppp__fit"], []

    def counted(
        calls: pa.ChunkedArray, groups: pa.ChunkedArray, versions: pa.ChunkedArray, statements: pa.ChunkedArray
    ) -> pa.Array:
        begun.append(len(calls))
        return begin(calls, groups, versions, statements)

    monkeypatch.setitem(functions.FUNCTIONS, "ppp__fit", counted)
    with ppp_duck.connect() as con:
        con.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
        call = f"ppp_cluster('blobs', {FIT})"
        con.execute(f"FROM blobs b WHERE EXISTS (FROM {call} c WHERE c.id = b.id AND c.cluster_id = 1)").fetchall()
    assert begun == [1]


def test_a_refined_fit_in_a_correlated_subquery(con: duckdb.DuckDBPyConnection) -> None:
    call = f"ppp_cluster('blobs', {FIT}, sample_size := 40, refine := 1)"
    con.execute(f"CREATE OR REPLACE TABLE alone AS FROM {call}").fetchall()
    shape = "SELECT i, (SELECT count(*) FROM {} c WHERE c.cluster_id = r.i) FROM range(3) r(i)"
    assert rows(con, shape.format(call)) == rows(con, shape.format("alone"))


def test_equal_rows_are_one_call() -> None:
    seen: list[Rows] = []

    @for_each
    def function(numbers: pa.ChunkedArray, texts: pa.ChunkedArray) -> pa.Array:
        seen.append([(numbers.to_pylist(), texts.to_pylist())])
        return pa.array([[numbers[0].as_py()]], pa.list_(pa.int64()))

    numbers = pa.chunked_array([[1, 2], [1, None, 2, 1]], pa.int64())
    texts = pa.chunked_array([[["a"], ["b"], ["a"], None, ["b"], ["c"]]])
    assert function(numbers, texts).to_pylist() == [[1], [2], [1], [None], [2], [1]]
    assert seen == [[([1], [["a"]])], [([2], [["b"]])], [([None], [None])], [([1], [["c"]])]]


def test_each_measurement_has_its_rows() -> None:
    seen: dict[str, list[int]] = {}

    @memory.for_each_measurement
    def function(key: str, values: pa.ChunkedArray) -> pa.Array:
        seen.setdefault(key, []).extend(values.to_pylist())
        return pa.array([f"{key} {value}" for value in values.to_pylist()])

    keys = pa.chunked_array([["m:1 7", "m:2 7", "m:1 7"], ["m:3 7", "m:2 7"]])
    assert function(keys, pa.chunked_array([[1, 2, 3, 4, 5]])).to_pylist() == ["m:1 1", "m:2 2", "m:1 3", "m:3 4", "m:2 5"]  # fmt: skip
    assert seen == {"m:1": [1, 3], "m:2": [2, 5], "m:3": [4]}
