"""Every option of the SQL functions, once: its name, default, constraint and meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real

from ppp_duck.binding.quoting import folded
from ppp_duck.errors import OptionError, did_you_mean, nearest
from ppp_duck.models.model import FORMS, MISSING

SCALES = ("auto", "standard", "robust", "log", "none")
CATEGORICAL = ("auto", "onehot", "ignore", "error")
COVARIANCES = ("auto", *FORMS)
OUTPUTS = ("id", "full")
DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "clickhouse")  # of ppp_sql
TEXT_FORMS = ("select", "macro", "view")

MOST_CATEGORIES = 1000  # of a column: a fit needs room for products of all pairs of them
MOST_SAMPLED = 1_000_000_000  # rows that a fit sees: more than fit into memory


@dataclass(frozen=True)
class Options:
    """Checked options, as the rest of the package sees them. ``None`` means *decided from the data*."""

    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    k: int | None = None
    k_max: int | None = None
    weight: str | None = None
    scale: str = "auto"
    missing: str = "auto"
    categorical: str = "auto"
    max_categories: int = 20
    covariance: str = "auto"
    separable_at: float = 0.95
    sample_size: int = 65_536
    refine: int = 0
    by: tuple[str, ...] = ()
    output: str = "id"
    prefix: str = ""


@dataclass(frozen=True)
class Reading:
    """Checked options of the functions that read a model."""

    model: str | None = None
    by: tuple[str, ...] = ()
    contamination: float = 0.01
    a: int | None = None
    b: int | None = None
    dialect: str = "duckdb"
    source: str | None = None
    form: str = "select"
    output: str = "id"
    prefix: str = ""


Check = Callable[[str, str, object], object]


def _names(function: str, name: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(item, str) for item in given):
        example = [given] if isinstance(given, str) else ["income"]
        raise OptionError.value(function, name, f"a list of column names such as {example}", given)
    first = {folded(name): place for place, name in reversed(list(enumerate(given)))}
    return tuple(given[place] for place in sorted(first.values()))


def _text(function: str, name: str, given: object) -> str:
    if not isinstance(given, str):
        raise OptionError.value(function, name, "a string", given)
    return given


def _choice(*choices: str) -> Check:
    def check(function: str, name: str, given: object) -> str:
        if not isinstance(given, str) or given not in choices:
            raise OptionError.choice(function, name, choices, given)
        return given

    return check


def _integer(least: int, most: float = math.inf) -> Check:
    wanted = f"a whole number from {least} {'up' if most == math.inf else f'to {most}'}"

    def check(function: str, name: str, given: object) -> int:
        number = _number(given)
        if number is None or number != math.floor(number) or not least <= number <= most:
            raise OptionError.value(function, name, wanted, given)
        return int(number)

    return check


def _share(most: float) -> Check:
    def check(function: str, name: str, given: object) -> float:
        number = _number(given)
        if number is None or not 0 < number <= most:
            raise OptionError.value(function, name, f"a number above 0 and up to {most:g}", given)
        return float(number)

    return check


def _number(given: object) -> int | float | Decimal | None:
    if isinstance(given, bool) or not isinstance(given, (Real, Decimal)) or not math.isfinite(given):
        return None
    return given if isinstance(given, Decimal) else int(given) if isinstance(given, Integral) else float(given)


@dataclass(frozen=True)
class Option:
    name: str
    sql_type: str
    check: Check
    meaning: str  # as in the comments of sql/*.sql, where sql/make.py puts the default before it


TABLE = (
    Option("columns", "VARCHAR[]", _names, "the features; NULL: every usable column"),
    Option("exclude", "VARCHAR[]", _names, "columns never to use as features"),
    Option("k", "INTEGER", _integer(1), "the number of clusters; NULL: found from the data (1 is an honest answer)"),
    Option("k_max", "INTEGER", _integer(1), "upper bound of the search for k; NULL: decided from the data"),
    Option("weight", "VARCHAR", _text, "name of a column of non-negative row weights (2 counts as two rows)"),
    Option(
        "scale", "VARCHAR", _choice(*SCALES), "'auto' (as it is or as a logarithm), 'standard', 'robust', 'log', 'none'"
    ),
    Option(
        "missing", "VARCHAR", _choice(*MISSING),
        "'auto' (a row with holes has an id, too), 'skip' (NULL), 'impute', 'error'",
    ),
    Option(
        "categorical", "VARCHAR", _choice(*CATEGORICAL),
        "'auto' (as categories), 'onehot' (as numbers), 'ignore', 'error'",
    ),
    Option(
        "max_categories", "INTEGER", _integer(1, MOST_CATEGORIES),
        "the most frequent of a text column; the rest become one, other",
    ),
    Option("covariance", "VARCHAR", _choice(*COVARIANCES), "'auto', 'spherical' (k-means), 'diag', 'tied', 'full'"),
    Option("separable_at", "DOUBLE", _share(1), "posterior probability from which a row counts as separable"),
    Option(
        "sample_size", "BIGINT", _integer(2, MOST_SAMPLED),
        "distinct weighted rows the engine sees; below it nothing is lost",
    ),
    Option("refine", "INTEGER", _integer(0, 20), "passes over all rows, up to 20, that improve the fit to a sample"),
    Option("by", "VARCHAR[]", _names, "one independent clustering for each group of equal values in these columns"),
    Option("output", "VARCHAR", _choice(*OUTPUTS), "'id' (only cluster_id) or 'full'"),
    Option("prefix", "VARCHAR", _text, "put before the name of every new column"),
)  # fmt: skip


READING = (
    Option("model", "VARCHAR", _text, "a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes"),
    Option("by", "VARCHAR[]", _names, "the columns that it was fitted by, to be sure of them; NULL: as the model says"),
    Option("contamination", "DOUBLE", _share(0.5), "the share of rows that is_outlier marks, at most"),
    Option("a", "INTEGER", _integer(0), "a cluster id"),
    Option("b", "INTEGER", _integer(0), "the cluster id to compare with; NULL: all the others together"),
    Option("dialect", "VARCHAR", _choice(*DIALECTS), ", ".join(f"'{one}'" for one in DIALECTS)),
    Option("source", "VARCHAR", _text, "the table to score, by name (of a macro: its own); NULL: the text {source}"),
    Option("form", "VARCHAR", _choice(*TEXT_FORMS), "'select', 'macro' (DuckDB) or 'view' (source_clusters)"),
    *(option for option in TABLE if option.name in ("output", "prefix")),
)

_FIT = tuple(option.name for option in TABLE)
_UNSCORED = tuple(name for name in _FIT if name not in ("output", "prefix"))
_SAMPLED = tuple(name for name in _UNSCORED if name != "refine")  # of the sample itself: nothing to refine

# The named arguments of every function, in the order of its macro.
FITTING: dict[str, tuple[str, ...]] = {
    "ppp_cluster": _FIT,
    "ppp_fit": _UNSCORED,
    "ppp_separable": (*_UNSCORED, "prefix"),
    "ppp_clusterability": _SAMPLED,
}
SCORING: dict[str, tuple[str, ...]] = {
    "ppp_predict": ("model", "by", "output", "prefix"),
    "ppp_outliers": ("model", "contamination", "by", "prefix"),
    "ppp_profile": ("model", "by"),
    "ppp_evaluate": ("model", "by"),
}
MODELS: dict[str, tuple[str, ...]] = {
    "ppp_centers": (),
    "ppp_trials": (),
    "ppp_info": (),
    "ppp_compare": ("a", "b"),
    "ppp_match": (),
    "ppp_sql": ("dialect", "source", "output", "form"),
}

ARGUMENTS = {**FITTING, **SCORING, **MODELS}


def check_options(function: str, given: Mapping[str, object]) -> Options:
    """Options of a function that fits, from the values a caller gave; ``None`` stands for the default.

    Raises OptionError, naming the argument, the value and what it may be.

    >>> check_options("ppp_cluster", {"k": 3}).k
    3
    >>> check_options("ppp_cluster", {"scale": "standart"})
    Traceback (most recent call last):
    ...
    ppp_duck.errors.OptionError: ppp_cluster: set scale to 'auto', 'standard', 'robust', 'log' or 'none', \
