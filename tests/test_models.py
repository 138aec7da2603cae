"""Models as tables: stored, exported, copied, damaged; and ``ppp_predict`` of the same and of other rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import said

import ppp_duck
from ppp_duck.model import SCORE_COLUMNS
from ppp_duck.stored import COLUMNS, _check, _json

GOLDEN = Path(__file__).parent / "golden"
OPTIONS = "k := 3, covariance := 'diag'"
SCORES = ", ".join(SCORE_COLUMNS)
Rows = list[tuple[Any, ...]]


@pytest.fixture
def fitted(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', {OPTIONS})").fetchall()
    return con


def cluster(con: duckdb.DuckDBPyConnection, source: str = "blobs", options: str = OPTIONS) -> Rows:
    return con.execute(f"FROM ppp_cluster('{source}', output := 'full', {options}) ORDER BY ALL").fetchall()


def predict(con: duckdb.DuckDBPyConnection, source: str = "blobs", model: str = "seg", cte: str = "") -> Rows:
    call = f"{cte} FROM ppp_predict($1, model := $2, output := 'full') ORDER BY ALL"
    return con.execute(call, [source, model]).fetchall()


def refused(con: duckdb.DuckDBPyConnection, statement: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(statement).fetchall()
    return said(caught.value)


# What a model is


def test_a_model_is_one_readable_row_per_cluster(fitted: duckdb.DuckDBPyConnection) -> None:
    described = fitted.execute("DESCRIBE seg").fetchall()
    assert {row[0]: row[1] for row in described} == COLUMNS
    rows = fitted.execute("SELECT cluster_id, size, share, agreement FROM seg").fetchall()
    assert rows == [(0, 60, 0.4, 1.0), (1, 50, 50 / 150, 1.0), (2, 40, 40 / 150, 1.0)]
    for center, expected in zip(
        fitted.execute("SELECT center FROM seg ORDER BY cluster_id").fetchall(),
        fitted.execute("SELECT tree, avg(x), avg(y) FROM blobs GROUP BY tree ORDER BY min(id)").fetchall(),
        strict=True,
    ):
        found = json.loads(center[0])
        assert [*found] == ["tree", "x", "y"]
        assert (found["tree"], found["x"], found["y"]) == (
            expected[0],
            pytest.approx(expected[1], abs=1e-9),
            pytest.approx(expected[2], abs=1e-9),
        )


def test_centers_are_in_the_units_of_their_columns(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE times AS SELECT DATE '2024-01-01' + (i % 2 * 100)::INTEGER AS d, "
        "TIMESTAMP '2024-01-01 12:00:00' + INTERVAL (i % 2) HOUR AS t, TIME '10:00:00' + INTERVAL (i % 2) MINUTE AS o, "
        "INTERVAL (i % 2 * 90) SECOND AS v, i % 2 = 0 AS b, [i % 2, 5.5 + i % 2] AS l FROM range(40) r(i)"
    ).fetchall()
    found = con.execute("SELECT center FROM ppp_fit('times', k := 2) ORDER BY center").fetchall()
    assert [json.loads(row[0]) for row in found] == [
        {"b": 0.0, "d": "2024-04-10", "l": [1.0, 6.5], "o": "10:01:00", "t": "2024-01-01 13:00:00", "v": "0:01:30"},
        {"b": 1.0, "d": "2024-01-01", "l": [0.0, 5.5], "o": "10:00:00", "t": "2024-01-01 12:00:00", "v": "0:00:00"},
    ]


@pytest.mark.parametrize("covariance", ["spherical", "diag", "tied", "full"])
@pytest.mark.parametrize("scale", ["standard", "robust", "none"])
def test_predict_of_the_training_rows_is_cluster(con: duckdb.DuckDBPyConnection, covariance: str, scale: str) -> None:
    options = f"k := 4, covariance := '{covariance}', scale := '{scale}', separable_at := 0.99"
    con.execute("INSERT INTO blobs VALUES (900, NULL, 1, 'oak'), (901, 1, '-inf', 'oak'), (902, 1, 1, NULL)").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', {options})").fetchall()
    assert predict(con) == cluster(con, options=options)
    ids = "SELECT id, cluster_id FROM ppp_{} ORDER BY id"
    assert (
        con.execute(ids.format("predict('blobs', model := 'seg')")).fetchall()
        == con.execute(ids.format(f"cluster('blobs', {options})")).fetchall()
    )


@pytest.mark.parametrize("found", ["", "k_max := 4", "weight := 'w', columns := ['x', 'y']", "sample_size := 40"])
def test_predict_is_cluster_where_the_data_decide(con: duckdb.DuckDBPyConnection, found: str) -> None:
    con.execute("CREATE TABLE rows AS SELECT *, 1 + id % 3 AS w FROM blobs").fetchall()
    options = f"{found}, covariance := 'spherical'".lstrip(", ")
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', {options})").fetchall()
    assert predict(con, "rows") == cluster(con, "rows", options)


# Where a model can be


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
    in_one = f"WITH m AS (FROM ppp_fit('blobs', {OPTIONS}))"
    assert predict(fitted, "blobs", "m", in_one) == expected


def test_in_an_open_transaction(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN").fetchall()
    con.execute("INSERT INTO blobs VALUES (1000, 0.5, 0.5, 'oak')").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x', 'y'], {OPTIONS})").fetchall()
    assert con.execute("SELECT size FROM seg").fetchall() == [(61,), (50,), (40,)]
    assert predict(con) == cluster(con, options="columns := ['x', 'y'], " + OPTIONS)
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


GOLDEN_ROWS = """
SELECT i AS id, (i % 3) * 2.5e0 + (i * 7919 % 1000) / 500e0 AS x, (i * 104729 % 997) / 400e0 + (i % 3 = 1)::INTEGER * 3 AS y,
       ['a', 'b', 'c', 'd', NULL][1 + i % 3 + (i % 7 = 0)::INTEGER + (i % 50 = 2)::INTEGER] AS c,
       DATE '2024-01-01' + (i % 40)::INTEGER AS d, [i % 5, i % 4] AS v
