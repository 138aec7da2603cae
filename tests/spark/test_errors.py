"""What Spark cannot do, or a caller has to mend, is said before a row is read."""

from __future__ import annotations

from typing import Any

import pytest
from engines import needed, spark_session

import ppp_duck
from ppp_duck.errors import FeatureError, ModelError, OptionError, SourceError

pytestmark = pytest.mark.spark
MODEL = "SELECT i % 2 * 10 + sin(i) AS x FROM range(60) r(i)"


@pytest.fixture(scope="module")
def df() -> Any:
    needed("spark")
    return spark_session().createDataFrame([(1.0, 2.5, "a", 3)], "x double, price double, city string, cluster_id int")


def test_of_a_fit(df: Any) -> None:
    from pyspark.sql.functions import lit

    from ppp_duck import spark

    with pytest.raises(SourceError, match=r'^ppp_fit: no column "y" in the DataFrame; it has "x"'):
        spark.fit(df, columns=["y"])
    with pytest.raises(OptionError, match=r"^ppp_fit: set k to a whole number from 1 up, not 0"):
        spark.fit(df, k=0)
    with pytest.raises(SourceError, match=r"^ppp_cluster: set prefix"):
        spark.cluster(df)
    with pytest.raises(FeatureError, match=r"^ppp_fit: cast price to a whole number, a text or a date: .* DOUBLE"):
        spark.fit(df, columns=["x"], by=["price"])
    with pytest.raises(OptionError, match=r"^ppp_fit: set refine to 0"):
        spark.fit(df, refine=1)
    with pytest.raises(SourceError, match=r"^give a Spark DataFrame, such as .*, not 'list'"):
        spark.fit([1, 2])  # type: ignore[arg-type]
    wide = df.withColumns({f"c{i}": lit(float(i)) for i in range(70)})
    with pytest.raises(OptionError, match=r"^ppp_fit: put the features into one column, a list of numbers"):
        spark.fit(wide)


def test_of_a_group(df: Any) -> None:
    """It is found on an executor, and said by the driver."""
    from ppp_duck import spark

    rows = df.sparkSession.sql("SELECT IF(id > 7, NULL, sin(id)) AS x, id % 2 AS g FROM range(9)")
    with pytest.raises(
        FeatureError, match=r"^ppp_fit: set missing to 'auto', 'skip' or 'impute', or exclude x: 1 of 5"
    ):
        spark.fit(rows, columns=["x"], by=["g"], missing="error")


def test_of_a_prediction(df: Any) -> None:
    from ppp_duck import spark

    model = ppp_duck.fit(MODEL)
    with pytest.raises(SourceError, match=r"^ppp_predict: set prefix"):
        spark.predict(df, model)
    with pytest.raises(ModelError, match=r"^ppp_predict: give the source the columns .*: x is missing, or of another"):
        spark.predict(df.select("city"), model)
    with pytest.raises(ModelError, match=r"^ppp_predict: give the source the columns .*: x is missing, or of another"):
        spark.predict(df.selectExpr("city AS x"), model)
    with pytest.raises(ModelError, match=r"^give a model, such as ppp_duck.spark.fit\(df\), not 'str'"):
        spark.predict(df, "seg")  # type: ignore[arg-type]
