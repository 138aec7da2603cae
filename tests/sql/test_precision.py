"""What a column's type can tell apart is different; what it cannot is one value. And values at the ends of the doubles."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from conftest import refused

import ppp_duck
from ppp_duck.features.precision import is_constant


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with ppp_duck.connect() as con:
        yield con


def ids(con: duckdb.DuckDBPyConnection, value: str, more: str = "") -> list[tuple[object, ...]]:
    call = f"ppp_cluster('SELECT {value} AS x FROM range(300) r(i)', columns := ['x']{more})"
    return con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall()


DIFFERENT = {
    "1e15 and 20": "1e15::DOUBLE + (i % 2) * 20",
    "1e9 and 1e-5": "1e9::DOUBLE + (i % 2) * 1e-5::DOUBLE",
    "2^60 and 2000": "(1152921504606846976 + (i % 2) * 2000)::BIGINT",
    "FLOAT and 20 units": "(3.3::FLOAT + (i % 2) * 5e-6::FLOAT)::FLOAT",
    "vector": "[1e15::DOUBLE + (i % 2) * 20, 7e14::DOUBLE - (i % 2) * 20]",
    "1e308": "[1e308, 1e308 * (1 - 2 * (i % 2))]::DOUBLE[]",
}
ROUNDED = {
    "FLOAT": "(3.3::FLOAT + ((i * 7) % 3 - 1) * 2.4e-7::FLOAT)::FLOAT",
    "DOUBLE": "3.3::DOUBLE + ((i * 7) % 3 - 1) * 4.5e-16::DOUBLE",
    "vector": "[3.3::FLOAT + ((i * 7) % 3 - 1) * 2.4e-7::FLOAT, 1::FLOAT]::FLOAT[]",
    "sums": "0.1::DOUBLE + 0.2::DOUBLE * (i % 2) + (1 - i % 2) * 0.2::DOUBLE",
}


@pytest.mark.parametrize("scale", ["auto", "standard", "robust", "none"])
@pytest.mark.parametrize("name", DIFFERENT)
def test_what_the_type_tells_apart(empty: duckdb.DuckDBPyConnection, name: str, scale: str) -> None:
    assert ids(empty, DIFFERENT[name], f", k := 2, scale := '{scale}'") == [(0, 150), (1, 150)]


@pytest.mark.parametrize("scale", ["auto", "standard", "none"])
@pytest.mark.parametrize("name", ROUNDED)
def test_what_it_does_not_is_constant(empty: duckdb.DuckDBPyConnection, name: str, scale: str) -> None:
    value = ROUNDED[name]
    assert ids(empty, value, f", scale := '{scale}'") == [(0, 300)]
    call = f"FROM ppp_cluster('SELECT {value} AS x FROM range(300) r(i)', columns := ['x'], k := 2, scale := '{scale}')"
    expected = "ppp_cluster: set k to 1 or less, the number of distinct rows to cluster, not 2"
    assert refused(empty, call) == expected


@pytest.mark.parametrize("name", ["FLOAT", "DOUBLE"])
def test_a_constant_column_is_not_used(empty: duckdb.DuckDBPyConnection, name: str) -> None:
    source = f"SELECT {ROUNDED[name]} AS x, sin(i * 1.3) + sin(i * 3.1) + (i % 2) * 9 AS y FROM range(300) r(i)"
    told = dict(empty.execute(f"WITH m AS (FROM ppp_fit('{source}', columns := ['y'])) FROM ppp_info('m')").fetchall())
    assert told["columns_used"] == "y (DOUBLE, as number)"
    empty.execute(f"CREATE OR REPLACE TABLE t AS {source}").fetchall()
    empty.execute("CREATE OR REPLACE TABLE m AS FROM ppp_fit('t')").fetchall()
    told = dict(empty.execute("FROM ppp_info('m')").fetchall())
    assert told["columns_used"] == "y (DOUBLE, as number)"
    assert told["column_dropped: x"] == "it has one value only, but for rounding"
    both = "SELECT cluster_id, count(*) FROM ppp_cluster('t', columns := ['x', 'y']) GROUP BY ALL ORDER BY ALL"
    assert empty.execute(both).fetchall() == [(0, 150), (1, 150)]


@pytest.mark.parametrize("scale", ["auto", "standard", "none"])
@pytest.mark.parametrize("offset", ["1e13", "7e13", "1e14"])
def test_blobs_far_from_zero(empty: duckdb.DuckDBPyConnection, offset: str, scale: str) -> None:
    rows = (
        f"SELECT {offset}::DOUBLE + [0, 5, 10, 15][1 + i % 4] + 0.3 * sin(i * 1.7) AS x, "
        f"{offset}::DOUBLE + [0, 9, 2, 12][1 + i % 4] + 0.3 * cos(i * 2.3) AS y FROM range(400) r(i)"
    )
    call = f"ppp_cluster('{rows}', columns := ['x', 'y'], scale := '{scale}')"
    found = empty.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall()
    assert found == [(0, 100), (1, 100), (2, 100), (3, 100)]


@pytest.mark.parametrize("size", 10.0 ** np.arange(-30.0, 31.0, 6.0))
@pytest.mark.parametrize(("kind", "name"), [(np.float32, "FLOAT"), (np.float64, "DOUBLE")])
def test_few_units_in_the_last_place(kind: type[np.floating], name: str, size: float) -> None:
    low = kind(size)
    near, far = low, low
    for _ in range(2):
        near = np.nextafter(near, kind(np.inf))
    for _ in range(12):
        far = np.nextafter(far, kind(np.inf))
    assert [bool(is_constant(np.float64(low), np.float64(high), name)) for high in (low, near, far)] == [
        True,
        True,
        False,
    ]


BOUNDS = [
    ("sample_size := 9223372036854775807", "sample_size to a whole number from 2 to 1000000000, not 9223372036854775807"),
    ("max_categories := 1000000", "max_categories to a whole number from 1 to 1000, not 1000000"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "message"), BOUNDS)
def test_options_beyond_their_bounds(con: duckdb.DuckDBPyConnection, option: str, message: str) -> None:
    assert refused(con, f"FROM ppp_cluster('blobs', {option})") == f"ppp_cluster: set {message}"


@pytest.mark.parametrize("k", [np.int64(3), np.int32(3), np.float64(3)])
def test_numbers_of_numpy_are_numbers(con: duckdb.DuckDBPyConnection, k: object) -> None:
    assert ppp_duck.fit(con, "blobs", columns=["x", "y"], k=k).k == 3


def test_a_bignum_beyond_all_doubles_is_a_hole(con: duckdb.DuckDBPyConnection) -> None:
    far = "(if(i = 4, ''-'', '''') || ''1'' || repeat(''0'', 400))::BIGNUM"
    values = f"CASE WHEN i IN (4, 7) THEN {far} WHEN i = 9 THEN NULL ELSE ((i % 2) * 100)::BIGNUM END"
    call = f"ppp_cluster('SELECT i, {values} AS x FROM range(40) r(i)', columns := ['x'], k := 2)"
    rows = con.execute(f"SELECT i, cluster_id FROM {call} ORDER BY i").fetchall()
    assert [i for i, cluster in rows if cluster is None] == [4, 7, 9]
    assert sorted({(i % 2, cluster) for i, cluster in rows if cluster is not None}) in (
        [(0, 0), (1, 1)],
        [(0, 1), (1, 0)],
    )
    wide = "SELECT (''1'' || repeat(''0'', 306) || (i % 2))::BIGNUM AS x FROM range(40) r(i)"
    call = f"ppp_cluster('{wide}', columns := ['x'])"
    assert con.execute(f"SELECT count(*), count(cluster_id) FROM {call}").fetchall() == [(40, 40)]


def test_bignum_is_a_number(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT CAST((i % 2) * 100 AS BIGNUM) AS x FROM range(20) r(i)"
    call = f"ppp_cluster('{query}', columns := ['x'], k := 2)"
    assert con.execute(f"SELECT cluster_id, count(*) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall() == [
        (0, 10),
        (1, 10),
    ]
