"""Rows that repeat are looked up, not scored again: with what each would get by itself."""

from __future__ import annotations

import duckdb
import pytest

import ppp_duck
from ppp_duck.running import functions

# 60 distinct rows, 40 times each, and rows with holes, of weight 0, with -0, infinity or NaN.
ROWS = """
SELECT i AS id, (j % 3) * 9 + sin(j) AS x, (j % 2)::INTEGER * 5 AS y, ['a', 'b', NULL][1 + j % 3] AS c, 1 + j % 4 AS w
FROM (SELECT i, i % 60 AS j FROM range(2400) r(i))
UNION ALL SELECT 3000 + i, [NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, -0e0, 0e0][1 + i % 5], -0e0, 'a', i % 2 FROM range(50) r(i)
"""
CALLS = {
    "skip": "columns := ['x', 'y']",
    "impute": "columns := ['x', 'y'], missing := 'impute'",
    "chosen by itself": "exclude := ['id']",
    "texts": "columns := ['x', 'c'], missing := 'impute', k := 3",
    "weights": "columns := ['x', 'y'], weight := 'w'",
    "refined": "columns := ['x', 'y'], refine := 2",
    "k-means": "columns := ['x', 'y'], covariance := 'spherical', k := 3",
}


@pytest.fixture
def many() -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE many AS {ROWS}").fetchall()
    return con


@pytest.mark.parametrize("output", ["id", "full"])
@pytest.mark.parametrize("name", CALLS)
def test_looked_up_as_scored(many: duckdb.DuckDBPyConnection, name: str, output: str) -> None:
    """Against the stored model, which scores every row."""
    many.execute(f"CREATE TABLE seg AS FROM ppp_fit('many', {CALLS[name]})").fetchall()
    scored = many.execute(f"FROM ppp_predict('many', model := 'seg', output := '{output}') ORDER BY id").fetchall()
    found = f"FROM ppp_cluster('many', {CALLS[name]}, output := '{output}') ORDER BY id"
    assert repr(many.execute(found).fetchall()) == repr(scored)  # NaN is not equal to itself
    assert len(scored) == 2450


@pytest.mark.parametrize(("repeats", "scored"), [(3, 600), (4, 150)])
def test_it_is_done_where_most_rows_repeat(monkeypatch: pytest.MonkeyPatch, repeats: int, scored: int) -> None:
    rows = []
    name, assign = "ppp__assign", functions.FUNCTIONS["ppp__assign"]

    def counted(*columns):  # type: ignore[no-untyped-def]
        rows.append(len(columns[0]))
        return assign(*columns)

    monkeypatch.setitem(functions.FUNCTIONS, name, counted)
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE many AS SELECT i % {600 // repeats} AS x FROM range(600) r(i)").fetchall()
    assert (
        len(con.execute("FROM ppp_cluster('many', columns := ['x'], k := 20)").fetchall()) == 600
    )  # too many to screen
    assert sum(rows) == scored


@pytest.mark.parametrize("columns", ["columns := ['x']", "columns := ['x', 'z']"])
@pytest.mark.parametrize("missing", ["auto", "skip"])
def test_why_a_row_without_features_has_no_cluster(columns: str, missing: str) -> None:
    """NULL, NaN and infinity are one row of the sample, but not for one reason."""
    con = ppp_duck.connect()
    con.execute("""CREATE TABLE t AS SELECT x, CASE WHEN isfinite(x) THEN 'a' END AS z FROM (
      SELECT [NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, '-inf'::DOUBLE, 0e0, 9e0, 0e0, 9e0][1 + i % 8] AS x FROM range(400) r(i)
    )""").fetchall()
    call = f"ppp_cluster('t', {columns}, missing := '{missing}', output := 'full')"
    found = con.execute(
        f"SELECT DISTINCT x::VARCHAR, reason FROM {call} WHERE cluster_id IS NULL ORDER BY ALL"
    ).fetchall()
    assert found == [("-inf", "x is infinite"), ("inf", "x is infinite"), ("nan", "x is NaN"), (None, "x is NULL")]
