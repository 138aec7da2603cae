"""PPP is ppp_cluster for scikit-learn: equal ids on tables of every kind, and a home in scikit-learn's own tools."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import blobs
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import ppp_duck
from ppp_duck import PPP
from ppp_duck.binding.options import TABLE, Options
from ppp_duck.estimator.ppp import OPTIONS
from ppp_duck.estimator.ppp import PPP as DEFINED

SQL_DEFAULTS = {"scale": "auto", "missing": "auto", "categorical": "auto"}
MADE = "FROM (SELECT i, i % 3 AS g FROM range(300) r(i))"
TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers": (f"SELECT sin(i * 1.7) + 9 * g AS x, cos(i * 2.3) - 7 * g AS y {MADE}", {}),
    "money": (f"SELECT exp(sin(i * 1.7) + 3 * g) AS spend, i % 7 + 10 * g AS visits {MADE}", SQL_DEFAULTS),
    "categories": (
        f"SELECT sin(i * 1.7) + 9 * g AS x, ['oak', 'elm', 'ash'][1 + g] AS tree, ['a', 'b'][1 + i % 2] AS \"Side\" {MADE}",
        {},
    ),
    "categories as such": (f"SELECT sin(i * 1.7) + 9 * g AS x, ['oak', 'elm', 'ash'][1 + g] AS tree {MADE}", SQL_DEFAULTS),
    "dates": (
        "SELECT DATE '2024-01-01' + CAST(200 * g + 20 * sin(i * 1.7) AS INTEGER) AS since, sin(i) AS x, "
        f"TIMESTAMP '2024-01-01 12:00:00' + to_seconds(CAST(i * i % 999 + 9999 * g AS INTEGER)) AS at {MADE}",
        {},
    ),
    "holes": (
        "SELECT CASE WHEN i % 11 > 0 THEN sin(i * 1.7) + 9 * g END AS x, CASE WHEN i % 7 > 0 THEN cos(i) - 8 * g END AS y, "
        f"CASE WHEN i % 5 > 0 THEN ['oak', 'elm', 'ash'][1 + g] END AS tree {MADE}",
        SQL_DEFAULTS,
    ),
    "holes skipped": (
        f"SELECT CASE WHEN i % 11 > 0 THEN sin(i * 1.7) + 9 * g END AS x, cos(i * 2.3) AS y {MADE}", {"missing": "skip"}
    ),
    "holes imputed": (
        f"SELECT CASE WHEN i % 11 > 0 THEN sin(i * 1.7) + 9 * g END AS x, cos(i * 2.3) - 4 * g AS y {MADE}",
        {"missing": "impute", "covariance": "full"},
    ),
    "vectors": (
        f"SELECT [sin(i * 1.7) + 9 * g, cos(i * 2.3)] AS place, g = 1 AS even, sin(i)::FLOAT AS x {MADE}", {"scale": "robust"}
    ),
    "whole numbers, k given": (f"SELECT i * i % 17 + 30 * g AS x, i % 5 AS y, 7 AS same {MADE}", {"k": 4, "covariance": "spherical"}),
    "no clusters": (f"SELECT sin(i * 1.7) + sin(i * 5.1) + sin(i * 2.9) AS x {MADE}", {}),
}  # fmt: skip
FRAMES: dict[str, Callable[[duckdb.DuckDBPyRelation], Any]] = {
    "pandas": lambda relation: relation.df(),
    "polars": lambda relation: relation.pl(),
    "arrow": lambda relation: relation.to_arrow_table(),
    "relation": lambda relation: relation,
}
OTHERS, RICH = [name for name in FRAMES if name != "pandas"], ["categories", "dates", "vectors"]


def in_sql(con: duckdb.DuckDBPyConnection, ppp: Any, columns: str, weight: str = "") -> np.ndarray:
    """What ppp_cluster says of table t with the options of an estimator; a row of its full output each."""
    given = {name: value for name, value in ppp.get_params().items() if value is not None}
    options = ", ".join(f"{name} := {value!r}" for name, value in given.items())
    call = f"ppp_cluster('t', columns := {columns}, output := 'full', {options}{weight})"
    con.execute(f"CREATE OR REPLACE TABLE scored AS FROM {call}").fetchall()
    return con.execute("FROM scored ORDER BY row_number").fetchnumpy()


@pytest.mark.parametrize(
    ("table", "frame"), [*((t, "pandas") for t in TABLES), *((t, f) for t in RICH for f in OTHERS)]
)
def test_labels_are_the_ids_of_sql(con: duckdb.DuckDBPyConnection, table: str, frame: str) -> None:
    query, options = TABLES[table]
    con.execute(f"CREATE TABLE t AS SELECT *, row_number() OVER () AS row_number FROM ({query})").fetchall()
    relation = con.sql("SELECT * EXCLUDE (row_number) FROM t")
    X = FRAMES[frame](relation)
    ppp = PPP(**options).fit(X)
    found = in_sql(con, ppp, repr(relation.columns))
    ids = np.ma.filled(found["cluster_id"], -1)
    assert (ppp.labels_ == ids).all()
    assert (ppp.predict(X) == ids).all()
    assert ppp.n_clusters_ == len(set(ids[ids >= 0])) == ppp.model_.k
    assert list(ppp.feature_names_in_) == relation.columns
    known = ids >= 0
    assert (ppp.is_separable_[known] == found["is_separable"][known]).all()
    assert (ppp.transform(X)[known, ids[known]] == found["distance"][known]).all()
    probabilities = ppp.predict_proba(X)
    assert probabilities[known, ids[known]] == pytest.approx(found["probability"][known].astype(float))
    assert np.isnan(probabilities[~known]).all()
    assert np.isnan(ppp.transform(X)[~known]).all()


def test_the_tables_have_clusters_and_rows_without_one(con: duckdb.DuckDBPyConnection) -> None:
    """So the comparison compares something."""
    fitted = {table: PPP(**options).fit(con.sql(query).df()) for table, (query, options) in TABLES.items()}
    assert fitted["no clusters"].n_clusters_ == 1
    assert sum(one.n_clusters_ > 1 for one in fitted.values()) == len(TABLES) - 1
    assert (fitted["holes skipped"].labels_ < 0).sum() == 28
    assert np.flatnonzero(fitted["holes"].labels_ < 0).tolist() == [0]  # which has nothing


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool", "float16"])
def test_arrays_are_tables_with_columns_x0_x1(con: duckdb.DuckDBPyConnection, dtype: str) -> None:
    X = np.abs(blobs(d=12)) * 5
    X = X > 40 if dtype == "bool" else X.astype(dtype)
    ppp = PPP(k=3).fit(X)
    given = X.astype("float64") if dtype == "float16" else X
    columns = {f"x{place}": column for place, column in enumerate(given.T)}
    rows = pa.table({**columns, "row_number": np.arange(len(X))})
    con.execute("CREATE TABLE t AS FROM rows").fetchall()
    ids = in_sql(con, ppp, repr(list(columns)))["cluster_id"]
    assert (ppp.labels_ == ids).all()
    assert (ppp.predict(X) == ids).all()
    assert (ppp.predict(X.tolist()) == ppp.predict(given.astype("float64"))).all()


def test_weights_are_those_of_sql(con: duckdb.DuckDBPyConnection) -> None:
    made = f"SELECT row_number() OVER () AS row_number, sin(i * 1.7) + 3 * g AS x, cos(i) AS sample_weight, i % 3 + 0.5 AS w {MADE}"
    con.execute(f"CREATE TABLE t AS {made}").fetchall()
    X, weights = con.sql("SELECT x, sample_weight FROM t").df(), con.sql("SELECT w FROM t").df()["w"]
    ppp = PPP(k=3, covariance="diag").fit(X, sample_weight=weights)
    ids = in_sql(con, ppp, "['x', 'sample_weight']", ", weight := 'w'")["cluster_id"]
    assert (ppp.labels_ == ids).all()
    assert (PPP(k=3, covariance="diag").fit(X).cluster_centers_ != ppp.cluster_centers_).any()
    halves = PPP(k=3).fit(pl.DataFrame({"x": [0.0, 1.0, 9.0, 9.5, 30.0]}), sample_weight=[1, 1, 1, 1, 5])
    assert halves.labels_.tolist() == [1, 1, 2, 2, 0]


def test_scores_are_those_of_sql(con: duckdb.DuckDBPyConnection) -> None:
    X = con.sql("SELECT x, y FROM blobs ORDER BY id").df()
    X.loc[3, "x"] = np.nan
    ppp = PPP(missing="skip").fit(X)
    ppp.model_.save(con, "seg")
    outliers = con.execute("SELECT outlier_score FROM ppp_outliers('X', model := 'seg')").fetchnumpy()["outlier_score"]
    densities = ppp.score_samples(X)
    assert (np.flatnonzero(np.isnan(densities)) == [3]).all()
    assert (np.delete(densities, 3) == -np.delete(outliers, 3)).all()
    assert ppp.score(X) == pytest.approx(np.delete(densities, 3).mean())
    ids = con.execute("SELECT cluster_id FROM ppp_predict('X', model := 'seg')").fetchnumpy()["cluster_id"]
    assert (ppp.labels_ == np.ma.filled(ids, -1)).all()


def test_what_is_known_of_a_fit(con: duckdb.DuckDBPyConnection) -> None:
    X = con.sql("SELECT x, y FROM blobs ORDER BY id").df()
    ppp = PPP().fit(X)
    means = X.groupby(ppp.labels_).mean()
    assert ppp.cluster_centers_ == pytest.approx(means.to_numpy())
    assert ppp.n_clusters_ == 3
    assert ppp.agreement_ == 1.0
    assert ppp.is_separable_.all()
    (trials,) = [ppp.model_.trials().fetchnumpy()]
    assert list(ppp.trials_) == list(trials)
    assert all((ppp.trials_[name] == trials[name]).all() for name in trials)
    assert ppp.trials_["k"][ppp.trials_["chosen"]].tolist() == [3]
    assert list(ppp.get_feature_names_out()) == ["ppp0", "ppp1", "ppp2"]


def test_centres_of_texts_and_dates_are_texts_and_dates() -> None:
    X = pd.DataFrame({"z": [1.0, 1.5, 9.0, 9.5] * 9, "day": pd.to_datetime(["2024-01-01", "2024-01-03", "2025-01-01", "2025-01-03"] * 9),
                      "tree": ["oak", "oak", "elm", "elm"] * 9, "A": [1, 1, 2, 2] * 9, "a": [5, 5, 6, 6] * 9})  # fmt: skip
    centers = PPP(k=2).fit(X).cluster_centers_
    days = pd.to_datetime(["2024-01-02", "2025-01-02"])
    assert sorted(map(tuple, centers)) == [(1.25, str(days[0]), "oak", 1.0, 5.0), (9.25, str(days[1]), "elm", 2.0, 6.0)]


def test_the_same_column_may_have_another_name_or_none() -> None:
    X = blobs()
    labels = PPP().fit(X).labels_
    assert (PPP().fit(pd.DataFrame(X)).labels_ == labels).all()  # columns 0 and 1
    assert (PPP().fit(pd.DataFrame(X, columns=["A", "a"])).labels_ == labels).all()
    assert (PPP().fit(pd.DataFrame(X, columns=["cluster_id", 'a"b'])).labels_ == labels).all()
    assert (PPP().fit(pd.DataFrame(X, columns=["", "a\nb'"], index=np.arange(len(X))[::-1])).labels_ == labels).all()


@parametrize_with_checks([PPP()])
def test_scikit_learn_agrees(estimator: Any, check: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def test_a_search_over_covariances() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(80, 2)) @ [[1, 0.9], [0, 0.2]] + [9 * j, 0] for j in range(3)])
    search = GridSearchCV(PPP(k=3), {"covariance": ["spherical", "full"]}, cv=3).fit(rng.permutation(X))
    assert search.best_params_ == {"covariance": "full"}
    assert search.best_estimator_.n_clusters_ == 3


def test_a_pipeline_with_columns_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    X = con.sql("SELECT * FROM blobs ORDER BY id").df()
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["x", "y"]), ("texts", OneHotEncoder(), ["tree"])], sparse_threshold=0
    )
    pipeline = make_pipeline(columns, PPP(scale="none", k=3))
    assert np.bincount(pipeline.fit_predict(X)).tolist() == [60, 50, 40]
    assert pipeline.predict(X.head(2)).tolist() == [0, 0]
    assert pipeline.predict_proba(X).shape == pipeline.transform(X).shape == (150, 3)
    assert pipeline.score(X) < 100


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(container: str) -> None:
    X = pl.DataFrame(blobs(), schema=["a", "b"])
    X = X.to_pandas() if container == "pandas" else X
    found = PPP().set_output(transform=container).fit_transform(X)
    assert type(found) is type(X)
    assert list(found.columns) == ["ppp0", "ppp1", "ppp2"]


def copies(ppp: Any) -> list[Any]:
    kept = io.BytesIO()
    joblib.dump(ppp, kept)
    kept.seek(0)
    return [pickle.loads(pickle.dumps(ppp)), joblib.load(kept)]


def test_a_copy_scores_as_its_original(con: duckdb.DuckDBPyConnection) -> None:
    query, options = TABLES["holes"]
    X = con.sql(query).df()
    ppp = PPP(**options).fit(X)
    for copy in copies(ppp):
        assert (copy.predict(X) == ppp.labels_).all()
        assert (copy.labels_ == ppp.labels_).all()
        assert np.array_equal(copy.predict_proba(X), ppp.predict_proba(X), equal_nan=True)
        assert copy.model_.query == ppp.model_.query
        assert copy.model_.centers().fetchall() == ppp.model_.centers().fetchall()
    for copy in copies(PPP(k=7)):
        assert copy.get_params() == PPP(k=7).get_params()
    assert clone(ppp).get_params() == ppp.get_params()
    assert not hasattr(clone(ppp), "labels_")
    scored = joblib.Parallel(n_jobs=2)(joblib.delayed(ppp.predict)(X) for _ in range(2))
    assert all((one == ppp.labels_).all() for one in scored)


HOLED = pd.DataFrame({"x": [1.0, None, 9.0], "tree": ["oak", "elm", None]})


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"scale": "standart"}, [[1.0]], "PPP: set scale to 'auto', 'standard', 'robust', 'log' or 'none', not 'standart'; did you mean 'standard'?"),
        ({"k": 0}, [[1.0]], "PPP: set k to a whole number from 1 up, not 0"),
        ({"k": 3}, [[1.0], [2.0]], "PPP: set k to 2 or less, the number of distinct rows to cluster, not 3"),
        ({}, HOLED, "PPP: set missing to 'auto', 'skip' or 'impute', or leave out tree: 1 of 3 rows have NULL, NaN or infinity there"),
        ({"missing": "skip"}, HOLED[1:], "PPP: give X other rows, or set missing to 'auto' or 'impute': no row to fit had all its features"),
        ({"categorical": "error"}, HOLED, "PPP: leave out tree, or set categorical to 'auto', 'onehot' or 'ignore'"),
        ({}, HOLED[:0], "PPP: give X rows and columns, not 0 rows of 2"),
        ({}, pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), 'PPP: rename a column of X: more than one is called "x"'),
        ({}, pd.DataFrame({"p": pd.period_range("2020", periods=3), "x": 1.0}), "PPP: convert \"p\", or leave it out: Data type 'period[D]' not recognized"),
        ({}, pd.DataFrame({"x": [b"a", b"b"]}), "PPP: leave x out of columns: BLOB is no feature type"),
    ],
)  # fmt: skip
def test_errors_are_value_errors_and_say_what_to_do(options: dict[str, Any], X: Any, message: str) -> None:
    with pytest.raises(ValueError, match="PPP: ") as raised:
        PPP(**options).fit(X)
    assert str(raised.value) == message


def test_a_lazy_frame_is_collected() -> None:
    X = pl.DataFrame({"x": [1.0, 2.0, 9.0], "tree": ["oak", "oak", "elm"]})
    assert (PPP(k=2).fit(X.lazy()).predict(X.lazy()) == PPP(k=2).fit(X).labels_).all()


def test_rows_to_predict_must_be_as_those_of_the_fit() -> None:
    ppp = PPP(k=2).fit(pl.DataFrame({"x": [1.0, 2.0, 9.0], "tree": ["oak", "oak", "elm"]}))
    assert ppp.predict(pl.DataFrame({"x": [2, 8], "tree": ["oak", "ash"]})).tolist() == [0, 1]
    for method in (ppp.predict, ppp.predict_proba, ppp.transform, ppp.score_samples):
        with pytest.raises(ppp_duck.FeatureError) as raised:
            method(pl.DataFrame({"x": [2.0, None], "tree": ["oak", "oak"]}))
        assert (
            str(raised.value)
            == "PPP: set missing to 'auto', 'skip' or 'impute', or fill it in: x is NULL in a row of X"
        )
    with pytest.raises(ppp_duck.ModelError) as unlike:
        ppp.predict(pl.DataFrame({"x": [2.0], "tree": [2.0]}))
    assert str(unlike.value) == (
        "PPP: give the source the columns that the model was fitted to: tree is missing, or of another kind of type"
    )
    with pytest.raises(ValueError, match="feature names should match"):
        ppp.predict(pl.DataFrame({"y": [2.0], "tree": ["oak"]}))
    assert (
        ppp.predict(pl.DataFrame({"x": [], "tree": []}, schema={"x": pl.Float64, "tree": pl.String})[:0]).tolist() == []
    )


def test_a_fit_that_fails_leaves_nothing() -> None:
    ppp = PPP(missing="skip")
    with pytest.raises(ppp_duck.FeatureError):
        ppp.fit(HOLED[1:])
    with pytest.raises(NotFittedError):
        ppp.predict(HOLED)


def test_parameters_are_options_of_sql() -> None:
    assert set(OPTIONS) == set(PPP().get_params()) < {option.name for option in TABLE}
    other = ("scale", "missing", "categorical")
    assert {name: value for name, value in PPP().get_params().items() if name not in other} == {
        name: getattr(Options(), name) for name in OPTIONS if name not in other
    }


def test_scikit_learn_is_imported_when_ppp_is() -> None:
    assert PPP is DEFINED
    code = "import sys, ppp_duck; assert 'sklearn' not in sys.modules; ppp_duck.PPP; assert 'sklearn' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'QQQ'"):
        ppp_duck.QQQ  # noqa: B018


def test_a_whole_table_of_weights_stays_in_order() -> None:
    """More rows than a thread takes at once: each keeps its weight."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 3, size=(300_000, 1)).astype(float)
    ppp = PPP(k=3).fit(pd.DataFrame(X, columns=["x"]), sample_weight=(X[:, 0] == 1) + 1e-3)
    assert ppp.labels_[X[:, 0] == 1].max() == 0
    sizes = [
        size for (size,) in ppp.model_.connection.sql(f"SELECT size FROM ({ppp.model_.query}) ORDER BY size").fetchall()
    ]
    assert sizes[2] == pytest.approx((X == 1).sum() * 1.001, rel=1e-6)
    assert sizes[0] < 101
