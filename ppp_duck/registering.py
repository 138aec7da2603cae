"""The one place that changes a connection: adds Python functions and SQL macros, leaves nothing in the user's file."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from ppp_duck.binding import looking, statement
from ppp_duck.binding.interface import RETURNS
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.source import Named, Source, columns_of, find_source
from ppp_duck.doors import catalog as catalog_
from ppp_duck.doors.catalog import Catalog
from ppp_duck.doors.connections import connection_of, each_connection, if_open, is_engine
from ppp_duck.doors.notebook import show_models
from ppp_duck.errors import CatalogError, OptionError, PPPError
from ppp_duck.running import notes as notes_
from ppp_duck.running import progress as progress_
from ppp_duck.running.functions import FUNCTIONS, VOLATILE
from ppp_duck.running.memory import MEMORY
from ppp_duck.running.progress import Choice, check, choose

Con = TypeVar("Con")  # a connection, or what holds one: it comes back as it was given

_lock = threading.Lock()
_numbers = itertools.count(1)
_connections: dict[int, weakref.ref[duckdb.DuckDBPyConnection]] = {}
_catalogs: dict[int, Catalog] = {}  # by their numbers, which are none of a connection's; small, and never forgotten
_seen = threading.local()  # what the statement that this thread binds has shown last
_default: duckdb.DuckDBPyConnection | None = None  # DuckDB's default connection, once it is known to be registered


def register(
    con: Con, progress: Choice = None, notes: notes_.Choice = None, catalog: str | bool | None = None
) -> Con:  # fmt: skip
    """Make every ``ppp_`` function available in the SQL of ``con``; returns ``con``.

    ``con`` is a DuckDB connection or cursor, the module ``duckdb`` itself (its default connection), a SQLAlchemy
    connection or engine (with all connections that it will make), or an ibis backend.

    The macros are temporary and belong to this connection; call it as often as you like. Cursors and other connections
    to the same database find the functions in a catalog, an attached database in memory: ``ppp.cluster('t')``.

    ``progress`` is how this connection shows a running fit. None, the default: a line on stderr where somebody types at
    a prompt or in a notebook, once the fit has taken a second; or the earlier choice for this connection. True: always
    a line. False: nothing. A function: it is called with a ``ppp_duck.Progress`` some times a second and, with the
    stage ``'done'``, at the end. The call is on a thread of the statement, and the fit waits for it. The function may
    call ``con.interrupt()`` and use cursors, but not this connection. What it raises ends the statement as a PPPError.

    ``notes`` is whether it is told, in a line, which columns a fit left out and which have holes. None, the default: on
    stderr where somebody types. True: always. False: never. A function: it is called with the line.

    ``catalog`` is its name. None, the default: ``ppp``; a CatalogWarning says where that is taken, at a prompt also
    where the database is read-only. A name: it, or a CatalogError that says what to write. False: none is attached.

    Raises OptionError where an argument is none of these, PPPError for what is no connection, and in a transaction that
    began before the functions came to its database.

    >>> con = register(duckdb.connect())
    >>> con.execute("CREATE TABLE t AS SELECT i // 50 * 10.0 + i % 7 * 0.1e0 AS x FROM range(100) r(i)").fetchall()
    [(100,)]
    >>> con.execute("SELECT cluster_id, count(*) FROM ppp_cluster('t', k := 2) GROUP BY ALL ORDER BY ALL").fetchall()
    [(0, 50), (1, 50)]
    """
    _check(progress, notes, catalog)
    if is_engine(con):
        each_connection(con, functools.partial(_register, progress=progress, notes=notes, catalog=catalog))
    else:
        with if_open():
            _register(connection_of(con), progress, notes, catalog)
    return con


def _check(progress: Choice, notes: notes_.Choice, catalog: str | bool | None) -> None:
    check(progress)
    notes_.check(notes)
    if not (catalog is None or catalog is False or (isinstance(catalog, str) and catalog)):
        raise OptionError.value("register", "catalog", "a name, None or False", catalog)


def _register(
    con: duckdb.DuckDBPyConnection, progress: Choice, notes: notes_.Choice, catalog: str | bool | None
) -> None:  # fmt: skip
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
        if catalog is not False:
            _open_catalog(con, catalog, progress, notes)
    _create_macros(con, number)
    show_models()


def connect(
    database: str | Path = ":memory:", progress: Choice = None, notes: notes_.Choice = None,
    catalog: str | bool | None = None, **arguments: Any,
) -> duckdb.DuckDBPyConnection:  # fmt: skip
    """``duckdb.connect`` and ``register`` in one: a plain DuckDB connection that knows the ``ppp_`` functions.

    ``progress``, ``notes`` and ``catalog`` go to ``register``, every other argument to ``duckdb.connect``.
    """
    _check(progress, notes, catalog)
    return register(duckdb.connect(str(database), **arguments), progress, notes, catalog)


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
    if _connections is None:  # the interpreter ends, and has taken this module apart
        return
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


def _open_catalog(
    con: duckdb.DuckDBPyConnection, name: str | bool | None, progress: Choice, notes: notes_.Choice
) -> None:  # fmt: skip
    """Know the connection to the catalog of its database, which is attached by whoever comes first."""
    wanted = name if isinstance(name, str) else catalog_.NAME
    with closing(con.cursor()) as cursor:
        number = catalog_.number_of(cursor, wanted)
        if number not in _catalogs:
            try:
                opened = catalog_.attach(cursor, wanted, next(_numbers), _macros())
            except CatalogError as error:
                if name is not None:
                    raise
                catalog_.warn(error)
                return
            number = opened.number
            _catalogs[number] = opened
    _catalogs[number].know(con)
    choose(number, progress)
    notes_.choose(number, notes)


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


def statement_of(
    con: duckdb.DuckDBPyConnection, function: str, source: Source, options: Mapping[str, Any]
) -> str:  # fmt: skip
    """The statement of a call about a source that Python knows and DuckDB does not; its model is a query."""
    ((search_path,),) = con.execute("SELECT current_setting('search_path')").fetchall()
    with closing(con.cursor()) as cursor:
        _follow(cursor, search_path)

        def find(of: str, src: object, role: str = "source") -> Named:
            return Named(source.name, source.relation) if role == "source" else _find(cursor, of, src, role)

        asked = statement.ask(function, source.name, options, find)
        models = (
            Source(one.name, one.relation, columns_of(cursor.sql(f"FROM {one.relation}")), repeatable=False)
            for one in asked.relations[1:]
        )
        return statement.write(asked, (source, *models))


def _follow(cursor: duckdb.DuckDBPyConnection, search_path: str) -> None:
    if search_path:
        # A schema that is not committed is not there for the cursor. Then it finds names without: what they are the
        # statement itself tells.
        with contextlib.suppress(duckdb.CatalogException):
            cursor.execute(f"SET search_path = {literal(search_path)}").fetchall()


def _rewrite(*arguments: pa.ChunkedArray) -> pa.Array:
    """The arguments of a call in, the text of its first statement out, which looks at what it reads."""
    number, search_path, function, src, given = (argument[0].as_py() for argument in arguments)
    booleans = [one.name for one in arguments[-1].type if pa.types.is_boolean(one.type)] if given else []
    statement.refuse_comparisons(function, given or {}, booleans)
    catalog = _catalogs.get(number)
    with closing(_connection(number).cursor() if catalog is None else catalog.cursor()) as cursor:
        _follow(cursor, search_path)
        asked = statement.ask(function, src, given or {}, functools.partial(_find, cursor))
    if catalog is None:
        return pa.array([looking.look(asked)])
    return pa.array([catalog.in_full(looking.look(replace(asked, catalog=number)))])


def _find(cursor: duckdb.DuckDBPyConnection, function: str, src: object, role: str = "source") -> Named:
    return find_source(function, src, cursor, role)


def _look(types: pa.ChunkedArray) -> pa.Array:
    """What the first statement tells of the relations: kept for ``_write``, which DuckDB calls next, on this thread."""
    _seen.types = types[0].as_py()
    return pa.array(["seen"])


def _write(asked: pa.ChunkedArray) -> pa.Array:
    """The call in, the text of the statement that runs out."""
    call = looking.Asked.from_json(asked[0].as_py())
    sql, catalog = statement.write(call, call.seen(_seen.types)), _catalogs.get(call.catalog)
    return pa.array([sql if catalog is None else catalog.in_full(sql)])


# DuckDB folds these while it binds, each with one row, so they are not volatile. All others are, so that the optimizer
# never evaluates one twice for the same row.
BINDING: dict[str, Callable[..., pa.Array]] = {"ppp__rewrite": _rewrite, "ppp__look": _look, "ppp__write": _write}
