"""Rows of a DataFrame by a fitted model, in Spark's own SQL: the text of ``ppp_sql``."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame

from ppp_duck.binding.quoting import folded
from ppp_duck.binding.source import refuse_clash
from ppp_duck.errors import ModelError
from ppp_duck.models.model import ModelSet, score_columns
from ppp_duck.portable.writing import portable_sql
from ppp_duck.spark.by_batches import scored_in_batches
from ppp_duck.spark.columns import SOURCE, arrays_beside, source_of
from ppp_duck.spark.queries import in_braces

GIVEN = "ppp_given"
BRANCHES = 3  # groups that SQL scores: each is a branch of the query, which reads the rows again


def check_names(function: str, df: DataFrame, output: str, prefix: str) -> None:
    """Raises SourceError where a new column has the name of another."""
    refuse_clash(function, [prefix + name for name in score_columns(output)], df.columns, SOURCE)


def scored(function: str, df: DataFrame, models: ModelSet, output: str, prefix: str) -> DataFrame:
    """The rows of ``df``, unchanged and first, with their new columns. Nothing runs before they are read."""
    rows, models = _at_hand(function, df, models)
    if len(models.models) > BRANCHES:
        found = scored_in_batches(rows, source_of(rows), models, output)
    else:
        text = portable_sql(models, "spark", GIVEN, output, "select")
        text = f"WITH {GIVEN} AS (SELECT * FROM {{df}}),\n" + in_braces(text.removeprefix("WITH\n"))
        found = df.sparkSession.sql(text, df=rows)
    beside = rows.columns[len(df.columns) :]
    if not (prefix or beside):  # a name for each column makes Spark think again about all of it
        return found
    found = found.toDF(*df.columns, *beside, *(prefix + name for name in score_columns(output)))
    return found.drop(*beside) if beside else found


def _at_hand(function: str, df: DataFrame, models: ModelSet) -> tuple[DataFrame, ModelSet]:
    """The rows with a list beside each vector of MLlib that a model needs, and the models that read what is there.

    A model takes the type of a column from its source: as DuckDB does, not as it was where the model was fitted.
    Raises ModelError where a column is missing, or of another kind.
    """
    known = {folded(column.name): column for column in source_of(df).columns}
    features = {(one.kind, folded(one.name)): one.name for model in models.models for one in model.features}
    lacking = [name for (kind, key), name in features.items() if key not in known or known[key].kind != kind]
    lacking += [name for name in models.by if folded(name) not in known]
    if lacking:
        raise ModelError.columns(function, "to", lacking, ", or of another kind of type")
    rows, names = arrays_beside(df, list(features.values()))
    return rows, replace(
        models,
        models=tuple(
            replace(model, features=tuple(
                replace(one, name=names.get(folded(one.name), one.name), type=known[folded(one.name)].type)
                for one in model.features
            ))
            for model in models.models
        ),
    )  # fmt: skip
