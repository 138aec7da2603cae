"""Where the result of a command goes: into a file, as a table at a terminal, as CSV into a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import duckdb

from ppp_duck.binding.quoting import literal
from ppp_duck.errors import OptionError, show
from ppp_duck.models.description import INFO
from ppp_duck.models.table import COLUMNS

ENDINGS = {".csv": "csv", ".parquet": "parquet", ".json": "json", ".ndjson": "json", ".jsonl": "json"}
COMPRESSED = (".gz", ".zst")  # DuckDB packs what is called so


def check_folder(out: str) -> None:
    """Before the fit, which may take long. Raises OptionError where the folder is missing, or what is named is one."""
    if not Path(out).parent.is_dir():
        raise OptionError(f"check the path of -o: there is no folder {Path(out).parent}")
    if Path(out).is_dir():
        raise OptionError(f"give -o the name of a file: {out} is a folder")


def check_html(out: str | None) -> None:
    """Raises OptionError where a report would fill a terminal."""
    if out is None and sys.stdout.isatty():
        raise OptionError("set -o to a file, such as -o report.html: a report is for a browser")


def format_of(out: str | None, given: str | None) -> str:
    """The format that was asked for, or else that of the file's name, or of a terminal or a pipe.

    >>> format_of("seg.parquet", None), format_of("x.csv.gz", None), format_of("seg", "json")
    ('parquet', 'csv', 'json')
    """
    if out is None:
        return given or ("table" if sys.stdout.isatty() else "csv")
    if given == "table":
        raise OptionError("leave out -o, or set --format to csv, parquet or json: a table is for a terminal")
    path = Path(out)
    ending = path.with_suffix("").suffix if path.suffix in COMPRESSED else path.suffix
    if given is None and ending.lower() not in ENDINGS:
        raise OptionError(f"set --format to csv, parquet or json, or end the name of the file so, not {show(out)}")
    return given or ENDINGS[ending.lower()]


def show_table(relation: duckdb.DuckDBPyRelation) -> None:
    """As DuckDB shows it, a model without the text that scores. Properties of a model are sentences: a line each."""
    if relation.columns == list(INFO):
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in relation.fetchall())
    else:
        is_model = relation.columns[-len(COLUMNS) :] == list(COLUMNS)
        relation = relation.project("* EXCLUDE (model)") if is_model else relation
        relation.show(max_width=shutil.get_terminal_size().columns)


def write(con: duckdb.DuckDBPyConnection, _ppp_written: duckdb.DuckDBPyRelation, path: Path, kind: str) -> None:
    """Write a relation, which DuckDB finds by the name of the variable. There is a whole file in the end, or none."""
    partial = path if path.exists() and not path.is_file() else path.with_name(f"tmp_{os.getpid()}_{path.name}")
    try:
        con.execute(f"COPY (FROM _ppp_written) TO {literal(str(partial))} (FORMAT {kind})").fetchall()
        if partial != path:
            partial.replace(path)
    finally:
        if partial != path:
            partial.unlink(missing_ok=True)


def pour(path: Path) -> None:
    """A file into standard output. Raises BrokenPipeError where nobody reads on."""
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
