"""The one definition of scoring: which cluster a point belongs to, and with what probability.

The sums that decide are done element by element in a fixed order, never by BLAS, whose order depends on the shape of a
chunk and the number of threads. So a row's score depends on the row alone. BLAS only *screens*: it finds the few
components that can matter for a row (usually one), and leaves the rest of the exact work undone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppp_duck.engine import mixed
from ppp_duck.engine.densities import distances, has_holes, log_densities, total
from ppp_duck.engine.kmeans.lloyd import largest, with_largest
from ppp_duck.engine.nearest import Centers
from ppp_duck.engine.rows import LOG_2PI
from ppp_duck.engine.screen import Screen
from ppp_duck.engine.view import View
from ppp_duck.models.model import Bools, Clustering, Floats, Ints

# A component this many nats below the best adds less than half a unit in the last place to any sum of up to a million.
NEGLIGIBLE = 60.0
FEWEST_DIGITS = 1e8  # of a double's sixteen, so many may be lost to an offset before screening: 1e-8 is left
BLOCK = 1 << 18  # numbers in a temporary matrix: 2 MB, whatever the number of components
NOBODY: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Scores:
    """Per row (n,): see the columns of ``ppp_cluster`` with ``output := 'full'``; ids are -1 where there is none."""

    cluster_id: Ints
    probability: Floats
    second_cluster_id: Ints
    second_probability: Floats
    distance: Floats
    kmeans_id: Ints

    def separable(self, at: float) -> Bools:
        """Rows (n,) that k-means and the mixture put into one cluster with a probability of ``at`` or more."""
        return np.asarray((self.cluster_id == self.kmeans_id) & (self.probability >= at))


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
        """(k, m) 1 where the component belongs to the cluster."""
        clustering = self.clustering
        return np.asarray(np.arange(len(clustering.centers))[:, None] == clustering.component_cluster, dtype=np.float64)

    @cached_property
    def crowd(self) -> float:
        """How far below the best component many others must be not to outweigh its cluster; 0 where none share one."""
        m = len(self.clustering.component_cluster)
        return 0.0 if m == len(self.clustering.centers) else float(np.log(m) + 1.0)

    @cached_property
    def _owners(self) -> NDArray[Any]:
        """(m, 1) the cluster of each component, in a type as small as can be: sums over a table of bits are quick."""
        owners = self.clustering.component_cluster
        return owners.astype(np.int8 if owners.max() < 128 else np.int32)[:, None]

    @cached_property
    def _owner_moments(self) -> Floats:
        """(3, m) powers 0, 1 and 2 of each component's cluster: their sums tell whether some components have one."""
        return np.asarray(self.clustering.component_cluster.astype(np.float64) ** np.arange(3)[:, None])

    @cached_property
    def _cells(self) -> Centers:
        return Centers(self.clustering.kmeans_centers)

    @cached_property
    def _screen(self) -> Screen:
        return Screen.of(self.clustering.mixture, self.log_norms)

    @property
    def _mixed(self) -> bool:
        """Whether rows have categories: all of their components are looked at."""
        return bool(self.clustering.mixture.shares)

    def assign(self, rows: Floats) -> Ints:
        """Cluster ids (n,) of points (n, d). The same ids as ``score`` gives, sooner."""
        return self._assign_mixed(rows) if self._mixed else self._assign(rows)

    def _assign_mixed(self, rows: Floats) -> Ints:
        """The numbers are screened, the log probabilities of categories added. Rows with a hole are in doubt."""
        found, layout = np.empty(len(rows), dtype=np.int64), self.clustering.layout
        assert layout is not None
        for block in self._blocks(rows):
            doubtful = np.arange(len(found[block]))
            if layout.numbers:
                numbers, codes = mixed.split_columns(rows[block], layout)
                log_p = self._screen.log_densities(numbers.T)
                mixed.add_log_shares(log_p, self.clustering.mixture.shares, codes)
                found[block], doubtful, _ = self._told_by(self._screen, log_p)
            if len(doubtful):
                found[block][doubtful] = self._exact(*self._near(rows[block][doubtful]))
        return found

    @cached_property
    def _precedence(self) -> Ints | None:
        """(k,) clusters in the order of their first component: of equally probable ones the first is chosen.

        Rows that lack much are as probable in several, and ids follow the sizes, which must not change who is chosen.
        None: that is the order of their ids, or does not matter.
        """
        if self.clustering.layout is None:
            return None
        owner = self.clustering.component_cluster
        first = [int(np.flatnonzero(owner == cluster)[0]) for cluster in range(len(self.clustering.centers))]
        return None if first == sorted(first) else np.argsort(first)

    def _near(self, rows: Floats) -> tuple[Floats, Ints]:
        """Log densities (m, n) of the components that can matter to rows (n, d), -inf for the others; and where."""
        mixture = self.clustering.mixture
        if not self._mixed:
            return self._near_log_densities(rows.T, self._screen.log_densities(rows.T))
        assert self.clustering.layout is not None
        numbers, codes = mixed.split_columns(rows, self.clustering.layout)
        every = np.ones((len(mixture.weights), len(rows)), dtype=bool)
        found, _ = log_densities(mixture, self.log_norms, numbers.T, every)
        mixed.fill_in_holes(found, mixture, numbers.T)
        mixed.add_log_shares(found, mixture.shares, codes)
        return found, np.flatnonzero(found > -np.inf)

    def _assign(self, rows: Floats) -> Ints:
        found = np.empty(len(rows), dtype=np.int64)
        for block in self._blocks(rows):
            x = rows[block].T
            found[block], doubtful, log_p = self.screened(self._screen, x)
            if len(doubtful):
                found[block][doubtful] = self._exact(*self._near_log_densities(x[:, doubtful], log_p))
        return found

    def screened(self, screen: Screen, x: Floats) -> tuple[NDArray[Any], Ints, Floats]:
        """Cluster ids (n,) of points (d, n) as the screen sees them; which are in doubt (their ids mean nothing), and
        the log densities (m, doubtful) that it found for these. What is not finite or very far out is in doubt.
        """
        return self._told_by(screen, screen.log_densities(x))

    def _told_by(self, screen: Screen, log_p: Floats) -> tuple[NDArray[Any], Ints, Floats]:
        """The same of log densities (m, n) that the screen found, and which may have been lowered exactly since."""
        best = np.maximum.reduce(log_p, axis=0)
        # The largest error of all rows will do: far ones are left out of it, and in doubt.
        error = float(screen.error(max(screen.highest, -max(np.fmin.reduce(best), screen.farthest))))
        # Sure: every component near the best belongs to the best one's cluster, and the others cannot outweigh it.
        near = log_p > best - (4 * error + self.crowd)
        # Each row has its only one. A row with a hole has none: the minimum is then NaN.
        if np.count_nonzero(near) == near.shape[1] and np.minimum.reduce(best) >= screen.farthest:
            ids = np.add.reduce(near * self._owners, axis=0, dtype=self._owners.dtype)
            return ids, NOBODY, log_p[:, :0]
        count, total, squares = self._owner_moments @ near.astype(np.float64)
        owner = (total / np.maximum(count, 1.0)).astype(np.int64)
        known = (count * squares == total * total) & (best >= screen.farthest)  # their clusters have no variance
        doubt = np.flatnonzero(~known)
        if not len(doubt):
            return owner, NOBODY, log_p[:, :0]
        # Still sure: the clusters' posteriors differ by far more than screening can be wrong.
        doubtful = log_p[:, doubt]
        share = self._members @ np.exp(doubtful - best[doubt])
        first = largest(share)
        row = np.arange(len(doubt))
        top = share[first, row]
        share[first, row] = 0.0
        sure = share.max(axis=0) <= top * (1 - 8 * error)
        close = ~(sure & (best[doubt] >= screen.farthest))
        owner[doubt] = first
        return owner, doubt[close], doubtful[:, close]

    def screen_of(self, center: Floats, scale: Floats, low: Floats, high: Floats) -> Screen | None:
        """A screen of values (d, n) whose points are ``(values - center) / scale``; all are (d, 1).

        Values below ``low`` or above ``high`` are in doubt.

        None where rounding might count, if a center has so many digits that few are left within a component or a scale
        is extreme, and where a full covariance has too many features for one product; with categories.
        """
        if self._mixed:
            return None
        own, factors, d = self._screen, np.abs(self.clustering.mixture.factors), len(center)
        with np.errstate(all="ignore"):  # of an extreme scale: what is not finite is no screen
            middle = center[:, 0] + scale[:, 0] * own.middle
            lost = (np.abs(middle) / scale[:, 0]).max() * factors.max() * d
            per = 1.0 / scale[:, 0]
            if not own.theta.shape[1] or not lost < FEWEST_DIGITS or not np.isfinite(per).all():
                return None
            bounds = (low[:, 0], high[:, 0]) if np.isfinite(low).any() or np.isfinite(high).any() else None
            if own.turn is not None:
                turn = per[:, None] * own.turn
                return replace(own, middle=middle, turn=turn, bounds=bounds) if np.isfinite(turn).all() else None
            form, row, col = own.form, *np.triu_indices(d)
            square = per**2 if form != "full" else per[row] * per[col]
            theta = np.concatenate(
                [own.theta[:, :1], own.theta[:, 1 : d + 1] * per, own.theta[:, d + 1 :] * square], axis=1
            )
        if not np.isfinite(theta).all():
            return None
        return replace(own, form="full" if form == "full" else "diag", middle=middle, theta=theta, bounds=bounds)

    def score(self, rows: Floats) -> Scores:
        """Ids, posteriors, distance and k-means label of points (n, d)."""
        return self.weighed(rows, posteriors=False)[0]

    def weighed(self, rows: Floats, posteriors: bool = True) -> tuple[Scores, Floats, Floats]:
        """The same, the log density (n,) under the mixture, and the posteriors (k, n) of the clusters if asked for."""
        n, k = len(rows), len(self.clustering.centers)
        ids, second, cell = (np.empty(n, dtype=np.int64) for _ in range(3))
        p_first, p_second, log_density = (np.empty(n) for _ in range(3))
        shares = np.empty((k, n if posteriors else 0))
        for block in self._blocks(rows):
            points = rows[block]
            best, clusters = self._cluster_densities(*self._near(points))
            whole = total(clusters)
            log_density[block] = best + np.log(whole)
            if posteriors:
                np.divide(clusters, whole, out=shares[:, block])
            ids[block], p_first[block], second[block], p_second[block] = self._told(clusters, whole)
            cell[block] = self.nearest_cells(points)
        gap = distances(self.view(rows), np.take(self.clustering.centers.T, ids, axis=1).T)
        return Scores(ids, p_first, second, p_second, gap, cell), log_density, shares

    def view(self, rows: Floats) -> Floats:
        """What k-means sees of points (n, d): (n, v), NaN where there is nothing to see."""
        clustering = self.clustering
        if clustering.layout is None or not clustering.layout.levels:
            return rows
        numbers, codes = mixed.split_columns(rows, clustering.layout)
        x, spots = np.where(np.isnan(numbers), 0.0, numbers), clustering.layout.spots
        seen = View.of(x, ~np.isnan(numbers), codes, clustering.axes, spots)
        return seen.x if seen.seen is None else np.where(seen.seen, seen.x, np.nan)

    def log_density(self, rows: Floats) -> Floats:
        """Log density (n,) of points (n, d) under the mixture."""
        found = np.empty(len(rows))
        for block in self._blocks(rows):
            best, clusters = self._cluster_densities(*self._near(rows[block]))
            found[block] = best + np.log(total(clusters))
        return found

    def posteriors(self, rows: Floats) -> Floats:
        """Posteriors (k, n) of the clusters for points (n, d)."""
        found = np.empty((len(self.clustering.centers), len(rows)))
        for block in self._blocks(rows):
            clusters = self._cluster_densities(*self._near(rows[block]))[1]
            np.divide(clusters, total(clusters), out=found[:, block])
        return found

    def nearest_cells(self, points: Floats) -> Ints:
        """The cluster (n,) of the nearest k-means centre; of equally near ones the first."""
        points, cluster = self.view(points), self.clustering.kmeans_cluster
        if self.clustering.layout is None or not has_holes(points):
            return np.asarray(cluster[self._cells.nearest(points)])
        holes = np.isnan(points).any(axis=1)
        found = np.empty(len(points), dtype=np.int64)
        gaps = np.stack([distances(points[holes], center) for center in self.clustering.kmeans_centers])
        found[holes] = cluster[largest(-gaps)]
        if not holes.all():
            found[~holes] = cluster[self._cells.nearest(points[~holes])]
        return found

    def _exact(self, logs: Floats, some: Ints) -> Ints:
        """The cluster (n,), from log densities (m, n), which are there in ``some`` places."""
        clusters = self._cluster_densities(logs, some)[1]
        return self._told(clusters, total(clusters))[0]

    def _told(self, clusters: Floats, whole: Floats) -> tuple[Ints, Floats, Ints, Floats]:
        """First and second cluster (n,) and their posteriors, from densities (k, n), which are lost, and their sum."""
        order = self._precedence
        clusters = clusters if order is None else clusters[order]
        first, best = with_largest(clusters)
        if len(clusters) == 1:
            return first, best / whole, np.full(len(first), -1), np.zeros(len(first))
        clusters.ravel()[first * len(first) + np.arange(len(first))] = -1.0
        second, next_best = with_largest(clusters)
        if order is not None:
            first, second = order[first], order[second]
        return first, best / whole, second, next_best / whole

    def _near_log_densities(self, x: Floats, screened: Floats) -> tuple[Floats, Ints]:
        """The same of points (d, n) without categories, whose log densities (m, n) are ``screened``."""
        best = screened.max(axis=0)
        matters = screened > best - (NEGLIGIBLE + self._screen.error(best))
        found, some = log_densities(self.clustering.mixture, self.log_norms, x, matters)
        if self.clustering.layout is not None and has_holes(x):
            mixed.fill_in_holes(found, self.clustering.mixture, x)
            some = np.flatnonzero(found > -np.inf)
        return found, some

    def _cluster_densities(self, logs: Floats, some: Ints) -> tuple[Floats, Floats]:
        """Log density (n,) of the most probable component, and the density (k, n) of each cluster in units of it.

        Of log densities (m, n), which are lost. Other than in ``some`` places of the raveled matrix they are -inf.
        """
        best = np.maximum.reduce(logs, axis=0)
        density: Floats = np.zeros_like(logs)
        if not best.min() > -np.inf:
            some = np.flatnonzero(logs > -np.inf)
        logs -= best
        density.ravel()[some] = np.exp(logs.ravel()[some])
        owner, k = self.clustering.component_cluster, len(self.clustering.centers)
        if len(owner) == k and (owner == np.arange(k)).all():
            return best, density
        clusters = np.zeros((k, density.shape[1]))
        for component, cluster in enumerate(owner.tolist()):
            clusters[cluster] += density[component]
        return best, clusters

    def _blocks(self, rows: Floats) -> list[slice]:
        columns = max(len(self.clustering.mixture.means), len(self.clustering.kmeans_centers), rows.shape[1])
        size = max(1, BLOCK // columns)
        return [slice(start, start + size) for start in range(0, len(rows), size)]
