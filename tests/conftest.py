from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

import ppp_duck

# Three round clusters of 60, 50 and 40 rows that nobody could mistake, in two numbers and a text.
BLOBS = """
SELECT i AS id,
       [0, 12, 30][g + 1] + sin(i * 1.7) AS x,
       [0, 15, -9][g + 1] + cos(i * 2.3) AS y,
       ['oak', 'elm', 'ash'][g + 1] AS tree
FROM (SELECT i, CASE WHEN i < 60 THEN 0 WHEN i < 110 THEN 1 ELSE 2 END AS g FROM range(150) r(i))
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = ppp_duck.connect()
    connection.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
    yield connection
    connection.close()


def sizes(con: duckdb.DuckDBPyConnection, call: str) -> list[tuple[object, ...]]:
    """How many rows each cluster has."""
    return con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall()


def said(error: BaseException) -> str:
    """What our error says, without what DuckDB puts around it (a prefix, the statement, in 1.4 a traceback)."""
    found = re.search(r"UDF: \w+: (.*?)(\n\nAt:|\n\nLINE 1:|\Z)", str(error), re.DOTALL)
    assert found, str(error)
    return found[1]


def gaussians(seed: int, sizes_: list[int], d: int, spread: float = 12.0) -> np.ndarray:
    """Rows (n, d) of round Gaussian clusters with centres drawn at the given spread."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes_), d)) * spread
    return np.concatenate([rng.normal(size=(n, d)) + c for n, c in zip(sizes_, centers, strict=True)])
