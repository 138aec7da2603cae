from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import ppp_duck
from ppp_duck.running import functions

Rows = list[tuple[Any, ...]]

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"

# Three round clusters of 60, 50 and 40 rows that nobody could mistake, in two numbers and a text.
BLOBS = """
SELECT i AS id,
       [0, 12, 30][g + 1] + sin(i * 1.7) AS x,
       [0, 15, -9][g + 1] + cos(i * 2.3) AS y,
       ['oak', 'elm', 'ash'][g + 1] AS tree
FROM (SELECT i, CASE WHEN i < 60 THEN 0 WHEN i < 110 THEN 1 ELSE 2 END AS g FROM range(150) r(i))
"""
# Features as they were before 'auto' became the default: what is given so has the ids that it always had.
TODAY = "scale := 'standard', missing := 'skip', categorical := 'onehot'"
THREE = [(0, 60), (1, 50), (2, 40)]  # what ``sizes`` says of them


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = ppp_duck.connect()
    connection.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
    yield connection
    connection.close()


SEG = "k := 3, covariance := 'diag'"


@pytest.fixture
def fitted(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """With the table ``seg``, a model of blobs."""
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', {SEG})").fetchall()
    return con


def cluster(con: duckdb.DuckDBPyConnection, source: str = "blobs", options: str = SEG) -> Rows:
    return con.execute(f"FROM ppp_cluster('{source}', output := 'full', {options}) ORDER BY ALL").fetchall()


def predict(con: duckdb.DuckDBPyConnection, source: str = "blobs", model: str = "seg", cte: str = "") -> Rows:
    call = f"{cte} FROM ppp_predict($1, model := $2, output := 'full') ORDER BY ALL"
    return con.execute(call, [source, model]).fetchall()


def sizes(con: duckdb.DuckDBPyConnection, call: str) -> list[tuple[object, ...]]:
    """How many rows each cluster has."""
    return con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall()


def said(error: BaseException) -> str:
    """What our error says, without what DuckDB puts around it (a prefix, the statement, in 1.4 a traceback)."""
    found = re.search(r"UDF: \w+: (.*?)(\n\nAt:|\n\nLINE 1:|\Z)", str(error), re.DOTALL)
    assert found, str(error)
    return found[1]


def refused(con: duckdb.DuckDBPyConnection, statement: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(statement).fetchall()
    return said(caught.value)


def blobs(seed: int = 0, k: int = 3, each: int = 60, d: int = 2) -> np.ndarray:
    """Clusters of each, each + 5, each + 10, … rows along the diagonal."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(each + 5 * j, d)) + 9.0 * j for j in range(k)])


def gaussians(seed: int, sizes_: list[int], d: int, spread: float = 12.0) -> np.ndarray:
    """Rows (n, d) of round Gaussian clusters with centres drawn at the given spread."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes_), d)) * spread
    return np.concatenate([rng.normal(size=(n, d)) + c for n, c in zip(sizes_, centers, strict=True)])


class Counted:
    """A function of Arrow columns that counts the rows that it sees."""

    def __init__(self) -> None:
        self.function = functions.FUNCTIONS["ppp__assign"]
        self.rows = 0

    def __call__(self, *columns: pa.ChunkedArray) -> pa.Array:
        self.rows += len(columns[0])
        return self.function(*columns)


@contextmanager
def counting() -> Iterator[tuple[duckdb.DuckDBPyConnection, Counted]]:
    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(functions.FUNCTIONS, "ppp__assign", counted)
        con = ppp_duck.connect()
    con.execute("SET threads = 8").fetchall()
    yield con, counted
