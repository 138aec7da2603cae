"""The stages that load a stored model; the statements of the functions that need nothing but a model."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.binding.options import Reading
from ppp_duck.binding.quoting import folded, literal
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, indented, select, unowned, with_stages
from ppp_duck.errors import ModelError
from ppp_duck.models import description, table

FIRST = "coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0"  # one row of each model; a CSV may give it as text
TEXT_OF_MODEL = "CAST(model AS VARCHAR)"
# Of a row of a model table. What is no model text is NULL: to say what is wrong with it is ``ppp__load``'s business.
GROUP_OF_MODEL = (
    f"TRY_CAST(CASE WHEN json_valid({TEXT_OF_MODEL}) THEN json_extract({TEXT_OF_MODEL}, '$.group') END AS VARCHAR[])"
)
# The columns of each function; a pair: a UNION by the column's type, and the field that it is made of.
DESCRIBED = {
    "ppp_centers": ("cluster_id", "feature", ("center", "value"), "stddev", "category", "share"),
    "ppp_trials": tuple(description.TRIALS),
    "ppp_info": tuple(description.INFO),
    "ppp_compare": ("feature", ("value_a", "a"), ("value_b", "b"), "score"),
}


def model_source(function: str, model: Source) -> Source:
    """Refuses, as early as can be, a relation that is no model."""
    found = {folded(column.name) for column in model.columns}
    missing = [name for name in table.COLUMNS if name not in found]
    if missing:
        raise ModelError(f'{function}: name a model that ppp_fit made: {model.name} has no column "{missing[0]}"')
    return model


def model_stages(
    function: str, model: Source, by: Sequence[str], stage: str = "_ppp_model", like: str = ""
) -> list[Stage]:
    """The rows of a model and its state. It must be grouped by the columns ``by``, or as that of the stage ``like``."""
    wanted = f"(SELECT ppp__by(model) FROM {like})" if like else "NULL"
    if by:
        wanted = f"[{', '.join(map(literal, by))}]"
    rows = f"{stage}_rows"
    arguments = f"{literal(function)}, {literal(model.name)}, {wanted}, (SELECT list({rows}) FROM {rows})"
    loaded = f"SELECT ppp__load({arguments}, ppp__statement()) AS model"
    return [
        Stage(rows, f"SELECT * FROM {model.relation}", "the rows of the model table", foreign=True),
        Stage(stage, loaded, "the state of the loaded models"),
    ]


def described(function: str, model: Source, reading: Reading) -> str:
    """What each model says of itself, behind the columns that the table has beside those of a model (``by``)."""
    if function == "ppp_sql":
        return _portable(function, model, reading)
    arguments = ""
    if function == "ppp_compare":
        arguments = f", {reading.a}, {'CAST(NULL AS INTEGER)' if reading.b is None else reading.b}"
    udf = function.replace("ppp_", "ppp__")
    key, said = unowned("_ppp_key", model), unowned("_ppp_said", model)
    rows = model_heads(f"{udf}({key}, model{arguments})", said, f"_ppp_model.model AS {key}", "_ppp_model")
    fields = [f"* EXCLUDE ({', '.join([*table.COLUMNS, key, said])})"]
    for field in DESCRIBED[function]:
        if isinstance(field, tuple):
            name, number = field
            fields.append(f"ppp__value({said}.{number}, {said}.kind) AS {name}")
        else:
            fields.append(f"{said}.{field}")
    for name, number in (field for field in DESCRIBED[function] if isinstance(field, tuple)):
        fields += plain(name, f"{said}.{number}", f"{said}.kind")
    return with_stages(model_stages(function, model, ()), select(fields, indented(rows)))


def plain(name: str, number: str, kind: str, text: str = "") -> list[str]:
    """A UNION once more, as columns that every client reads: a number, and a text for people.

    ``text``: an expression for it where there is no number.
    """
    shown = f"ppp__shown({number}, {kind})"
    return [
        f"ppp__plain({number}, {kind}) AS {name}_number",
        f"{f'coalesce({shown}, {text})' if text else shown} AS {name}_text",
    ]


def _portable(function: str, model: Source, reading: Reading) -> str:
    """One row with the text that scores."""
    source = "NULL" if reading.source is None else literal(reading.source)
    arguments = f"{literal(reading.dialect)}, {source}, {literal(reading.output)}, {literal(reading.form)}"
    text = f"ppp__sql(_ppp_model.model, {arguments}) AS sql"
    return with_stages(model_stages(function, model, ()), select([text], "_ppp_model"))


def model_heads(call: str, said: str, beside: str, stages: str) -> str:
    """One row per model with ``said``, what it says of itself, unnested, behind the columns of the model table.

    ``beside`` are the columns of ``stages`` that the ``call`` needs.
    """
    heads = f"SELECT _ppp_model_rows.*, {beside} FROM _ppp_model_rows, {stages} WHERE {FIRST}"
    return select(["*", f"unnest({call}) AS {said}"], indented(heads))


def model_groups(models: str, of: str) -> Stage:
    """One row per model: the columns that the model table has beside those of a model, and its group as ``of``."""
    columns = [f"* EXCLUDE ({', '.join(table.COLUMNS)})", f"{GROUP_OF_MODEL} AS {of}"]
    name = "_ppp_groups" if models == "_ppp_model" else f"{models}_groups"
    return Stage(name, select(columns, f"{models}_rows", f"WHERE {FIRST}"), "the groups of the model")
