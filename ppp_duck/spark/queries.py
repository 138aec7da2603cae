"""The stages of a fit as queries of Spark: translated, in a chain, over DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.functions import broadcast

from ppp_duck.binding.call import Call
from ppp_duck.binding.sample import fit_stages
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, group_column, select
from ppp_duck.portable.translating import in_spark

# DuckDB takes the most frequent 20 values with max(times, 20). Spark counts how often each frequency comes back: those
# are few, and the rest is done where they are counted no more.
TALLIED = "_ppp_tallied"
# What Spark's optimizer would ask of keys it asks of the columns that they are made of, in all ways there are: with 18
# columns it runs out of memory. It asks nothing below a column that is another in each run. No result depends on it.
FENCED = "_ppp_key_parts"
FENCE = "SELECT * FROM (SELECT *, monotonically_increasing_id() AS _ppp_place FROM ({sql})) WHERE _ppp_place >= 0"


@dataclass(frozen=True)
class Stages:
    """The stages of a call, by name: of the same text for DuckDB and for Spark."""

    call: Call
    source: Source
    by_name: Mapping[str, Stage]

    @staticmethod
    def of(call: Call, source: Source) -> Stages:
        stages = {stage.name: stage for stage in fit_stages(call, source, "_ppp_model")}
        by = [*group_column(call), "feature", "bin", "times"]
        tallied = select([*by, "count(*) AS values_differ"], "_ppp_binned", f"GROUP BY {', '.join(by)}")
        stages[TALLIED] = Stage(TALLIED, tallied, "how many values are as frequent")
        return Stages(call, source, stages)

    def query(self, df: DataFrame, names: Sequence[str], **tables: DataFrame) -> DataFrame:
        """The rows of the last of these stages. ``tables`` stand for stages that were run already."""
        chain = ["_ppp_source AS (SELECT * FROM {df})"]
        chain += [f"{name} AS (SELECT * FROM {{{name}}})" for name in tables]
        chain += [f"{name} AS ({in_braces(self.translated(name))})" for name in names]
        given: dict[str, Any] = {"df": df, **tables}
        return df.sparkSession.sql(f"WITH {', '.join(chain)} SELECT * FROM {names[-1]}", **given)

    def translated(self, name: str) -> str:
        """The text of a stage in Spark's dialect."""
        types = {column.name: column.type for column in self.source.columns}
        values = {f"value_{index}": feature.type for index, feature in enumerate(self.call.features)}
        sql = in_spark(self.by_name[name].sql, lambda column: (types if column.this.quoted else values)[column.name])
        return FENCE.format(sql=sql) if name == FENCED else sql


def in_braces(sql: str) -> str:
    """Spark takes what stands in braces for the name of a DataFrame."""
    return sql.replace("{", "{{").replace("}", "}}")


def small(df: DataFrame, table: pa.Table) -> DataFrame:
    """A small table on the session of ``df``, to be joined to each part of a large one."""
    return broadcast(df.sparkSession.createDataFrame(table))
