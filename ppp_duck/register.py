"""The one place that changes a connection: adds Python functions and SQL macros, leaves nothing in the user's file."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ppp_duck.binding import looking, statement
from ppp_duck.binding.interface import RETURNS
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.source import Source, find_source
from ppp_duck.errors import PPPError
from ppp_duck.running import notes as notes_
from ppp_duck.running import progress as progress_
from ppp_duck.running.functions import FUNCTIONS, VOLATILE
from ppp_duck.running.memory import MEMORY
from ppp_duck.running.progress import Choice, check, choose

_lock = threading.Lock()
_numbers = itertools.count(1)
_connections: dict[int, weakref.ref[duckdb.DuckDBPyConnection]] = {}
_seen = threading.local()  # what the statement that this thread binds has shown last
_default: duckdb.DuckDBPyConnection | None = None  # DuckDB's default connection, once it is known to be registered


def register(
    con: duckdb.DuckDBPyConnection, progress: Choice = None, notes: notes_.Choice = None
) -> duckdb.DuckDBPyConnection:
    """Make every ``ppp_`` function available in the SQL of ``con``; returns ``con``.

    The macros are temporary and belong to this connection; call it for each connection or cursor that needs them, as
    often as you like. The Python functions behind them are shared by all connections to the same database.

    ``progress`` is how this connection shows a running fit. None, the default: a line on stderr where somebody types at
    a prompt or in a notebook, once the fit has taken a second; or the earlier choice for this connection. True: always
    a line. False: nothing. A function: it is called with a ``ppp_duck.Progress`` some times a second and, with the
    stage ``'done'``, at the end. The call is on a thread of the statement, and the fit waits for it. The function may
    call ``con.interrupt()`` and use cursors, but not this connection. What it raises ends the statement as a PPPError.

    ``notes`` is whether it is told, in a line, which columns a fit left out and which have holes. None, the default: on
    stderr where somebody types. True: always. False: never. A function: it is called with the line.

    Raises OptionError where ``progress`` or ``notes`` is none of these, PPPError in a transaction that began before
    the functions came to its database.

    >>> con = register(duckdb.connect())
    >>> con.execute("CREATE TABLE t AS SELECT i // 50 * 10.0 + i % 7 * 0.1e0 AS x FROM range(100) r(i)").fetchall()
    [(100,)]
    >>> con.execute("SELECT cluster_id, count(*) FROM ppp_cluster('t', k := 2) GROUP BY ALL ORDER BY ALL").fetchall()
    [(0, 50), (1, 50)]
    """
    check(progress)
    notes_.check(notes)
    with _lock:
        _create_functions(con)
        if (progress is not None or notes is not None) and con is duckdb.default_connection():
            _keep_default(con)  # or what it chose would be forgotten with the object ``con``
        number = next((n for n, known in list(_connections.items()) if known() is con), None)
        if number is None:
            number = next(_numbers)
            _know(number, con)
        choose(number, progress)
        notes_.choose(number, notes)
    _create_macros(con, number)
    return con


def connect(
    database: str | Path = ":memory:", progress: Choice = None, notes: notes_.Choice = None, **arguments: Any
) -> duckdb.DuckDBPyConnection:  # fmt: skip
    """``duckdb.connect`` and ``register`` in one: a plain DuckDB connection that knows the ``ppp_`` functions.

    ``progress`` and ``notes`` go to ``register``, every other argument to ``duckdb.connect``.
    """
    check(progress)
    notes_.check(notes)
    return register(duckdb.connect(str(database), **arguments), progress, notes)


def sql_directory() -> Path:
    """Where the ``.sql`` files are: inside an installed package, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "sql" if (here / "sql").is_dir() else here.parent / "sql"


def _know(number: int, con: duckdb.DuckDBPyConnection) -> None:
    _connections[number] = weakref.ref(con, functools.partial(_forget, number))


def _keep_default(con: duckdb.DuckDBPyConnection) -> None:
    global _default
    _default = con


