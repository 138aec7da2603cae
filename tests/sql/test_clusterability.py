"""ppp_clusterability: three sets of rows, each judged by itself."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import gaussians

import ppp_duck


@pytest.fixture
def overlapping(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two clusters that touch, so that some rows are not separable."""
    frame = con.from_arrow(pa.table({"i": range(600), **columns(gaussians(5, [300, 300], 2, 2.2))}))
    frame.create("touching")
    return con


def columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {f"x{j}": column for j, column in enumerate(rows.T)}


def test_three_sets(overlapping: duckdb.DuckDBPyConnection) -> None:
    call = "ppp_clusterability('touching', exclude := ['i'], k := 2, separable_at := 0.999)"
    found = {row[0]: row[1:] for row in overlapping.execute(f"FROM {call}").fetchall()}
    assert list(found) == ["all", "random", "separable"]
    ((separable,),) = overlapping.execute(
        "SELECT count(*) FROM ppp_separable('touching', exclude := ['i'], k := 2, separable_at := 0.999)"
    ).fetchall()
    assert found["all"][0] == 600
    assert found["separable"][0] == found["random"][0] == separable < 600
    assert found["separable"][4] > found["all"][4]
    assert found["separable"][4] > found["random"][4]
    assert all(row[1] == 2 for row in found.values())


def test_one_blob_has_one_mode(con: duckdb.DuckDBPyConnection) -> None:
    con.from_arrow(pa.table(columns(gaussians(1, [500], 3)))).create("blob")
    ((rows, k, p, agreement, silhouette, _),) = con.execute(
        "SELECT * EXCLUDE (set) FROM ppp_clusterability('blob') WHERE set = 'all'"
    ).fetchall()
    assert (rows, k, agreement, silhouette) == (500, 1, 1.0, 0.0)
    assert p > 0.1


def test_clear_clusters_do_not(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("FROM ppp_clusterability('blobs', columns := ['x', 'y'])").fetchall()
    assert [row[1:3] for row in rows] == [(150, 3)] * 3
    assert all(row[3] <= 0.01 for row in rows)


def test_by_group_and_repeatable(con: duckdb.DuckDBPyConnection) -> None:
    call = "FROM ppp_clusterability('{}', columns := ['x', 'y'], by := ['tree'], k := 2)"
    found = con.execute(call.format("blobs")).fetchall()
    assert [row[:2] for row in found] == [(t, s) for t in ("ash", "elm", "oak") for s in ("all", "random", "separable")]
    con.execute("CREATE TABLE shuffled AS FROM blobs ORDER BY hash(id)").fetchall()
    assert con.execute(call.format("shuffled")).fetchall() == found
    for tree in ("ash", "oak"):
        alone = f"SELECT x, y FROM blobs WHERE tree = '{tree}'".replace("'", "''")
        assert con.execute(f"FROM ppp_clusterability('{alone}', k := 2)").fetchall() == [
            row[1:] for row in found if row[0] == tree
        ]


def test_no_rows() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE empty (x DOUBLE, y DOUBLE)").fetchall()
    assert con.execute("FROM ppp_clusterability('empty')").fetchall() == []
