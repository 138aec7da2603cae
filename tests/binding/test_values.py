"""What SQL counts of a column's values equals what is counted of them in memory, whatever their type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pytest

import ppp_duck
from ppp_duck.features.choice import Column, Decision, decide
from ppp_duck.features.counts import column_of
from ppp_duck.running import choosing, group

N = 700

# Of each type an expression of i and what it is as a number (or text) in memory.
TYPED = {
    "BIGINT": "(i * 7919 % 613) * (i % 5)",
    "INTEGER": "CASE WHEN i % 9 > 0 THEN (i * i % 97)::INTEGER END",
    "UTINYINT": "(i * 31 % 200)::UTINYINT",
    "HUGEINT": "(i * i * 1000003)::HUGEINT",
    "BOOLEAN": "CASE WHEN i % 8 > 0 THEN i % 3 = 0 END",
    "DATE": "CASE WHEN i % 11 = 0 THEN NULL WHEN i % 50 = 1 THEN DATE 'infinity' "
    "ELSE DATE '1969-11-05' + (i * i % 331)::INTEGER END",
    "TIMESTAMP": "CASE WHEN i % 50 = 1 THEN TIMESTAMP '-infinity' ELSE "
    "TIMESTAMP '2001-02-03 04:05:06' + to_seconds(i * i * 7 % 100003) + to_milliseconds(i % 2 * 500) END",
    "VARCHAR": "CASE WHEN i % 13 > 0 THEN ['é', '', 'b', 'B', '☃'][1 + i % 5] || (i * i % 40)::VARCHAR END",
    "ENUM('p', 'q', 'r')": "['p', 'q', 'r', NULL][1 + i * i % 4]::ENUM('p', 'q', 'r')",
}
FRACTIONAL = {
    "DOUBLE": "CASE WHEN i % 10 = 0 THEN NULL WHEN i % 50 = 1 THEN 'nan'::DOUBLE WHEN i % 50 = 2 THEN 'inf'::DOUBLE "
    "WHEN i % 50 = 3 THEN '-inf'::DOUBLE ELSE (i * i % 83)::DOUBLE END",
    "FLOAT": "(i * i % 41)::FLOAT / 4",
    "DECIMAL(9,2)": "CASE WHEN i % 7 > 0 THEN (i * i % 900)::DECIMAL(9, 2) / 4 END",
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Column]]:
    """The columns that were decided upon, as they were counted."""
    found: list[Column] = []

    def noted(column: Column) -> Decision:
        found.append(column)
        return decide(column)

    monkeypatch.setattr(choosing, "decide", noted)
    monkeypatch.setattr(group, "decide", noted)
    return iter([found])


def in_memory(con: duckdb.DuckDBPyConnection, table: str, name: str, kind: str, where: str = "true") -> Column:
    """The same column from its values."""
    number = name
    if kind == "DATE":
        number = f"{name} - DATE '1970-01-01'"
    elif kind == "TIMESTAMP":
        number = f"epoch({name})"
    known = f"CASE WHEN isfinite({name}) THEN {number} END" if kind in ("DATE", "TIMESTAMP") else number
    rows = [value for (value,) in con.execute(f"SELECT {known} FROM {table} WHERE {where}").fetchall()]
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return column_of(name, kind, rows)
    return column_of(name, kind, np.array([np.nan if value is None else float(value) for value in rows]))


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("by", [False, True], ids=["all", "by"])
def test_the_same_as_in_memory(told: Iterator[list[Column]], kind: str, by: bool) -> None:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE t AS SELECT {TYPED[kind]} AS f, sin(i) AS x, ['a', 'b', NULL][1 + i % 3] AS g "
                f"FROM range({N}) r(i)").fetchall()  # fmt: skip
    con.execute(f"FROM ppp_cluster('t', {'by' if by else 'exclude'} := ['g'])").fetchall()
    found = [column for column in next(told) if column.name == "f"]
    groups = ["g = 'a'", "g = 'b'", "g IS NULL"] if by else ["true"]
    wanted = [in_memory(con, "t", "f", kind, where) for where in groups]
    if kind == "TIMESTAMP":  # of moments the grid is known
        wanted = [replace(column, whole=True) for column in wanted]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
    assert all(column.counts is not None for column in found)


@pytest.mark.parametrize("kind", FRACTIONAL)
def test_numbers_with_fractions_are_counted_in_the_sample(told: Iterator[list[Column]], kind: str) -> None:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE t AS SELECT ({FRACTIONAL[kind]})::{kind} AS f FROM range({N}) r(i)").fetchall()
    con.execute("FROM ppp_cluster('t')").fetchall()
    by_sql, by_sample = next(told)
    wanted = in_memory(con, "t", "f", "DOUBLE")
    assert (by_sql.rows, by_sql.values, by_sql.low, by_sql.high) == (N, wanted.values, wanted.low, wanted.high)
    assert by_sample.counts == wanted.counts
    assert (by_sample.whole, by_sample.low, by_sample.high) == (kind == "DOUBLE", wanted.low, wanted.high)


def test_in_any_order_and_with_any_number_of_threads(told: Iterator[list[Column]]) -> None:
    con = ppp_duck.connect()
    columns = ", ".join(f"{one} AS f{place}" for place, one in enumerate([*TYPED.values(), *FRACTIONAL.values()]))
    con.execute(f"CREATE TABLE t AS SELECT {columns} FROM range({N}) r(i)").fetchall()
    con.execute("CREATE TABLE u AS FROM t ORDER BY hash(f0, f1)").fetchall()
    found = next(told)
    for threads, table in ((1, "t"), (4, "u")):
        con.execute(f"SET threads = {threads}").fetchall()
        con.execute(f"FROM ppp_cluster('{table}', k := 2)").fetchall()
    half = len(found) // 2
    assert half >= len(TYPED) + len(FRACTIONAL)
    assert found[:half] == found[half:]


def test_no_values_at_all(told: Iterator[list[Column]]) -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT NULL::DOUBLE AS x, NULL::VARCHAR AS s, NULL::INTEGER AS i, sin(r.i) AS y "
                "FROM range(9) r(i)").fetchall()  # fmt: skip
    con.execute("FROM ppp_cluster('t')").fetchall()
    empty = {column.name: (column.rows, column.values, column.counts) for column in next(told) if column.name != "y"}
    assert empty == dict.fromkeys(("x", "s", "i"), (9, 0, None))
