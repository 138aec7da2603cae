"""When two names of columns, tables or options are equal: as DuckDB says."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(name: str) -> str:
    """Names that are equal to DuckDB are equal like this: it ignores the case of ASCII letters only.

    >>> folded("Income"), folded("Ä"), folded("Straße")
    ('income', 'Ä', 'straße')
    """
    return name.translate(LOWER)
