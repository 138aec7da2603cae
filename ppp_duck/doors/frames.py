"""Tables of other libraries as sources of a call: what DuckDB can scan, under a name in the text of the statement.

pandas goes to DuckDB as it is, which knows its types and takes no index for a column. Everything else goes by Arrow's
PyCapsule interface, or ``__dataframe__``: no library has to be imported, or known.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from ppp_duck.binding.quoting import folded, quote
from ppp_duck.binding.source import Column, Source, columns_of
from ppp_duck.doors.connections import connection_of, if_open, is_connection, is_engine
from ppp_duck.errors import SourceError, listed

LISTED = "a pandas, polars or Arrow table, a DuckDB relation, or the name of a table, view or file"
ORDERED = 122_880  # rows: DuckDB 1.4 scans a longer Arrow table on several threads, which lose their order
LOSES_ORDER = int(duckdb.__version__.partition(".")[0]) < 2
REPLACEMENTS = "python_enable_replacements"  # DuckDB's: a variable may stand for a table
PLACE = "_ppp_place \x1f"  # of a row: a name that no column has
MADE = {  # how a table is made of what is none
    "ndarray": "pyarrow.table({'x': array}) makes one of an array, ppp_duck.PPP() takes it as it is",
    "dict": "pyarrow.table(…) makes one of a dict of columns",
    "list": "pyarrow.Table.from_pylist(…) makes one of a list of dicts",
    "Series": "series.to_frame() makes one of a series",
}
T = TypeVar("T")
R = TypeVar("R")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Given:
    """The rows that a call is about, and the connection that it runs on.

    ``rows`` is something that DuckDB scans, which messages call ``name``. It is None where ``name`` is a name, a file
    or a SELECT of DuckDB's own.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    rows: Any = None
    columns: tuple[Column, ...] = ()  # of ``rows``
    variable: str = ""  # what ``rows`` are in SQL: another name for each, or one in another would be mistaken for it

    @property
    def source(self) -> Source | None:
        """What is known of ``rows``. An Arrow table is read once: scanning one twice crashes DuckDB 1.4."""
        if self.rows is None:
            return None
        return Source(self.name, quote(self.variable), self.columns, repeatable=_is_pandas(self.rows))

    def execute(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a statement. Returns the names of its columns, and its rows."""
        return self._call(self.con.execute, sql, _fetched)

    def relation(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The relation of a query, which keeps the rows and their connection as long as it lives."""
        found = self._call(self.con.sql, sql, lambda relation: relation)
        weakref.finalize(found, _let_go, self.con).atexit = False  # DuckDB 1.4 would close it
        return found

    def in_order(self) -> Given:
        """The same, with the place of each row in a column ``PLACE`` where DuckDB would lose the order."""
        if not (LOSES_ORDER and isinstance(self.rows, pa.Table) and self.rows.num_rows > ORDERED):
            return self
        rows = self.rows.append_column(PLACE, pa.array(range(self.rows.num_rows), pa.int64()))
        return replace(self, rows=rows, columns=(*self.columns, Column(PLACE, "BIGINT")))

    def _call(self, call: Callable[[str], T], sql: str, then: Callable[[T], R]) -> R:
        if self.rows is None:
            with _turned_on(self.con, "python_scan_all_frames"):  # the caller's variables are not those of this module
                return then(call(sql))
        with _turned_on(self.con, REPLACEMENTS):
            return then(_beside(self.variable, self.rows, call, sql))


def given(con: Any, src: Any = None, home: Any = None) -> Given:
    """``(connection, rows)`` or ``(rows,)``, as the functions in Python take them. Raises SourceError or PPPError.

    Rows without a connection are clustered on DuckDB's default one, where ``duckdb.sql`` finds what comes out; a name
    alone is looked for on the connection ``home``, if there is one.
    """
    if src is None:
        if is_connection(con) or is_engine(con):
            raise SourceError(f"give the rows behind the connection: {LISTED}")
        is_name = isinstance(con, str | os.PathLike)
        con, src = home if home is not None and is_name else duckdb, con
    home = connection_of(con)
    if isinstance(src, os.PathLike):
        src = os.fspath(src)
    if isinstance(src, str):
        return Given(home, src)
    name, rows = scannable(src)
    variable = f"_ppp_rows \x1f{next(_numbers)}"
    try:
        with if_open(), _turned_on(home, REPLACEMENTS):
            columns = columns_of(_beside(variable, rows, home.sql, f"FROM {quote(variable)}"))
    except duckdb.Error as error:
        if isinstance(rows, duckdb.DuckDBPyRelation):
            raise SourceError(
                "give the connection that made the relation, and then the relation: ppp_duck.cluster(con, relation)"
            ) from error
        raise SourceError(unreadable(home, rows, error)) from error
    return Given(home, name, rows, columns, variable)


def unreadable(con: duckdb.DuckDBPyConnection, frame: Any, error: duckdb.Error) -> str:
    """What to do about a frame of pandas or Arrow that DuckDB does not scan: which columns it cannot read, and why."""
    names = [name for name in names_of(frame) if not _reads(con, frame, name)]
    which = listed(list(map(str, names))) if names else "the column that DuckDB cannot read"
    return f"convert {which}, or leave it out: {str(error).removeprefix('Not implemented Error: ')}"


def names_of(frame: Any) -> list[Any]:
    """The names of the columns of a frame of pandas or Arrow."""
    return list(frame.column_names if isinstance(frame, pa.Table) else frame.columns)


def _reads(con: duckdb.DuckDBPyConnection, frame: Any, name: Any) -> bool:
    try:
        column = frame.select([name]) if isinstance(frame, pa.Table) else frame[[name]]
        with _turned_on(con, REPLACEMENTS):
            _beside("_ppp_column", column, con.sql, "FROM _ppp_column")
    except duckdb.Error:
        return False
    return True


def scannable(data: Any) -> tuple[str, Any]:
    """What messages call the data, and what DuckDB scans for it. Raises SourceError for what is no table."""
    if isinstance(data, duckdb.DuckDBPyRelation):
        return "the relation", data
    if type(data).__name__ == "LazyFrame":  # of polars or narwhals
        data = data.collect()
    if _is_pandas(data):
        _check_columns(map(str, data.columns))
        return "the DataFrame", _without_arrow(data)
    table = _arrow(data)
    _check_columns(table.column_names)
    return "the table" if _library(type(data)) == "pyarrow" else f"the {type(data).__name__}", table


def _is_pandas(data: object) -> bool:
    return any(_library(kind) == "pandas" and kind.__name__ == "DataFrame" for kind in type(data).__mro__)


def _without_arrow(frame: Any) -> Any:
    """A pandas frame that DuckDB can scan: 1.4 crashes on columns that pandas keeps in Arrow."""
    if all(type(kind).__name__ != "ArrowDtype" for kind in frame.dtypes):
        return frame
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise SourceError(f"convert the column that Arrow cannot read, or leave it out: {error}") from error


def _arrow(data: Any) -> pa.Table:
    """An Arrow table of the data. A reader is read to its end."""
    made = MADE.get(type(data).__name__)
    try:
        if isinstance(data, pa.Table):
            return data
        if isinstance(data, pa.RecordBatch):
            return pa.Table.from_batches([data])
        if _library(type(data)) == "pyarrow" and hasattr(data, "to_table"):  # a dataset or a scanner
            return data.to_table()
        if hasattr(data, "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(data).read_all()
        if hasattr(data, "__dataframe__"):
            from pyarrow.interchange import from_dataframe

            return from_dataframe(data)
    except (pa.ArrowException, TypeError) as error:
        if made is not None:
            raise SourceError(f"give a table, not {_kind(data)}: {made}") from error
        raise SourceError(f"give a table, not {_kind(data)}, which Arrow cannot read as one: {error}") from error
    raise SourceError(f"give {LISTED}, not {_kind(data)}{f': {made}' if made else ''}")


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _kind(data: object) -> str:
    kind = type(data)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _check_columns(columns: Iterable[str]) -> None:
    """DuckDB has no two columns of one name, and would rename them."""
    names = list(columns)
    if not names:
        raise SourceError("give a table with columns: it has none")
    seen: dict[str, str] = {}
    for name in names:
        if folded(name) in seen:
            both = listed([seen[folded(name)], name])
            raise SourceError(f"rename a column: two have the same name to DuckDB, {both}")
        seen[folded(name)] = name


def _beside(name: str, rows: Any, call: Callable[[str], T], sql: str) -> T:
    """Call a method of a connection where a variable of this name holds the rows: DuckDB looks where it was called."""
    found: T = eval("_ppp_call(_ppp_sql)", {"_ppp_call": call, "_ppp_sql": sql, name: rows})
    return found


def _fetched(done: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
    return [column[0] for column in done.description or []], done.fetchall()


def _let_go(con: duckdb.DuckDBPyConnection) -> None:
    pass


@contextmanager
def _turned_on(con: duckdb.DuckDBPyConnection, setting: str) -> Iterator[None]:
    """Let DuckDB find frames by the names of variables, which the connections of ibis do not."""
    ((before,),) = con.execute(f"SELECT current_setting('{setting}')").fetchall()
    con.execute(f"SET {setting} = true").fetchall()
    try:
        yield
    finally:
        con.execute(f"SET {setting} = {'true' if before else 'false'}").fetchall()
