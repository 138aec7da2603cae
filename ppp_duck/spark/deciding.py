"""What DuckDB does on the driver with the summaries and samples that Spark took: the other stages of the statement.

Tables come from Spark by Arrow and stand under the names of the stages that made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import duckdb
import pyarrow as pa

from ppp_duck.binding.quoting import quote
from ppp_duck.binding.stages import Stage, with_stages
from ppp_duck.models.model import ModelSet
from ppp_duck.registering import connect
from ppp_duck.running.memory import MEMORY


def driver() -> closing[duckdb.DuckDBPyConnection]:
    return closing(connect(catalog=False))


def put(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """A table of Spark as a stage. Decimals without fractions are sums of whole numbers, HUGEINTs in DuckDB."""
    columns = []
    for field in table.schema:
        own = quote(field.name)
        whole = pa.types.is_decimal(field.type) and not field.type.scale
        columns.append(f"CAST({own} AS HUGEINT) AS {own}" if whole else own)
    con.register("_ppp_arrow", table)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {', '.join(columns)} FROM _ppp_arrow").fetchall()
    con.unregister("_ppp_arrow")


def decide(con: duckdb.DuckDBPyConnection, stages: Sequence[Stage]) -> None:
    """Runs the stages. The last of them stays as a table."""
    name = stages[-1].name
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {with_stages(stages, f'SELECT * FROM {name}')}").fetchall()


def table(con: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return con.sql(query).to_arrow_table()


def fitted(con: duckdb.DuckDBPyConnection, stages: Sequence[Stage]) -> ModelSet:
    """The models that the last stages fit to the sample, on any DuckDB that has it."""
    (row,) = con.execute(with_stages(stages, f"SELECT model FROM {stages[-1].name}")).fetchall()
    models: ModelSet = MEMORY.get(row[0]).set
    return models


def untallied(by: Sequence[str]) -> Stage:
    """``_ppp_binned`` again, a row for each value, from Spark's counts."""
    columns = ", ".join([*by, "feature", "bin", "times", "is_uneven"])
    sql = f"SELECT {columns} FROM (SELECT {columns}, unnest(range(values_differ)) FROM _ppp_tallied)"
    return Stage("_ppp_binned", sql, "the frequencies of values, a row for each value", kept=False)
