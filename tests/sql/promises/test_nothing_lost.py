"""Every row comes back, once and as it was, and nothing is left behind."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import THREE, sizes

import ppp_duck
from ppp_duck.running import chunks


def test_every_row_comes_back_unchanged_and_first(con: duckdb.DuckDBPyConnection) -> None:
    result = con.execute("FROM ppp_cluster('blobs') ORDER BY id")
    assert [column[0] for column in result.description] == ["id", "x", "y", "tree", "cluster_id"]
    assert [row[:-1] for row in result.fetchall()] == con.execute("FROM blobs ORDER BY id").fetchall()
    assert sizes(con, "ppp_cluster('blobs')") == THREE


def test_a_volatile_query_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    """The rows that are returned are the rows that were fitted: centres of returned rows are at distance 0 from theirs."""
    rows = con.execute(
        "SELECT x, distance FROM ppp_cluster('SELECT random() AS x FROM range(1000)', k := 1, output := 'full', scale := 'none')"
    ).fetchall()
    mean = sum(x for x, _ in rows) / len(rows)
    assert all(abs(abs(x - mean) - distance) < 1e-9 for x, distance in rows)


def test_a_record_batch_reader_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    reader = pa.Table.from_pandas(con.execute("FROM blobs").df()).to_reader()
    assert reader is not None
    found = con.execute("SELECT count(*) FROM ppp_cluster('reader', columns := ['x', 'y']) WHERE cluster_id = 0")
    assert found.fetchall() == [(60,)]


def test_column_names_are_quoted(con: duckdb.DuckDBPyConnection) -> None:
    names = ['the "x"', "y;--", "größe 数"]
    con.execute('CREATE TABLE odd AS SELECT x AS "the ""x""", y AS "y;--", x + y AS "größe 数" FROM blobs').fetchall()
    assert sizes(con, "ppp_cluster('odd')") == THREE
    found = con.execute("FROM ppp_cluster('odd', columns := $1, output := 'full')", [names])
    assert [column[0] for column in found.description][:3] == names


@pytest.mark.parametrize("output", ["id", "full"])
def test_a_source_without_rows(con: duckdb.DuckDBPyConnection, output: str) -> None:
    call = f"FROM ppp_cluster('SELECT * FROM blobs WHERE false', k := 3, output := '{output}')"
    assert con.execute(call).fetchall() == []
    con.execute("CREATE TABLE none (x DOUBLE, c VARCHAR, v DOUBLE[])").fetchall()
    assert con.execute(f"FROM ppp_cluster('none', missing := 'error', output := '{output}')").fetchall() == []


def test_a_column_called_like_one_of_ours(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE out AS FROM ppp_cluster('blobs', output := 'full')").fetchall()
    again = con.execute("FROM ppp_cluster('out', columns := ['x', 'y'], prefix := 'new_')")
    assert [column[0] for column in again.description][-2:] == ["reason", "new_cluster_id"]
    assert all(row[4] == row[-1] for row in again.fetchall())
    # Names that the statement uses inside itself are free for the user's columns and tables.
    con.execute(
        "CREATE TABLE _ppp_source AS SELECT x AS number_0, y AS row_weight, x * y AS model, id AS _ppp_score FROM blobs"
    ).fetchall()
    call = "ppp_cluster('_ppp_source', columns := ['number_0', 'row_weight', 'model'])"
    assert [size for _, size in sizes(con, call)] == [60, 50, 40]


def test_each_row_is_scored_once(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = []
    real = chunks.Part.points
    monkeypatch.setattr(chunks.Part, "points", lambda part: scored.append(len(part.rows)) or real(part))
    con.execute(
        "SELECT cluster_id, probability, distance + 1 FROM ppp_cluster('blobs', output := 'full') "
        "WHERE probability > 0.5 AND second_probability < 0.4 ORDER BY distance"
    ).fetchall()
    assert sum(scored) == 150


def test_nothing_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with ppp_duck.connect(path) as con:
        con.execute("CREATE TABLE t AS SELECT sin(i) AS x FROM range(50) r(i)").fetchall()
        con.execute("FROM ppp_cluster('t')").fetchall()
    with duckdb.connect(str(path)) as plain:
        assert plain.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("t",)]
        left = "SELECT count(*) FROM duckdb_functions() WHERE starts_with(function_name, 'ppp_')"
        assert plain.execute(left).fetchall() == [(0,)]


def test_dates_stay_dates(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE days AS SELECT DATE '2024-02-29' + (id * 3)::INTEGER AS d FROM blobs").fetchall()
    assert con.execute("SELECT d FROM ppp_cluster('days', columns := ['d']) ORDER BY d LIMIT 1").fetchall() == [
        (datetime.date(2024, 2, 29),)
    ]
