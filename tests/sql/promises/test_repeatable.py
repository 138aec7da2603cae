"""The same rows give the same ids, ``==`` on every row, whatever they are stored in and however they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import GOLDEN, TODAY, gaussians

import ppp_duck

# Overlapping clusters, so that many rows lie near a border; duplicates; a category; integers. Built by SQL alone.
ROWS = """
SELECT i AS id,
       (i % 3) * 2.5 + sin(i * 12.9898) * 43758.5453 % 1 * 2 + cos(i * 0.37) AS x,
       (i % 3 - 1) * 2.0 * (i % 2) + sin(i * 78.233) * 12543.123 % 1 * 2 AS y,
       ['a', 'b', 'c', NULL][1 + i % 3 + (i % 97 = 0)::INTEGER] AS c,
       i % 7 AS z
FROM (SELECT i % 2900 AS i FROM range(3000) r(i))
"""
COLUMNS = "['x', 'y', 'c', 'z']"
ONE_FORM = ", covariance := 'full', k := 3"  # a quarter of the search, where what is compared is not the search
Rows = list[tuple[object, ...]]


@pytest.fixture
def made() -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE made AS {ROWS}").fetchall()
    return con


def full(
    con: duckdb.DuckDBPyConnection, source: str, columns: str = COLUMNS, cte: str = "", more: str = ONE_FORM
) -> Rows:
    """Every row with everything we say of it, in an order of its own."""
    query = (
        f"{cte} SELECT id, x, y, c, z, COLUMNS('_id$|_probability$|^probability$|distance|separable|reason') "
        f"FROM ppp_cluster({source}, columns := {columns}, output := 'full'{more}) ORDER BY ALL"
    )
    return con.execute(query).fetchall()


def test_storage_and_order_do_not_matter(made: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    expected = full(made, "'made'")
    assert len(expected) == 3000
    assert len({row[5] for row in expected}) > 1
    made.execute("CREATE TABLE shuffled AS SELECT z, c, y, x, id FROM made ORDER BY hash(id + x)").fetchall()
    made.execute("CREATE TEMP TABLE temporary AS FROM shuffled").fetchall()
    made.execute("CREATE VIEW seen AS FROM shuffled").fetchall()
    made.execute(f"COPY shuffled TO '{tmp_path}/f.parquet' (ROW_GROUP_SIZE 1000)").fetchall()
    frame = made.execute("FROM shuffled").df()
    assert len(frame) == 3000
    assert full(made, "'shuffled'") == expected
    assert full(made, "'made'", "['z', 'y', 'c', 'x']") == expected
    assert full(made, "'temporary'") == expected
    assert full(made, "'seen'") == expected
    assert full(made, f"'{tmp_path}/f.parquet'") == expected
    assert full(made, "'with_name'", cte="WITH with_name AS (FROM shuffled)") == expected
    assert full(made, "'SELECT * FROM shuffled'") == expected
    query = (
        "SELECT id, x, y, c, z, COLUMNS('_id$|_probability$|^probability$|distance|separable|reason') FROM "
        f"ppp_cluster('frame', columns := {COLUMNS}, output := 'full'{ONE_FORM}) ORDER BY ALL"
    )
    assert pd.DataFrame(made.execute(query).fetchall()).equals(pd.DataFrame(expected))


def test_one_insert_or_a_thousand(made: duckdb.DuckDBPyConnection) -> None:
    expected = full(made, "'made'")
    rows = made.execute("SELECT id, x, y, c, z FROM made ORDER BY hash(y)").fetchall()
    made.execute("CREATE TABLE piecemeal AS FROM made LIMIT 0").fetchall()
    for start in range(0, 3000, 3):
        made.executemany("INSERT INTO piecemeal VALUES (?, ?, ?, ?, ?)", rows[start : start + 3])
    assert full(made, "'piecemeal'") == expected


def test_threads_do_not_matter(made: duckdb.DuckDBPyConnection) -> None:
    expected = full(made, "'made'", more="")
    for threads in (1, 2, 4):
        made.execute(f"SET threads = {threads}").fetchall()
        assert full(made, "'made'", more="") == expected


def test_output_id_and_full_agree(made: duckdb.DuckDBPyConnection) -> None:
    ids = made.execute(f"SELECT id, cluster_id FROM ppp_cluster('made', columns := {COLUMNS}) ORDER BY ALL").fetchall()
    assert ids == sorted(
        ((row[0], row[5]) for row in full(made, "'made'", more="")), key=lambda r: (r[0], r[1] is None, r[1])
    )


def test_a_row_twice_is_a_row_of_weight_two(made: duckdb.DuckDBPyConnection) -> None:
    made.execute("CREATE TABLE once AS SELECT x, y, 1 + z % 3 AS w FROM made").fetchall()
    made.execute("CREATE TABLE often AS SELECT x, y FROM once, range(3) r(i) WHERE i < w").fetchall()
    call = "SELECT DISTINCT x, y, cluster_id, probability FROM ppp_cluster({}, output := 'full') ORDER BY ALL"
    weighted = made.execute(call.format("'once', columns := ['x', 'y'], weight := 'w'")).fetchall()
    assert weighted == made.execute(call.format("'often'")).fetchall()
    made.execute("CREATE TABLE padded AS FROM once UNION ALL SELECT x + 50, y, 0 FROM once").fetchall()
    padded = made.execute(call.format("'padded', columns := ['x', 'y'], weight := 'w'") + " LIMIT 2900").fetchall()
    assert padded == weighted


def test_beyond_the_sample() -> None:
    con = ppp_duck.connect()
    rows = gaussians(11, [120_000, 50_000, 30_000], 3, spread=4.0)
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    con.execute("CREATE TABLE large AS SELECT * FROM frame").fetchall()
    con.execute("CREATE TABLE mixed_up AS SELECT c, a, b FROM large ORDER BY hash(b)").fetchall()
    results = []
    for threads, source in ((1, "large"), (2, "mixed_up"), (4, "passing")):
        con.execute(f"SET threads = {threads}").fetchall()
        query = (
            "WITH passing AS (SELECT b, c, a FROM large) SELECT cluster_id "
            f"FROM ppp_cluster('{source}', columns := ['a', 'b', 'c']) ORDER BY a, b, c"
        )
        results.append(con.execute(query).fetchnumpy()["cluster_id"])
    assert len(results[0]) == 200_000
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()
    assert np.bincount(np.asarray(results[0])).tolist() == pytest.approx([120_000, 50_000, 30_000], rel=0.03)


def test_heavy_duplicates_survive_the_sample(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE heavy AS SELECT 50.0e0 AS a, 50.0e0 AS b FROM range(5000) UNION ALL "
                "SELECT sin(i * 1.1), cos(i * 2.7) FROM range(5000) r(i)").fetchall()  # fmt: skip
    call = "SELECT a = 50, count(*), count(DISTINCT cluster_id) FROM ppp_cluster('heavy', sample_size := 500, k := 2, scale := 'standard') GROUP BY 1 ORDER BY 1"
    assert con.execute(call).fetchall() == [(False, 5000, 1), (True, 5000, 1)]


OPTIONS = ("", ", k := 5, covariance := 'full'", ", k := 4, covariance := 'spherical'", ", scale := 'robust'")
# The same with the features that there were before 'auto'.
GIVEN = tuple(
    f", {TODAY}{one}" if "scale" not in one else f", missing := 'skip', categorical := 'onehot'{one}" for one in OPTIONS
)
IDS = f"""
import sys
import ppp_duck
con = ppp_duck.connect()
con.execute("SET enable_progress_bar = false").fetchall()
con.execute({ROWS!r}.replace("SELECT i AS id", "CREATE TABLE made AS SELECT i AS id", 1)).fetchall()
for options in sys.argv[1:]:
    query = f"SELECT cluster_id FROM ppp_cluster('made', columns := {COLUMNS}{{options}}) ORDER BY id, x, y, cluster_id"
    print("".join("-" if i is None else chr(48 + i) for (i,) in con.execute(query).fetchall()))
"""


def ids_of_a_fresh_process(options: tuple[str, ...], **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", IDS, *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout


@pytest.mark.parametrize("options", [OPTIONS, GIVEN], ids=["bare", "given"])
def test_blas_threads_do_not_matter(options: tuple[str, ...]) -> None:
    one, two = (ids_of_a_fresh_process(options, OPENBLAS_NUM_THREADS=threads) for threads in "12")
    assert one == two


@pytest.mark.parametrize(("options", "file"), [(OPTIONS, "ids_auto.txt"), (GIVEN, "ids.txt")], ids=["bare", "given"])
def test_duckdb_versions_do_not_matter(options: tuple[str, ...], file: str) -> None:
    """The file holds the ids of one version; the suite runs on DuckDB 1.4 and on the newest."""
    assert ids_of_a_fresh_process(options) == (GOLDEN / file).read_text()
