"""``python -m benchmarks.quality.separable``: is the separable set more clusterable than random sets of its size?

Judged by criteria that took no part in choosing it:

- ``hopkins``: nearest-neighbour distances of uniform points in the bounding box, against those of the rows (0.5: no
  structure; Hopkins & Skellam 1954);
- ``dip``: sqrt(rows) x the largest dip on the three leading principal axes;
- ``silhouette``: mean silhouette of single linkage and Ward, the better, cut at the number of clusters in the set;
- ``hdbscan``: share of the rows that HDBSCAN (10 rows a cluster at least) does not call noise;
- ``truth``: ARI of that Ward partition with the reference labels (any labelling, the best).

``random`` is the mean of five random sets of as many rows; of larger sets, both are a random 1,000 rows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.cluster import HDBSCAN, AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.neighbors import NearestNeighbors

from benchmarks.quality.run import Labelled, labelled_sets
from ppp_duck.engine.dip import AXES, dip
from ppp_duck.engine.kmeans import tree
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Ints

AT = 0.95
RANDOM_SETS = 5
LARGEST = 1000  # rows looked at


def hopkins(rows: Floats) -> float:
    rng = np.random.default_rng(len(rows))
    tree = NearestNeighbors(n_neighbors=2).fit(rows)
    own = tree.kneighbors(rows)[0][:, 1] ** rows.shape[1]
    box = rng.uniform(rows.min(axis=0), rows.max(axis=0), rows.shape)
    empty = tree.kneighbors(box, 1)[0][:, 0] ** rows.shape[1]
    scale = max(empty.max(), 1e-300)
    return float((empty / scale).sum() / ((empty / scale).sum() + (own / scale).sum()))


def criteria(rows: Floats, k: int, references: list[Ints]) -> list[float]:
    one = np.ones(len(rows))
    ward = AgglomerativeClustering(k).fit_predict(rows)
    single = AgglomerativeClustering(k, linkage="single").fit_predict(rows)
    noise = HDBSCAN(min_cluster_size=10, copy=True).fit_predict(rows) < 0
    return [
        hopkins(rows),
        float(np.sqrt(len(rows))) * max(dip(rows @ axis) for axis in tree.principal_axes(rows, one, AXES).T),
        max(float(silhouette_score(rows, labels)) for labels in (ward, single)),
        1.0 - float(noise.mean()),
        max(adjusted_rand_score(y[y > 0], ward[y > 0]) for y in references),
    ]


def compare(one: Labelled) -> list[float] | None:
    """Share of separable rows, then each criterion for the separable set and for random ones; None: no two clusters."""
    rng = np.random.default_rng(len(one.rows))
    found = fit(one.rows)
    scores = Scorer(found).score(one.rows)
    keep = (scores.cluster_id == scores.kmeans_id) & (scores.probability >= AT)
    size, k = int(keep.sum()), len(np.unique(scores.cluster_id[keep]))
    if k < 2 or size == len(keep):
        return None

    def judged(inside: Ints) -> list[float]:
        inside = np.sort(rng.choice(inside, min(len(inside), LARGEST), replace=False))
        return criteria(one.rows[inside], k, [y[inside] for y in one.references])

    separable = judged(np.flatnonzero(keep))
    rest = np.mean([judged(rng.choice(len(keep), size, replace=False)) for _ in range(RANDOM_SETS)], axis=0)
    return [size / len(keep), *np.column_stack([separable, rest]).ravel().tolist()]


def main() -> None:
    names = ["hopkins", "dip", "silhouette", "hdbscan", "truth"]
    lines = {}
    for one in labelled_sets(20_000):
        line = compare(one)
        if line is not None:
            lines[one.name] = line
            print(f"{one.name:24} " + " ".join(f"{value:6.3f}" for value in line), flush=True)
    table = pd.DataFrame.from_dict(lines, orient="index")
    print(f"\n{len(table)} sets with two clusters or more and rows that are not separable; {table[0].mean():.1%} are\n")
    print("| criterion | separable | random | higher on |\n|---|---|---|---|")
    for place, name in enumerate(names):
        mine, random = table[1 + 2 * place], table[2 + 2 * place]
        print(f"| {name} | {mine.mean():.3f} | {random.mean():.3f} | {(mine > random).sum()} of {len(table)} |")


if __name__ == "__main__":
    main()
