"""``python -m benchmarks.quality.inertia [--large]``: ``covariance := 'spherical'`` with the true k.

Inertia of the k-means partition beside the best of 100 k-means++ starts of ``sklearn.cluster.KMeans``, which are kept
in the cache folder: they take minutes.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from sklearn.cluster import KMeans

from benchmarks.quality.run import FOLDER, labelled_sets
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.engine.pipeline import fit

KEPT = FOLDER / "kmeans100.json"
LOSS = 1.001


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true", help="also the sets of more than 20,000 rows")
    options.add_argument("--only", default="", help="sets whose name has this in it")
    chosen = options.parse_args()
    FOLDER.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    ratios, total = [], 0.0
    for one in labelled_sets(10**9 if chosen.large else 20_000):
        if chosen.only not in one.name:
            continue
        if one.name not in kept:
            start = time.perf_counter()
            best = KMeans(one.k, n_init=100, max_iter=300, tol=0, random_state=0).fit(one.rows).inertia_
            kept[one.name] = [float(best), time.perf_counter() - start]
            KEPT.write_text(json.dumps(kept))
        start = time.perf_counter()
        found = fit(one.rows, k=one.k, covariance="spherical")
        seconds = time.perf_counter() - start
        total += seconds
        centers = found.kmeans_centers
        own = lloyd.inertia(one.rows, np.ones(len(one.rows)), centers, lloyd.nearest(one.rows, centers))
        best, their_seconds = kept[one.name]
        ratios.append(own / best)
        mark = "" if ratios[-1] <= LOSS else "  above"
        print(
            f"{one.name:24} k {one.k:3}  ours / best of 100: {ratios[-1]:.6f}{mark}  {seconds:.2f} s, "
            f"scikit-learn {their_seconds:.1f} s",
            flush=True,
        )
    ratio = np.array(ratios)
    print(
        f"{len(ratio)} sets: at most {LOSS} x the best of 100 on {(ratio <= LOSS).sum()}, below it on "
        f"{(ratio < 1 - 1e-6).sum()}; highest {ratio.max():.4f}; {total:.0f} s"
    )


if __name__ == "__main__":
    main()
