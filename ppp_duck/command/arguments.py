"""The words of the command line. A flag for an option has its name, its check and its meaning from the one table."""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Mapping
from dataclasses import fields

from ppp_duck.binding.options import ARGUMENTS, FITTING, READING, TABLE, Option, Options, check_options, check_reading
from ppp_duck.binding.quoting import literal
from ppp_duck.errors import did_you_mean, nearest, show
from ppp_duck.version import VERSION

PROGRAM = "ppp-duck"
FORMATS = ("csv", "parquet", "json", "table")
DEFAULTS = {field.name: field.default for field in fields(Options)}

SOURCE = "a CSV, Parquet or JSON file, - (standard input), a table or view of --db, or a SELECT in quotes"
MODEL = "a model of 'fit': a file, or a table of --db"
STATEMENT = "SQL, as FROM ppp_cluster('x.csv'); without it standard input is read"
COMMANDS = {  # the function that a command calls, and what it is for
    "cluster": ("ppp_cluster", "every row of a source, with its cluster_id"),
    "fit": ("ppp_fit", "a model: write it to a file, such as -o seg.parquet"),
    "predict": ("ppp_predict", "every row of a source, with its cluster_id by a model of 'fit'"),
    "info": ("ppp_info", "what a model was made of"),
    "report": (
        "ppp_fit",
        "one HTML file about the clusters of a source, which opens offline: write it with -o report.html",
    ),
    "to-sql": ("ppp_sql", "plain SQL that scores by a model of 'fit', on a database without this package"),
    "sql": ("", "run SQL that knows all ppp_ functions, and write what its last statement returns"),
}


OWN_FLAGS = ("--db", "--out", "--format", "--file", "--help")
OWN_NAMES = {"source": "table"}  # of options that are called as the positional argument is


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line. ``function`` in what it finds is the SQL function to call, '' for sql."""
    whole = argparse.ArgumentParser(PROGRAM, description="Clustering as a SQL function in DuckDB, from a shell.")
    whole.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, (function, meaning) in COMMANDS.items():
        one = commands.add_parser(
            name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.", allow_abbrev=False
        )
        one.set_defaults(function=function, command=name)
        _add_own(one, function)
        one.add_argument(
            "--db", metavar="FILE", help="a DuckDB database file; opened read-only where nothing is written"
        )
        if name in ("report", "to-sql"):
            one.add_argument("-o", "--out", metavar="FILE", help="where to write; else to standard output")
        else:
            one.add_argument(
                "-o", "--out", metavar="FILE", help="where to write: .csv, .parquet or .json; else to standard output"
            )
            one.add_argument(
                "--format", choices=FORMATS, help="default: by the name of FILE; a table at a terminal, csv in a pipe"
            )
        if name == "report":
            one.add_argument("--model", metavar="MODEL", help=f"{MODEL}; without it one is fitted")
        for option in _options_of(function):
            _add_flag(one, option)
    return whole


def unknown_flag(command: str, given: str) -> str:
    """What to write in place of an argument that a command does not have.

    >>> unknown_flag("cluster", "--covarianse"), unknown_flag("info", "more.csv")
    ('cluster has no flag --covarianse; did you mean --covariance?', "give info one FILE_OR_TABLE, not also 'more.csv'")
    """
    if not given.startswith("-"):
        return f"give {command} one FILE_OR_TABLE, not also {show(given)}"
    function, _ = COMMANDS[command]
    flags = [*(flag(option.name) for option in _options_of(function)), *OWN_FLAGS]
    return f"{command} has no flag {given}{did_you_mean(nearest(given.partition('=')[0], flags))}"


def flag(name: str) -> str:
    """The flag of an option."""
    return "--" + name.replace("_", "-")


def _add_own(one: argparse.ArgumentParser, function: str) -> None:
    if not function:
        which = one.add_mutually_exclusive_group()
        which.add_argument("statement", nargs="?", metavar="SQL", help=STATEMENT)
        which.add_argument("-f", "--file", metavar="FILE", help="a file of SQL")
    elif function in ("ppp_info", "ppp_sql"):
        one.add_argument("source", metavar="MODEL", help=MODEL)
    else:
        one.add_argument("source", metavar="FILE_OR_TABLE", help=SOURCE)


def _options_of(function: str) -> list[Option]:
    """The options of a SQL function, in the order of its arguments."""
    table = {option.name: option for option in (TABLE if function in FITTING else READING)}
    return [table[name] for name in ARGUMENTS.get(function, ())]


def _add_flag(one: argparse.ArgumentParser, option: Option) -> None:
    dashed = flag(option.name)
    flags = [dashed] if "_" not in option.name else [dashed, f"--{option.name}"]
    default = DEFAULTS.get(option.name)
    shown = f" (default: {show(default)})" if default not in (None, (), "") else ""
    listed = option.sql_type.endswith("[]")
    one.add_argument(
        *flags, dest=OWN_NAMES.get(option.name, option.name), required=option.name == "model",
        action="extend" if listed else "store",
        type=_names if listed else str if option.sql_type == "VARCHAR" else _number,
        metavar="NAMES" if listed else {"VARCHAR": "TEXT"}.get(option.sql_type, "NUMBER"),
        help=(option.meaning + shown).replace("%", "%%"),
    )  # fmt: skip


def _names(text: str) -> list[str]:
    """Names of columns, as in a line of CSV.

    >>> _names('income, "age, in years"')
    ['income', 'age, in years']
    """
    return next(csv.reader([text], skipinitialspace=True), [])


def _number(text: str) -> int | float | str:
    """A number, or the text as it is: the check of the option says what is wrong with it.

    >>> _number("3"), _number("0.9"), _number("three")
    (3, 0.9, 'three')
    """
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def options_of(function: str, given: Mapping[str, object]) -> dict[str, object]:
    """The options among the flags that were given, checked. Raises OptionError."""
    names = [option.name for option in _options_of(function)]
    found = {name: given.get(OWN_NAMES.get(name, name)) for name in names}
    options = {name: value for name, value in found.items() if value is not None}
    (check_options if function in FITTING else check_reading)(function, options)
    return options


def call(function: str, source: str, given: Mapping[str, object]) -> str:
    """The SQL that calls a function with the flags that were given. Raises OptionError.

    >>> call("ppp_cluster", "it's.csv", {"k": 3, "by": ["city"], "scale": None})
    "FROM ppp_cluster('it''s.csv', k := 3, by := ['city'])"
    """
    options = options_of(function, given)
    arguments = [literal(source), *(f"{name} := {_written(value)}" for name, value in options.items())]
    return f"FROM {function}({', '.join(arguments)})"


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    assert isinstance(value, (str, int, float))
    return literal(value)
