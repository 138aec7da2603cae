"""``make sql``: writes this folder's macros, one file a function, and the statements of some calls in ``golden/``.

Arguments, their types, defaults and meanings are those of ppp_duck/binding/options.py; everything else that the files
say is said here. ``feature_types.sql``, ``statement.sql`` and ``values.sql`` are written by hand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portable_models import portable_models

from ppp_duck.binding.call import plan_call
from ppp_duck.binding.interface import seen_macro
from ppp_duck.binding.looking import look
from ppp_duck.binding.options import (
    ARGUMENTS,
    DIALECTS,
    FITTING,
    READING,
    TABLE,
    Option,
    Options,
    Reading,
    check_options,
)
from ppp_duck.binding.source import Column, Named, Source
from ppp_duck.binding.statement import ask, write
from ppp_duck.engine.evaluate import METRICS
from ppp_duck.models.model import SCORE_COLUMNS, SET_COLUMNS
from ppp_duck.models.table import COLUMNS
from ppp_duck.portable.reading import reading_stages, stages_of
from ppp_duck.portable.writing import portable_sql

FOLDER = Path(__file__).parent
WIDTH = 124  # of a line
RESERVED = ("by", "new")  # parameters that are words of SQL's own

ROWS = "a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes"
(MODEL,) = (option.meaning for option in READING if option.name == "model")
GROUPED = "with by, those that name the group"
PLAIN = (
    "For clients that read no UNION, the same as numbers (dates in days since 1970, timestamps in seconds since 1970, "
    "times and intervals in seconds) and as texts for people"
)


@dataclass(frozen=True)
class Description:
    """What the comment above a macro says: what the function does, its arguments by position, what comes out."""

    does: str
    result: str  # lines and empty lines in it stay
    call: str = "src, …"
    positional: Mapping[str, str] = field(default_factory=lambda: {"src": ROWS})


def listed(columns: Mapping[str, str], remarks: Mapping[str, str], separator: str = ", ") -> str:
    """Columns with their types, and in brackets what is to be said of them.

    >>> listed({"k": "INTEGER", "bic": "DOUBLE"}, {"bic": "lower is better"})
    'k INTEGER, bic DOUBLE (lower is better)'
    """
    assert set(remarks) <= set(columns)
    return separator.join(
        f"{name} {kind}" + (f" ({remarks[name]})" if name in remarks else "") for name, kind in columns.items()
    )


SCORED, *MORE_SCORED = listed(
    SCORE_COLUMNS,
    {
        "cluster_id": "0 is the largest; NULL: not assigned",
        "distance": "to the centre, in scaled units",
        "reason": "why a row was not assigned, or which value is far out",
    },
    "\n",
).split("\n")

DESCRIPTIONS = {
    "ppp_cluster": Description(
        "every row of the source, unchanged and in full, with the cluster it belongs to.",
        f"New columns: {SCORED}. With output := 'full' also {', '.join(MORE_SCORED)}.",
    ),
    "ppp_fit": Description(
        "the model as rows, one for each cluster. CREATE TABLE seg AS FROM ppp_fit('customers') keeps it.",
        f"Columns: {GROUPED}; "
        + listed(
            COLUMNS,
            {
                "cluster_id": "0 is the largest; NULL in the one row of a group that has nothing to cluster",
                "size": "weight of its rows; estimated beyond sample_size distinct rows, unless refined",
                "agreement": "how far k-means and the mixture agree on it: 0 to 1",
                "center": "JSON: the mean of each feature, in the units of its column",
                "model": "JSON: all that scoring needs",
            },
        )
        + ".",
    ),
    "ppp_separable": Description(
        "the most separable set: only the rows that k-means and the mixture put into the same cluster, with a "
        "probability of separable_at or more.",
        f"New columns: {', '.join(f'{name} {SCORE_COLUMNS[name]}' for name in ('cluster_id', 'probability'))}.",
    ),
    "ppp_clusterability": Description(
        "is there anything to cluster, and is the most separable part of it clearer than the rest?",
        "One row for each of three sets of rows (of the sample, beyond sample_size distinct rows), each clustered by "
        "itself: all; the separable ones (see ppp_separable); and random, as many distinct rows chosen by a hash of "
        f"their content.\nColumns: {GROUPED}; "
        + listed(
            SET_COLUMNS,
            {
                "dip_p_value": "small: not one mode; Hartigan's dip test on the three leading principal axes, the "
                "smallest p-value times three",
                "agreement": "of k-means and the mixture",
                "simplified_silhouette": "0 for one cluster",
                "confidence": "how sure the partition is, in words",
            },
            "; ",
        )
        + ". A set without rows has NULLs.",
    ),
    "ppp_predict": Description(
        "every row of the source with the cluster of a stored model it belongs to. Nothing is fitted.",
        "New columns: as of ppp_cluster. Features are found by name; a missing one is an error, other columns do not "
        "matter. A category not seen when the model was fitted is treated as the category other.",
        "src, model := 'seg'",
    ),
    "ppp_outliers": Description(
        "every row of the source, with how little the model expects it.",
        "New columns: outlier_score DOUBLE (minus the log density of the row under the mixture, in scaled units: the "
        "higher, the less expected), is_outlier BOOLEAN. Both are NULL for rows that cannot be scored.",
        "src, model := 'seg'",
    ),
    "ppp_profile": Description(
        "what the rows of each cluster are like, in every column of the source, feature or not.",
        f"Columns: {GROUPED}; cluster_id INTEGER (NULL: the rows that could not be assigned); column VARCHAR; n BIGINT "
        "(values); nulls BIGINT; mean, min, median, max, overall_mean UNION (in the units of the column: mean.number, "
        "…; of texts only min and max); stddev DOUBLE (of dates in days, of times, timestamps and intervals in "
        "seconds); top_value VARCHAR (the most frequent text); lift DOUBLE (mean / overall_mean; for texts the share "
        "of top_value in the cluster over its share in all rows). NaN and infinite values are left out of mean, "
        "stddev, min, median and max.\n"
        f"{PLAIN}: mean_number DOUBLE, mean_text VARCHAR, min_number DOUBLE, min_text VARCHAR, median_number DOUBLE, "
        "median_text VARCHAR, max_number DOUBLE, max_text VARCHAR, overall_mean_number DOUBLE, "
        "overall_mean_text VARCHAR.",
        "src, model := 'seg'",
    ),
    "ppp_evaluate": Description(
        "how good the model is on these rows, in one row (one per group), in scaled units.",
        f"Columns: {GROUPED}; "
        + listed(
            METRICS,
            {
                "skipped": "rows without an id",
                "inertia": "squared distances to the model's centres",
                "simplified_silhouette": "distances to centroids, not to all rows",
                "bic": "lower is better",
                "icl": "bic + twice the entropy of the clusters' posteriors",
                "agreement": "share of rows that k-means and the mixture put into the same cluster",
            },
            "; ",
        )
        + ". With one cluster the silhouette and the two indices are 0.",
        "src, model := 'seg'",
    ),
    "ppp_centers": Description(
        "the centre of each cluster, in the units of the columns.",
        f"Columns: {GROUPED}; cluster_id INTEGER; feature VARCHAR (a position of a vector as name[1]); center UNION "
        "(number, date, time, timestamp or interval, as the column: center.number is the number); stddev DOUBLE (of "
        "the cluster's rows; dates in days, times, timestamps and intervals in seconds); for texts instead one row for "
        f"each category: category VARCHAR, share DOUBLE (of the cluster's rows).\n{PLAIN}: center_number DOUBLE, "
        "center_text VARCHAR.",
        "model",
        {"model": MODEL},
    ),
    "ppp_trials": Description(
        "every candidate that the search for k weighed.",
        f"Columns: {GROUPED}; covariance VARCHAR; k INTEGER; log_likelihood DOUBLE (of the search's sample, scaled); "
        "bic DOUBLE; icl DOUBLE; agreement DOUBLE; inertia DOUBLE; chosen BOOLEAN; why VARCHAR.",
        "model",
        {"model": MODEL},
    ),
    "ppp_info": Description(
        "what the model was made of.",
        f"Columns: {GROUPED}; property VARCHAR; value VARCHAR. Among the properties: k, covariance, agreement, "
        "fingerprint (equal for equal data and options), rows, rows_used, rows_skipped and why, columns_used, each "
        "column dropped and why, each option, and the versions of ppp_duck and DuckDB.",
        "model",
        {"model": MODEL},
    ),
    "ppp_compare": Description(
        "what sets a cluster apart from another or from all the others, the strongest difference first.",
        f'Columns: {GROUPED}; feature VARCHAR (for a category "column = category"); value_a, value_b UNION (the means, '
        "in the units of the column; the shares of a category); score DOUBLE (Cohen's d: the difference in units of "
        "the pooled standard deviation within clusters; infinite where neither varies).\n"
        f"{PLAIN}: value_a_number DOUBLE, value_a_text VARCHAR, value_b_number DOUBLE, value_b_text VARCHAR.",
        "model, a := 0",
        {"model": MODEL},
    ),
    "ppp_sql": Description(
        "plain SQL that scores a relation by a model, as ppp_predict does, on an engine without this package.",
        "One row with one column: sql VARCHAR. The text gives every row of the source, unchanged and in full, with the "
        "columns of ppp_predict. It holds the whole model: missing values, categories, dates, scales, groups. The "
        "source's columns must have the names and the types that they had in the fit. What an engine cannot say is an "
        "error that names it.",
        "model, …",
        {"model": MODEL},
    ),
    "ppp_match": Description(
        "which cluster of the old model became which of the new one, by the rows that they share.",
        f"Columns: {GROUPED}; old_id INTEGER; new_id INTEGER; shared_rows BIGINT; event VARCHAR: kept (each holds most "
        "of the other's rows), split (the new one came mostly from the old one, which has most of its rows elsewhere), "
        "merged (most of the old one went to the new one, which has most of its rows from elsewhere), born (a new "
        "cluster with no such old one; old_id is NULL and shared_rows all its rows), gone (an old cluster with no such "
        "new one).\n\n"
        "Only rows with an id in both models count. Models that were fitted by groups are matched group by group; both "
        "must have been fitted by the same columns. All clusters of a group that only the old model has are gone, of "
        "one that only the new one has born, with 0 rows.",
        "old, new, src",
        {
            "old, new": "models of ppp_fit: tables, views, CTEs or files by name, or SELECTs in quotes",
            "src": f"the rows to compare them on: {ROWS}",
        },
    ),
}

TEMPLATE = """\
{comment}

