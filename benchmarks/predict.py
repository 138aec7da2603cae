"""Scoring 10 million rows × 8 with a stored model: ``ppp_predict``, the scoring in ``ppp_cluster``, and the round trip.

``python -m benchmarks.predict [rows]``. The round trip fetches the table, scales it, calls ``KMeans.predict`` and joins
back. ``ppp_cluster``'s own scoring is its whole statement less ``ppp_fit``'s. Medians of three, one process.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import duckdb

import ppp_duck
from benchmarks.round_trip import CLUSTERS, build


def seconds(step: Callable[[], object]) -> float:
    found = []
    for _ in range(3):
        start = time.perf_counter()
        step()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main(rows: int) -> None:
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    con = ppp_duck.connect()
    build(con, rows)

    def create(name: str, call: str) -> Callable[[], object]:
        return lambda: con.execute(f"CREATE OR REPLACE TABLE {name} AS {call}").fetchall()

    options = f"'points', exclude := ['id'], k := {CLUSTERS}"
    fit = seconds(create("seg", f"FROM ppp_fit({options})"))
    cluster = seconds(create("out", f"FROM ppp_cluster({options})"))
    predict = seconds(create("out", "FROM ppp_predict('points', model := 'seg')"))
    copy = seconds(create("out", "SELECT *, 0 AS cluster_id FROM points"))

    sample = con.execute("FROM points LIMIT 100000").df().drop(columns=["id"])
    scaler = StandardScaler().fit(sample)
    kmeans = KMeans(CLUSTERS, n_init=1, random_state=0).fit(scaler.transform(sample))

    def round_trip() -> None:
        frame = con.execute("FROM points").df()
        found = frame[["id"]].copy()
        found["cluster_id"] = kmeans.predict(scaler.transform(frame.drop(columns=["id"])))
        con.register("found", found)
        create("out", "SELECT points.*, cluster_id FROM points JOIN found USING (id)")()
        con.unregister("found")

    trip = seconds(round_trip)
    print(f"{rows} rows x 8, k = {CLUSTERS}, DuckDB {duckdb.__version__}")
    for name, value in (
        ("copy the table", copy), ("ppp_predict", predict), ("ppp_cluster less ppp_fit", cluster - fit),
        ("scikit-learn predict round trip", trip),
    ):  # fmt: skip
        print(f"{name:<32} {value:7.2f} s {value / trip:6.2f} of the round trip")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
