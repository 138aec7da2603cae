"""Where a command reads: the database, and what a name, a path or standard input stands for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb

from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.source import FILE, find_source, path_of
from ppp_duck.command.arguments import PROGRAM
from ppp_duck.errors import SourceError, did_you_mean, nearest, show
from ppp_duck.registering import connect

EMPTY = "give {} rows: it is empty"
STANDARD_INPUT = "standard input"  # a database in memory
ROWS = f"{quote(STANDARD_INPUT)}.rows"  # the table in it, as the functions find it
MADE_UP = (["column0"], ["json"])  # the columns of a file that has none, as DuckDB names them
MAGIC = b"PAR1"  # how a Parquet file begins


def open_database(
    path: str | None, read_only: bool, tell: Callable[[str], None] | bool = True
) -> duckdb.DuckDBPyConnection:
    """A connection that knows the functions. It shows a running fit, and tells what it left out, at a terminal only."""
    told = sys.stderr.isatty()
    if path is not None and FILE.match(Path(path).name):
        raise SourceError(f"set --db to a DuckDB database, and name {path} as the source: it is a file of rows")
    if path is not None and read_only and ":" not in path and not Path(path).exists():
        raise SourceError(f"check --db: there is no file {path}{_near(path)}")
    con = connect(path or ":memory:", progress=told, notes=told and tell, read_only=read_only and path is not None)
    con.execute("SET enable_progress_bar = false").fetchall()  # DuckDB's own would go to standard output
    return con


def keep_standard_input(directory: Path) -> Path:
    """Standard input as a file, since a fit reads its source more than once."""
    path = directory / "standard_input"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def load_standard_input(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make the table ``ROWS`` of what was kept: Parquet and JSON are told by how they begin, all else is CSV."""
    with path.open("rb") as file:
        begin = file.read(1 << 12).lstrip()
    if not begin:
        raise SourceError(EMPTY.format(STANDARD_INPUT))
    function = "read_parquet" if begin.startswith(MAGIC) else "read_json" if begin[:1] in (b"{", b"[") else "read_csv"
    con.execute(f"ATTACH ':memory:' AS {quote(STANDARD_INPUT)} (READ_WRITE)").fetchall()
    con.execute(f"CREATE TABLE {ROWS} AS FROM system.main.{function}({literal(str(path))})").fetchall()


def check_readable(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Raises SourceError or DuckDB's own error where nothing can be read by a name."""
    if not name.strip():
        raise SourceError(f"name a file, or a table of --db, not {show(name)}")
    with closing(con.cursor()) as cursor:
        source = find_source(PROGRAM, name, cursor)
        try:
            cursor.execute(f"DESCRIBE FROM {source.relation}").fetchall()
        except duckdb.Error:
            _explain(cursor, name, is_query=source.name != name)
            raise


def without_rows(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What messages call a readable source, if it has no row. Raises SourceError for a file without even a header."""
    with closing(con.cursor()) as cursor:
        source = find_source(PROGRAM, name, cursor)
        found = cursor.execute(f"FROM {source.relation} LIMIT 1")
        columns = [column[0] for column in found.description or []]
        if found.fetchall():
            return None
    said = STANDARD_INPUT if name == ROWS else source.name
    if columns in MADE_UP and (FILE.match(name) or name == ROWS):
        raise SourceError(EMPTY.format(said))
    return said


def _explain(cursor: duckdb.DuckDBPyConnection, name: str, is_query: bool) -> None:
    """Say in our words that nothing of a name is there. All else DuckDB has said."""
    is_file = FILE.match(name)
    if not is_query and Path(name).is_dir():
        raise SourceError(f"name a file, or files such as {Path(name) / '*.csv'}: {name} is a folder") from None
    if is_file and not is_query and Path(name).is_file() and not Path(name).stat().st_size:
        raise SourceError(EMPTY.format(name)) from None
    if is_file and not is_query and not Path(name).exists() and not set("*?[:") & set(name):
        raise SourceError(f"check the path: there is no file {name}{_near(name)}") from None
    if not is_file and not is_query and path_of(name) is not None:
        if Path(name).is_file():
            raise SourceError(f"end the name of {name} with .csv, .parquet or .json, by what it is, or give it to "
                              "standard input") from None  # fmt: skip
        listing = (
            "SELECT table_name FROM system.main.duckdb_tables() UNION SELECT view_name FROM system.main.duckdb_views()"
        )
        tables = [table for (table,) in cursor.execute(f"{listing} WHERE NOT internal ORDER BY ALL").fetchall()]
        near = nearest(name, tables)
        hint = did_you_mean(near) or _near(name)
        raise SourceError(f"name a file, or a table of --db: there is no table {name}{hint}") from None


def _near(path: str) -> str:
    """A hint at the file beside it that is called nearly so."""
    folder = Path(path).parent
    ending = Path(path).suffix or ".csv"
    names = sorted(one.name for one in folder.iterdir() if one.suffix == ending) if folder.is_dir() else []
    near = nearest(Path(path).name, names)
    return did_you_mean(near and str(folder / near))