CREATE OR REPLACE TEMP MACRO {function}(
  {parameters}
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  '{function}',
  {first},
  {others}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO {seen}(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));
"""


def macro(function: str) -> str:
    """The text of a function's file."""
    names = ARGUMENTS[function]
    positional = [name for names in DESCRIPTIONS[function].positional for name in names.split(", ")]
    values: object = Options() if function in FITTING else Reading()
    defaults = [f"{name} := {default(getattr(values, name))}" for name in names]
    first, *rest = positional
    return TEMPLATE.format(
        comment=comment(function), function=function, parameters=",\n  ".join([*positional, *defaults]), first=first,
        others=struct([*rest, *names]), seen=seen_macro(function),
    )  # fmt: skip


def default(value: object) -> str:
    """The default of an option in SQL, as one would write it.

    >>> default(0.95), default("id"), default(())
    ('0.95e0', "'id'", 'NULL')
    """
    if value in (None, ()):
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else f"{value}e0" if isinstance(value, float) else str(value)


def struct(names: list[str]) -> str:
    """Parameters by their names, in a line where they fit."""
    fields = [f"'{name}': " + given(f'"{name}"' if name in RESERVED else name) for name in names]
    if len(fields) <= 4:
        return f"{{{', '.join(fields)}}}" if fields else "NULL"
    return "{\n    " + ",\n    ".join(fields) + "\n  }"


