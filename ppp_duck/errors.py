"""Every error a user of the package can meet. A message says what to do, what was given, and what is nearest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ppp_duck.names import folded


class PPPError(Exception):
    """Base of all errors that ppp_duck raises."""


class OptionError(PPPError, ValueError):
    """An argument has a value that it cannot have."""

    @classmethod
    def value(cls, function: str, name: str, wanted: str, given: object) -> OptionError:
        return cls(f"{function}: set {name} to {wanted}, not {show(given)}")

    @classmethod
    def compared(cls, function: str, example: str) -> OptionError:
        return cls(f"{function}: write := between an argument's name and its value, as in {example}: = compares them")

    @classmethod
    def choice(cls, function: str, name: str, choices: Sequence[str], given: object) -> OptionError:
        listed = ", ".join(map(show, choices[:-1])) + f" or {show(choices[-1])}"
        near = nearest(given, choices)
        return cls(f"{function}: set {name} to {listed}, not {show(given)}{did_you_mean(near and show(near))}")


class SourceError(PPPError):
    """The source cannot be read, or lacks what was asked of it."""

    @classmethod
    def column(cls, function: str, column: str, source: str, columns: Iterable[str]) -> SourceError:
        names = list(columns)
        near = nearest(column, names)
        hint = did_you_mean(near and f'"{near}"')
        return cls(f'{function}: no column "{column}" in {source}; it has {listed(names)}{hint}')

    @classmethod
    def clash(cls, function: str, column: str, source: str) -> SourceError:
        return cls(
            f"{function}: set prefix to a text such as 'ppp_': {source} already has a column \"{column}\", "
            "which is also the name of a new one"
        )


class ModelError(PPPError):
    """A model table cannot be used: it is no model, or was changed. Or the source lacks what the model needs."""

    @classmethod
    def columns(cls, function: str, fitted: str, names: Sequence[str], kinds: str = "") -> ModelError:
        """``fitted``: 'to' these columns, or 'by' them."""
        lacking = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
        return cls(f"{function}: give the source the columns that the model was fitted {fitted}: {lacking}{kinds}")


class CatalogError(PPPError):
    """The catalog that cursors find the functions in cannot be attached."""

    taken = False  # whether another database has its name


class CatalogWarning(UserWarning):
    """The same, where the connection itself can be used: only its cursors do not find the functions."""


class FeatureError(PPPError, ValueError):
    """The data in the source cannot be clustered as asked."""


class DialectError(PPPError):
    """A dialect of SQL cannot say what a model needs."""

    @classmethod
    def lacks(cls, dialect: str, what: str, feature: str) -> DialectError:
        """``feature`` is the column that needs it."""
        return cls(f'ppp_sql: fit without "{feature}", or choose another dialect: {dialect} lacks {what}')


def show(value: object) -> str:
    """A value as it would be written in SQL.

    >>> show("it's"), show(3), show(None), show(["a"]), show(True)
    ("'it''s'", '3', 'NULL', "['a']", 'true')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    return str(value)


def nearest(given: object, valid: Sequence[str]) -> str | None:
    """The valid name that looks most like the one given, if any does.

    >>> nearest("incmoe", ["age", "income"])
    'income'
    """
    names = {folded(name): name for name in valid}
    found = get_close_matches(folded(str(given)), list(names), n=1)
    return names[found[0]] if found else None


def listed(names: Sequence[str], most: int = 10) -> str:
    """The first names of columns, for a message that has none like the one given.

    >>> listed(["age", "income", "city"], 2)
    '"age", "income", …'
    """
    return ", ".join([*(f'"{name}"' for name in names[:most]), *(["…"] if len(names) > most else [])])


def did_you_mean(name: str | None) -> str:
    return f"; did you mean {name}?" if name else ""
