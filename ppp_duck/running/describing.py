"""The functions of models without rows of a source: rows of a model table in; what is known of the models out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from ppp_duck.binding.interface import MODEL_ROWS, SETS, arrow_struct
from ppp_duck.binding.quoting import folded
from ppp_duck.errors import ModelError
from ppp_duck.models import description, table
from ppp_duck.models.model import Model
from ppp_duck.running.memory import keep, kept, statement_of
from ppp_duck.running.report import model_key


def load(functions: pa.ChunkedArray, names: pa.ChunkedArray, by: pa.ChunkedArray, *others: pa.ChunkedArray) -> pa.Array:
    """The rows of a model table in, the key of its models out. They must be grouped ``by`` these columns; None: any.

    The other arguments: the rows, and the statement that runs.
    """
    function, name, wanted = functions[0].as_py(), names[0].as_py(), by[0].as_py()
    rows, statement = others
    try:
        models = table.from_rows(name, _model_rows(rows[0].values))
    except ModelError as error:
        raise ModelError(f"{function}: {error}") from None
    if wanted is not None and [folded(column) for column in wanted] != [folded(column) for column in models.by]:
        again = f"fit {name} again by {', '.join(wanted)}" if wanted else f"fit {name} again without by"
        advice = f"{again}, as the old model was" if function == "ppp_match" else f"leave by out, or {again}"
        fitted = f"it was fitted by {', '.join(models.by)}" if models.by else "it was fitted without groups"
        raise ModelError(f"{function}: {advice}: {fitted}")
    return pa.array([keep(models, function, statement_of(statement))])


def _model_rows(rows: pa.StructArray | None) -> list[dict[str, Any]]:
    """Rows without what else the table has: the columns of groups may hold what Python cannot, a date of infinity."""
    if rows is None or not len(rows):
        return []
    places = [place for place, column in enumerate(rows.type) if folded(column.name) in table.COLUMNS]
    columns = [rows.field(place) for place in places]
    if not columns:
        return [{}] * len(rows)
    return list(pa.StructArray.from_arrays(columns, names=[rows.type[place].name for place in places]).to_pylist())


def grouped_by(models: pa.ChunkedArray) -> pa.Array:
    """The names of the columns that models are grouped by."""
    return pa.array([list(kept(models).set.by)], pa.list_(pa.string()))


def rows(models: pa.ChunkedArray) -> pa.Array:
    """The models as the rows of a table."""
    given = kept(models).set
    return pa.array([table.to_rows(given, model_key(given))], pa.list_(arrow_struct(MODEL_ROWS)))


def clusterability(models: pa.ChunkedArray) -> pa.Array:
    """The sets of rows of each group, as ``ppp_clusterability`` shows them."""
    sets = [
        {"g": list(model.group), **vars(row_set), "rows": round(row_set.rows) if row_set.rows < 2.0**63 else None}
        for model in kept(models).set.models
        for row_set in model.sets
    ]
    return pa.array([sets], pa.list_(arrow_struct(SETS)))


def portable(models: pa.ChunkedArray, *arguments: pa.ChunkedArray) -> pa.Array:
    """The models as plain SQL. Other arguments: dialect, source, output, form."""
    from ppp_duck.portable.writing import portable_sql  # sqlglot: only who asks for SQL waits for it

    return pa.array([portable_sql(kept(models).set, *(argument[0].as_py() for argument in arguments))], pa.string())


def _described(describe: Callable[..., list[dict[str, Any]]], kind: pa.DataType) -> Callable[..., pa.Array]:
    """A function of the models' key, a model text in each row, arguments: what ``describe`` says of the row's model."""

    def function(*columns: pa.ChunkedArray) -> pa.Array:
        models, *arguments = columns  # DuckDB takes a signature with names and a star for one argument more
        ready, given = kept(models).ready, zip(*(argument.to_pylist() for argument in arguments), strict=True)
        rows = [describe(ready[table.group_of(text)].model, *values) for text, *values in given]
        return pa.array(rows, pa.list_(kind))

    return function


centers = _described(description.centers, arrow_struct(description.CENTERS))
trials = _described(description.trials, arrow_struct(description.TRIALS))
info = _described(description.info, arrow_struct(description.INFO))


def compare(*columns: pa.ChunkedArray) -> pa.Array:
    """What sets clusters apart. A group that lacks one of them says nothing, if another has both."""
    most = max(one.k for one in kept(columns[0]).set.models)

    def described(model: Model, a: int, b: int | None) -> list[dict[str, Any]]:
        least = max(a, b or 0) + 1
        return [] if model.k < least <= most else description.compare(model, a, b)

    return _described(described, arrow_struct(description.COMPARE))(*columns)
