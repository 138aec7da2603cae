"""One clustering for each group, fitted on the executors: each gets the summary and the sample of its group."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa
from pyspark.sql import DataFrame

from ppp_duck.api import our_errors
from ppp_duck.binding.interface import ROW_GROUP
from ppp_duck.binding.stages import Stage
from ppp_duck.errors import PPPError
from ppp_duck.models.model import Model, ModelSet
from ppp_duck.registering import connect
from ppp_duck.spark import deciding

MOST_TASKS = 200  # in which groups are fitted
FACTS, MODEL = "facts", "model"

Fit = Callable[[tuple[pa.Scalar, ...], pa.Table, pa.Table], pa.Table]


def fit_groups(
    con: duckdb.DuckDBPyConnection, sample: DataFrame, by: Sequence[str], tables: Sequence[str], stages: Sequence[Stage]
) -> ModelSet:
    """The models of all groups, in the order of the groups' texts. ``tables`` hold what the driver knows of each."""
    facts = _facts(con, tables)
    tasks = min(len(facts), MOST_TASKS)
    if not tasks:
        return ModelSet(tuple(by), ())
    known = sample.sparkSession.createDataFrame(facts).repartition(tasks, ROW_GROUP).groupBy(ROW_GROUP)
    rows = sample.repartition(tasks, ROW_GROUP).groupBy(ROW_GROUP)
    fitted = known.cogroup(rows).applyInArrow(_fitting(stages), f"{ROW_GROUP} string, {MODEL} binary").toArrow()
    found = dict(zip(fitted[ROW_GROUP].to_pylist(), fitted[MODEL].to_pylist(), strict=True))
    models: list[Model] = []
    for said in (pickle.loads(found[group]) for group in sorted(found) if found[group] is not None):
        if isinstance(said, PPPError):
            raise said
        models.append(said)
    return ModelSet(tuple(by), tuple(models))


def _facts(con: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> pa.Table:
    """Of each group the rows of ``tables``, as bytes: so their types are as DuckDB made them."""
    held = [deciding.table(con, f"FROM {name} ORDER BY {ROW_GROUP}") for name in tables]
    places = [{group: place for place, group in enumerate(one[ROW_GROUP].to_pylist())} for one in held]
    groups = list(places[0])
    facts = [
        pickle.dumps({
            name: _bytes(one.slice(at[group], 1) if group in at else one.slice(0, 0))
            for name, one, at in zip(tables, held, places, strict=True)
        })
        for group in groups
    ]  # fmt: skip
    return pa.table({ROW_GROUP: pa.array(groups, pa.string()), FACTS: pa.array(facts, pa.binary())})


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _fitting(stages: Sequence[Stage]) -> Fit:
    def fit(key: tuple[pa.Scalar, ...], facts: pa.Table, rows: pa.Table) -> pa.Table:
        found = _fitted(facts[FACTS][0].as_py(), rows, stages) if len(facts) else None
        return pa.table({ROW_GROUP: pa.array([key[0].as_py()]), MODEL: pa.array([found], pa.binary())})

    return fit


def _fitted(facts: bytes, rows: pa.Table, stages: Sequence[Stage]) -> bytes | None:
    """The model of a group, or what is wrong with it, as bytes; None of a group without a row."""
    con = _worker()
    for name, table in pickle.loads(facts).items():
        deciding.put(con, name, pa.ipc.open_stream(table).read_all())
    deciding.put(con, "_ppp_sample", rows)
    try:
        with our_errors():
            models = deciding.fitted(con, stages).models
    except PPPError as error:
        return pickle.dumps(error)
    return pickle.dumps(models[0]) if models else None


@functools.cache
def _worker() -> duckdb.DuckDBPyConnection:
    """A worker of Spark fits many groups, on one connection."""
    con = connect(catalog=False)
    con.execute("SET threads = 1").fetchall()
    return con
