"""A model as rows of a table: what they say, whichever version wrote them; damaged rows are found and named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import GOLDEN, TODAY, Rows, cluster, predict, refused
from handmade import clustering

from ppp_duck.models.model import Feature, Model, ModelSet
from ppp_duck.models.table import COLUMNS, _check, _json, from_rows, to_rows


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


GOLDEN_ROWS = """
SELECT i AS id, (i % 3) * 2.5e0 + (i * 7919 % 1000) / 500e0 AS x, (i * 104729 % 997) / 400e0 + (i % 3 = 1)::INTEGER * 3 AS y,
       ['a', 'b', 'c', 'd', NULL][1 + i % 3 + (i % 7 = 0)::INTEGER + (i % 50 = 2)::INTEGER] AS c,
       DATE '2024-01-01' + (i % 40)::INTEGER AS d, [i % 5, i % 4] AS v
FROM range(240) r(i)
"""  # whole numbers and divisions only: the same on every machine
GOLDEN_OPTIONS = f"columns := ['x', 'y', 'c', 'd', 'v'], k := 3, covariance := 'full', max_categories := 3, {TODAY}"
VERSIONS = ["1.4.5", "2.0.1"]


def agree(found: Rows, expected: Rows, most: float = 1e-9) -> bool:
    """Whether all is equal, but for the last bits of doubles: of a fit they depend on the BLAS that numpy brings.

    ``most``: by how much doubles may differ, as a share of them.
    """

    def same(a: Any, b: Any) -> bool:
        doubles = isinstance(a, float) and isinstance(b, float)
        return math.isclose(a, b, rel_tol=most, abs_tol=most / 1000) if doubles else a == b

    return len(found) == len(expected) and all(
        len(one) == len(other) and all(map(same, one, other)) for one, other in zip(found, expected, strict=True)
    )


def test_models_of_other_versions_score_with_the_same_bits(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE golden AS {GOLDEN_ROWS}").fetchall()
    first, *others = [predict(con, "golden", str(GOLDEN / f"model_{version}.csv")) for version in VERSIONS]
    assert all(one == first for one in others)


@pytest.mark.parametrize("version", VERSIONS)
def test_models_of_other_versions(con: duckdb.DuckDBPyConnection, version: str) -> None:
    """The files hold the model as one version of DuckDB fitted it, and the ids that this version gave its rows."""
    con.execute(f"CREATE TABLE golden AS {GOLDEN_ROWS}").fetchall()
    model = str(GOLDEN / f"model_{version}.csv")
    rows = predict(con, "golden", model)
    ids = "".join("-" if row[6] is None else str(row[6]) for row in rows)
    assert ids == (GOLDEN / "model_ids.txt").read_text().strip()
    # what is kept of a fit is rounded since to 1e-6 of a standard deviation, and these models are older
    assert agree(rows, cluster(con, "golden", GOLDEN_OPTIONS), most=1e-4)
    assert dict(con.execute("FROM ppp_info($1)", [model]).fetchall())["duckdb_version"] == f"v{version}"
    con.execute(f"CREATE TABLE now AS FROM ppp_fit('golden', {GOLDEN_OPTIONS})").fetchall()
    told = "SELECT value FROM ppp_info($1) WHERE property = 'fingerprint'"
    assert con.execute(told, ["now"]).fetchall() == con.execute(told, [model]).fetchall()
    for function in ("centers", "trials"):
        call = f"FROM ppp_{function}($1)"
        assert agree(con.execute(call, ["now"]).fetchall(), con.execute(call, [model]).fetchall(), most=1e-4)


HOLED_ROWS = """
SELECT i AS id, (i % 3) * 2.5e0 + (i * 7919 % 1000) / 500e0 AS x,
       if(i % 11 = 0, NULL, (i * 104729 % 997) / 400e0 + (i % 3 = 1)::INTEGER * 3) AS y,
       ['a', 'b', 'c', 'd', NULL][1 + i % 3 + (i % 7 = 0)::INTEGER + (i % 50 = 2)::INTEGER] AS c,
       DATE '2024-01-01' + (i % 40)::INTEGER AS d,
       [i % 5, i % 4, i % 7, i % 3, i % 11, i % 13, i % 6, i % 8] AS v
FROM range(240) r(i)
"""


def test_models_of_other_formats_score_with_the_same_bits(con: duckdb.DuckDBPyConnection) -> None:
    """One fit with ``columns := ['x', 'y', 'c', 'd', 'v'], k := 3, covariance := 'full'``, written in two formats."""
    con.execute(f"CREATE TABLE golden AS {HOLED_ROWS}").fetchall()
    models = [str(GOLDEN / f"model_format_{number}.csv") for number in (2, 3)]
    first, second = (predict(con, "golden", model) for model in models)
    assert first == second
    assert [row[6] for row in first] == [(row[0] + 2) % 3 for row in first]
    for function in ("centers", "trials", "info"):
        told = [con.execute(f"FROM ppp_{function}($1)", [model]).fetchall() for model in models]
        assert told[0] == told[1]


def test_a_wide_model_survives_csv(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """DuckDB reads lines of 2 MB at most: one by one, the numbers of a shared covariance of 450 features take more."""
    d = 450
    vector = Feature("v", "vector", "FLOAT[450]", 1.0, np.zeros(d), np.ones(d), (), False, np.zeros(d))
    found = clustering("tied", 2, d, 0)
    model = Model(
        (vector,),
        "skip",
        0.95,
        found,
        means=found.mixture.means,
        spreads=np.ones((2, d)),
        report=(("fingerprint", "0"),),
    )
    rows = to_rows(ModelSet((), (model,)), "a fit")
    con.register("rows", pa.Table.from_pylist([{name: row[name] for name in COLUMNS} for row in rows]))
    path = str(tmp_path / "wide.csv")
    con.execute(f"COPY rows TO '{path}'").fetchall()
    again = con.sql(f"FROM '{path}'").to_arrow_table().to_pylist()
    assert max(len(row["model"]) for row in again) > 1_000_000
    (read,) = from_rows("wide", again).models
    assert read.clustering is not None
    assert (read.clustering.mixture.factors == found.mixture.factors).all()
    assert (read.clustering.mixture.means == found.mixture.means).all()


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
    ("replace(model, '\"format\":3,', '\"format\":9,') AS model",
     "ppp_predict: use the ppp_duck that wrote bad, or fit again: it has format 9, this version reads 3"),
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
    for call in ("centers('bad')", "profile('blobs', model := 'bad')", "match('seg', 'bad', 'blobs')"):
        said_so = message.replace("ppp_predict", f"ppp_{call.partition('(')[0]}")
        assert refused(fitted, f"FROM ppp_{call}") == said_so


TABLES = [
    ("SELECT * FROM seg WHERE cluster_id <> 1",
     "ppp_predict: restore bad, or fit again: cluster 1 is missing, of 3"),
    ("SELECT * FROM seg WHERE cluster_id > 0",
     "ppp_predict: restore bad, or fit again: cluster 0 is missing, of 3"),
    ("SELECT * FROM seg WHERE false", "ppp_predict: fit again, or name another model: bad has no rows"),
    ("FROM seg UNION ALL (FROM seg WHERE cluster_id = 1)",
     "ppp_predict: keep each row of bad once: cluster 1 is there twice"),
    ("FROM seg UNION ALL FROM ppp_fit('blobs', k := 2, covariance := 'diag')",
     "ppp_predict: keep one model in bad, or choose one of them, 'FROM bad WHERE ...': it has rows of 2 fits "
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
