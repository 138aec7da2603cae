"""``ppp_match``: which cluster of the old model became which of the new one."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

SPHERICAL = "columns := ['x'], covariance := 'spherical'"


def fit(con: duckdb.DuckDBPyConnection, name: str, source: str, k: int) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {name} AS FROM ppp_fit('{source}', k := {k}, {SPHERICAL})").fetchall()


@pytest.fixture
def line(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Four clusters on a line, of 40, 30, 20 and 10 rows, at 0, 10, 100 and 110."""
    con.execute(
        "CREATE TABLE line AS SELECT [0, 10, 100, 110][c] + sin(i) AS x, c FROM range(40) r(i), range(1, 5) s(c) WHERE i < 50 - 10 * c"
    )
    return con


def match(con: duckdb.DuckDBPyConnection, source: str = "line", cte: str = "") -> list[tuple[Any, ...]]:
    return con.execute(f"{cte} FROM ppp_match('old', 'new', '{source}')").fetchall()


def test_kept(line: duckdb.DuckDBPyConnection) -> None:
    fit(line, "old", "line", 4)
    fit(line, "new", "SELECT x + 0.5 AS x FROM line", 4)
    assert match(line) == [(0, 0, 40, "kept"), (1, 1, 30, "kept"), (2, 2, 20, "kept"), (3, 3, 10, "kept")]


def test_split_and_kept(line: duckdb.DuckDBPyConnection) -> None:
    fit(line, "old", "line", 2)
    fit(line, "new", "line", 4)
    assert match(line) == [(0, 0, 40, "kept"), (0, 1, 30, "split"), (1, 2, 20, "kept"), (1, 3, 10, "split")]


def test_merged_and_kept(line: duckdb.DuckDBPyConnection) -> None:
    fit(line, "old", "line", 4)
    fit(line, "new", "line", 2)
    assert match(line) == [(0, 0, 40, "kept"), (1, 0, 30, "merged"), (2, 1, 20, "kept"), (3, 1, 10, "merged")]


def test_born_and_gone(line: duckdb.DuckDBPyConnection) -> None:
    """Clusters of one model that have no row in the other."""
    fit(line, "old", "FROM line WHERE c < 3", 2)
    fit(line, "new", "FROM line WHERE c > 1 AND c < 4", 2)
    assert match(line, "FROM line WHERE c < 3") == [(0, 0, 40, "kept"), (1, 0, 30, "merged"), (None, 1, 0, "born")]
    assert match(line, "FROM line WHERE c = 1") == [(0, 0, 40, "kept"), (1, None, 0, "gone"), (None, 1, 0, "born")]


def test_half_and_half_is_neither(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE grid AS SELECT a * 10 + sin(i) AS x, b * 10 + cos(i) AS y FROM range(10) r(i), range(2) s(a), range(2) t(b)"
    )
    for name, column in (("old", "x"), ("new", "y")):
        con.execute(
            f"CREATE TABLE {name} AS FROM ppp_fit('grid', columns := ['{column}'], k := 2, covariance := 'spherical', scale := 'standard')"
        )
    assert match(con, "grid") == [
        (0, None, 20, "gone"),
        (1, None, 20, "gone"),
        (None, 0, 20, "born"),
        (None, 1, 20, "born"),
    ]


def test_rows_without_an_id_do_not_count_and_places_do_not_matter(line: duckdb.DuckDBPyConnection) -> None:
    fit(line, "old", "line", 2)
    fit(line, "new", "line", 4)
    expected = match(line)
    line.execute("CREATE TABLE holes AS SELECT x FROM line UNION ALL SELECT NULL FROM range(100)").fetchall()
    assert match(line, "holes") == expected
    assert match(line, "s", "WITH s AS (FROM holes)") == expected
    line.execute("CREATE VIEW changes AS FROM ppp_match('old', 'new', 'line')").fetchall()
    assert line.execute("FROM changes").fetchall() == expected
    line.execute("PREPARE p AS FROM ppp_match($1, $2, $3)").fetchall()
    assert line.execute("EXECUTE p('old', 'new', 'line')").fetchall() == expected
    described = {row[0]: row[1] for row in line.execute("DESCRIBE changes").fetchall()}
    assert described == {"old_id": "INTEGER", "new_id": "INTEGER", "shared_rows": "BIGINT", "event": "VARCHAR"}
