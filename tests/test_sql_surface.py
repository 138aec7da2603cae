"""``ppp_cluster`` wherever SQL lets a table function stand, over every kind of source."""

from __future__ import annotations

import datetime
import importlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import sizes

import ppp_duck
from ppp_duck import loaded
from ppp_duck.model import SCORE_COLUMNS

functions = importlib.import_module("ppp_duck.functions")  # the module; the package's attribute is the function
THREE = [(0, 60), (1, 50), (2, 40)]


def test_every_row_comes_back_unchanged_and_first(con: duckdb.DuckDBPyConnection) -> None:
    result = con.execute("FROM ppp_cluster('blobs') ORDER BY id")
    assert [column[0] for column in result.description] == ["id", "x", "y", "tree", "cluster_id"]
    assert [row[:-1] for row in result.fetchall()] == con.execute("FROM blobs ORDER BY id").fetchall()
    assert sizes(con, "ppp_cluster('blobs')") == THREE


def test_full_output_has_the_documented_columns_and_types(con: duckdb.DuckDBPyConnection) -> None:
    described = con.execute("DESCRIBE FROM ppp_cluster('blobs', output := 'full')").fetchall()
    assert {row[0]: row[1] for row in described[4:]} == SCORE_COLUMNS
    rows = con.execute("FROM ppp_cluster('blobs', output := 'full', columns := ['x', 'y'])").fetchall()
    for *_, cluster, probability, second, second_probability, distance, kmeans, separable, reason in rows:
        assert cluster == kmeans
        assert second != cluster
        assert probability > 0.999
        assert 0 <= second_probability < 1e-3
        assert 0 < distance < 1
        assert separable
        assert reason is None


