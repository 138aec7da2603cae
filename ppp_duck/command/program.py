"""One command: read, call a function, write. What the caller can mend is a line on standard error and exit code 2."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from ppp_duck.api import RAISED, load
from ppp_duck.command.arguments import PROGRAM, call, options_of, parser, unknown_flag
from ppp_duck.command.codes import MENDABLE, STOPPED
from ppp_duck.command.interrupting import interruptible
from ppp_duck.command.reading import (
    ROWS,
    check_readable,
    keep_standard_input,
    load_standard_input,
    open_database,
    without_rows,
)
from ppp_duck.command.words import in_shell, tell
from ppp_duck.command.writing import check_folder, check_html, format_of, pour, show_table, write
from ppp_duck.errors import FeatureError, OptionError, PPPError, SourceError

INTERRUPTED = "Query interrupted"  # DuckDB's RuntimeError for Ctrl-C on the main thread, which opens the database
Kind = duckdb.StatementType
READS = (Kind.SELECT, Kind.EXPLAIN, Kind.CALL, Kind.PRAGMA)  # what returns rows
SETS = (Kind.SET, Kind.VARIABLE_SET, Kind.LOAD)  # what changes the session only


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process. Returns the exit code."""
    in_sql = False
    try:
        given, unknown = parser().parse_known_args(arguments)
        if unknown:
            raise OptionError(unknown_flag(given.command, unknown[0]))
        in_sql = not given.function
        with tempfile.TemporaryDirectory() as directory:
            _run(given, Path(directory))
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:  # as of head: nobody wants more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise
        return STOPPED
    except (PPPError, duckdb.Error, OSError, UnicodeDecodeError) as error:
        said = message(error)
        print(f"{PROGRAM}: {said if in_sql else in_shell(said)}", file=sys.stderr)
        return MENDABLE
    return 0


def message(error: Exception) -> str:
    """What an error says, without what DuckDB puts around it, or the name of the SQL function before it."""
    raised = RAISED.search(str(error))
    return re.sub(r"^(ppp_\w+|ppp-duck|report): ", "", raised[2].strip() if raised else str(error))


def _run(given: argparse.Namespace, directory: Path) -> None:
    if given.out is not None:
        check_folder(given.out)
    is_text = given.command in TEXTS
    options: dict[str, Any] = options_of(given.function, vars(given)) if is_text else {}
    kind = "text" if is_text else format_of(given.out, given.format)
    out = Path(given.out) if given.out is not None else directory / f"output.{kind}"
    text = None if given.function else _text(given)
    kept = keep_standard_input(directory) if given.function and given.source == "-" else None
    if given.command == "report":
        check_html(given.out)
        import_module("ppp_duck.reporting")  # seconds, of which a thread beside this one would not hear Ctrl-C
    with closing(open_database(given.db, text is None or _only_reads(text), text is not None or tell)) as con:

        def work() -> None:
            if is_text:
                _read_in(con, given, kept)
                if given.command == "report":
                    _check_rows(con, _source(given), needed=given.model is None)
                out.write_text(TEXTS[given.command](con, _source(given), given, options), encoding="utf-8")
                return
            relation = _called(con, given, kept) if text is None else _last(con, text)
            if relation is not None:
                show_table(relation) if kind == "table" else write(con, relation, out, kind)

        interruptible(con, work)
    if given.out is None and out.exists():
        pour(out)
    sys.stdout.flush()


def _html(con: duckdb.DuckDBPyConnection, source: str, given: argparse.Namespace, options: dict[str, Any]) -> str:
    from ppp_duck.reporting import report  # heavy, and needs the extra [plot]

    return report(con, source, model=None if given.model is None else load(con, given.model), **options) + "\n"


def _plain_sql(con: duckdb.DuckDBPyConnection, source: str, given: argparse.Namespace, options: dict[str, Any]) -> str:
    return load(con, source).sql(**options) + "\n"


TEXTS = {"report": _html, "to-sql": _plain_sql}  # commands that write a text, not rows


def _check_rows(con: duckdb.DuckDBPyConnection, source: str, needed: bool) -> None:
    """Say that a source has no rows. Raises FeatureError where rows are needed, SourceError for an empty file."""
    if (name := without_rows(con, source)) is not None:
        if needed:
            raise FeatureError(f"give a source with rows, {name} has none")
        print(f"{PROGRAM}: {name} has no rows", file=sys.stderr)


def _called(con: duckdb.DuckDBPyConnection, given: argparse.Namespace, kept: Path | None) -> duckdb.DuckDBPyRelation:
    statement = call(given.function, _source(given), vars(given))
    _read_in(con, given, kept)
    if given.function != "ppp_info":
        _check_rows(con, _source(given), needed=given.function == "ppp_fit")
    return con.sql(statement)


def _source(given: argparse.Namespace) -> str:
    return ROWS if given.source == "-" else str(given.source)


def _read_in(con: duckdb.DuckDBPyConnection, given: argparse.Namespace, kept: Path | None) -> None:
    """Load what was kept of standard input. Raises SourceError or DuckDB's own error where nothing can be read."""
    if kept is not None:
        load_standard_input(con, kept)
    for name in (given.source, getattr(given, "model", None)):
        if name not in (None, "-"):
            check_readable(con, name)


def _text(given: argparse.Namespace) -> str:
    if given.file is not None:
        try:
            return Path(given.file).read_text(encoding="utf-8")
        except OSError as error:
            raise SourceError(f"check the path of -f: {given.file} cannot be read ({error.strerror})") from error
    return str(given.statement) if given.statement not in (None, "-") else sys.stdin.read()


def _only_reads(text: str) -> bool:
    with closing(duckdb.connect()) as con:
        return all(one.type in (*READS, *SETS) for one in con.extract_statements(text))


def _last(con: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation | None:
    """What the last statement returns, after the others have run; None where it returns no rows."""
    statements = con.extract_statements(text)
    if not statements:
        raise SourceError("give a statement, such as FROM ppp_cluster('x.csv')")
    *before, last = statements
    for one in before:
        con.execute(one).fetchall()
    if last.type in READS:
        return con.sql(last.query)
    con.execute(last).fetchall()
    return None
