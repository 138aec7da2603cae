"""What can be the source of ``ppp_cluster``: every kind of relation, by every kind of name."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import THREE, sizes


def test_cte_source(con: duckdb.DuckDBPyConnection) -> None:
    cte = "WITH few AS (SELECT *, DATE '2020-01-01' + id::INTEGER AS day FROM blobs WHERE id >= 60)"
    assert con.execute(
        f"{cte} SELECT cluster_id, count(*) FROM ppp_cluster('few', columns := ['x', 'y']) GROUP BY ALL ORDER BY ALL"
    ).fetchall() == [(0, 50), (1, 40)]
    # A text and a date of a type that only the statement itself sees.
    assert con.execute(
        f"{cte} SELECT cluster_id, count(*) FROM ppp_cluster('few', columns := ['tree', 'day', 'x']) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall() == [(0, 50), (1, 40)]


def test_temporary_table_and_registered_object(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TEMP TABLE passing AS FROM blobs").fetchall()
    assert sizes(con, "ppp_cluster('passing', columns := ['x', 'y', 'tree'])") == THREE
    con.register("handed", con.execute("FROM blobs").df())
    assert sizes(con, "ppp_cluster('handed', columns := ['x', 'y', 'tree'])") == THREE


def test_rows_of_the_open_transaction_are_seen(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN").fetchall()
    con.execute("INSERT INTO blobs SELECT id + 1000, x + 100, y + 100, 'fir' FROM blobs WHERE id < 60").fetchall()
    assert sizes(con, "ppp_cluster('blobs', columns := ['x', 'y'])") == [(0, 60), (1, 60), (2, 50), (3, 40)]
    con.execute("ROLLBACK").fetchall()
    assert sizes(con, "ppp_cluster('blobs', columns := ['x', 'y'])") == THREE


def test_a_table_created_in_the_open_transaction(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN").fetchall()
    con.execute("CREATE TABLE fresh AS FROM blobs").fetchall()
    assert sizes(con, "ppp_cluster('fresh', columns := ['x', 'y'])") == THREE
    con.execute("COMMIT").fetchall()
    assert sizes(con, "ppp_cluster('fresh')") == THREE


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM blobs",
        "FROM blobs",
        "SELECT * FROM blobs; -- with a comment",
        "/* first */ SELECT * FROM blobs -- no end",
        "WITH b AS (FROM blobs) FROM b",
        "(SELECT * FROM blobs)",
        "SELECT * FROM blobs ORDER BY y LIMIT 150",
        "SELECT * REPLACE (x * 2 AS x) FROM blobs WHERE tree IN ('oak', 'elm', 'ash') AND tree <> ';'",
    ],
)
def test_query_text_as_source(con: duckdb.DuckDBPyConnection, query: str) -> None:
    found = con.execute(
        "SELECT cluster_id, count(*) FROM ppp_cluster($1, columns := ['x', 'y']) GROUP BY ALL ORDER BY ALL", [query]
    ).fetchall()
    assert found == THREE


def test_files(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("b.parquet", "b.csv", "b c's.parquet"):
        path = str(tmp_path / name).replace("'", "''")
        con.execute(f"COPY blobs TO '{path}'").fetchall()
        assert sizes(con, f"ppp_cluster('{path}')") == THREE
    con.execute(f"COPY blobs TO '{tmp_path / 'b2.parquet'}'").fetchall()
    assert sizes(con, f"ppp_cluster('{tmp_path}/b*.parquet', columns := ['x', 'y', 'tree'])")[0][0] == 0
    source = f"SELECT * FROM read_csv(''{tmp_path / 'b.csv'}'')"
    assert sizes(con, f"ppp_cluster('{source}')") == THREE


def test_pandas_and_arrow_by_name(con: duckdb.DuckDBPyConnection) -> None:
    frame = con.execute("FROM blobs").df()
    table = pa.Table.from_pandas(frame)
    assert len(frame) == len(table)
    assert con.execute("SELECT count(*) FROM ppp_cluster('frame') WHERE cluster_id = 0").fetchall() == [(60,)]
    assert con.execute("SELECT count(*) FROM ppp_cluster('table') WHERE cluster_id = 0").fetchall() == [(60,)]


@pytest.mark.parametrize(
    ("created", "named"),
    [
        ('"my table"', "my table"),
        ('"my table"', '"my table"'),
        ('"semi;colon"', "semi;colon"),
        ('"it\'s ""quoted"""', '"it\'s ""quoted"""'),
        ('"it\'s ""quoted"""', 'it\'s "quoted"'),
        ('"größe-数"', "größe-数"),
        ('"a.b"', "a.b"),
        ('"a.b"', 'main."a.b"'),
        ('"other one".blobs', '"other one".blobs'),
        ('"other one".blobs', "memory.other one.blobs"),
        ('"SELECT"', "SELECT"),
        ("blobs2", "BLOBS2"),
        ("blobs2", "main.blobs2"),
        ("blobs2", "memory.main.blobs2"),
    ],
)
def test_names(con: duckdb.DuckDBPyConnection, created: str, named: str) -> None:
    con.execute('CREATE SCHEMA "other one"').fetchall()
    con.execute(f"CREATE TABLE {created} AS FROM blobs").fetchall()
    call = "SELECT cluster_id, count(*) FROM ppp_cluster($1) GROUP BY ALL ORDER BY ALL"
    assert con.execute(call, [named]).fetchall() == THREE


def test_names_follow_the_search_path(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA east").fetchall()
    con.execute("CREATE TABLE east.blobs AS FROM main.blobs WHERE id < 110").fetchall()
    con.execute("USE east").fetchall()
    assert sizes(con, "ppp_cluster('blobs')") == [(0, 60), (1, 50)]


def test_columns_of_one_name(con: duckdb.DuckDBPyConnection) -> None:
    """They have the names that DuckDB gives them in a subquery."""
    query = "SELECT * FROM blobs a JOIN blobs b ON a.id = b.id"
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('{query}', columns := ['x', 'Y_1'])").fetchall()
    names = [name for name, *_ in con.execute(f"DESCRIBE FROM ({query})").fetchall()]
    for call in (f"ppp_cluster('{query}', columns := ['x', 'y_1'])", f"ppp_predict('{query}', model := 'seg')"):
        assert [name for name, *_ in con.execute(f"DESCRIBE FROM {call}").fetchall()] == [*names, "cluster_id"]
        assert sizes(con, call) == THREE


def test_a_wrong_name_in_a_query_is_not_told_ours(con: duckdb.DuckDBPyConnection) -> None:
    for name in ("rows", "index", "file_index"):
        with pytest.raises(duckdb.BinderException) as told:
            con.execute(f"FROM ppp_cluster('SELECT {name}, x FROM blobs WHERE y > 0')")
        assert f'Referenced column "{name}" not found' in str(told.value)
        assert '"file_index"' not in str(told.value).replace(f'"{name}" not found', "")
        assert '"rowid"' not in str(told.value)
