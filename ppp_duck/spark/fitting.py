"""A fit to a Spark DataFrame: Spark takes the summary and the sample, the driver fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
from pyspark.sql import DataFrame

from ppp_duck.api import our_errors
from ppp_duck.binding.call import WIDE, Call, plan_call
from ppp_duck.binding.interface import VECTOR, numbered
from ppp_duck.binding.options import check_options
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import group_column
from ppp_duck.errors import OptionError
from ppp_duck.models.model import Model, ModelSet
from ppp_duck.portable.reading import TALLIED
from ppp_duck.spark import deciding
from ppp_duck.spark.columns import check_groups, source_of, with_arrays
from ppp_duck.spark.groups import fit_groups
from ppp_duck.spark.queries import Stages, small

FEATURES = ("_ppp_features",)
KEYED = ("_ppp_features", "_ppp_usable", "_ppp_key_parts", "_ppp_keyed")
LAST = ("_ppp_begun", "_ppp_fitting(state)", "_ppp_model")
NOT_NEEDED = ("choice", "n")  # of the summary, where rows are keyed


def fit_models(function: str, df: DataFrame, options: Mapping[str, Any]) -> ModelSet:
    """The models of the rows; none where there is no row. Raises PPPError as the SQL function does."""
    return _fitted(function, df, options)[0]


def fit_to_score(function: str, df: DataFrame, options: Mapping[str, Any]) -> ModelSet:
    """The same for no other rows than these: of rows that were found to be whole, the text that scores is short."""
    models, extremes, call = _fitted(function, df, options)
    if call.options.by or call.options.weight is not None:  # a group's extremes, or those of rows that weigh something
        return models
    are_whole = [replace(one, missing="skip") if _are_whole(one, extremes, call) else one for one in models.models]
    return replace(models, models=tuple(are_whole))


def _are_whole(model: Model, extremes: pa.Table, call: Call) -> bool:
    """Whether all rows have each feature of a model that fills holes: a text, or a number that is not far out."""
    (said,) = extremes.to_pylist()
    places = {feature.name: place for place, feature in enumerate(call.features)}
    for feature in model.features:
        if feature.kind == VECTOR:
            return False
        own = numbered(feature.kind, places[feature.name])
        if said[f"{own}_finite"] < said["n"]:
            return False
        if feature.low is not None and said[f"{own}_low"] < feature.low:
            return False
        if feature.high is not None and said[f"{own}_high"] > feature.high:
            return False
    return model.missing == "auto"


def _fitted(function: str, df: DataFrame, options: Mapping[str, Any]) -> tuple[ModelSet, pa.Table, Call]:
    """The models, the extremes of all rows, and what was asked."""
    df = with_arrays(df)
    source = source_of(df)
    call = plan_call(function, source, check_options(function, options))
    check_call(call, source)
    stages = Stages.of(call, source)
    with deciding.driver() as con, our_errors():
        extremes = summarize(con, df, stages)
        return _fit(con, df, stages), extremes, call


def check_call(call: Call, source: Source) -> None:
    """Raises OptionError and FeatureError for what Spark cannot do as DuckDB does it."""
    if call.is_wide:
        raise OptionError(
            f"{call.function}: put the features into one column, a list of numbers, or name {WIDE} of them or less: "
            f"{len(call.features)} are too many columns on Spark"
        )
    if call.options.refine:
        raise OptionError.value(
            call.function, "refine", "0, as Spark has no passes over all rows,", call.options.refine
        )
    check_groups(call.function, call.options.by, source)


def summarize(con: duckdb.DuckDBPyConnection, df: DataFrame, stages: Stages) -> pa.Table:
    """Puts ``_ppp_summary`` on the driver: which columns help, and the extremes of all rows, which it returns."""
    call, extremes = stages.call, stages.query(df, [*FEATURES, "_ppp_extremes"]).toArrow()
    deciding.put(con, "_ppp_extremes", extremes)
    decided = ["_ppp_choice", "_ppp_summary"] if call.automatic else ["_ppp_summary"]
    more = []
    if TALLIED in stages.by_name:
        known = small(df, extremes)
        tallied = stages.query(df, ["_ppp_frequencies", "_ppp_binned", TALLIED], _ppp_extremes=known)
        deciding.put(con, TALLIED, tallied.toArrow())
        more, decided = [deciding.untallied(group_column(call))], ["_ppp_values", *decided]
    deciding.decide(con, [*more, *(stages.by_name[name] for name in decided)])
    return extremes


def _fit(con: duckdb.DuckDBPyConnection, df: DataFrame, stages: Stages) -> ModelSet:
    summary = small(df, _for_keys(deciding.table(con, "FROM _ppp_summary")))
    last, known = [stages.by_name[name] for name in LAST], ["_ppp_summary"]
    if "_ppp_content" in stages.by_name:
        content = stages.query(df, [*KEYED, "_ppp_content"], _ppp_summary=summary)
        deciding.put(con, "_ppp_content", content.toArrow())
        known.append("_ppp_content")
    names = [*KEYED, "_ppp_distinct_rows", "_ppp_sample"]
    if by := stages.call.options.by:
        return fit_groups(con, stages.query(df, names, _ppp_summary=summary), by, known, last)
    counted = stages.query(df, [*KEYED, "_ppp_counted"], _ppp_summary=summary)
    deciding.put(con, "_ppp_counted", counted.toArrow())
    deciding.decide(con, [stages.by_name["_ppp_buckets"]])
    buckets = small(df, deciding.table(con, "FROM _ppp_buckets"))
    sample = stages.query(df, names, _ppp_summary=summary, _ppp_buckets=buckets)
    deciding.put(con, "_ppp_sample", sample.toArrow())
    return deciding.fitted(con, last)


def _for_keys(summary: pa.Table) -> pa.Table:
    names = [name for name in summary.column_names if name not in NOT_NEEDED and not name.startswith("type_")]
    return summary.select(names)
