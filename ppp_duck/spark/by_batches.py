"""Models of many groups: batches of rows go to the functions that score in DuckDB's statements.

In SQL each group would be a branch of the query that reads all rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import BooleanType, DoubleType, IntegerType, StringType, StructField, StructType

from ppp_duck.binding.interface import field
from ppp_duck.binding.quoting import folded, literal, quote
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import as_form, named_texts, select
from ppp_duck.models.model import SCORE_COLUMNS, ModelSet, score_columns
from ppp_duck.portable.translating import in_spark
from ppp_duck.running import memory, scoring
from ppp_duck.spark.queries import in_braces

TYPES = {"INTEGER": IntegerType(), "DOUBLE": DoubleType(), "BOOLEAN": BooleanType(), "VARCHAR": StringType()}
ROW, OF = "ppp_row \x1f", "ppp_group \x1f"  # what stands behind the columns of a batch
STATEMENT = (-1, 0)  # whose models are kept: no connection has this number

Batches = Iterator[pa.RecordBatch]


def scored_in_batches(df: DataFrame, source: Source, models: ModelSet, output: str) -> DataFrame:
    """The rows with their new columns. Each Python worker keeps the models once."""
    new = score_columns(output)
    fields = [StructField(name, TYPES[SCORE_COLUMNS[name]]) for name in new]
    kinds = {folded(one.name): one.kind for model in models.models for one in model.features}
    types = {column.name: column.type for column in source.columns}
    row = [_made(kinds[folded(name)], name) for name in types if folded(name) in kinds]
    by = set(map(folded, models.by))
    group = named_texts([name for name in types if folded(name) in by])
    made = [f"{{{', '.join(row)}}} AS {quote(ROW)}", f"{group} AS {quote(OF)}"]
    text = in_braces(in_spark(select(["_ppp_source.*", *made], "_ppp_source"), lambda column: types[column.name]))
    rows = df.sparkSession.sql(f"WITH _ppp_source AS (SELECT * FROM {{df}}) {text}", df=df)
    plain = [f"c{at}" for at in range(len(rows.columns))]  # a name with dots or quotes mapInArrow does not find again
    kept = [StructField(name, one.dataType) for name, one in zip(plain, df.schema.fields, strict=False)]
    found = rows.toDF(*plain).mapInArrow(_scorer(models, output, len(df.columns)), StructType([*kept, *fields]))
    return found.toDF(*df.columns, *new)


def _made(form: str, name: str) -> str:
    return f"{literal(field(form, name))}: {as_form(form, f'_ppp_source.{quote(name)}')}"


def _scorer(models: ModelSet, output: str, width: int) -> Callable[[Batches], Batches]:
    def score(batches: Batches) -> Batches:
        key = memory.keep(models, "ppp_predict", STATEMENT)
        try:
            for batch in batches:
                if len(batch):
                    yield _scored(key, batch, output, width)
        finally:
            memory.MEMORY.drop(key)

    return score


def _scored(key: str, batch: pa.RecordBatch, output: str, width: int) -> pa.RecordBatch:
    """A batch whose last columns, the row and its group, make way for the new ones."""
    n = len(batch)
    keys = pa.chunked_array([pa.array([key]).take(pa.array([0] * n))])
    groups, rows = pa.chunked_array([batch.column(width + 1)]), pa.chunked_array([batch.column(width)])
    if output == "full":
        new = dict(zip(SCORE_COLUMNS, scoring.score(keys, groups, rows).flatten(), strict=True))
    else:
        new = {"cluster_id": scoring.assign(keys, groups, rows)}
    kept = batch.select(range(width))
    return pa.RecordBatch.from_arrays([*kept.columns, *new.values()], [*kept.schema.names, *new])
