"""How names and values are written into SQL: here and nowhere else."""

from __future__ import annotations

import re

from ppp_duck.names import folded as folded

# What begins a call in SQL that the package wrote: a lower-case name before a bracket, not one of ours. Texts, quoted
# names and comments are passed over.
CALL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w.])(?!_?ppp_)([a-z]\w*)\(""")
SYNTAX = ("coalesce", "grouping", "unnest")  # look like functions and are none: nobody can own them


def quote(name: str) -> str:
    """The one place that quotes an identifier.

    >>> quote('a "b"; c')
    '"a ""b""; c"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float) -> str:
    """The one place that writes a value into SQL. Doubles in scientific notation: a plain 0.94 would be a DECIMAL.

    >>> literal("it's"), literal(3), literal(0.5), literal(3.0)
    ("'it''s'", '3', '0.5e0', '3e0')
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value)
    shortest = repr(float(value))
    return shortest if "e" in shortest else shortest.removesuffix(".0") + "e0"


def qualified(sql: str) -> str:
    r"""SQL of ours whose calls are of DuckDB's own functions, whatever macros the user has.

    >>> qualified("SELECT max(x), 'min(x)', ppp__number(\"abs(\") FROM t")
    'SELECT system.main.max(x), \'min(x)\', ppp__number("abs(") FROM t'
    """
    return CALL.sub(lambda found: f"system.main.{found[0]}" if found[1] and found[1] not in SYNTAX else found[0], sql)