def test_select_with_filters_and_joins_around_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE names AS SELECT * FROM (VALUES (0, 'big'), (2, 'small')) n(cluster_id, label)").fetchall()
    found = con.execute(
        "SELECT label, count(*), min(id) FROM ppp_cluster('blobs') c JOIN names USING (cluster_id) "
        "WHERE id >= 10 AND c.tree <> 'elm' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [("big", 50, 10), ("small", 40, 110)]


def test_create_table_as_insert_and_copy(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute("CREATE TABLE out AS FROM ppp_cluster('blobs')").fetchall()
    con.execute("INSERT INTO out SELECT * FROM ppp_cluster('blobs')").fetchall()
    assert sizes(con, "out") == [(0, 120), (1, 100), (2, 80)]
    con.execute(f"COPY (FROM ppp_cluster('blobs')) TO '{tmp_path / 'out.parquet'}'").fetchall()
    assert sizes(con, f"'{tmp_path / 'out.parquet'}'") == THREE


def test_view(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW segments AS FROM ppp_cluster('blobs')").fetchall()
    assert sizes(con, "segments") == THREE
    con.execute("DELETE FROM blobs WHERE id < 60").fetchall()
    assert sizes(con, "segments") == [(0, 50), (1, 40)]


def test_prepared_statement_with_parameters(con: duckdb.DuckDBPyConnection) -> None:
    call = "SELECT count(DISTINCT cluster_id) FROM ppp_cluster($1, k := $2, columns := $3)"
    assert con.execute(call, ["blobs", 2, ["x", "y"]]).fetchall() == [(2,)]
    con.execute("PREPARE p AS SELECT count(DISTINCT cluster_id) FROM ppp_cluster($1, k := $2)").fetchall()
    assert con.execute("EXECUTE p('blobs', 3)").fetchall() == [(3,)]
    assert con.execute("EXECUTE p('blobs', 2)").fetchall() == [(2,)]
    con.execute("DELETE FROM blobs WHERE id >= 110").fetchall()
    assert con.execute("EXECUTE p('blobs', 2)").fetchall() == [(2,)]


def test_cte_source(con: duckdb.DuckDBPyConnection) -> None:
    cte = "WITH few AS (SELECT *, DATE '2020-01-01' + id::INTEGER AS day FROM blobs WHERE id >= 60)"
    assert con.execute(
        f"{cte} SELECT cluster_id, count(*) FROM ppp_cluster('few', columns := ['x', 'y']) GROUP BY ALL ORDER BY ALL"
    ).fetchall() == [(0, 50), (1, 40)]
    # A text and a date from a source whose types nobody could know at bind time.
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


def test_a_volatile_query_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    """The rows that are returned are the rows that were fitted: centres of returned rows are at distance 0 from theirs."""
    rows = con.execute(
        "SELECT x, distance FROM ppp_cluster('SELECT random() AS x FROM range(1000)', k := 1, output := 'full', scale := 'none')"
    ).fetchall()
    mean = sum(x for x, _ in rows) / len(rows)
    assert all(abs(abs(x - mean) - distance) < 1e-9 for x, distance in rows)


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


def test_a_record_batch_reader_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    reader = pa.Table.from_pandas(con.execute("FROM blobs").df()).to_reader()
    assert reader is not None
    found = con.execute("SELECT count(*) FROM ppp_cluster('reader', columns := ['x', 'y']) WHERE cluster_id = 0")
    assert found.fetchall() == [(60,)]


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


def test_column_names_are_quoted(con: duckdb.DuckDBPyConnection) -> None:
    names = ['the "x"', "y;--", "größe 数"]
    con.execute('CREATE TABLE odd AS SELECT x AS "the ""x""", y AS "y;--", x + y AS "größe 数" FROM blobs').fetchall()
    assert sizes(con, "ppp_cluster('odd')") == THREE
    found = con.execute("FROM ppp_cluster('odd', columns := $1, output := 'full')", [names])
    assert [column[0] for column in found.description][:3] == names


def test_names_follow_the_search_path(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA east").fetchall()
    con.execute("CREATE TABLE east.blobs AS FROM main.blobs WHERE id < 110").fetchall()
    con.execute("USE east").fetchall()
    assert sizes(con, "ppp_cluster('blobs')") == [(0, 60), (1, 50)]


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
        "CREATE TABLE _ppp_source AS SELECT x AS n0, y AS w, x * y AS model, id AS _ppp_score FROM blobs"
    ).fetchall()
    call = "ppp_cluster('_ppp_source', columns := ['n0', 'w', 'model'])"
    assert [size for _, size in sizes(con, call)] == [60, 50, 40]


def test_two_calls_in_one_statement(con: duckdb.DuckDBPyConnection) -> None:
    pairs = con.execute(
        "SELECT a.cluster_id, b.cluster_id, count(*) FROM ppp_cluster('blobs') a "
        "JOIN ppp_cluster('blobs', columns := ['tree'], prefix := '') b USING (id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert pairs == [(0, 0, 60), (1, 1, 50), (2, 2, 40)]
    # One call as the source of another: through a name, since DuckDB 2 refuses a macro inside its own expansion.
    nested = "WITH inner_ids AS (FROM ppp_cluster('blobs', prefix := 'in_'))"
    call = "ppp_cluster('inner_ids', columns := ['x', 'y'])"
    assert con.execute(f"{nested} SELECT count(*) FROM {call} WHERE in_cluster_id = cluster_id").fetchall() == [(150,)]


def test_explain_describe_prepare_and_create_view_do_not_fit(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    real = functions.fit_groups
    monkeypatch.setattr(functions, "fit_groups", lambda *a: fits.append(1) or real(*a), raising=True)
    for statement in ("EXPLAIN {}", "DESCRIBE {}", "PREPARE p AS {}", "CREATE VIEW v AS {}", "DESCRIBE v"):
        con.execute(statement.format("FROM ppp_cluster('blobs', output := 'full')")).fetchall()
        assert not fits, statement
    con.execute("EXECUTE p").fetchall()
    assert len(fits) == 1
    con.execute("SELECT * FROM v WHERE probability > 0.5 AND cluster_id = 1").fetchall()
    assert len(fits) == 2


def test_each_row_is_scored_once(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = []
    real = loaded._points
    monkeypatch.setattr(loaded, "_points", lambda f, ready, rows: scored.append(len(rows)) or real(f, ready, rows))
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
    assert con.execute("SELECT d FROM ppp_cluster('days') ORDER BY d LIMIT 1").fetchall() == [
        (datetime.date(2024, 2, 29),)
    ]
