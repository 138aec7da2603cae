"""The functions of ``ppp_duck.spark``."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from ppp_duck.api import Model
from ppp_duck.binding.options import check_options, check_reading
from ppp_duck.errors import FeatureError, ModelError, show
from ppp_duck.spark.columns import SOURCE, check_frame, source_of
from ppp_duck.spark.fitting import fit_models, fit_to_score
from ppp_duck.spark.scoring import check_names, scored
from ppp_duck.spark.storing import as_model


def cluster(df: DataFrame, **options: Any) -> DataFrame:
    """Every row of ``df``, unchanged, with its cluster. Options are the arguments of ``ppp_cluster``.

    The fit is made now: Spark takes the summary and the sample, which alone come to the driver. The rows are scored in
    Spark's own SQL when they are read. ``df`` is read several times, and must give the same rows each time: cache or
    save what is drawn at random.

    Raises OptionError, SourceError or FeatureError, as the SQL function does.
    """
    checked = check_options("ppp_cluster", options)
    check_names("ppp_cluster", check_frame(df), checked.output, checked.prefix)
    models = fit_to_score("ppp_cluster", df, options)
    return scored("ppp_cluster", df, models, checked.output, checked.prefix)


def fit(df: DataFrame, **options: Any) -> Model:
    """A model of ``df``, equal to the one that DuckDB fits to the same rows. Options are the arguments of ``ppp_fit``.

    With ``by``, groups are fitted on the executors. The model describes itself on DuckDB (``model.centers()``), is SQL
    (``model.sql('spark', …)``), and is saved there (``model.save(con, 'seg')``) or on Spark (``to_table``).

    Raises OptionError, SourceError or FeatureError, as the SQL function does.
    """
    models = fit_models("ppp_fit", check_frame(df), options)
    if not models.models:
        raise FeatureError(f"ppp_fit: give a source with rows, {SOURCE} has none")
    return as_model(models, {column.name: column.type for column in source_of(df).columns})


def predict(df: DataFrame, model: Model, output: str = "id", prefix: str = "") -> DataFrame:
    """Every row of ``df``, unchanged, with its cluster of a model, as ``ppp_predict`` returns it; nothing is run.

    Raises ModelError where a column of the model is missing, SourceError where a new column has the name of another.
    """
    checked = check_reading("ppp_predict", {"model": "model", "output": output, "prefix": prefix})
    if not isinstance(model, Model):
        raise ModelError(f"give a model, such as ppp_duck.spark.fit(df), not {show(type(model).__name__)}")
    check_names("ppp_predict", check_frame(df), checked.output, checked.prefix)
    return scored("ppp_predict", df, model.models, checked.output, checked.prefix)
