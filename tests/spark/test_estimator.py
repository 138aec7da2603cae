"""``PPP`` and ``PPPModel`` as MLlib's own are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import needed, spark_session

import ppp_duck
from ppp_duck.errors import SourceError

pytestmark = pytest.mark.spark
ROWS = "SELECT i AS id, i % 3 * 9 + sin(i * 1.7) AS x, i % 2 * 7 + cos(i * 2.3) AS y, ['oak', 'elm'][1 + i % 2] AS tree FROM range(300) r(i)"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    needed("spark")
    path = str(tmp_path_factory.mktemp("spark") / "rows.parquet")
    duckdb.connect().execute(f"COPY ({ROWS}) TO '{path}'").fetchall()
    return path


@pytest.fixture(scope="module")
def df(rows: str) -> Any:
    return spark_session().read.parquet(rows)


def ids(rows: str, options: str) -> list[tuple[Any, ...]]:
    con = ppp_duck.connect()
    return con.execute(f"SELECT id, cluster_id FROM ppp_cluster('{rows}', {options}) ORDER BY id").fetchall()


def test_a_pipeline_with_a_vector_is_saved_and_loaded(df: Any, rows: str, tmp_path: Path) -> None:
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.evaluation import ClusteringEvaluator
    from pyspark.ml.feature import VectorAssembler

    from ppp_duck.spark import PPP, PPPModel

    pipeline = Pipeline(stages=[VectorAssembler(inputCols=["x", "y"], outputCol="features"), PPP(k=3, scale="none")])
    fitted = pipeline.fit(df)
    found = fitted.transform(df)
    assert found.columns == [*df.columns, "features", "prediction", "probability"]
    assert ClusteringEvaluator().evaluate(found) > 0.5
    labels = sorted(tuple(row) for row in found.select("id", "prediction").collect())
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE v AS SELECT id, [x, y] AS features FROM '{rows}'").fetchall()
    options = "columns := ['features'], k := 3, scale := 'none'"
    assert labels == con.execute(f"SELECT id, cluster_id FROM ppp_cluster('v', {options}) ORDER BY id").fetchall()
    fitted.save(str(tmp_path / "pipeline"))
    again = PipelineModel.load(str(tmp_path / "pipeline"))
    assert isinstance(again.stages[1], PPPModel)
    assert sorted(tuple(row) for row in again.transform(df).select("id", "prediction").collect()) == labels


def test_a_list_of_columns_of_any_kind(df: Any, rows: str, tmp_path: Path) -> None:
    from ppp_duck.spark import PPP, PPPModel

    estimator = PPP(featuresCol=["x", "y", "tree"], predictionCol="cluster", probabilityCol="", k=2)
    model = estimator.fit(df)
    found = model.transform(df)
    assert found.columns == [*df.columns, "cluster"]
    wanted = ids(rows, "columns := ['x', 'y', 'tree'], k := 2")
    assert sorted(tuple(row) for row in found.select("id", "cluster").collect()) == wanted
    path = str(tmp_path / "model")
    model.save(path)
    model.write().overwrite().save(path)
    again = PPPModel.load(path)
    assert (again.uid, again.model.query) == (model.uid, model.model.query)
    assert again.extractParamMap() == model.extractParamMap()
    assert duckdb.execute(f"SELECT count(*) FROM '{path}/model/*.parquet'").fetchall() == [(2,)]
    assert PPPModel.fromTable(model.toTable()).model.query == model.model.query
    estimator.save(str(tmp_path / "estimator"))
    assert PPP.load(str(tmp_path / "estimator")).extractParamMap() == estimator.extractParamMap()


def test_parameters_are_typed_and_named_as_in_mllib(df: Any) -> None:
    from ppp_duck.spark import PPP

    own = PPP(featuresCol=["x"]).setK(4).setPredictionCol("p").setWeightCol("y")
    assert (own.getK(), own.getPredictionCol(), own.getWeightCol(), own.features()) == (4, "p", "y", ["x"])
    assert own.copy({own.k: 5}).getK() == 5
    assert not PPP().isDefined("k")
    with pytest.raises(TypeError, match="k"):
        PPP(k="three")
    with pytest.raises(TypeError):
        PPP(["x"])
    with pytest.raises(AttributeError, match="seed"):
        PPP(seed=1)
    with pytest.raises(SourceError, match=r'^PPP: no column "features" in the DataFrame; it has "id"'):
        PPP().fit(df)
    with pytest.raises(SourceError, match=r"^PPPModel: set predictionCol to another name"):
        PPP(featuresCol=["x"], predictionCol="tree", k=2).fit(df).transform(df)
