"""Every option of the SQL functions, once: its name, default, constraint and meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ppp_duck.errors import OptionError, nearest

SCALES = ("standard", "robust", "none")
MISSING = ("skip", "impute", "error")
CATEGORICAL = ("onehot", "ignore", "error")
COVARIANCES = ("auto", "spherical", "diag", "tied", "full")
OUTPUTS = ("id", "full")


@dataclass(frozen=True)
class Options:
    """Checked options, as the rest of the package sees them. ``None`` means *decided from the data*."""

    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    k: int | None = None
    k_max: int | None = None
    weight: str | None = None
    scale: str = "standard"
    missing: str = "skip"
    categorical: str = "onehot"
    max_categories: int = 20
    covariance: str = "auto"
    separable_at: float = 0.95
    sample_size: int = 65_536
    output: str = "id"
    prefix: str = ""


Check = Callable[[str, str, object], object]


def _names(function: str, name: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(item, str) for item in given):
        example = [given] if isinstance(given, str) else ["income"]
        raise OptionError.value(function, name, f"a list of column names such as {example}", given)
    return tuple(dict.fromkeys(given))


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


def _integer(least: int) -> Check:
    def check(function: str, name: str, given: object) -> int:
        number = _number(given)
        if number is None or number != math.floor(number) or number < least:
            raise OptionError.value(function, name, f"a whole number from {least} up", given)
        return int(number)

    return check


def _share(function: str, name: str, given: object) -> float:
    number = _number(given)
    if number is None or not 0 < number <= 1:
        raise OptionError.value(function, name, "a number above 0 and up to 1", given)
    return float(number)


def _number(given: object) -> int | float | Decimal | None:
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal)) or not math.isfinite(given):
        return None
    return given


@dataclass(frozen=True)
class Option:
    name: str
    sql_type: str
    check: Check
    meaning: str


TABLE = (
    Option("columns", "VARCHAR[]", _names, "the features; NULL: every usable column"),
    Option("exclude", "VARCHAR[]", _names, "columns never to use as features"),
    Option("k", "INTEGER", _integer(1), "the number of clusters; NULL: found from the data"),
    Option("k_max", "INTEGER", _integer(1), "upper bound of the search for k; NULL: decided from the data"),
    Option("weight", "VARCHAR", _text, "name of a column of non-negative row weights (2 counts as two rows)"),
    Option("scale", "VARCHAR", _choice(*SCALES), "how numbers are scaled"),
    Option("missing", "VARCHAR", _choice(*MISSING), "what becomes of rows with NULL, NaN or infinity in a feature"),
    Option("categorical", "VARCHAR", _choice(*CATEGORICAL), "what becomes of text columns"),
    Option("max_categories", "INTEGER", _integer(1), "categories kept per text column; the rest become one, other"),
    Option("covariance", "VARCHAR", _choice(*COVARIANCES), "form of the mixture's covariances; spherical is k-means"),
    Option("separable_at", "DOUBLE", _share, "posterior probability from which a row counts as separable"),
    Option("sample_size", "BIGINT", _integer(2), "how many distinct weighted rows the engine sees"),
    Option("output", "VARCHAR", _choice(*OUTPUTS), "'id': only cluster_id; 'full': every column there is"),
    Option("prefix", "VARCHAR", _text, "put before the name of every new column"),
)


def check_options(function: str, given: Mapping[str, object]) -> Options:
    """Options from the values a caller gave; ``None`` stands for the default.

    Raises OptionError, naming the argument, the value and what it may be.

    >>> check_options("ppp_cluster", {"k": 3}).k
    3
    >>> check_options("ppp_cluster", {"scale": "standart"})
    Traceback (most recent call last):
    ...
    ppp_duck.errors.OptionError: ppp_cluster: set scale to 'standard', 'robust' or 'none', not 'standart'; \
did you mean 'standard'?
    """
    table = {option.name: option for option in TABLE}
    checked: dict[str, object] = {}
    for name, value in given.items():
        if name not in table:
            near = nearest(name, list(table))
            raise OptionError(f"{function}: no argument {name}" + (f"; did you mean {near}?" if near else ""))
        if value is not None:
            checked[name] = table[name].check(function, name, value)
    options = Options(**checked)  # type: ignore[arg-type]
    if options.k is not None and options.k_max is not None and options.k > options.k_max:
        raise OptionError.value(function, "k_max", f"k = {options.k} or more, or leave it out", options.k_max)
    return options
