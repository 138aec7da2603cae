"""``ppp_evaluate`` against scikit-learn, and against the formulas where scikit-learn has none."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import numpy as np
import pytest
from conftest import gaussians, said
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from sklearn.mixture import GaussianMixture

from ppp_duck.engine.evaluate import METRICS, Evaluation
from ppp_duck.engine.score import Scorer
from ppp_duck.models.table import from_rows

ROWS = gaussians(4, [70, 50, 30], 3, spread=2.0)  # they overlap
OTHER = gaussians(5, [40, 40, 40], 3, spread=3.0)


@pytest.fixture
def made(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for name, rows in (("made", ROWS), ("other", OTHER)):
        con.execute(f"CREATE TABLE {name} (a DOUBLE, b DOUBLE, c DOUBLE)").fetchall()
        con.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", rows.tolist())
    return con


def fit(con: duckdb.DuckDBPyConnection, options: str) -> Any:
    """A model, stored as seg, as Python sees it."""
    con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('made', {options})").fetchall()
    result = con.execute("FROM seg")
    names = [column[0] for column in result.description]
    return from_rows("seg", [dict(zip(names, row, strict=True)) for row in result.fetchall()]).models[0]


def evaluate(con: duckdb.DuckDBPyConnection, source: str = "made", cte: str = "") -> dict[str, Any]:
    result = con.execute(f"{cte} FROM ppp_evaluate('{source}', model := 'seg')")
    names = [column[0] for column in result.description]
    (row,) = result.fetchall()
    return dict(zip(names, row, strict=True))


def silhouette(rows: np.ndarray, ids: np.ndarray) -> float:
    """Of each row the distance to its own centroid and to the nearest other one."""
    centroids = {j: rows[ids == j].mean(axis=0) for j in set(ids.tolist())}
    widths = []
    for row, own in zip(rows, ids.tolist(), strict=True):
        a = np.linalg.norm(row - centroids[own])
        b = min((np.linalg.norm(row - center) for j, center in centroids.items() if j != own), default=None)
        widths.append(0.0 if b is None else (b - a) / max(a, b))
    return float(np.mean(widths))


@pytest.mark.parametrize("covariance", ["spherical", "diag", "tied", "full"])
@pytest.mark.parametrize(("source", "rows"), [("made", ROWS), ("other", OTHER)])
def test_against_scikit_learn(made: duckdb.DuckDBPyConnection, covariance: str, source: str, rows: np.ndarray) -> None:
    model = fit(made, f"k := 3, covariance := '{covariance}'")
    clustering = model.clustering
    mixture = clustering.mixture
    scaled = np.column_stack(
        [(rows[:, j] / one.unit - one.center[0]) / one.scale[0] for j, one in enumerate(model.features)]
    )
    order = "ORDER BY a, b, c"
    scores = made.execute(f"FROM ppp_predict('{source}', model := 'seg', output := 'full') {order}").fetchall()
    scaled = scaled[np.lexsort(rows.T[::-1])]
    ids = np.array([row[3] for row in scores])
    found = evaluate(made, source)
    assert list(found) == list(METRICS)
    assert (found["k"], found["rows"], found["skipped"]) == (3, len(rows), 0)

    close = pytest.approx
    assert found["davies_bouldin"] == close(davies_bouldin_score(scaled, ids), rel=1e-9)
    assert found["calinski_harabasz"] == close(calinski_harabasz_score(scaled, ids), rel=1e-9)
    assert found["simplified_silhouette"] == close(silhouette(scaled, ids), rel=1e-9)
    assert found["inertia"] == close(((scaled - clustering.centers[ids]) ** 2).sum(), rel=1e-9)

    reference = GaussianMixture(len(mixture.means), covariance_type=covariance)
    reference.weights_, reference.means_ = mixture.weights, mixture.means
    reference.precisions_cholesky_ = mixture.factors
    log_likelihood = reference.score_samples(scaled).sum()
    assert found["log_likelihood"] == close(log_likelihood, rel=1e-9)
    equal_balls = covariance == "spherical" and len(set(mixture.weights)) == len(set(mixture.factors)) == 1
    parameters = mixture.means.size + 1 if equal_balls else reference_parameters(covariance, *mixture.means.shape)
    assert found["bic"] == close(-2 * log_likelihood + parameters * np.log(len(rows)), rel=1e-9)
    posterior = reference.predict_proba(scaled)
    clusters = np.stack([posterior[:, clustering.component_cluster == j].sum(axis=1) for j in range(3)], axis=1)
    entropy = -(clusters * np.log(np.maximum(clusters, 1e-300))).sum()
    assert found["icl"] == close(found["bic"] + 2 * entropy, rel=1e-9)
    assert found["agreement"] == np.mean([row[3] == row[8] for row in scores])
    assert found["separable_share"] == np.mean([row[9] for row in scores])


def reference_parameters(covariance: str, m: int, d: int) -> int:
    """As scikit-learn counts them."""
    return (
        m
        - 1
        + m * d
        + {"spherical": m, "diag": m * d, "tied": d * (d + 1) // 2, "full": m * d * (d + 1) // 2}[covariance]
    )


def test_the_count_of_parameters_is_scikit_learns(made: duckdb.DuckDBPyConnection) -> None:
    for covariance in ("spherical", "diag", "tied", "full"):
        reference = GaussianMixture(3, covariance_type=covariance).fit(ROWS)
        assert reference_parameters(covariance, 3, 3) == reference._n_parameters()


def test_one_cluster(made: duckdb.DuckDBPyConnection) -> None:
    model = fit(made, "k := 1, covariance := 'full'")
    found = evaluate(made)
    assert (found["k"], found["rows"], found["agreement"], found["separable_share"]) == (1, 150, 1.0, 1.0)
    assert (found["simplified_silhouette"], found["davies_bouldin"], found["calinski_harabasz"]) == (0.0, 0.0, 0.0)
    assert found["inertia"] == pytest.approx(150 * 3)  # the variance of standardised features
    assert np.isfinite(found["log_likelihood"])
    assert found["icl"] == pytest.approx(found["bic"])
    assert model.clustering.centers.shape == (1, 3)


NOTHING = dict.fromkeys(METRICS)


def test_no_rows_and_only_skipped_rows(made: duckdb.DuckDBPyConnection) -> None:
    fit(made, "k := 3, covariance := 'diag', missing := 'skip'")
    assert evaluate(made, "FROM made WHERE false") == {**NOTHING, "k": 3, "rows": 0, "skipped": 0}
    assert evaluate(made, "SELECT NULL::DOUBLE AS a, b, c FROM made") == {**NOTHING, "k": 3, "rows": 0, "skipped": 150}
    made.execute("CREATE TABLE empty_model AS FROM ppp_fit('SELECT NULL::DOUBLE AS a FROM range(4)', columns := ['a'])")
    found = made.execute("FROM ppp_evaluate('made', model := 'empty_model')").fetchall()
    assert found == [(0, 0, 150, *[None] * 9)]


@pytest.mark.parametrize(("missing", "skipped"), [("skip", 4), ("auto", 1)])
def test_skipped_rows_do_not_count(made: duckdb.DuckDBPyConnection, missing: str, skipped: int) -> None:
    """With 'auto' only a row without any feature is skipped."""
    fit(made, f"k := 3, covariance := 'diag', missing := '{missing}'")
    expected = evaluate(made)
    assert expected["skipped"] == 0
    made.execute("INSERT INTO made VALUES (NULL, NULL, 'nan')").fetchall()
    assert evaluate(made) == {**expected, "skipped": 1}
    made.execute("INSERT INTO made VALUES (NULL, 1, 1), (1, 'nan', 1), (1, 1, 'inf')").fetchall()
    found = evaluate(made)
    assert found["skipped"] == skipped
    if missing == "skip":
        assert found == {**expected, "skipped": 4}
    else:
        assert all(value is not None and np.isfinite(value) for value in found.values())


def test_rows_in_one_cluster_of_three_and_one_row(made: duckdb.DuckDBPyConnection) -> None:
    fit(made, "k := 3, covariance := 'diag'")
    made.execute("CREATE TABLE first AS SELECT a, b, c FROM ppp_predict('made', model := 'seg') WHERE cluster_id = 0")
    found = evaluate(made, "first")
    assert (found["k"], found["simplified_silhouette"], found["davies_bouldin"]) == (3, 0.0, 0.0)
    assert found["calinski_harabasz"] == 0.0
    found = evaluate(made, "FROM made LIMIT 1")
    assert (found["rows"], found["simplified_silhouette"], found["calinski_harabasz"]) == (1, 0.0, 0.0)


def test_order_threads_and_place_do_not_matter(made: duckdb.DuckDBPyConnection) -> None:
    made.execute("CREATE TABLE many AS SELECT a + i * 1e-3 AS a, b, c FROM made, range(40) r(i)").fetchall()
    made.execute("CREATE TABLE shuffled AS SELECT c, a, b FROM many ORDER BY hash(a)").fetchall()
    made.execute("CREATE TEMP TABLE passing AS FROM shuffled").fetchall()
    made.execute("CREATE VIEW seen AS FROM shuffled").fetchall()
    fit(made, "k := 3, covariance := 'full'")
    expected = evaluate(made, "many")
    assert expected["rows"] == 6000
    for threads in (1, 2, 4):
        made.execute(f"SET threads = {threads}").fetchall()
        for source in ("many", "shuffled", "passing", "seen", "FROM shuffled"):
            assert evaluate(made, source) == expected
        assert evaluate(made, "s", "WITH s AS (FROM shuffled)") == expected


def test_portions_do_not_matter(made: duckdb.DuckDBPyConnection) -> None:
    model = fit(made, "k := 3, covariance := 'tied'")
    found = []
    for parts in ([slice(0, 150)], [slice(0, 1), slice(1, 99), slice(99, 150)], [slice(150, None, -1), slice(0, 0)]):
        evaluation = Evaluation(Scorer(model.clustering), 0.95)
        for one in parts:
            evaluation.first(ROWS[one])
        for one in reversed(parts):
            evaluation.second(ROWS[one])
        if parts[0].step is None:
            found.append(evaluation.metrics())
    assert found[0] == found[1]


def test_wherever_it_stands(made: duckdb.DuckDBPyConnection) -> None:
    fit(made, "k := 3, covariance := 'diag'")
    expected = tuple(evaluate(made).values())
    call = "FROM ppp_evaluate('made', model := 'seg')"
    made.execute(f"CREATE TABLE told AS {call}").fetchall()
    made.execute(f"CREATE VIEW watch AS {call}").fetchall()
    assert made.execute("FROM told UNION ALL FROM watch").fetchall() == [expected, expected]
    assert {row[0]: row[1] for row in made.execute("DESCRIBE told").fetchall()} == METRICS
    assert made.execute("SELECT k FROM watch WHERE rows > 9").fetchall() == [(3,)]
    made.execute("PREPARE p AS FROM ppp_evaluate($1, model := $2)").fetchall()
    for _ in range(2):
        assert made.execute("EXECUTE p('made', 'seg')").fetchall() == [expected]
    both = "SELECT a.bic - b.bic FROM ppp_evaluate('made', model := 'seg') a, ppp_evaluate('made', model := 'seg') b"
    assert made.execute(both).fetchall() == [(0.0,)]
    made.execute("BEGIN").fetchall()
    made.execute("DELETE FROM made WHERE a > 0").fetchall()
    assert evaluate(made)["rows"] < 150
    made.execute("ROLLBACK").fetchall()
    assert json.dumps(evaluate(made)) == json.dumps(dict(zip(METRICS, expected, strict=True)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'made'", "name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM ppp_fit(...)"),
        ("'made', model := 'seg', by := ['a']", "leave by out, or fit seg again by a: it was fitted without groups"),
        ("'made', model := 'made'", 'name a model that ppp_fit made: made has no column "cluster_id"'),
    ],
)
def test_arguments(made: duckdb.DuckDBPyConnection, arguments: str, message: str) -> None:
    fit(made, "k := 2, covariance := 'diag'")
    with pytest.raises(duckdb.Error) as caught:
        made.execute(f"FROM ppp_evaluate({arguments})").fetchall()
    assert said(caught.value) == f"ppp_evaluate: {message}"
