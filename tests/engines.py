"""Engines that run the text of ``ppp_sql`` without the package: a Parquet file of rows in, columns of results out."""

from __future__ import annotations

import csv
import functools
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

Rows = list[tuple[Any, ...]]
Run = Callable[
    [Path, Sequence[str]], list[Rows]
]  # rows, and queries of a table of that name -> results, in rows' order

PROCESS = """
import sys, duckdb
con = duckdb.connect()
con.execute("CREATE TABLE rows AS FROM '" + sys.argv[1] + "'")
for path in sys.argv[2:]:
    con.execute("COPY (SELECT * FROM (" + open(path, encoding="utf-8").read() + ")) TO '" + path + ".parquet'")
assert not any(name.startswith("ppp_duck") for name in sys.modules)
"""


def _written(queries: Sequence[str], folder: str) -> list[str]:
    paths = [str(Path(folder) / f"{at}.sql") for at in range(len(queries))]
    for path, query in zip(paths, queries, strict=True):
        Path(path).write_text(query, encoding="utf-8")
    return paths


def _read(path: str) -> Rows:
    return duckdb.connect().execute(f"FROM '{path}.parquet' ORDER BY id").fetchall()


def duckdb_process(rows: Path, queries: Sequence[str]) -> list[Rows]:
    """Another process, which never imports the package."""
    with tempfile.TemporaryDirectory() as folder:
        paths = _written(queries, folder)
        subprocess.run([sys.executable, "-c", PROCESS, str(rows), *paths], check=True)
        return [_read(path) for path in paths]


def command_line() -> str | None:
    beside = Path(sys.executable).parent / "duckdb"
    return str(beside) if beside.exists() else shutil.which("duckdb")


def duckdb_command_line(rows: Path, queries: Sequence[str]) -> list[Rows]:
    """The command ``duckdb``."""
    command = command_line()
    assert command is not None
    with tempfile.TemporaryDirectory() as folder:
        paths = _written(queries, folder)
        copies = [f"COPY ({query}) TO '{path}.parquet'" for path, query in zip(paths, queries, strict=True)]
        text = ";\n".join([f"CREATE TABLE rows AS FROM '{rows}'", *copies]) + ";\n"
        subprocess.run([command, "-bail"], input=text, text=True, encoding="utf-8", check=True, capture_output=True)
        return [_read(path) for path in paths]


TYPES = {
    "INTEGER": "integer", "BIGINT": "bigint", "DOUBLE": "double precision", "VARCHAR": "text", "DATE": "date",
    "TIMESTAMP": "timestamp", "BOOLEAN": "boolean",
}  # fmt: skip
NULL = "ppp null"


@functools.cache
def _postgres_server() -> Any:
    return _pgserver().get_server(tempfile.mkdtemp(), cleanup_mode="stop")


def _pgserver() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a folder for its own use is not named
        import pgserver
    return pgserver


def postgres_script(text: str) -> str:
    """What PostgreSQL says to a script of ``psql``."""
    (command,) = Path(_pgserver().__file__).parent.glob("**/bin/psql")
    call = [str(command), _postgres_server().get_uri(), "-v", "ON_ERROR_STOP=1", "-q", "-f", "-"]
    done = subprocess.run(call, input=text, text=True, encoding="utf-8", capture_output=True)
    assert done.returncode == 0, done.stderr[:2000]
    return done.stdout


def postgres(rows: Path, queries: Sequence[str]) -> list[Rows]:
    con = duckdb.connect()
    columns = con.execute(f"DESCRIBE FROM '{rows}'").fetchall()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        text = str(Path(folder) / "rows.csv")
        con.execute(f"COPY (FROM '{rows}') TO '{text}' (FORMAT csv, HEADER false, NULLSTR '{NULL}')").fetchall()
        table = ", ".join(f"{_quoted(name)} {TYPES[kind]}" for name, kind, *_ in columns)
        script = f"DROP TABLE IF EXISTS rows; CREATE TABLE rows ({table});\n"
        postgres_script(script + f"\\copy rows FROM '{text}' (FORMAT csv, NULL '{NULL}')\n")
        for query in queries:
            ordered = f"SELECT * FROM ({query}) AS scored ORDER BY id"
            found.append(_csv(postgres_script(f"COPY ({ordered}) TO STDOUT (FORMAT csv, NULL '{NULL}');"), NULL))
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _csv(text: str, null: str) -> Rows:
    return [tuple(None if value == null else value for value in line) for line in csv.reader(io.StringIO(text))]


@functools.cache
def _clickhouse_session() -> Any:
    from chdb import session

    return session.Session()


def clickhouse(rows: Path, queries: Sequence[str]) -> list[Rows]:
    session = _clickhouse_session()
    session.query("DROP TABLE IF EXISTS default.rows")
    session.query(f"CREATE TABLE default.rows ENGINE = Memory AS SELECT * FROM file('{rows}')")
    session.query("USE default")
    texts = [session.query(f"SELECT * FROM ({query}) ORDER BY id", "CSV").data() for query in queries]
    return [_csv(text, "\\N") for text in texts]


@functools.cache
def spark_session() -> Any:
    os.environ["PYSPARK_PYTHON"] = sys.executable  # what runs groups: else whatever python3 is
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4").config("spark.ui.showConsoleProgress", "false")
    return builder.config("spark.driver.memory", "2g").config("spark.log.level", "ERROR").getOrCreate()


def spark(rows: Path, queries: Sequence[str]) -> list[Rows]:
    session = spark_session()
    session.read.parquet(str(rows)).createOrReplaceTempView("rows")
    found = [session.sql(query).collect() for query in queries]
    return [sorted((tuple(row) for row in one), key=lambda row: int(row[0])) for one in found]


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


# What an engine needs, its dialect, and how it runs queries. The extra 'engines' installs all but Java.
ENGINES: dict[str, tuple[Callable[[], bool], str, Run]] = {
    "duckdb": (lambda: True, "duckdb", duckdb_process),
    "command line": (lambda: command_line() is not None, "duckdb", duckdb_command_line),
    "postgres": (lambda: _has("pgserver"), "postgres", postgres),
    "clickhouse": (lambda: _has("chdb"), "clickhouse", clickhouse),
    "spark": (lambda: _has("pyspark") and shutil.which("java") is not None, "spark", spark),
}
MARKED = ("postgres", "clickhouse", "spark")
REQUIRED = "PPP_ENGINES"  # names, with commas, of what must be there, as in continuous integration; "whole": everything


def whole() -> bool:
    """Whether everything is to run on every engine."""
    return os.environ.get(REQUIRED) == "whole"


def needed(engine: str) -> None:
    """Leaves the test out where the engine is missing, and says so; fails where all must be there."""
    if not ENGINES[engine][0]():
        message = f"{engine} is not here: pip install 'ppp-duck[engines]', and Java for Spark"
        if whole() or engine in os.environ.get(REQUIRED, "").split(","):
            pytest.fail(message)
        pytest.skip(message)


def engine_parameters(names: Sequence[str] = tuple(ENGINES)) -> list[Any]:
    return [pytest.param(name, marks=[getattr(pytest.mark, name)] if name in MARKED else []) for name in names]
