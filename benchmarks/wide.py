"""Tables that are wide, long vectors and many clusters: seconds, memory, and the ratio to one start of KMeans.

``python -m benchmarks.wide [case ...]``. Each case runs in a process of its own, which ends after ``LIMIT`` seconds.
Memory is the peak of that process, with DuckDB, the table and the package. Processor seconds are told, too: on a busy
machine they say what the time would be on an idle one.
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

LIMIT = 600  # seconds
CASES = {  # rows, columns, whether they are one vector, k
    "1x3000": (1, 3000, False, None),
    "200x1000": (200, 1000, False, None),
    "3000xFLOAT[4096]": (3000, 4096, True, None),
    "100000x3, k := 500": (100_000, 3, False, 500),
}
BOUNDS = {  # seconds, MB, times KMeans with one start; of what is promised
    "1x3000": (2.0, None, None),
    "200x1000": (3.0, 400, None),
    "3000xFLOAT[4096]": (15.0, 1500, None),
    "100000x3, k := 500": (None, None, 5.0),
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
        flat = values.astype(np.float32).ravel()
        points = pa.table({"v": pa.FixedSizeListArray.from_arrays(pa.array(flat), columns)})
        del flat
    else:
        points = pa.table({f"c{j}": values[:, j] for j in range(columns)})
    con = ppp_duck.connect()
    con.register("points", points)
    con.execute("CREATE TABLE t AS FROM points").fetchall()
    con.unregister("points")
    del points  # what the table was made of is no memory of the statement
    if k is None:
        del values
    start, used = time.perf_counter(), time.process_time()
    con.execute(f"SELECT count(cluster_id) FROM ppp_cluster('t'{'' if k is None else f', k := {k}'})").fetchall()
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    most_seconds, most_memory, most_times = BOUNDS[case]
    print(f"{case}: {seconds:.2f} s{bound(most_seconds)} ({used:.2f} of processors), {peak:.0f} MB{bound(most_memory)}")
    if k is not None:
        from sklearn.cluster import KMeans

        start, kmeans_used = time.perf_counter(), time.process_time()
        KMeans(k, n_init=1, random_state=0).fit(values)
        times = seconds / (time.perf_counter() - start)
        of_processors = used / (time.process_time() - kmeans_used)
        print(f"  {times:.2f} times KMeans with one start{bound(most_times)} ({of_processors:.2f} of processors)")
    sys.stdout.flush()


def bound(most: float | None) -> str:
    return "" if most is None else f" of {most:g}"


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
