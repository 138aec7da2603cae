"""``python -m benchmarks.quality.inertia [--large]``: ``covariance := 'spherical'`` with the true k.

With ``--every-k`` k = 2 to 40 on the sets of at most ``--rows`` rows, and on scikit-learn's iris and wine unscaled; the
worst of them, and how many are above.

Inertia of the k-means partition beside the best of 100 k-means++ starts of ``sklearn.cluster.KMeans``, which are kept
in the cache folder: they take minutes, those of every k an hour.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine

from benchmarks.quality.run import FOLDER, labelled_sets
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.engine.pipeline import fit
from ppp_duck.models.model import Floats

KEPT = FOLDER / "kmeans100.json"
EVERY = range(2, 41)
LOSS = 1.001
SHOWN = 20  # of the worst


class Reference:
    """The best of 100 starts of scikit-learn, and the seconds they took, by set and k."""

    def __init__(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        self.kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def of(self, name: str, rows: Floats, k: int) -> tuple[float, float]:
        key = f"{name}, k {k}"
        if key not in self.kept:
            start = time.perf_counter()
            best = KMeans(k, n_init=100, max_iter=300, tol=0, random_state=0).fit(rows).inertia_
            self.kept[key] = [float(best), time.perf_counter() - start]
            KEPT.write_text(json.dumps(self.kept))
        best, seconds = self.kept[key]
        return best, seconds


def cases(chosen: argparse.Namespace) -> Iterator[tuple[str, Floats, int]]:
    """Set, rows and k."""
    largest = chosen.rows if chosen.every_k else 10**9 if chosen.large else 20_000
    sets = [(one.name, one.rows, one.k) for one in labelled_sets(largest)]
    if chosen.every_k:
        for name, load in (("iris, unscaled", load_iris), ("wine, unscaled", load_wine)):
            sets.append((name, np.asarray(load().data, dtype=np.float64), 3))
    for name, rows, true in sorted(sets, key=lambda one: len(one[1])):
        if chosen.only in name:
            distinct = len(np.unique(rows, axis=0))
            for k in EVERY[:: chosen.step] if chosen.every_k else (true,):
                if k < distinct:
                    yield name, rows, k


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true", help="also the sets of more than 20,000 rows")
    options.add_argument("--every-k", action="store_true", help="k = 2 to 40")
    options.add_argument("--rows", type=int, default=1000, help="of a set, at most, with --every-k")
    options.add_argument("--step", type=int, default=1, help="with --every-k: only each so manieth k")
    options.add_argument("--only", default="", help="sets whose name has this in it")
    chosen = options.parse_args()
    reference, found, total = Reference(), [], 0.0
    for name, rows, k in cases(chosen):
        best, their_seconds = reference.of(name, rows, k)
        start = time.perf_counter()
        centers = fit(rows, k=k, covariance="spherical").kmeans_centers
        seconds = time.perf_counter() - start
        total += seconds
        own = lloyd.inertia(rows, np.ones(len(rows)), centers, lloyd.nearest(rows, centers))
        line = (
            f"{name:24} k {k:3}  ours / best of 100: {own / best:.6f}{'' if own / best <= LOSS else '  above'}  "
            f"{seconds:.2f} s, scikit-learn {their_seconds:.1f} s"
        )
        found.append((own / best, line))
        if not chosen.every_k:
            print(line, flush=True)
    if chosen.every_k:
        print("\n".join(line for _, line in sorted(found, reverse=True)[:SHOWN]))
    ratio = np.array([one for one, _ in found])
    print(
        f"{len(ratio)} cases: at most {LOSS} x the best of 100 on {(ratio <= LOSS).sum()}, below it on "
        f"{(ratio < 1 - 1e-6).sum()}; highest {ratio.max():.4f}, mean {ratio.mean():.4f}; {total:.0f} s"
    )


if __name__ == "__main__":
    main()