def given(parameter: str) -> str:
    """The value of a parameter, as sql/statement.sql looks at it."""
    return f"ppp__given({parameter})"


def comment(function: str) -> str:
    """What stands above the macro: what it does, an aligned line for each argument, what comes out."""
    told = DESCRIPTIONS[function]
    table = TABLE if function in FITTING else READING
    options = [option for name in ARGUMENTS[function] for option in table if option.name == name]
    width = max(len(name) for name in [*told.positional, *(option.name for option in options)])
    types = max((len(option.sql_type) + 2 for option in options), default=0)
    arguments = [f"{name:{width}}  {'':{types}}{meaning}" for name, meaning in told.positional.items()]
    values: object = Options() if function in FITTING else Reading()
    arguments += [
        f"{one.name:{width}}  {one.sql_type:{types}}{explained(one, getattr(values, one.name))}" for one in options
    ]
    lines = [*wrapped(f"{function}({told.call}): {told.does}"), "", *arguments, "", *wrapped(told.result)]
    return "\n".join(f"-- {line}".rstrip() for line in lines)


def explained(option: Option, value: object) -> str:
    """What an option means, and its default: among the choices in quotes, or before the meaning.

    >>> explained(Option("scale", "VARCHAR", str, "'standard', 'robust' (quartiles)"), "robust")
    "'standard', 'robust' (default: quartiles)"
    """
    written = default(value)
    if written == "NULL":
        return option.meaning
    if value and isinstance(value, str):
        with_remark = option.meaning.replace(f"{written} (", f"{written} (default: ")
        return with_remark if with_remark != option.meaning else option.meaning.replace(written, f"{written} (default)")
    return f"{written.removesuffix('e0')}: {option.meaning}"


