"""Models between Spark and the package: the rows of ``ppp_fit`` as a ``Model``, and as a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from ppp_duck.api import Model, model_of, texts_of
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.doors.frames import Given
from ppp_duck.models import table
from ppp_duck.models.model import ModelSet
from ppp_duck.running.memory import keep
from ppp_duck.spark import deciding
from ppp_duck.spark.columns import SOURCE, check_frame


def as_model(models: ModelSet, types: Mapping[str, str]) -> Model:
    """A ``Model`` of the rows that ``ppp_fit`` returns of these models. ``types`` are those of the ``by`` columns."""
    with deciding.driver() as con:
        (row,) = con.execute("SELECT ppp__statement()").fetchall()
        key = keep(models, "ppp_fit", tuple(row[0].values()))
        by = [f"CAST(said.g[{at}] AS {types[name]}) AS {quote(name)}" for at, name in enumerate(models.by, 1)]
        columns = [*by, *(f"said.{quote(name)}" for name in table.COLUMNS)]
        order = [*(f"{quote(name)} NULLS LAST" for name in models.by), "said.g", "said.cluster_id"]
        said = f"(SELECT unnest(ppp__rows({literal(key)})) AS said)"
        query = f"(SELECT {', '.join(columns)} FROM {said} ORDER BY {', '.join(order)})"
        return model_of(None, SOURCE, *texts_of(Given(con, SOURCE), query))


def to_table(model: Model, session: SparkSession | None = None) -> DataFrame:
    """The rows of ``ppp_fit``, to be saved as any table; on the active session, unless one is given."""
    with deciding.driver() as con:
        return (session or SparkSession.active()).createDataFrame(deciding.table(con, model.query))


def from_table(df: DataFrame) -> Model:
    """A model that was saved as a table, by Spark or DuckDB, in any order. Raises ModelError if it cannot be used."""
    rows = check_frame(df).toArrow()
    order = [name for name in rows.column_names if name == "cluster_id" or name not in table.COLUMNS]
    with deciding.driver() as con:
        deciding.put(con, "model", rows)
        ordered = f"(FROM model ORDER BY {', '.join(f'{quote(name)} NULLS LAST' for name in order)})"
        return model_of(None, "the model", *texts_of(Given(con, "the model"), ordered))
