"""The catalog ``ppp``: an attached in-memory database of macros, which every connection of a database finds.

Temporary macros belong to one connection. A cursor, or another connection of the process to the same database, finds
the functions here: ``FROM ppp.cluster('customers')``. Nothing of it is in the user's file.
"""

from __future__ import annotations

import re
import warnings
import weakref
from dataclasses import dataclass, field

import duckdb

from ppp_duck.binding.quoting import quote
from ppp_duck.errors import CatalogError, CatalogWarning, PPPError
from ppp_duck.running.memory import CLIENTS
from ppp_duck.running.progress import interactive

NAME = "ppp"
MACRO = re.compile(r"^CREATE OR REPLACE TEMP MACRO (ppp_\w+)", re.MULTILINE)
# A call of a macro that only the package calls. Texts, quoted names and comments are passed over.
CALL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w.])(ppp__\w+)(?=\()""")


@dataclass
class Catalog:
    """A catalog, and the registered connections of its database: one of them looks names up for all the others."""

    name: str
    number: int  # stands for all connections that were not registered, where a registered one has a number of its own
    macros: frozenset[str]  # its macros that only the package calls
    known: list[weakref.ref[duckdb.DuckDBPyConnection]] = field(default_factory=list)

    def know(self, con: duckdb.DuckDBPyConnection) -> None:
        self.known = [one for one in self.known if one() is not None and one() is not con] + [weakref.ref(con)]

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of a registered connection that is still open; the one registered last comes first."""
        for con in (one() for one in reversed(self.known)):
            if con is not None:
                try:
                    return con.cursor()
                except duckdb.ConnectionException:  # it was closed
                    continue
        default = duckdb.default_connection().cursor()  # it lives without an object in Python
        if number_of(default, self.name) == self.number:
            return default
        default.close()
        raise PPPError(
            "call ppp_duck.register(con) on this connection, and keep the one that is registered: all connections of "
            f"this database that ppp_duck knew are closed, and names are looked up on one of them for {self.name}"
        )

    def in_full(self, sql: str) -> str:
        r"""A statement of the package with its macros called by their full names.

        >>> Catalog("ppp", 1, frozenset({"ppp__text"})).in_full("SELECT ppp__text(x), ppp__fit(x), 'ppp__text('")
        'SELECT "ppp".main._text(x), ppp__fit(x), \'ppp__text(\''
        """
        return CALL.sub(lambda found: self.place + inside(found[1]) if found[1] in self.macros else found[0], sql)

    @property
    def place(self) -> str:
        return f"{quote(self.name)}.main."


def number_of(cursor: duckdb.DuckDBPyConnection, name: str) -> int | None:
    """The number of the catalog of this name in the database; None where there is none of ours."""
    try:
        rows = cursor.execute(f"SELECT {quote(name)}.main.{inside('ppp__connection')}()").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return int(rows[0][0])


def attach(cursor: duckdb.DuckDBPyConnection, name: str, number: int, macros: str) -> Catalog:
    """Attach a new catalog with the macros of a text. Raises CatalogError where DuckDB refuses."""
    try:
        cursor.execute(f"ATTACH ':memory:' AS {quote(name)}").fetchall()
    except duckdb.Error as error:
        raise _refused(name, str(error)) from None
    catalog = Catalog(name, number, frozenset({"ppp__connection", *filter(_is_inner, MACRO.findall(macros))}))
    try:
        cursor.execute(_definitions(catalog, macros)).fetchall()
    except BaseException:
        cursor.execute(f"DETACH {quote(name)}").fetchall()
        raise
    return catalog


def _refused(name: str, why: str) -> CatalogError:
    if "already exists" in why:
        error = CatalogError(
            "write ppp_duck.register(con, catalog='functions'), say, and FROM functions.cluster('customers') on "
            f"cursors and other connections: the name {name} is taken by a database that is attached"
        )
        error.taken = True
        return error
    return CatalogError(
        "call ppp_duck.register(cursor) for each cursor and other connection, and write FROM ppp_cluster('customers') "
        f"there: DuckDB attaches no catalog {name} ({why.strip()})"
    )


def inside(macro: str) -> str:
    """The name of a macro in the catalog.

    What only the package calls keeps one underscore: ``_text``. Named ``ppp__text`` it would be nearer to a mistyped
    ``ppp_cluster`` than ``cluster`` is, and DuckDB would suggest it.
    """
    return macro.removeprefix("ppp_")


def _is_inner(macro: str) -> bool:
    """Whether only the package calls this macro."""
    return macro.startswith("ppp__")


def _definitions(catalog: Catalog, macros: str) -> str:
    """The same macros in the catalog: ``ppp_cluster`` is ``cluster`` there."""

    def head(found: re.Match[str]) -> str:
        return f"{create}{quote(inside(found[1]))}"

    create = f"CREATE OR REPLACE MACRO {catalog.place}"
    # What tells the connections of a database apart that were not registered: DuckDB's own number. Those that were
    # have numbers of ours, above zero.
    client = f"-({catalog.number}::BIGINT * {CLIENTS} + system.main.current_connection_id()::BIGINT)"
    return (
        f"{create}{inside('ppp__connection')}() AS {catalog.number};\n"
        f"{catalog.in_full(MACRO.sub(head, macros))}\n{create}{inside('ppp__client')}() AS {client};"
    )


def warn(error: CatalogError) -> None:
    """Say that cursors will not find the functions: where the catalog's name is taken, and where somebody types."""
    if error.taken or interactive():
        warnings.warn(str(error), CatalogWarning, stacklevel=5)
