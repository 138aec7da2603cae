"""``python -m benchmarks.scale.refine [--rows 10000000] [--refine 0 1 2 5] [--runs 1]``: what passes over rows gain.

Two tables of 8 features made by SQL: that of ``benchmarks.scale.run``, and one whose ten clusters overlap (k given). Of
every model: the inertia of its k-means partition on all rows, as a multiple of what Lloyd's iterations over all rows
come to from the centres of the model that was not refined; the log likelihood of all rows, per row, above that of the
same model; the adjusted Rand index of its ids with those of a fit to a sample of 1,000,000 rows; the seconds it took.
"""

from __future__ import annotations

import argparse
import time

import duckdb
import numpy as np
from numpy.typing import NDArray

import ppp_duck
from benchmarks.scale.tables import CLUSTERS, Table, build, center
from ppp_duck.api import Model
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Clustering

FEATURES = 8
CLOSER = 0.8  # share of the way to the origin that the centres of the overlapping clusters have gone
LARGE = 1_000_000
CHUNK = 1 << 16


def tables(con: duckdb.DuckDBPyConnection, rows: int) -> dict[str, int | None]:
    """Their names, and the k to look for."""
    build(con, Table(rows, FEATURES))
    moved = ", ".join(
        f"CASE WHEN id % 20 = 19 THEN f{f} / 4 ELSE f{f} - {CLOSER} * {center(f'(id % {CLUSTERS})', f)} END AS f{f}"
        for f in range(FEATURES)
    )
    con.execute(f"CREATE TABLE overlapping AS SELECT id, {moved} FROM points").fetchall()
    return {"points": None, "overlapping": CLUSTERS}


def fit(con: duckdb.DuckDBPyConnection, table: str, k: int | None, runs: int, **options: object) -> tuple[Model, float]:
    """The model, and the seconds of the fastest run."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        model = ppp_duck.fit(con, table, exclude=["id"], k=k, **options)
        seconds.append(time.perf_counter() - start)
    return model, min(seconds)


def scaled(con: duckdb.DuckDBPyConnection, table: str, model: Model) -> NDArray[np.float64]:
    """All rows in the units of the model, which refinement does not change."""
    columns = con.execute(f"SELECT * EXCLUDE (id) FROM {table}").fetchnumpy()
    found = np.empty((FEATURES, len(next(iter(columns.values())))))
    for line, one in zip(found, model.models.models[0].features, strict=True):
        line[:] = (columns.pop(one.name) / one.unit - one.center) / one.scale
    return np.asarray(found.T)


def clustering(model: Model) -> Clustering:
    found = model.models.models[0].clustering
    assert found is not None
    return found


def inertia(rows: NDArray[np.float64], centers: NDArray[np.float64]) -> float:
    ones, total = np.ones(CHUNK), 0.0
    for lo in range(0, len(rows), CHUNK):
        part = rows[lo : lo + CHUNK]
        total += lloyd.inertia(part, ones[: len(part)], centers, lloyd.nearest(part, centers))
    return total


def fixed_point(rows: NDArray[np.float64], centers: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Centres at the fixed point of Lloyd's iterations over all rows, and how many it took."""
    labels = np.full(len(rows), -1, dtype=np.int64)
    for step in range(1000):
        changed, sums = False, np.zeros(centers.shape)
        mass: NDArray[np.float64] = np.zeros(len(centers))
        for lo in range(0, len(rows), CHUNK):
            part = rows[lo : lo + CHUNK]
            found = lloyd.nearest(part, centers)
            changed = changed or not np.array_equal(found, labels[lo : lo + CHUNK])
            labels[lo : lo + CHUNK] = found
            some = lloyd.group_sums(part, np.ones(len(part)), found, len(centers))
            mass, sums = mass + some[0], sums + some[1]
        if not changed:
            return centers, step
        centers = sums / mass[:, None]
    raise AssertionError("Lloyd's iterations end")


def log_likelihood(rows: NDArray[np.float64], found: Clustering) -> float:
    scorer = Scorer(found)
    return float(sum(scorer.log_density(rows[lo : lo + CHUNK]).sum() for lo in range(0, len(rows), CHUNK)))


def rand_index(con: duckdb.DuckDBPyConnection, table: str, a: Model, b: Model) -> float:
    """Adjusted, of the ids that two models give the rows (Hubert & Arabie 1985)."""
    with_a = f"WITH a AS (FROM ppp_predict('{table}', model := $a, prefix := 'a_')) "
    shared = "SELECT a_cluster_id, cluster_id, count(*) FROM ppp_predict('a', model := $b) GROUP BY ALL"
    counts = con.execute(with_a + shared, {"a": a.query, "b": b.query}).fetchall()

    def pairs(place: int | None) -> float:
        groups: dict[object, float] = {}
        for row in counts:
            key = row[:2] if place is None else row[place]
            groups[key] = groups.get(key, 0) + row[2]
        return sum(n * (n - 1) / 2 for n in groups.values())

    total = sum(row[2] for row in counts)
    chance = pairs(0) * pairs(1) / (total * (total - 1) / 2)
    return float((pairs(None) - chance) / ((pairs(0) + pairs(1)) / 2 - chance))


def measure(con: duckdb.DuckDBPyConnection, table: str, k: int | None, passes: list[int], runs: int) -> None:
    first, _ = fit(con, table, k, 1)
    large, seconds = fit(con, table, k, 1, sample_size=LARGE)
    rows = scaled(con, table, first)
    best, steps = fixed_point(rows, clustering(first).kmeans_centers)
    lowest, likely = inertia(rows, best), log_likelihood(rows, clustering(first))
    print(f"\n{table}: {len(rows):,} rows, {clustering(first).mixture.covariance}, k = {first.k}; Lloyd over all rows "
          f"ends after {steps} steps; fit to {LARGE:,} rows: k = {large.k}, {seconds:.1f} s\n")  # fmt: skip
    print("| refine | inertia / Lloyd's | log likelihood gained per row | ARI with the large fit | seconds |")
    print("|---|---|---|---|---|")
    for count in passes:
        model, seconds = fit(con, table, k, runs, refine=count)
        found = clustering(model)
        ratio = inertia(rows, found.kmeans_centers) / lowest
        gained = (log_likelihood(rows, found) - likely) / len(rows)
        agreed = rand_index(con, table, model, large)
        print(f"| {count} | {ratio:.7f} | {gained:.7f} | {agreed:.6f} | {seconds:.1f} |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--refine", type=int, nargs="*", default=[0, 1, 2, 5])
    options.add_argument("--runs", type=int, default=1)
    chosen = options.parse_args()
    con = ppp_duck.connect()
    con.execute("SET enable_progress_bar = false").fetchall()
    for table, k in tables(con, chosen.rows).items():
        measure(con, table, k, chosen.refine, chosen.runs)


if __name__ == "__main__":
    main()
