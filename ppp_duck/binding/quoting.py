"""How names and values are written into SQL: here and nowhere else."""

from __future__ import annotations


def quote(name: str) -> str:
    """The one place that quotes an identifier.

    >>> quote('a "b"; c')
    '"a ""b""; c"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float) -> str:
    """The one place that writes a value into SQL. Doubles in scientific notation: a plain 0.94 would be a DECIMAL.

    >>> literal("it's"), literal(3), literal(0.5)
    ("'it''s'", '3', '5.0000000000000000e-01')
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value)
    return f"{value:.16e}"
