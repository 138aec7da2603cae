"""Models as tables wherever SQL can have them: exported, copied, attached, in a transaction, changed between executions."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from conftest import SEG, cluster, predict, refused

import ppp_duck


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_exported_and_read_back(fitted: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    expected = cluster(fitted)
    path = tmp_path / f"seg.{kind}"
    fitted.execute(f"COPY seg TO '{path}'").fetchall()
    assert predict(fitted, model=str(path)) == expected
    fitted.execute(f"CREATE TABLE again AS FROM '{path}'").fetchall()
    assert predict(fitted, model="again") == expected
    assert fitted.execute("FROM ppp_info('again')").fetchall() == fitted.execute("FROM ppp_info('seg')").fetchall()


def test_csv_of_texts_only(fitted: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    fitted.execute(f"COPY seg TO '{tmp_path / 'seg.csv'}'").fetchall()
    fitted.execute(f"CREATE TABLE texts AS FROM read_csv('{tmp_path / 'seg.csv'}', all_varchar := true)").fetchall()
    assert predict(fitted, model="texts") == cluster(fitted)
    assert len(fitted.execute("FROM ppp_trials('texts')").fetchall()) == len(
        fitted.execute("FROM ppp_trials('seg')").fetchall()
    )


def test_copied_to_another_database_and_attached_read_only(fitted: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    expected = cluster(fitted)
    fitted.execute(f"ATTACH '{tmp_path / 'models.duckdb'}' AS models").fetchall()
    fitted.execute("CREATE TABLE models.seg_2024 AS FROM seg").fetchall()
    assert predict(fitted, model="models.seg_2024") == expected
    fitted.execute("DETACH models").fetchall()
    fitted.execute(f"ATTACH '{tmp_path / 'models.duckdb'}' AS models (READ_ONLY)").fetchall()
    assert predict(fitted, model="models.seg_2024") == expected
    with ppp_duck.connect(tmp_path / "new.duckdb") as other:
        other.execute(f"ATTACH '{tmp_path / 'models.duckdb'}' AS models (READ_ONLY)").fetchall()
        other.register("frame", fitted.execute("FROM blobs").df())
        assert predict(other, "frame", "models.seg_2024") == expected


def test_every_place_a_model_and_a_source_can_be(fitted: duckdb.DuckDBPyConnection) -> None:
    expected = cluster(fitted)
    fitted.execute("CREATE TEMP TABLE passing AS FROM seg").fetchall()
    fitted.execute("CREATE VIEW best AS SELECT * FROM seg ORDER BY random()").fetchall()
    fitted.execute("CREATE TEMP TABLE passing_rows AS FROM blobs").fetchall()
    fitted.execute("CREATE VIEW seen AS FROM blobs").fetchall()
    fitted.register("frame", fitted.execute("FROM seg").df())
    fitted.register("rows", fitted.execute("FROM blobs").df())
    for model in ("passing", "best", "frame", "SELECT model, center, agreement, share, size, cluster_id FROM seg"):
        assert predict(fitted, model=model) == expected, model
    for source in ("passing_rows", "seen", "rows", "FROM blobs", "main.blobs"):
        assert predict(fitted, source) == expected, source
    both = "WITH m AS (FROM seg), s AS (FROM blobs)"
    assert predict(fitted, "s", "m", both) == expected
    in_one = f"WITH m AS (FROM ppp_fit('blobs', {SEG}))"
    assert predict(fitted, "blobs", "m", in_one) == expected


def test_in_an_open_transaction(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN").fetchall()
    con.execute("INSERT INTO blobs VALUES (1000, 0.5, 0.5, 'oak')").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x', 'y'], {SEG})").fetchall()
    assert con.execute("SELECT size FROM seg").fetchall() == [(61,), (50,), (40,)]
    assert predict(con) == cluster(con, options="columns := ['x', 'y'], " + SEG)
    con.execute("ROLLBACK").fetchall()
    with pytest.raises(duckdb.CatalogException, match="seg"):
        con.execute("FROM ppp_predict('blobs', model := 'seg')")


def test_wherever_a_table_function_stands(fitted: duckdb.DuckDBPyConnection) -> None:
    expected = cluster(fitted)
    call = "FROM ppp_predict('blobs', model := 'seg', output := 'full')"
    fitted.execute(f"CREATE TABLE out AS {call}").fetchall()
    fitted.execute(f"INSERT INTO out {call}").fetchall()
    assert fitted.execute("SELECT DISTINCT * FROM out ORDER BY ALL").fetchall() == expected
    fitted.execute(f"CREATE VIEW nightly AS {call}").fetchall()
    assert fitted.execute("FROM nightly ORDER BY ALL").fetchall() == expected
    assert fitted.execute("FROM nightly WHERE cluster_id = 1 ORDER BY ALL").fetchall() == [
        r for r in expected if r[4] == 1
    ]
    fitted.execute("PREPARE p AS FROM ppp_predict($1, model := $2, output := $3) ORDER BY ALL").fetchall()
    assert fitted.execute("EXECUTE p('blobs', 'seg', 'full')").fetchall() == expected
    assert fitted.execute("EXECUTE p('SELECT * FROM blobs', 'seg', 'full')").fetchall() == expected
    fitted.execute("PREPARE f AS SELECT * FROM ppp_fit($1, k := $2, covariance := 'diag')").fetchall()
    assert len(fitted.execute("EXECUTE f('blobs', 2)").fetchall()) == 2
    assert fitted.execute("EXECUTE f('blobs', 3)").fetchall() == fitted.execute("FROM seg").fetchall()


def test_a_models_table_changes_between_executions(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute(
        "PREPARE p AS SELECT count(DISTINCT cluster_id) FROM ppp_predict('blobs', model := 'seg')"
    ).fetchall()
    assert fitted.execute("EXECUTE p").fetchall() == [(3,)]
    fitted.execute("CREATE OR REPLACE TABLE seg AS FROM ppp_fit('blobs', k := 2, covariance := 'diag')").fetchall()
    assert fitted.execute("EXECUTE p").fetchall() == [(2,)]


def test_a_model_without_clusters(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE seg AS FROM ppp_fit('SELECT NULL::DOUBLE AS x FROM range(5)', columns := ['x'])"
    ).fetchall()
    assert con.execute("SELECT cluster_id, size, center FROM seg").fetchall() == [(None, 0, None)]
    assert predict(con, "SELECT 1 AS x") == [(1, *[None] * 7, "no row to fit had all its features")]
    assert con.execute("FROM ppp_centers('seg')").fetchall() == con.execute("FROM ppp_trials('seg')").fetchall() == []


def test_a_fit_without_rows_is_no_model(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE seg AS FROM ppp_fit('FROM blobs WHERE false')").fetchall()
    assert con.execute("FROM seg").fetchall() == []
    assert refused(con, "FROM ppp_info('seg')") == "ppp_info: fit again, or name another model: seg has no rows"


def test_a_model_that_is_not_there_is_duckdbs_own_error(fitted: duckdb.DuckDBPyConnection) -> None:
    for call in ("predict('blobs', model := 'segg')", "centers('segg')"):
        with pytest.raises(duckdb.CatalogException, match="Table with name segg does not exist"):
            fitted.execute(f"FROM ppp_{call}")
