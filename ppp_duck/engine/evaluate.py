"""How good a clustering is on rows seen in any order and any portions: two passes, exact sums, the field's indices.

All distances are in scaled units. The indices are those of scikit-learn where it has them; the silhouette is the
*simplified* one, which measures distances to centroids instead of all pairs of rows (Hruschka, de Castro & Campello,
Evolutionary algorithms for clustering gene-expression data, 2004). Points are seen in the view (``Scorer.view``).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ppp_duck.engine import categories
from ppp_duck.engine.densities import distances, has_holes, total
from ppp_duck.engine.exact import ExactSums
from ppp_duck.engine.mixture import parameter_count
from ppp_duck.engine.nearest import Centers
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Ints, Mixture

METRICS = {
    "k": "INTEGER",
    "rows": "BIGINT",
    "skipped": "BIGINT",
    "inertia": "DOUBLE",
    "simplified_silhouette": "DOUBLE",
    "davies_bouldin": "DOUBLE",
    "calinski_harabasz": "DOUBLE",
    "log_likelihood": "DOUBLE",
    "bic": "DOUBLE",
    "icl": "DOUBLE",
    "agreement": "DOUBLE",
    "separable_share": "DOUBLE",
}


class Evaluation:
    """Of one clustering. ``first`` for all rows, then ``second`` for the same rows again, then ``metrics``."""

    def __init__(self, scorer: Scorer, separable_at: float) -> None:
        self._scorer, self._separable_at = scorer, separable_at
        self._k, self._d = scorer.clustering.centers.shape
        self._counts = np.zeros(self._k, dtype=np.int64)
        self._present = np.zeros((self._k, self._d), dtype=np.int64)  # rows that have a coordinate
        # Of each cluster: coordinates, log densities, entropies, distances to the model's centre with their squares.
        self._sums = ExactSums(self._k, self._d + 3, squared=1)
        self._agree = self._separable = self._skipped = 0
        # Of each cluster: silhouette widths, distances to the own centroid with their squares.
        self._around = ExactSums(self._k, 2, squared=1)
        self._centroids: Floats | None = None

    def skip(self, count: int) -> None:
        self._skipped += count

    def first(self, rows: Floats) -> None:
        """Counts and sums of points ``(n, d)``."""
        scores, log_density, posterior = self._scorer.weighed(rows)
        ids, view = scores.cluster_id, self._scorer.view(rows).T
        self._counts += np.bincount(ids, minlength=self._k)
        if has_holes(view):
            there = ~np.isnan(view)
            for present, own in zip(self._present.T, there, strict=True):
                present += np.bincount(ids[own], minlength=self._k)
            view = np.where(there, view, 0.0)
        else:
            self._present += np.bincount(ids, minlength=self._k)[:, None]
        self._sums.add(ids, np.concatenate([view, [log_density, _entropy(posterior), scores.distance]]))
        self._agree += int((ids == scores.kmeans_id).sum())
        self._separable += int(scores.separable(self._separable_at).sum())

    def second(self, rows: Floats) -> None:
        """Distances of the same points to the centroids that the first pass found."""
        ids = self._scorer.assign(rows)
        own, other = self._to_centroids(self._scorer.view(rows), ids)
        self._around.add(ids, np.stack([silhouette_width(own, other), own]))

    def _to_centroids(self, rows: Floats, ids: Ints) -> tuple[Floats, Floats]:
        """Distances (n,) of rows in the view to the centroid of their own cluster, and to the nearest other one."""
        centroids, present = self.centroids(), np.flatnonzero(self._counts)
        own = distances(rows, np.take(centroids.T, ids, axis=1).T)
        if len(present) > 1 and not has_holes(rows):
            place = np.searchsorted(present, ids)
            other = present[self._nearest.nearest(rows, other_than=place)]
            return own, distances(rows, np.take(centroids.T, other, axis=1).T)
        nearest: Floats = np.full(len(rows), np.inf)
        for cluster in present.tolist():
            np.minimum(nearest, distances(rows, centroids[cluster]), out=nearest, where=ids != cluster)
        return own, nearest

    @cached_property
    def _nearest(self) -> Centers:
        """The centroids of clusters with rows."""
        return Centers(self.centroids()[np.flatnonzero(self._counts)])

    def centroids(self) -> Floats:
        """Mean in the view of the rows of each cluster ``(k, v)``; NaN for a cluster without rows.

        A coordinate that none of its rows has is that of the fit.
        """
        if self._centroids is None:
            sums, lines = self._sums.exact(), self._d + 3
            self._centroids = np.full((self._k, self._d), np.nan)
            for cluster in np.flatnonzero(self._counts).tolist():
                own = sums[cluster * lines : cluster * lines + self._d]
                fitted = self._scorer.clustering.centers[cluster].tolist()
                self._centroids[cluster] = [
                    float(total / count) if count else other
                    for total, count, other in zip(own, self._present[cluster].tolist(), fitted, strict=True)
                ]
        return self._centroids

    def metrics(self) -> dict[str, float | int | None]:
        """All of ``METRICS``; None without rows, 0 for indices that need two clusters where there is one."""
        n = int(self._counts.sum())
        found: dict[str, float | int | None] = dict.fromkeys(METRICS)
        found |= {"k": self._k, "rows": n, "skipped": self._skipped}
        if not n:
            return found
        log_likelihood, entropy = (float(sum(self._sums.exact()[self._d + i :: self._d + 3])) for i in (0, 1))
        bic = -2 * log_likelihood + _parameters(self._scorer.clustering.mixture) * float(np.log(n))
        widths, scatter = self._around.exact()[::2], self._around.rounded()[1::2]
        within = [float(one) for one in self._around.exact_squares()]
        present = np.flatnonzero(self._counts)
        centroids, counts = self.centroids()[present], self._counts[present]
        return found | {
            "inertia": float(sum(self._sums.exact_squares())),
            "simplified_silhouette": float(sum(widths) / n),
            "davies_bouldin": _davies_bouldin(centroids, scatter[present] / counts),
            "calinski_harabasz": _calinski_harabasz(centroids, counts, float(np.array(within).sum())),
            "log_likelihood": log_likelihood,
            "bic": bic,
            "icl": bic + 2 * entropy,
            "agreement": self._agree / n,
            "separable_share": self._separable / n,
        }


def _entropy(posterior: Floats) -> Floats:
    """Entropy (n,) of posteriors (k, n), in nats."""
    terms, some = np.zeros(posterior.shape), np.flatnonzero((posterior > 0) & (posterior < 1))
    shares = posterior.ravel()[some]
    terms.ravel()[some] = np.log(np.maximum(shares, 1e-300)) * shares
    return -total(terms)


def _parameters(mixture: Mixture) -> int:
    """Free parameters; k-means (equal weights, one variance) has the coordinates of its centres and the variance."""
    m, d = mixture.means.shape
    kmeans = mixture.covariance == "spherical" and len(set(mixture.weights)) == len(set(mixture.factors)) == 1
    levels = tuple(share.shape[1] for share in mixture.shares)
    numbers = np.ptp(mixture.means, axis=0) == 0  # told by 'diag' alone
    numbers = numbers & (np.ptp(mixture.factors, axis=0) == 0) if mixture.covariance == "diag" else np.zeros(d, bool)
    tied = (*map(bool, numbers), *map(categories.alike, mixture.shares))
    return parameter_count(mixture.covariance, m, d, kmeans and not levels, levels, tied)


def _davies_bouldin(centroids: Floats, scatter: Floats) -> float:
    """Mean over clusters of the worst (scatter_i + scatter_j) / distance_ij (Davies & Bouldin 1979)."""
    if len(centroids) < 2 or not scatter.any():
        return 0.0
    worst = np.zeros(len(centroids))
    for cluster, center in enumerate(centroids):
        distance = distances(centroids, center)
        apart = distance > 0
        ratio = (scatter[cluster] + scatter[apart]) / distance[apart]
        worst[cluster] = ratio.max() if len(ratio) else 0.0
    return float(worst.mean())


def _calinski_harabasz(centroids: Floats, counts: Ints, within: float) -> float:
    """Variance between clusters over variance within, each by its degrees of freedom (Calinski & Harabasz 1974)."""
    k, n = len(centroids), int(counts.sum())
    if k < 2:
        return 0.0
    if not within:
        return 1.0  # as scikit-learn has it
    mean = (counts[:, None] * centroids).sum(axis=0) / n
    between = float((counts * ((centroids - mean) ** 2).sum(axis=1)).sum())
    return between * (n - k) / (within * (k - 1))


def silhouette_width(own: Floats, other: Floats) -> Floats:
    """(b - a) / max(a, b) of the distances (n,) to the own and the nearest other centre; 0 where there is no other."""
    longest = np.maximum(own, other)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(other) & (longest > 0), (other - own) / longest, 0.0)
