"""The one definition of scoring: which cluster a point belongs to, and with what probability.

The sums that decide are done element by element in a fixed order, never by BLAS, whose order depends on the shape of a
chunk and the number of threads. So a row's score depends on the row alone. BLAS only *screens*: it finds the few
components that can matter for a row (usually one), and leaves the rest of the exact work undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ppp_duck.model import Clustering, Floats, Ints, Mixture

LOG_2PI = float(np.log(2 * np.pi))

# A component this many nats below the best adds less than half a unit in the last place to any sum of up to a million.
NEGLIGIBLE = 60.0
# Far above the relative error of a BLAS product in up to thousands of dimensions, far below what separates clusters.
BLAS_ERROR = 1e-6
BLOCK = 1 << 20  # numbers in a temporary matrix: 8 MB, whatever the number of components


@dataclass(frozen=True)
class Scores:
    """Per row (n,): see the columns of ``ppp_cluster`` with ``output := 'full'``; ids are -1 where there is none."""

    cluster_id: Ints
    probability: Floats
    second_cluster_id: Ints
    second_probability: Floats
    distance: Floats
    kmeans_id: Ints


@dataclass(frozen=True)
class Scorer:
    """A clustering with what scoring derives from it once: log normalisers and matrices for screening."""

    clustering: Clustering

    @cached_property
    def log_norms(self) -> Floats:
        """(m,) log weight + log determinant of the factor - d/2 log 2 pi."""
        mixture = self.clustering.mixture
        m, d = mixture.means.shape
        factors = mixture.factors
        if mixture.covariance == "spherical":
            log_det = d * np.log(factors)
        elif mixture.covariance == "diag":
            log_det = np.log(factors).sum(axis=1)
        elif mixture.covariance == "tied":
            log_det = np.full(m, np.log(np.diagonal(factors)).sum())
        else:
            log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        return np.asarray(np.log(mixture.weights) + log_det - 0.5 * d * LOG_2PI)

    @cached_property
    def _members(self) -> Floats:
        """(m, k) 1 where the component belongs to the cluster."""
        clustering = self.clustering
        return np.asarray(clustering.component_cluster[:, None] == np.arange(len(clustering.centers)), dtype=np.float64)

    @cached_property
    def cells(self) -> Mixture:
        """The k-means partition as a mixture of unit balls: its most probable component is the nearest centre."""
        centers = self.clustering.kmeans_centers
        return Mixture("spherical", np.full(len(centers), 1.0 / len(centers)), centers, np.ones(len(centers)))

    def assign(self, rows: Floats) -> Ints:
        """Cluster ids (n,) of points (n, d). The same ids as ``score`` gives, sooner."""
        found = np.empty(len(rows), dtype=np.int64)
        for block in self._blocks(rows):
            points = rows[block]
            log_p = _screen(self.clustering.mixture, self.log_norms, points)
            best = log_p.max(axis=1, keepdims=True)
            # Sure: every component near the best belongs to the best one's cluster, and the others cannot outweigh it.
            near = log_p > best - (np.log(log_p.shape[1]) + 1.0 + BLAS_ERROR * (1 + np.abs(best)))
            owner = self.clustering.component_cluster[log_p.argmax(axis=1)]
            doubt = np.flatnonzero((near & (self.clustering.component_cluster != owner[:, None])).any(axis=1))
            if len(doubt):
                # Still sure: the clusters' posteriors differ by far more than screening can be wrong.
                share = np.exp(log_p[doubt] - best[doubt]) @ self._members
                first = share.argmax(axis=1)
                row = np.arange(len(doubt))
                top = share[row, first]
                share[row, first] = 0.0
                close = share.max(axis=1) > top * (1 - 8 * BLAS_ERROR * (1 + np.abs(best[doubt, 0])))
                owner[doubt] = first
                tied = doubt[close]
                if len(tied):
                    owner[tied] = self._exact(points[tied], log_p[tied])[0]
            found[block] = owner
        return found

    def score(self, rows: Floats) -> Scores:
        """Ids, posteriors, distance and k-means label of points (n, d)."""
        n = len(rows)
        ids, second = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
        cell = np.empty(n, dtype=np.int64)
        p_first, p_second = np.empty(n), np.empty(n)
        for block in self._blocks(rows):
            points = rows[block]
            log_p = _screen(self.clustering.mixture, self.log_norms, points)
            ids[block], p_first[block], second[block], p_second[block] = self._exact(points, log_p)
            cell[block] = self.nearest_cells(points)
        return Scores(ids, p_first, second, p_second, _distance(rows, self.clustering.centers[ids]), cell)

    def log_density(self, rows: Floats) -> Floats:
        """Log density (n,) of points (n, d) under the mixture."""
        return self.posteriors(rows)[0]

    def posteriors(self, rows: Floats) -> tuple[Floats, Floats]:
        """Log density (n,) of points (n, d) under the mixture, and the posteriors (n, k) of the clusters."""
        log_density, shares = np.empty(len(rows)), np.empty((len(rows), len(self.clustering.centers)))
        for block in self._blocks(rows):
            points = rows[block]
            exact = self._near_log_densities(points, _screen(self.clustering.mixture, self.log_norms, points))
            top = exact.max(axis=1)
            clusters = self._cluster_densities(exact)
            total = _row_sums(clusters)
            log_density[block], shares[block] = top + np.log(total), clusters / total[:, None]
        return log_density, shares

    def nearest_cells(self, points: Floats) -> Ints:
        """The cluster (n,) of the nearest k-means centre; of equally near ones the first."""
        log_p = _screen(self.cells, np.zeros(len(self.cells.means)), points)
        best = log_p.max(axis=1, keepdims=True)
        candidate = log_p >= best - BLAS_ERROR * (1 + np.abs(best))
        nearest = log_p.argmax(axis=1)
        unsure = candidate.sum(axis=1) > 1
        if unsure.any():
            exact = _log_densities(self.cells, np.zeros(len(self.cells.means)), points[unsure], candidate[unsure])
            nearest[unsure] = exact.argmax(axis=1)
        return np.asarray(self.clustering.kmeans_cluster[nearest])

    def _exact(self, points: Floats, screened: Floats) -> tuple[Ints, Floats, Ints, Floats]:
        clusters = self._cluster_densities(self._near_log_densities(points, screened))
        total = _row_sums(clusters)
        row = np.arange(len(points))
        first = clusters.argmax(axis=1)
        p_first = clusters[row, first] / total
        if clusters.shape[1] == 1:
            return first, p_first, np.full(len(points), -1), np.zeros(len(points))
        clusters[row, first] = -1.0
        second = clusters.argmax(axis=1)
        return first, p_first, second, clusters[row, second] / total

    def _near_log_densities(self, points: Floats, screened: Floats) -> Floats:
        """Exact log densities (n, m) of the components that can matter to a row, -inf for the others."""
        best = screened.max(axis=1, keepdims=True)
        matters = screened > best - (NEGLIGIBLE + BLAS_ERROR * np.abs(best))
        return _log_densities(self.clustering.mixture, self.log_norms, points, matters)

    def _cluster_densities(self, log_densities: Floats) -> Floats:
        """Density (n, k) of each cluster, in units of the row's most probable component."""
        density = np.exp(log_densities - log_densities.max(axis=1, keepdims=True))
        clusters = np.zeros((len(density), len(self.clustering.centers)))
        for component, cluster in enumerate(self.clustering.component_cluster):
            clusters[:, cluster] += density[:, component]
        return clusters

    def _blocks(self, rows: Floats) -> list[slice]:
        columns = max(len(self.clustering.mixture.means), len(self.clustering.kmeans_centers), rows.shape[1])
        size = max(1, BLOCK // columns)
        return [slice(start, start + size) for start in range(0, len(rows), size)]


def _screen(mixture: Mixture, log_norms: Floats, points: Floats) -> Floats:
    """Log densities (n, m), nearly: by matrix products."""
    means, factors = mixture.means, mixture.factors
    squared = np.empty((len(points), len(means)))
    if mixture.covariance == "full":
        for j in range(len(means)):
            z = (points - means[j]) @ factors[j]
            np.einsum("nd,nd->n", z, z, out=squared[:, j])
        return log_norms - 0.5 * squared
    if mixture.covariance == "tied":
        points, means, precision = points @ factors, means @ factors, np.ones((len(means), means.shape[1]))
    elif mixture.covariance == "diag":
        precision = factors**2
    else:
        precision = np.repeat((factors**2)[:, None], means.shape[1], axis=1)
    # (x - m)^2 p = x^2 p - 2 x m p + m^2 p, around the means' own middle so that little cancels.
    middle = means.mean(axis=0)
    points, means = points - middle, means - middle
    squared = (points**2) @ precision.T
    squared -= 2 * (points @ (means * precision).T)
    squared += (means**2 * precision).sum(axis=1)
    return np.asarray(log_norms - 0.5 * squared)


def _log_densities(mixture: Mixture, log_norms: Floats, points: Floats, wanted: NDArray[np.bool_]) -> Floats:
    """Log densities (n, m) where ``wanted``, -inf elsewhere; each from its own row, in one order of operations."""
    found = np.full(wanted.shape, -np.inf)
    for j in range(wanted.shape[1]):
        rows = np.flatnonzero(wanted[:, j])
        if len(rows):
            found[rows, j] = log_norms[j] - 0.5 * _mahalanobis(mixture, j, points[rows])
    return found


def _mahalanobis(mixture: Mixture, j: int, points: Floats) -> Floats:
    """Squared distance (n,) to component j in units of its covariance, feature by feature."""
    centered = np.ascontiguousarray((points - mixture.means[j]).T)  # (d, n): one feature is one contiguous vector
    form, factors = mixture.covariance, mixture.factors
    squared = np.zeros(len(points))
    if form in ("spherical", "diag"):
        for feature in range(len(centered)):
            z = centered[feature] * (factors[j] if form == "spherical" else factors[j, feature])
            squared += z * z
        return squared
    factor = factors if form == "tied" else factors[j]
    upper = not np.tril(factor, -1).any()
    for column in range(len(centered)):
        last = column + 1 if upper else len(centered)
        z = centered[0] * factor[0, column]
        for feature in range(1, last):
            z += centered[feature] * factor[feature, column]
        squared += z * z
    return squared


def _row_sums(values: Floats) -> Floats:
    """Sums of rows, column by column: a row's sum does not depend on how many rows there are."""
    total: Floats = values[:, 0].copy()
    for column in range(1, values.shape[1]):
        total += values[:, column]
    return total


def _distance(points: Floats, centers: Floats) -> Floats:
    squared = np.zeros(len(points))
    for feature in range(points.shape[1]):
        difference = points[:, feature] - centers[:, feature]
        squared += difference * difference
    return np.sqrt(squared)