not 'standart'; did you mean 'standard'?
    """
    options = Options(**_checked(function, TABLE, FITTING[function], given))  # type: ignore[arg-type]
    if options.k is not None and options.k_max is not None and options.k > options.k_max:
        raise OptionError.value(function, "k_max", f"k = {options.k} or more, or leave it out", options.k_max)
    if options.k is not None and options.k > options.sample_size:
        raise OptionError.value(function, "sample_size", f"k = {options.k} or more", options.sample_size)
    return options


def check_reading(function: str, given: Mapping[str, object]) -> Reading:
    """The same for a function that reads a model. Raises OptionError also where ``model`` or ``a`` is missing."""
    names = ARGUMENTS[function]
    reading = Reading(**_checked(function, READING, names, given))  # type: ignore[arg-type]
    if "model" in names and reading.model is None:
        raise OptionError(f"{function}: name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM "
                          "ppp_fit(...)")  # fmt: skip
    if "a" in names and reading.a is None:
        raise OptionError(f"{function}: name a cluster, for instance a := 0")
    if reading.a is not None and reading.a == reading.b:
        raise OptionError.value(function, "b", "another cluster than a, or leave it out", reading.b)
    return reading


def _checked(
    function: str, table: tuple[Option, ...], names: tuple[str, ...], given: Mapping[str, object]
) -> dict[str, object]:
    known = {option.name: option for option in table if option.name in names}
    checked: dict[str, object] = {}
    for name, value in given.items():
        if name not in known:
            raise OptionError(f"{function}: no argument {name}{did_you_mean(nearest(name, list(known)))}")
        if value is not None:
            checked[name] = known[name].check(function, name, value)
    return checked