FROM range(240) r(i)
"""  # whole numbers and divisions only: the same on every machine
GOLDEN_OPTIONS = "columns := ['x', 'y', 'c', 'd', 'v'], k := 3, covariance := 'full', max_categories := 3"


@pytest.mark.parametrize("version", ["1.4.5", "2.0.1"])
def test_models_of_other_versions(con: duckdb.DuckDBPyConnection, version: str) -> None:
    """The files hold the model as one version of DuckDB fitted it, and the ids that this version gave its rows."""
    con.execute(f"CREATE TABLE golden AS {GOLDEN_ROWS}").fetchall()
    model = str(GOLDEN / f"model_{version}.csv")
    rows = predict(con, "golden", model)
    ids = "".join("-" if row[6] is None else str(row[6]) for row in rows)
    assert ids == (GOLDEN / "model_ids.txt").read_text().strip()
    assert rows == cluster(con, "golden", GOLDEN_OPTIONS)
    assert dict(con.execute("FROM ppp_info($1)", [model]).fetchall())["duckdb_version"] == f"v{version}"
    con.execute(f"CREATE TABLE now AS FROM ppp_fit('golden', {GOLDEN_OPTIONS})").fetchall()
    told = "SELECT value FROM ppp_info($1) WHERE property = 'fingerprint'"
    assert con.execute(told, ["now"]).fetchall() == con.execute(told, [model]).fetchall()
    for function in ("centers", "trials"):
        call = f"FROM ppp_{function}($1)"
        assert con.execute(call, ["now"]).fetchall() == con.execute(call, [model]).fetchall()


# Damaged models


def damage(con: duckdb.DuckDBPyConnection, change: str) -> None:
    con.execute(f"CREATE TABLE bad AS SELECT * REPLACE ({change}) FROM seg ORDER BY cluster_id").fetchall()


DAMAGED = [
    ("left(model, length(model) - 9) AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 1 is cut off or is not JSON"),
    ("CASE WHEN cluster_id = 1 THEN left(model, 70) ELSE model END AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 2 is cut off or is not JSON"),
    ("CASE WHEN cluster_id < 2 THEN model END AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 3 is cut off or is not JSON"),
    ("CASE WHEN cluster_id = 2 THEN '[1, 2]' ELSE model END AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 3 is not one that ppp_fit wrote"),
    ("CASE WHEN cluster_id = 2 THEN '{\"a\": 1}' ELSE model END AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 3 is not one that ppp_fit wrote"),
    ("CASE WHEN cluster_id = 1 THEN replace(model, '\"weight\":0.', '\"weight\":0.1') ELSE model END AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 2 was changed after the fit"),
    ("replace(model, '\"clusters\":3', '\"clusters\":2') AS model",
     "ppp_predict: restore bad, or fit again: the model text in row 1 was changed after the fit"),
    ("replace(model, '\"format\":1,', '\"format\":9,') AS model",
     "ppp_predict: use the ppp_duck that wrote bad, or fit again: it has format 9, this version reads 1"),
    ("CASE WHEN cluster_id = 1 THEN 51 ELSE size END AS size",
     "ppp_predict: restore bad, or fit again: size of cluster 1 was changed after the fit, from 50.0 to 51.0"),
    ("CASE WHEN cluster_id = 0 THEN 0.5e0 ELSE share END AS share",
     "ppp_predict: restore bad, or fit again: share of cluster 0 was changed after the fit, from 0.4 to 0.5"),
    ("CASE WHEN cluster_id = 2 THEN NULL ELSE agreement END AS agreement",
     "ppp_predict: restore bad, or fit again: agreement of cluster 2 was changed after the fit, from 1.0 to None"),
    ("CASE WHEN cluster_id = 2 THEN '{}' ELSE center END AS center",
     "ppp_predict: restore bad, or fit again: center of cluster 2 was changed after the fit, from {center} to {{}}"),
    ("2 - cluster_id AS cluster_id",
     "ppp_predict: restore bad, or fit again: cluster_id of cluster 2 was changed after the fit, from 2 to 0"),
    ("CASE WHEN cluster_id = 1 THEN 'one' ELSE cluster_id::VARCHAR END AS cluster_id",
     "ppp_predict: restore bad, or fit again: cluster_id of cluster 1 was changed after the fit, from 1 to one"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), DAMAGED, ids=[change[:60] for change, _ in DAMAGED])
def test_damaged_rows(fitted: duckdb.DuckDBPyConnection, change: str, message: str) -> None:
    damage(fitted, change)
    if "{center}" in message:
        ((center,),) = fitted.execute("SELECT center FROM seg WHERE cluster_id = 2").fetchall()
        message = message.replace("{center}", center).replace("{{}}", "{}")
    assert refused(fitted, "FROM ppp_predict('blobs', model := 'bad')") == message
    assert refused(fitted, "FROM ppp_centers('bad')") == message.replace("ppp_predict", "ppp_centers")


TABLES = [
    ("SELECT * FROM seg WHERE cluster_id <> 1",
     "ppp_predict: restore bad, or fit again: cluster 1 is missing, of 3"),
    ("SELECT * FROM seg WHERE cluster_id > 0",
     "ppp_predict: restore bad, or fit again: cluster 0 is missing, of 3"),
    ("SELECT * FROM seg WHERE false", "ppp_predict: fit again, or name another model: bad has no rows"),
    ("FROM seg UNION ALL (FROM seg WHERE cluster_id = 1)",
     "ppp_predict: keep each row of bad once: cluster 1 is there twice"),
    ("FROM seg UNION ALL FROM ppp_fit('blobs', k := 2, covariance := 'diag')",
     "ppp_predict: keep one model in bad, or choose one with model := 'FROM bad WHERE ...': it has rows of 2 fits "
     "({fits})"),
    ("SELECT * EXCLUDE (center) FROM seg",
     'ppp_predict: name a model that ppp_fit made: bad has no column "center"'),
    ("FROM blobs", 'ppp_predict: name a model that ppp_fit made: bad has no column "cluster_id"'),
]  # fmt: skip


@pytest.mark.parametrize(("query", "message"), TABLES, ids=[query[:60] for query, _ in TABLES])
@pytest.mark.parametrize("place", ["table", "cte"])
def test_damaged_tables(fitted: duckdb.DuckDBPyConnection, query: str, message: str, place: str) -> None:
    fitted.execute(f"CREATE TABLE damaged AS {query}").fetchall()
    if "{fits}" in message:
        found = fitted.execute("SELECT DISTINCT model->>'$.fit' AS f FROM damaged ORDER BY f").fetchall()
        message = message.format(fits=", ".join(fit[:8] for (fit,) in found))
    if place == "table":
        fitted.execute("ALTER TABLE damaged RENAME TO bad").fetchall()
    cte = "WITH bad AS (FROM damaged)" if place == "cte" else ""
    assert refused(fitted, f"{cte} FROM ppp_predict('blobs', model := 'bad')") == message


def test_one_of_two_models_by_a_query(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute("CREATE TABLE versions AS SELECT 'may' AS month, * FROM seg").fetchall()
    fitted.execute(
        "INSERT INTO versions SELECT 'june', * FROM ppp_fit('blobs', k := 2, covariance := 'diag')"
    ).fetchall()
    assert predict(fitted, model="FROM versions WHERE month = 'may'") == cluster(fitted)
    call = (
        "SELECT count(DISTINCT cluster_id) FROM ppp_predict('blobs', model := 'FROM versions WHERE month = ''june''')"
    )
    assert fitted.execute(call).fetchall() == [(2,)]


def test_a_text_with_another_check_is_still_read_by_its_numbers(fitted: duckdb.DuckDBPyConnection) -> None:
    """The check is a hash of the text: whoever recomputes it vouches for the change."""
    rows = fitted.execute("FROM seg ORDER BY cluster_id").df()
    text = json.loads(rows.loc[0, "model"])
    text["model"]["separable_at"] = 1.0
    text["check"] = _check(text)
    rows.loc[0, "model"] = _json(text)
    call = "SELECT count(*) FILTER (is_separable AND probability < 1) FROM ppp_predict('blobs', model := 'rows', output := 'full')"
    assert fitted.execute(call).fetchall() == [(0,)]


# Other rows


def test_a_new_category_is_other(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', max_categories := 2, {OPTIONS})").fetchall()
    call = "SELECT * EXCLUDE (t) FROM ppp_predict('SELECT x, y, {} AS tree, tree AS t FROM blobs WHERE tree = ''ash''', model := 'seg', output := 'full') ORDER BY ALL"
    rows = con.execute(call.format("''never seen''")).fetchall()
    other = con.execute(call.format("tree")).fetchall()  # the third category is already one of the others
    assert [row[:2] + row[3:] for row in rows] == [row[:2] + row[3:] for row in other]
    assert {row[3] for row in rows} == {2}


def test_a_new_category_where_there_was_no_other(fitted: duckdb.DuckDBPyConnection) -> None:
    call = "SELECT cluster_id, reason FROM ppp_predict('SELECT x, y, ''fir'' AS tree FROM blobs WHERE id < 60', model := 'seg', output := 'full')"
    assert set(fitted.execute(call).fetchall()) == {(0, None)}  # its numbers decide


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("SELECT x, tree FROM blobs", "y is"),
        ("SELECT x FROM blobs", "tree, y are"),
        ("SELECT id FROM blobs", "tree, x, y are"),
        ("SELECT x, y::VARCHAR AS y, tree FROM blobs", "y is"),
        ("SELECT x, [y] AS y, tree FROM blobs", "y is"),
        ("SELECT x, y, id AS tree FROM blobs", "tree is"),
    ],
)
@pytest.mark.parametrize("place", ["query", "cte"])
def test_missing_features(fitted: duckdb.DuckDBPyConnection, source: str, lacking: str, place: str) -> None:
    quoted = source.replace("'", "''")
    for function in ("predict", "outliers", "evaluate", "profile"):
        call = f"FROM ppp_{function}('{quoted}', model := 'seg')"
        if place == "cte":
            call = f"WITH s AS ({source}) FROM ppp_{function}('s', model := 'seg')"
        message = "give the source the columns that the model was fitted to: {} missing, or of another kind of type"
        assert refused(fitted, call) == f"ppp_{function}: " + message.format(lacking)


@pytest.mark.parametrize(
    "source",
    [
        "SELECT tree, y, x, id FROM blobs",
        "SELECT id, X: x, Y: y, TREE: tree FROM blobs",
        "SELECT *, ''::BLOB AS b, {'a': 1} AS s, [[1]] AS l, NULL AS z, x AS \"ppp__row x\", 1 AS \"ppp__row\" FROM blobs",
        "SELECT * REPLACE (tree::ENUM('oak', 'elm', 'ash') AS tree) FROM blobs",
        "SELECT *, 7 AS w, 8 AS n0, 9 AS model, 10 AS key, 11 AS _ppp_source, 12 AS _ppp_model, 13 AS _ppp_rows FROM blobs",
    ],
)
@pytest.mark.parametrize("place", ["query", "cte"])
def test_other_order_case_and_columns(fitted: duckdb.DuckDBPyConnection, source: str, place: str) -> None:
    expected = {row[0]: row[4:] for row in cluster(fitted)}
    fitted.execute(f"CREATE TABLE plain AS {source.replace('NULL AS z', 'NULL::INTEGER AS z')}").fetchall()
    if place == "query":
        result = fitted.execute("FROM ppp_predict($1, model := 'seg', output := 'full')", [source])
    else:
        result = fitted.execute(f"WITH s AS ({source}) FROM ppp_predict('s', model := 'seg', output := 'full')")
    names = [column[0] for column in result.description]
    rows = result.fetchall()
    width = len(names) - len(SCORE_COLUMNS)
    id_place = names.index("id")
    assert {row[id_place]: row[width:] for row in rows} == expected
    kept = fitted.execute("FROM plain")
    assert names[:width] == [column[0] for column in kept.description]
    assert {row[id_place]: row[:width] for row in rows} == {row[id_place]: row for row in kept.fetchall()}


def test_other_numeric_types(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE whole AS SELECT id, round(x)::INTEGER AS x, round(y)::INTEGER AS y FROM blobs").fetchall()
    options = "columns := ['x', 'y'], " + OPTIONS
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('whole', {options})").fetchall()
    expected = {row[0]: row[3:] for row in cluster(con, "whole", options)}
    for kind in ("DOUBLE", "DECIMAL(9,2)", "FLOAT", "BIGINT", "HUGEINT", "TINYINT"):
        source = f"SELECT id, x::{kind} AS x, y::{kind} AS y FROM whole"
        assert {row[0]: row[3:] for row in predict(con, source)} == expected, kind
        assert {row[0]: row[3:] for row in predict(con, "s", cte=f"WITH s AS ({source})")} == expected, kind


HOLES = "SELECT * FROM (VALUES (1, NULL, 1.0, 'oak'), (2, 1, 'inf'::DOUBLE, 'oak'), (3, 1, 1, NULL), (4, 1, 1, 'oak')) v(id, x, y, tree)"


@pytest.mark.parametrize("missing", ["skip", "error", "impute"])
def test_missing_values(con: duckdb.DuckDBPyConnection, missing: str) -> None:
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', missing := '{missing}', {OPTIONS})").fetchall()
    rows = [(row[0], row[4], row[-1]) for row in predict(con, HOLES)]
    if missing == "impute":
        assert [row[0] for row in rows] == [1, 2, 3, 4]
        assert all(row[1] is not None and row[2] is None for row in rows)
    else:  # a prediction never fails for want of a value: the row says why it has no cluster
        assert rows == [(1, None, "x is NULL"), (2, None, "y is infinite"), (3, None, "tree is NULL"), (4, 0, None)]
    assert [(row[0], row[4], row[-1]) for row in predict(con, "s", cte=f"WITH s AS ({HOLES})")] == rows


def test_a_feature_without_a_type(fitted: duckdb.DuckDBPyConnection) -> None:
    source = "SELECT x, NULL AS y, tree FROM blobs LIMIT 3"
    for place in (("", source), (f"WITH s AS ({source})", "s")):
        rows = predict(fitted, place[1], cte=place[0])
        assert [(row[3], row[-1]) for row in rows] == [(None, "y is NULL")] * 3


@pytest.mark.parametrize("output", ["id", "full"])
def test_no_rows(fitted: duckdb.DuckDBPyConnection, output: str) -> None:
    call = f"FROM ppp_predict('FROM blobs WHERE false', model := 'seg', output := '{output}')"
    assert fitted.execute(call).fetchall() == []


def test_names(con: duckdb.DuckDBPyConnection) -> None:
    names = ['the "x"', "it's; y --", "größe 数", "Straße"]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    con.execute("CREATE TABLE odd AS SELECT x, y, x + y, tree FROM blobs").fetchall()
    con.execute(f'CREATE TABLE "o\'d; d" AS FROM odd o({quoted})').fetchall()
    con.execute(f"CREATE TABLE \"the 'm'; o\" AS FROM ppp_fit('o''d; d', {OPTIONS})").fetchall()
    expected = con.execute(f"FROM ppp_cluster('o''d; d', output := 'full', {OPTIONS}) ORDER BY ALL").fetchall()
    assert predict(con, "o'd; d", "the 'm'; o") == expected
    assert predict(con, "s", "the 'm'; o", 'WITH s AS (FROM "o\'d; d")') == expected
    for name in names:
        told = con.execute("SELECT feature FROM ppp_centers($1) WHERE feature = $2", ["the 'm'; o", name]).fetchall()
        assert told, name
        mean = 'SELECT count(*), count(mean), count(top_value) FROM ppp_profile($1, model := $2) WHERE "column" = $3'
        ((rows, means, tops),) = con.execute(mean, ["o'd; d", "the 'm'; o", name]).fetchall()
        assert (rows, means + tops) == (3, 3), name


def test_clashing_names(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute("CREATE TABLE out AS FROM ppp_predict('blobs', model := 'seg')").fetchall()
    assert refused(fitted, "FROM ppp_predict('out', model := 'seg')") == (
        "ppp_predict: set prefix, for instance prefix := 'ppp_': out already has a column \"cluster_id\", which is also "
        "the name of a new one"
    )
    with pytest.raises(duckdb.BinderException, match="ppp_predict: set prefix, the source already has this column"):
        fitted.execute("WITH s AS (FROM out) FROM ppp_predict('s', model := 'seg')")
    for cte, source in (("", "out"), ("WITH s AS (FROM out)", "s")):
        found = fitted.execute(
            f"{cte} FROM ppp_predict('{source}', model := 'seg', prefix := 'new_', output := 'full')"
        )
        assert [column[0] for column in found.description][5:7] == ["new_cluster_id", "new_probability"]
        assert all(row[4] == row[5] for row in found.fetchall())


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


ARGUMENTS = [
    ("predict('blobs')", "name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM ppp_fit(...)"),
    ("predict('blobs', model := 3)", "set model to a string, not 3"),
    ("predict('blobs', model := 'seg', output := 'al')", "set output to 'id' or 'full', not 'al'"),
    ("predict('blobs', model := 'seg', prefix := 1)", "set prefix to a string, not 1"),
    ("predict('blobs', model := 'seg', by := 'tree')",
     "set by to a list of column names such as ['tree'], not 'tree'"),
    ("predict('blobs', model := 'seg', by := ['tree'])",
     "leave by out, or fit seg again by tree: it was fitted without groups"),
    ("predict(NULL, model := 'seg')",
     "give the source first, as a string: a table, view, file or query such as ppp_predict('customers'), not NULL"),
    ("predict('blobs', model := '')",
     "name the model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not ''"),
    ("centers(NULL)",
     "name the model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not NULL"),
    ("match('seg', 5, 'blobs')",
     "name the new model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not 5"),
    ("match('seg', 'seg', NULL)",
     "give the source first, as a string: a table, view, file or query such as ppp_match('customers'), not NULL"),
    ("match('blobs', 'seg', 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("match('seg', 'blobs', 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("info('blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("predict('blobs', model := 'DROP TABLE seg')",
     "make the model one SELECT, not DROP TABLE seg (Only SELECT statements can be serialized to json)"),
    ("predict('blobs', model := 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("fit('blobs', k := 0)", "set k to a whole number from 1 up, not 0"),
    ("fit('blobs', k := 151)", "set k to 150 or less, the number of distinct rows to cluster, not 151"),
    ("fit('blobs', by := ['tre'])", 'no column "tre" in blobs; did you mean "tree"?'),
    ("fit(3)", "give the source first, as a string: a table, view, file or query such as ppp_fit('customers'), not 3"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[call for call, _ in ARGUMENTS])
def test_arguments(fitted: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    function = call.partition("(")[0]
    assert refused(fitted, f"FROM ppp_{call}") == f"ppp_{function}: {message}"


def test_a_model_that_is_not_there_is_duckdbs_own_error(fitted: duckdb.DuckDBPyConnection) -> None:
    for call in ("predict('blobs', model := 'segg')", "centers('segg')"):
        with pytest.raises(duckdb.CatalogException, match="Table with name segg does not exist"):
            fitted.execute(f"FROM ppp_{call}")
