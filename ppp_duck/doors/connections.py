"""Which DuckDB connection stands behind what a user holds: a module, an engine, a backend.

The libraries are looked for among what is imported already: who holds an engine has imported SQLAlchemy.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from ppp_duck.errors import PPPError

Register = Callable[[duckdb.DuckDBPyConnection], object]

CLOSED = "give an open connection, such as duckdb.connect('warehouse.duckdb'): this one is closed"
SEEN = "ppp_duck"  # in the notes that a pool keeps about each of its connections
_engines: weakref.WeakKeyDictionary[Any, Register] = weakref.WeakKeyDictionary()  # what to do with their connections


def is_connection(given: object) -> bool:
    """Whether this is, or holds, one DuckDB connection."""
    return _found(given) is not None


@contextmanager
def if_open() -> Iterator[None]:
    """What is done with a connection. Raises PPPError where it is closed."""
    try:
        yield
    except duckdb.ConnectionException:
        raise PPPError(CLOSED) from None


def connection_of(given: object) -> duckdb.DuckDBPyConnection:
    """The DuckDB connection that this is or holds. Raises PPPError, with the line to write, where it is none."""
    if (found := _found(given)) is not None:
        return found
    if is_engine(given):
        raise PPPError(
            "give one connection, not a SQLAlchemy engine: with engine.connect() as con: … con … (ppp_duck.register "
            "takes the engine itself, and registers each of its connections)"
        )
    raise PPPError(
        "give a DuckDB connection such as duckdb.connect('warehouse.duckdb'), the module duckdb, a SQLAlchemy engine "
        f"or connection of DuckDB, or an ibis backend of DuckDB, not {type(given).__qualname__}"
    )


def is_engine(given: object) -> bool:
    """Whether this is an engine of SQLAlchemy."""
    return _is_a(given, "sqlalchemy.engine", "Engine")


def each_connection(engine: Any, register: Register) -> None:
    """Do this with every connection that the engine hands out from now on, once with each; with one of them now."""
    from sqlalchemy import event

    if engine.dialect.name != "duckdb":
        raise PPPError(
            f"give an engine of DuckDB, such as create_engine('duckdb:///w.duckdb'), not {engine.dialect.name}"
        )
    if engine not in _engines:
        event.listen(engine, "checkout", _handed_out(weakref.ref(engine)))
    _engines[engine] = register  # of two, the last one holds
    with engine.connect() as con:
        register(connection_of(con))


def _handed_out(engine: weakref.ref[Any]) -> Callable[[Any, Any, Any], None]:
    """What is called with each connection that the pool of an engine hands out, new or used."""

    def checkout(wrapper: Any, record: Any, proxy: object) -> None:
        register = _engines[engine()]
        if record.info.get(SEEN) is not register:
            register(_inside(wrapper))
            record.info[SEEN] = register

    return checkout


def _found(given: Any) -> duckdb.DuckDBPyConnection | None:
    if isinstance(given, duckdb.DuckDBPyConnection):
        return given
    if given is duckdb:
        return duckdb.default_connection()
    if _is_a(given, "sqlalchemy.engine", "Connection") and given.dialect.name == "duckdb":
        return _inside(given.connection.dbapi_connection)
    if _is_a(given, "ibis.backends.duckdb", "Backend"):
        return _found(given.con)
    return None


def _inside(wrapper: Any) -> duckdb.DuckDBPyConnection:
    """duckdb-engine hands DuckDB's own methods out: one of them is bound to the connection."""
    found = wrapper if isinstance(wrapper, duckdb.DuckDBPyConnection) else wrapper.interrupt.__self__
    assert isinstance(found, duckdb.DuckDBPyConnection)
    return found


def _is_a(given: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(given, kind)
