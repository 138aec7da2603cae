"""What a statement and the Python functions that it calls agree on. Every name and shape that crosses is defined here.

A row of ``customers`` on its way, with ``by := ['tree']``::

    column                  SQL: a struct of forms                       Arrow: a struct, 2,048 rows in a chunk
    income  5.0      ->     {'number income': ppp__number(income),  ->   'number income': double 5.0
    city    'Oslo'   ->      'text city': ppp__text(city),          ->   'text city': string 'Oslo'
    point   [1, 2]   ->      'vector point': ppp__vector(point)}    ->   'vector point': list<double> [1, 2]
    tree    'oak'    ->     ['tree', ppp__group(tree)]              ->   list<string> ['tree', 'oak']

Inside the stages of a fit, where columns are numbered in the order of the features, the same forms are the columns
``number_0``, ``text_1``, ``vector_2``. What a statement must remember between two calls is a short text, a *state*:
``fit:7`` (a fit that goes on), ``model:8`` and ``models:8`` (fitted, without and with groups),
``measurement:9:ppp_profile`` (sums over all rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from ppp_duck.engine.evaluate import METRICS
from ppp_duck.models import description, table
from ppp_duck.models.model import SCORE_COLUMNS, SET_COLUMNS

# The forms of a column: each is a typed macro of sql/feature_types.sql. A feature has one of the first three.
NUMBER, TEXT, VECTOR, GROUP = "number", "text", "vector", "group"
FEATURE_FORMS = (NUMBER, TEXT, VECTOR)
FORM_TYPES = {NUMBER: pa.float64(), TEXT: pa.string(), VECTOR: pa.list_(pa.float64())}

# The lists that carry the features of a call with more than WIDE of them: a form each. The others have columns.
LISTS = {NUMBER: "numbers", TEXT: "texts", VECTOR: "vectors"}

FIT, MODEL, MODELS, MEASUREMENT = "fit:", "model:", "models:", "measurement:"  # how states begin

# What ``ppp__fit`` is given of each group, and what the stages hand on to it.
ROW_GROUP = "row_group"  # of a row: the values of its ``by`` columns, as a JSON list of texts
SAMPLE_COLUMNS = ("weight", "priority")  # of a sampled row, beside its features


def field(form: str, column: str) -> str:
    """The name of a form of a column in a struct.

    >>> field(NUMBER, "income")
    'number income'
    """
    return f"{form} {column}"


def column_of(field_name: str) -> tuple[str, str]:
    """Form and column of a field's name.

    >>> column_of("text home town")
    ('text', 'home town')
    """
    form, _, column = field_name.partition(" ")
    return form, column


def numbered(form: str, index: int) -> str:
    """The column of the stages that holds a form of a feature.

    >>> numbered(VECTOR, 2)
    'vector_2'
    """
    return f"{form}_{index}"


def seen_macro(function: str) -> str:
    """The macro that a call becomes once what it reads is seen. One for each: DuckDB 2 expands none inside itself.

    >>> seen_macro("ppp_fit")
    'ppp__fit_seen'
    """
    return f"{function.replace('ppp_', 'ppp__')}_seen"


class WithForms(Protocol):
    """What has forms: a feature of a call."""

    @property
    def forms(self) -> tuple[str, ...]: ...


def in_lists(features: Sequence[WithForms]) -> dict[str, list[int]]:
    """Which features are in the list of each form, by number, in the order of the list."""
    found = {form: [i for i, one in enumerate(features) if form in one.forms] for form in FEATURE_FORMS}
    return {form: indices for form, indices in found.items() if indices}


# What ``ppp__choose`` is given of a feature's values by bin, beside the extremes of all rows: the field, and the column
# of ``_ppp_values`` that it is made of; and what it says of the feature.
COUNTS = {
    "feature": "feature", "bin": "bin", "distinct": "values_differ", "rows": "all_rows", "squares": "squares",
    "top": "top",
}  # fmt: skip
CHOICE = {"treatment": "VARCHAR", "why": "VARCHAR"}

# What functions return, as columns and their SQL types.
LOCATION = {"g": "VARCHAR[]", "cluster_id": "INTEGER"}
SETS = {"g": "VARCHAR[]", **SET_COLUMNS}
MODEL_ROWS = {"g": "VARCHAR[]", **table.COLUMNS}
TALLY = {"g": "VARCHAR[]", "cluster_id": "INTEGER", "column": "VARCHAR", "mean": "DOUBLE", "stddev": "DOUBLE"}

ARROW_TYPES = {
    "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}  # fmt: skip


def arrow_struct(columns: Mapping[str, str]) -> pa.DataType:
    return pa.struct([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


def sql_struct(columns: Mapping[str, str]) -> str:
    fields = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    return f"STRUCT({fields})"


# Every function that statements call: what it is given -> what it returns. ``rows`` are structs of forms, ``groups``
# lists of the names of columns, then their values as texts, or NULL without ``by``. The first three run at bind time.
RETURNS = {
    "ppp__rewrite": "VARCHAR",  # connection, search path, function, source, options -> a statement that looks
    "ppp__look": "VARCHAR",  # the types of each relation -> 'seen'
    "ppp__write": "VARCHAR",  # the call -> the text of the statement
    "ppp__choose": f"{sql_struct(CHOICE)}[]",  # call, extremes, frequencies -> each feature's treatment, and why
    "ppp__fit": "VARCHAR",  # call, [{g, summary, rows, content}], DuckDB's version, statement -> a state 'fit:...'
    "ppp__step": "VARCHAR",  # state -> the same, or when the fit is done the state of its models
    "ppp__load": "VARCHAR",  # function, name, by, rows of a model table, statement -> the state of its models
    "ppp__by": "VARCHAR[]",  # models -> the columns that they are grouped by
    "ppp__refine": "VARCHAR",  # models, passes -> a measurement, or the models where there is nothing to refine
    "ppp__refine_pass": "INTEGER",  # measurement, groups, rows, weights -> 1 for each row, to be counted
    "ppp__refined": "VARCHAR",  # measurement, count of rows -> the same, or after the last pass the refined models
    "ppp__screen": "DOUBLE[][]",  # models, columns, components, paired, threads -> engine/plain.py
    "ppp__assign": "INTEGER",  # models, groups, rows -> cluster ids
    "ppp__locate": sql_struct(LOCATION),  # models, groups, rows -> group and cluster id
    "ppp__score": sql_struct(SCORE_COLUMNS),  # models, groups, rows -> every column of output := 'full'
    "ppp__surprise": "DOUBLE",  # models, groups, rows -> minus the log density
    "ppp__measure": "VARCHAR",  # models -> a measurement
    "ppp__first_pass": "INTEGER",  # measurement, groups, rows -> 1 for each row, to be counted
    "ppp__second_pass": "INTEGER",  # the same rows again
    "ppp__evaluated": f"{sql_struct(METRICS)}[]",  # measurement, model texts, count of rows -> metrics of each model
    "ppp__tally": "BIGINT",  # measurement, groups, rows -> a number for the group and cluster id
    "ppp__place": sql_struct(LOCATION),  # models, such numbers -> group and cluster id
    "ppp__tallied": f"{sql_struct(TALLY)}[]",  # measurement, model texts, count of rows -> means and deviations
    "ppp__rows": f"{sql_struct(MODEL_ROWS)}[]",  # models -> the rows of a model table
    "ppp__clusterability": f"{sql_struct(SETS)}[]",  # models -> the rows of ppp_clusterability
    "ppp__centers": f"{sql_struct(description.CENTERS)}[]",  # models, model text -> the rows of ppp_centers
    "ppp__trials": f"{sql_struct(description.TRIALS)}[]",  # models, model text -> the rows of ppp_trials
    "ppp__info": f"{sql_struct(description.INFO)}[]",  # models, model text -> the rows of ppp_info
    "ppp__sql": "VARCHAR",  # models, dialect, source, output, form -> the text that scores
    "ppp__compare": f"{sql_struct(description.COMPARE)}[]",  # models, model text, a, b -> the rows of ppp_compare
}
