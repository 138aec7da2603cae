"""Weights of any size in SQL: every row has its id, and what cannot be weighed is said in our words."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import refused

import ppp_duck


@pytest.fixture(scope="module")
def two() -> Iterator[duckdb.DuckDBPyConnection]:
    with ppp_duck.connect() as con:
        con.execute(
            "CREATE TABLE two AS SELECT i, i % 2 AS g, sin(i * 1.7) + g * 9 AS x, cos(i * 2.3) + g * 9 AS y "
            "FROM range(200) r(i)"
        ).fetchall()
        yield con


def ids(con: duckdb.DuckDBPyConnection, weight: str, more: str = "") -> list[tuple[object, ...]]:
    source = f"SELECT *, CAST({weight} AS DOUBLE) AS w FROM two"
    call = f"ppp_cluster('{source}', columns := ['x', 'y'], weight := 'w'{more})"
    return con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall()


@pytest.mark.parametrize("weight", ["5e-324", "1e-310", "1e-300", "1e15", "1e16", "1e100", "if(i % 7 = 0, 0, 1e-310)"])
def test_equal_weights_of_any_size(two: duckdb.DuckDBPyConnection, weight: str) -> None:
    assert ids(two, weight) == [(0, 100), (1, 100)]


@pytest.mark.parametrize("weight", ["if(i < 2, 1e16, 1)", "if(i % 4 < 2, 1e15, 1)", "if(i % 4 < 2, 1, 1e-16)"])
def test_weights_of_any_ratio(two: duckdb.DuckDBPyConnection, weight: str) -> None:
    assert ids(two, weight, ", k := 2") == [(0, 100), (1, 100)]


@pytest.mark.parametrize("ratio", ["1e15", "1e16", "1e60"])
def test_the_lightest_row_is_there(two: duckdb.DuckDBPyConnection, ratio: str) -> None:
    assert [len(ids(two, f"if(g = 0, {ratio}, 1)", f", k := {k}")) for k in (1, 2, 5)] == [1, 2, 5]
    source = f"SELECT g AS x, CAST(if(g = 0, {ratio}, 1) AS DOUBLE) AS w FROM two"
    fitted = f"SELECT size FROM ppp_fit('{source}', columns := ['x'], weight := 'w', k := 2) ORDER BY cluster_id"
    (heavy,), (light,) = two.execute(fitted).fetchall()
    assert heavy == pytest.approx(100 * float(ratio))
    assert 100 <= light <= max(100.0, 100 * float(ratio) * 2.0**-49)  # in units of the heaviest


@pytest.mark.parametrize("weight", ["1e101", "1e300", "1e308", "1.7e308"])
def test_weights_beyond_all_sums(two: duckdb.DuckDBPyConnection, weight: str) -> None:
    call = f"FROM ppp_cluster('SELECT *, {weight}::DOUBLE AS w FROM two', columns := ['x'], weight := 'w')"
    said = f"ppp_cluster: divide w, the weight, to 1e+100 or less: its largest value is {float(weight):g}"
    assert refused(two, call) == said


def test_refined_with_weights_of_any_ratio(two: duckdb.DuckDBPyConnection) -> None:
    found = ids(two, "if(i % 4 < 2, 1e16, 1)", ", k := 2, refine := 1, sample_size := 100")
    assert found == [(0, 100), (1, 100)]


@pytest.mark.parametrize("kind", ["x", "round(x, 1)", "round(x * 3)::INTEGER", "round(x)"])
@pytest.mark.parametrize("seed", [0, 2])
def test_unequal_weights_make_no_clusters(kind: str, seed: int) -> None:
    """Lognormal weights, log sd 2: neither the rows on grids nor the scale of a column take them for rows."""
    rng = np.random.default_rng(seed)
    x, y = np.concatenate([rng.normal(0, 1, (1000, 2)), rng.normal(6, 1, (1000, 2))]).T
    con = ppp_duck.connect()
    con.register("rows", pa.table({"x": x, "y": y, "w": rng.lognormal(0, 2, 2000)}))
    source = f"SELECT {kind} AS x, {kind.replace('x', 'y')} AS y, w FROM rows"
    call = f"ppp_cluster('{source}', columns := ['x', 'y'], weight := 'w')"
    found = con.execute(f"SELECT count(*) FROM {call} GROUP BY cluster_id ORDER BY cluster_id").fetchall()
    assert [count for (count,) in found] == pytest.approx([1000, 1000], abs=1)
