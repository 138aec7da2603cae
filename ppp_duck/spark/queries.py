"""The stages that read rows as queries of Spark: in a chain, over DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.functions import broadcast

from ppp_duck.binding.call import Call
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage
from ppp_duck.portable.reading import reading_stages, stages_of


@dataclass(frozen=True)
class Stages:
    """The stages of a call by name: all as DuckDB runs them, those that read rows also as Spark does."""

    call: Call
    by_name: Mapping[str, Stage]
    reading: Mapping[str, str]

    @staticmethod
    def of(call: Call, source: Source) -> Stages:
        by_name = stages_of(call, source)
        return Stages(call, by_name, reading_stages(call, source, by_name))

    def query(self, df: DataFrame, names: Sequence[str], **tables: DataFrame) -> DataFrame:
        """The rows of the last of these stages. ``tables`` stand for stages that were run already."""
        chain = ["_ppp_source AS (SELECT * FROM {df})"]
        chain += [f"{name} AS (SELECT * FROM {{{name}}})" for name in tables]
        chain += [f"{name} AS ({in_braces(self.reading[name])})" for name in names]
        given: dict[str, Any] = {"df": df, **tables}
        return df.sparkSession.sql(f"WITH {', '.join(chain)} SELECT * FROM {names[-1]}", **given)


def in_braces(sql: str) -> str:
    """Spark takes what stands in braces for the name of a DataFrame."""
    return sql.replace("{", "{{").replace("}", "}}")


def small(df: DataFrame, table: pa.Table) -> DataFrame:
    """A small table on the session of ``df``, to be joined to each part of a large one."""
    return broadcast(df.sparkSession.createDataFrame(table))
