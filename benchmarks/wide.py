"""Tables that are wide, long vectors and many clusters: seconds, memory, and the ratio to one start of KMeans.

``python -m benchmarks.wide [case ...]``. Each case runs in a process of its own, which ends after ``LIMIT`` seconds.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

import ppp_duck
from ppp_duck.models.model import Floats

LIMIT = 120  # seconds
CASES = {  # rows, columns, whether they are one vector, k
    "1x1000": (1, 1000, False, None),
    "1x3000": (1, 3000, False, None),
    "200x1000": (200, 1000, False, None),
    "3000xFLOAT[4096]": (3000, 4096, True, None),
    "100000x3, k := 500": (100_000, 3, False, 500),
}


def made(rows: int, columns: int) -> Floats:
    """Three clusters in every other column, normally distributed within."""
    values = np.random.default_rng(0).normal(size=(rows, columns))
    values[:, 1::2] += np.arange(rows)[:, None] % 3 * 4
    return values


def run(case: str) -> None:
    rows, columns, vector, k = CASES[case]
    values = made(rows, columns)
    if vector:
        flat = pa.array(values.astype(np.float32).ravel())
        points = pa.table({"v": pa.FixedSizeListArray.from_arrays(flat, columns)})
    else:
        points = pa.table({f"c{j}": values[:, j] for j in range(columns)})
    con = ppp_duck.connect()
    con.register("points", points)
    con.execute("CREATE TABLE t AS FROM points").fetchall()
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    con.execute(f"SELECT count(cluster_id) FROM ppp_cluster('t'{'' if k is None else f', k := {k}'})").fetchall()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{case}: {seconds:.2f} s, {peak / 1024:.0f} MB ({(peak - before) / 1024:.0f} above the table)", end="")
    if k is not None:
        from sklearn.cluster import KMeans

        start = time.perf_counter()
        KMeans(k, n_init=1, random_state=0).fit(values)
        print(f", {seconds / (time.perf_counter() - start):.1f} times KMeans with one start", end="")
    print(flush=True)


def started(case: str) -> None:
    try:
        subprocess.run([sys.executable, "-m", "benchmarks.wide", "run", case], check=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        print(f"{case}: not done in {LIMIT} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2])
    else:
        for each in sys.argv[1:] or CASES:
            started(each)