def wrapped(text: str) -> list[str]:
    """Lines of a comment; no line ends between a column and its type."""
    typed = re.sub(r" (?=(INTEGER|BIGINT|DOUBLE|BOOLEAN|VARCHAR|UNION)\b)", "\N{NO-BREAK SPACE}", text)
    lines = [textwrap.wrap(line, WIDTH - 3, break_on_hyphens=False) or [""] for line in typed.split("\n")]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for paragraph in lines for line in paragraph]


# The calls whose statements are kept in golden/, and what their sources are.
CUSTOMERS = Source(
    "customers", '"customers"',
    (Column("id", "BIGINT"), Column("income", "DOUBLE"), Column("city", "VARCHAR"), Column("v", "FLOAT[4]")), True,
)  # fmt: skip
THE_ROWS = Source("rows", '"rows"', (Column("g", "VARCHAR"), Column("x", "DOUBLE"), Column("b", "BLOB")), True)
SEG = Source("seg", '"seg"', tuple(Column(name, kind) for name, kind in COLUMNS.items()), True)
CTE = Source("c", '"c"', (Column("x", "DOUBLE"), Column("income", "DOUBLE")), False)
CALLS: dict[str, tuple[str, Source, dict[str, Any]]] = {
    "table": ("ppp_cluster", CUSTOMERS, {}),
    "weighted_full": (
        "ppp_cluster",
        CUSTOMERS,
        {"weight": "income", "columns": ["v", "city"], "output": "full", "prefix": "p_", "missing": "impute"},
    ),
    "screened": ("ppp_cluster", CUSTOMERS, {"columns": ["id", "income"], "k": 3}),
    "copied": ("ppp_cluster", CTE, {"columns": ["income"]}),
    "fit_by": ("ppp_fit", THE_ROWS, {"by": ["g"], "columns": ["x"]}),
    "separable": ("ppp_separable", THE_ROWS, {"columns": ["x"]}),
    "refined": ("ppp_separable", THE_ROWS, {"columns": ["x"], "by": ["g"], "sample_size": 5, "refine": 1}),
    "predict": ("ppp_predict", THE_ROWS, {"model": "seg"}),
    "predict_full": ("ppp_predict", CTE, {"model": "seg", "output": "full", "prefix": "p_"}),
    "outliers": ("ppp_outliers", THE_ROWS, {"model": "seg", "contamination": 0.1}),
    "evaluate": ("ppp_evaluate", THE_ROWS, {"model": "seg"}),
    "profile": ("ppp_profile", THE_ROWS, {"model": "seg", "by": ["g"]}),
    "centers": ("ppp_centers", SEG, {}),
    "trials": ("ppp_trials", SEG, {}),
    "info": ("ppp_info", SEG, {}),
    "compare": ("ppp_compare", SEG, {"a": 0}),
    "match": ("ppp_match", SEG, {"new": "seg", "src": "rows"}),
}


SPARK = ("table", "weighted_full", "fit_by")  # whose stages are also kept as Spark runs them


def golden(name: str) -> str:
    """The statement that a call becomes."""
    function, source, given = CALLS[name]
    known = {"seg": SEG, "rows": THE_ROWS, source.name: source}
    asked = ask(function, source.name, given, lambda _, found, **__: Named(known[found].name, known[found].relation))
    return write(asked, [known[named.name] for named in asked.relations]) + "\n"


def of_spark(name: str) -> str:
    """The stages of a fit that read rows, as Spark runs them."""
    function, source, given = CALLS[name]
    call = plan_call(function, source, check_options(function, given))
    stages = stages_of(call, source)
    texts = reading_stages(call, source, stages)
    return ",\n".join(f"-- {stages[one].why}\n{one} AS (\n{text}\n)" for one, text in texts.items()) + "\n"


def looking() -> str:
    """The statement that a call becomes first."""
    named = {one.name: Named(one.name, one.relation) for one in (CTE, SEG)}
    return look(ask("ppp_predict", "c", {"model": "seg"}, lambda _, found, **__: named[found])) + "\n"


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is written, and its text."""
    for function in ARGUMENTS:
        yield FOLDER / f"{function}.sql", macro(function)
    for name in CALLS:
        yield FOLDER / "golden" / f"{name}.sql", golden(name)
    yield FOLDER / "golden" / "looking.sql", looking()
    for name in SPARK:
        yield FOLDER / "golden" / "spark" / f"{name}.sql", of_spark(name)
    for kind, models in portable_models().items():
        for dialect in DIALECTS:
            text = portable_sql(models, dialect, "main.customers", "full", "select")
            yield FOLDER / "golden" / "portable" / f"{kind}_{dialect}.sql", text + "\n"
    text = portable_sql(portable_models()["numbers"], "spark", "main.customers", "id", "select")
    yield FOLDER / "golden" / "portable" / "ids_spark.sql", text + "\n"


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text, encoding="utf-8")
