"""Rows come back in the order in which DuckDB gives those of the source, so ``df['c'] = result.cluster_id`` is right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import ppp_duck

# ids in no order; x repeats, z does not, c is a text
ROWS = """
SELECT i * 7919 % {n} AS id, i % 3 * 10e0 + i % 7 AS x, i % 3 * 10e0 + sin(i) AS z, ['oak', 'elm', 'ash'][1 + i % 3] AS c
FROM range({n}) r(i)
"""
FIT = "k := 3, covariance := 'diag', sample_size := 100"
SOURCES: dict[str, Callable[[duckdb.DuckDBPyConnection, Path], Any]] = {
    "table": lambda con, _: con.execute("CREATE TABLE rows AS FROM given"),
    "temp table": lambda con, _: con.execute("CREATE TEMP TABLE rows AS FROM given"),
    "view": lambda con, _: con.execute("CREATE VIEW rows AS FROM given"),
    "pandas": lambda con, _: con.register("rows", con.execute("FROM given").df()),
    "arrow": lambda con, _: con.register("rows", pa.Table.from_pandas(con.execute("FROM given").df())),
    "CTE": lambda con, _: None,
    "query": lambda con, _: None,
    "parquet": lambda con, path: con.execute(f"COPY given TO '{path}'"),
}
CALLS = {
    "cluster, numbers": f"ppp_cluster('%s', columns := ['z'], {FIT}, output := '{{output}}')",
    "cluster, repeating": f"ppp_cluster('%s', columns := ['x', 'c'], {FIT}, output := '{{output}}')",
    "cluster, groups": f"ppp_cluster('%s', columns := ['x'], by := ['c'], {FIT})",
    "separable": f"ppp_separable('%s', columns := ['x', 'z'], {FIT})",
    "predict": "ppp_predict('%s', model := 'seg', output := '{output}')",
    "outliers": "ppp_outliers('%s', model := 'seg')",
}

# DuckDB 1.4 copies a relation on all threads and in any order: a fitted one that must be copied, scores of outliers.
COPIES_KEEP_ORDER = not duckdb.__version__.startswith("1.")
COPIED = ("temp table", "view", "arrow", "CTE", "query")


def given(n: int, threads: int) -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect()
    con.execute(f"SET threads = {threads}")
    con.execute(f"CREATE TABLE given AS {ROWS.format(n=n)}")
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('given', columns := ['x', 'z'], {FIT})").fetchall()
    return con


def ids(con: duckdb.DuckDBPyConnection, relation: str, cte: str = "") -> list[int]:
    return [row[0] for row in con.execute(f"{cte} SELECT id FROM {relation}").fetchall()]


def check(con: duckdb.DuckDBPyConnection, call: str, cte: str = "") -> None:
    wanted = ids(con, "given")
    if "separable" in call:
        kept = set(ids(con, call, cte))
        wanted = [one for one in wanted if one in kept]
    assert ids(con, call, cte) == wanted, call


@pytest.mark.parametrize(("source", "threads"), [("table", 1), ("pandas", 1), *((source, 4) for source in SOURCES)])
def test_rows_keep_their_order(source: str, threads: int, tmp_path: Path) -> None:
    con, path = given(6_007, threads), tmp_path / "rows.parquet"
    SOURCES[source](con, path)
    name = {"query": "FROM given WHERE id >= 0", "parquet": str(path)}.get(source, "rows")
    cte = "WITH rows AS (FROM given)" if source == "CTE" else ""
    sure = COPIES_KEEP_ORDER or threads == 1
    names = [one for one in CALLS if sure or one == "predict" or (one != "outliers" and source not in COPIED)]
    calls = {CALLS[one].format(output=output) % name for one in names for output in ("id", "full")}
    for call in sorted(calls):
        check(con, call, cte)


@pytest.mark.parametrize("call", CALLS)
def test_many_rows_keep_their_order_on_many_threads(call: str) -> None:
    """So many that several threads read the table at once."""
    if call == "outliers" and not COPIES_KEEP_ORDER:
        pytest.skip("DuckDB 1.4 copies in any order")
    con = given(300_007, 4)
    for output in ("id", "full"):
        check(con, CALLS[call].format(output=output) % "given")
