"""``FROM ppp_cluster`` against the round trip a user would write: fetch, scale, KMeans with k given, join back.

Run with ``make bench``. Each step runs in a process of its own, so that its peak memory is its own; a process that only
builds the table and scans it shows what DuckDB needs by itself. Times are medians of three.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import duckdb

CLUSTERS, FEATURES = 10, 8


def build(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """A mixture of 10 round clusters, from a hash of the row number: the same table everywhere."""
    uniform = "((hash(i * 1000 + {}) % 1000003) + 0.5e0) / 1000003e0"
    columns = ", ".join(
        f"sqrt(-2 * ln({uniform.format(2 * f)})) * cos(2 * pi() * {uniform.format(2 * f + 1)}) "
        f"+ (hash((i % {CLUSTERS}) * 77 + {f}) % 1000) / 60e0 AS f{f}"
        for f in range(FEATURES)
    )
    con.execute(f"CREATE TABLE points AS SELECT i AS id, {columns} FROM range({rows}) r(i)").fetchall()


def scan(con: duckdb.DuckDBPyConnection) -> int:
    con.execute("CREATE OR REPLACE TABLE out AS SELECT *, 0 AS cluster_id FROM points").fetchall()
    return CLUSTERS


def ppp(con: duckdb.DuckDBPyConnection) -> int:
    con.execute("CREATE OR REPLACE TABLE out AS FROM ppp_cluster('points', exclude := ['id'])").fetchall()
    ((k,),) = con.execute("SELECT count(DISTINCT cluster_id) FROM out").fetchall()
    return int(k)


def ppp_given_k(con: duckdb.DuckDBPyConnection) -> int:
    call = f"FROM ppp_cluster('points', exclude := ['id'], k := {CLUSTERS}, covariance := 'spherical')"
    con.execute(f"CREATE OR REPLACE TABLE out AS {call}").fetchall()
    return CLUSTERS


def round_trip(con: duckdb.DuckDBPyConnection) -> int:
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    frame = con.sql("FROM points").df()
    scaled = StandardScaler().fit_transform(frame.drop(columns=["id"]))
    frame["cluster_id"] = KMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(scaled)
    found = frame[["id", "cluster_id"]]
    assert len(found)
    con.execute(
        "CREATE OR REPLACE TABLE out AS SELECT points.*, cluster_id FROM points JOIN found USING (id)"
    ).fetchall()
    return CLUSTERS


STEPS: dict[str, Callable[[duckdb.DuckDBPyConnection], int]] = {
    "scan": scan, "round_trip": round_trip, "ppp_cluster": ppp, "ppp_cluster_k_given": ppp_given_k,
}  # fmt: skip


def child(step: str, rows: int) -> None:
    import ppp_duck

    con = ppp_duck.connect()
    build(con, rows)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        k = STEPS[step](con)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(statistics.median(seconds), peak, k)


def main() -> None:
    print(f"{'rows':>9} {'step':<20} {'seconds':>8} {'/ round trip':>12} {'peak MB':>8} {'above scan':>10} {'k':>4}")
    for rows in (100_000, 1_000_000):
        base_seconds = base_peak = 0.0
        for step in STEPS:
            command = [sys.executable, "-m", "benchmarks.round_trip", step, str(rows)]
            words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            seconds, peak, k = float(words[0]), float(words[1]), int(words[2])
            base_peak = peak if step == "scan" else base_peak
            base_seconds = seconds if step == "round_trip" else base_seconds
            ratio = f"{seconds / base_seconds:12.2f}" if base_seconds else " " * 12
            print(
                f"{rows:>9} {step:<20} {seconds:8.2f} {ratio} {peak:8.0f} {peak - base_peak:10.0f} {k:>4}", flush=True
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], int(sys.argv[2]))
    else:
        main()