def _connection(number: int) -> duckdb.DuckDBPyConnection:
    """The registered connection that has a number, which runs a statement now."""
    known = _connections.get(number)
    con = None if known is None else known()
    if con is not None:
        return con
    # DuckDB's default connection is the only one that lives without an object in Python.
    con = duckdb.default_connection()
    with _lock:
        if any(known() is con for known in list(_connections.values())):  # it has another number
            raise PPPError("call ppp_duck.register(con) again: the connection that registered these functions is gone")
        _keep_default(con)
        _know(number, con)
        choose(number, None)
        notes_.choose(number, None)
    return con


def _forget(number: int, gone: object) -> None:
    _connections.pop(number, None)
    for part in (progress_, notes_, MEMORY):
        part.forget(number)


def _create_functions(con: duckdb.DuckDBPyConnection) -> None:
    # On a cursor: a rollback of the caller's transaction would take them away from other connections.
    with closing(con.cursor()) as cursor:
        for name, function in {**BINDING, **FUNCTIONS}.items():
            _create_function(cursor, name, function)


def _create_function(con: duckdb.DuckDBPyConnection, name: str, function: Callable[..., pa.Array]) -> None:
    try:
        con.create_function(  # type: ignore[call-overload, unused-ignore]
            name, function, None, RETURNS[name], type="arrow", null_handling="special",
            side_effects=name in VOLATILE,
        )  # fmt: skip
    except duckdb.CatalogException as error:  # quicker than to ask first: duckdb_functions() lists thousands
        if "already exists" not in str(error):
            raise


def _create_macros(con: duckdb.DuckDBPyConnection, number: int) -> None:
    con.execute(f"CREATE OR REPLACE TEMP MACRO ppp__connection() AS {number}").fetchall()
    try:
        con.execute(_macros()).fetchall()
    except duckdb.CatalogException as error:
        if "ppp__rewrite does not exist" not in str(error):
            raise
        raise PPPError(
            "COMMIT or ROLLBACK, then call ppp_duck.register(con) again: this transaction began before the functions "
            "were there, and so it cannot see them"
        ) from error


@functools.cache
def _macros() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(sql_directory().glob("*.sql")))


def _rewrite(*arguments: pa.ChunkedArray) -> pa.Array:
    """The arguments of a call in, the text of its first statement out, which looks at what it reads."""
    number, search_path, function, src, given = (argument[0].as_py() for argument in arguments)
    booleans = [one.name for one in arguments[-1].type if pa.types.is_boolean(one.type)] if given else []
    statement.refuse_comparisons(function, given or {}, booleans)
    with closing(_connection(number).cursor()) as cursor:
        if search_path:
            # A schema that is not committed is not there for the cursor. Then it finds names without: what they are the
            # statement itself tells.
            with contextlib.suppress(duckdb.CatalogException):
                cursor.execute(f"SET search_path = {literal(search_path)}").fetchall()
        return pa.array([looking.look(statement.ask(function, src, given or {}, functools.partial(_find, cursor)))])


def _find(cursor: duckdb.DuckDBPyConnection, function: str, src: object, role: str = "source") -> Source:
    return find_source(function, src, cursor, role)


def _look(types: pa.ChunkedArray) -> pa.Array:
    """What the first statement tells of the relations: kept for ``_write``, which DuckDB calls next, on this thread."""
    _seen.types = types[0].as_py()
    return pa.array(["seen"])


def _write(asked: pa.ChunkedArray) -> pa.Array:
    """The call in, the text of the statement that runs out."""
    return pa.array([statement.write(looking.Asked.from_json(asked[0].as_py()).seen(_seen.types))])


# DuckDB folds these while it binds, each with one row, so they are not volatile. All others are, so that the optimizer
# never evaluates one twice for the same row.
BINDING: dict[str, Callable[..., pa.Array]] = {"ppp__rewrite": _rewrite, "ppp__look": _look, "ppp__write": _write}
