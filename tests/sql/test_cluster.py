"""``ppp_cluster`` wherever SQL lets a table function stand, over every kind of source."""

from __future__ import annotations

from pathlib import Path

import duckdb
from conftest import THREE, sizes

from ppp_duck.models.model import SCORE_COLUMNS


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


def test_two_calls_in_one_statement(con: duckdb.DuckDBPyConnection) -> None:
    pairs = con.execute(
        "SELECT a.cluster_id, b.cluster_id, count(*) FROM ppp_cluster('blobs') a "
        "JOIN ppp_cluster('blobs', columns := ['tree'], categorical := 'onehot') b USING (id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert pairs == [(0, 0, 60), (1, 1, 50), (2, 2, 40)]
    # One call as the source of another: through a name, since DuckDB 2 refuses a macro inside its own expansion.
    nested = "WITH inner_ids AS (FROM ppp_cluster('blobs', prefix := 'in_'))"
    call = "ppp_cluster('inner_ids', columns := ['x', 'y'])"
    assert con.execute(f"{nested} SELECT count(*) FROM {call} WHERE in_cluster_id = cluster_id").fetchall() == [(150,)]
