"""Refinement: passes over all rows, each of them a Lloyd step of the k-means partition and an EM step of the mixture.

Rows come in any order and portions, and only sums of them are kept. Posteriors and labels are functions of a row alone
(``Scorer``). What a row adds to a sum is rounded to a multiple of 2^-30, in units of about the standard deviation of
what it belongs to, and added as a whole number: so the sums, and all that follows, are the same in every order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ppp_duck.engine import blas, categories, certificate
from ppp_duck.engine.exact import FEW, Objects
from ppp_duck.engine.grain import rounded, variances
from ppp_duck.engine.mixed import split_columns
from ppp_duck.engine.mixture import precision_factors, with_floors
from ppp_duck.engine.moments import FINE, GRID, Frame, Sums, central_moments, expected_of_holes, moments
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.view import places_of
from ppp_duck.models.model import Beyond, Clustering, Floats, Ints, Mixture

POSTERIOR = 2.0**24  # posteriors are multiples of its inverse: 6e-8, far below what a step changes
WEIGHT_BITS = 50  # bits of a weight: whole numbers in units of 2^-50 of the largest, as in the sample


@dataclass(frozen=True)
class Refined:
    """The clustering after the last pass, with the figures of all rows."""

    clustering: Clustering
    spreads: Floats  # (k, v) standard deviation of the rows of each cluster, in scaled units
    passes: int
    shares: tuple[Floats, ...] = ()  # of each category (k, levels), among the rows of each cluster that have it


class Refinement:
    """Of one clustering: every row goes through ``sums`` and ``add``, then ``close`` ends the pass; True: once more.

    The pass after the last step only takes the figures of the result. A step that leaves a cluster without rows is
    taken back, and ends the refinement.
    """

    def __init__(self, clustering: Clustering, beyond: Beyond, passes: int) -> None:
        self.wanted = passes
        self.refined: Refined | None = None  # after the last pass that was closed
        self._beyond, self._passes, self._unit = beyond, 0, 1.0
        with blas.one_thread:
            self._begin(clustering)

    def _begin(self, clustering: Clustering) -> None:
        m, k, c = len(clustering.mixture.means), len(clustering.centers), len(clustering.kmeans_centers)
        d, v = clustering.mixture.means.shape[1], clustering.centers.shape[1]
        self._scorer = Scorer(clustering)
        means, own = clustering.mixture.means, variances(clustering.mixture)
        places = places_of(means, clustering.mixture.shares, clustering.axes)
        # Every component, and every cell, as a cluster of its own.
        alone = replace(clustering, component_cluster=np.arange(m), centers=places, kmeans_cluster=np.arange(c))
        self._alone = Scorer(alone)
        wide = np.concatenate([own, _axis_variances(clustering)], axis=1) if v > d else own
        spread = _cluster_variances(clustering, places, wide)
        self._components = Frame.of(means, own)
        self._cells = Frame.of(clustering.kmeans_centers, spread[clustering.kmeans_cluster])
        self._clusters = Frame.of(clustering.centers, spread)
        self._full = clustering.mixture.covariance in ("tied", "full")
        second = d * (d + 1) // 2 if self._full else d
        levels, mixed = sum(one.shape[1] for one in clustering.mixture.shares), clustering.layout is not None
        # the figures; then, but in the last pass, what the steps need
        widths = [(c * k, 1), (k, 1 + 2 * v + v * mixed + levels)]
        if self._passes < self.wanted:
            widths += [(c, 1 + 2 * v + v * mixed)]
            widths += [(m, 1 + d + second + d * mixed + levels)] * (self._beyond.prior is not None)
        self._sums = [np.zeros(shape, dtype=object) for shape in widths]

    def sums(self, rows: Floats, weights: Floats | None) -> list[list[Sums]]:
        """What points ``(n, d)`` add to this pass. ``weights`` are finite and above 0. It changes nothing."""
        heaviest = self._beyond.heaviest
        counts = None if weights is None or heaviest is None else whole_weights(weights, heaviest)
        found: list[list[Sums]] = [[] for _ in self._sums]
        with blas.one_thread:
            for lo in range(0, len(rows), FEW):
                block = slice(lo, lo + FEW)
                self._add_block(found, rows[block], None if counts is None else counts[block])
        return found

    def _add_block(self, found: list[list[Sums]], rows: Floats, counts: Ints | None) -> None:
        x, k = rows.T, len(self._clusters.origin)
        cells, labels = self._alone.nearest_cells(rows), self._scorer.assign(rows)
        if self._scorer.clustering.layout is not None:
            self._add_mixed(found, rows, counts, cells, labels)
            return
        found[0] += moments(x, cells * k + labels, counts, None)
        found[1] += moments(x, labels, counts, self._clusters, fraction=FINE)
        if len(found) > 2:
            found[2] += moments(x, cells, counts, self._cells)
        if len(found) > 3:
            share = np.rint(self._alone.posteriors(rows) * POSTERIOR) / POSTERIOR
            owner, row = np.nonzero(share)
            frame, own = self._components, share[owner, row]
            found[3] += moments(x, owner, counts, frame, row=row, share=own, pairs=self._full)

    def _add_mixed(self, found: list[list[Sums]], rows: Floats, counts: Ints | None, cells: Ints, labels: Ints) -> None:
        """The same of rows with categories or holes."""
        clustering, k = self._scorer.clustering, len(self._clusters.origin)
        assert clustering.layout is not None
        places = self._scorer.view(rows).T
        numbers, codes = split_columns(rows, clustering.layout)
        x, levels = numbers.T, categories.indicators(codes, clustering.layout.levels).T
        there = ~np.isnan(places)
        seen, places = ~np.isnan(x), np.where(there, places, 0.0)
        found[0] += moments(places, cells * k + labels, counts, None)
        found[1] += moments(places, labels, counts, self._clusters, fraction=FINE, seen=there, more=levels)
        if len(found) > 2:
            found[2] += moments(places, cells, counts, self._cells, seen=there)
        if len(found) > 3:
            share = np.rint(self._alone.posteriors(rows) * POSTERIOR) / POSTERIOR
            frame, holes = self._components, np.flatnonzero(~seen.all(axis=0)) if self._full else np.empty(0, int)
            whole = share.copy()
            whole[:, holes] = 0.0
            owner, row = np.nonzero(whole)
            found[3] += moments(
                np.where(seen, x, 0.0), owner, counts, frame, row=row, share=whole[owner, row], pairs=self._full,
                seen=seen, more=levels,
            )  # fmt: skip
            for j, row, expected, rest in expected_of_holes(clustering.mixture, x, seen, share, holes):
                owner = np.full(len(row), j)
                found[3] += moments(
                    expected, owner, None if counts is None else counts[row], frame, share=share[j, row], pairs=True,
                    seen=np.ones(expected.shape, dtype=bool), more=levels[:, row], rest=rest,
                )  # fmt: skip

    def add(self, sums: list[list[Sums]]) -> None:
        for total, some in zip(self._sums, sums, strict=True):
            for groups, found in some:
                total[groups] += found

    def close(self) -> bool:
        """End a pass; True if there is to be another."""
        if not self._sums[1][:, 0].all():
            return False
        with blas.one_thread:
            figures = self._figures()
            self.refined = figures.canonical(self._passes)
            if self._passes == self.wanted:
                return False
            self._passes += 1
            self._begin(self._step(figures.clustering))
        return True

    def _figures(self) -> _Figures:
        """The clustering of this pass, with what all rows say of it."""
        clustering = self._scorer.clustering
        k, c = len(clustering.centers), len(clustering.kmeans_centers)
        holes = clustering.layout is not None
        mass, shift, variance = central_moments(self._sums[1], self._clusters, FINE, holes=holes)
        self._unit = self._weight_unit(float(mass.sum()))
        cell, cluster = np.divmod(np.arange(c * k), k)
        weights = self._sums[0][:, 0].astype(np.float64)
        owner = clustering.kmeans_cluster
        if len(clustering.component_cluster) > k:  # else each cell has its own cluster
            owner = certificate.majority(weights, cell, cluster, c, k)
        agreement, overall = certificate.agreement(weights, owner[cell], cluster, k)
        certified = replace(
            clustering, kmeans_cluster=owner, centers=self._clusters.origin + shift, sizes=mass * self._unit,
            agreement=agreement, overall_agreement=overall,
        )  # fmt: skip
        return _Figures(certified, np.sqrt(variance), self._shares(self._sums[1], 0.0, np.zeros(0)))

    def _shares(self, sums: Objects, strength: float, common: Floats) -> tuple[Floats, ...]:
        """Of each category ``(g, levels)`` the shares of its levels, which are the last of the sums of ``g`` groups."""
        mixture = self._scorer.clustering.mixture
        sizes = tuple(one.shape[1] for one in mixture.shares)
        found = []
        for block, share in zip(categories.blocks(sizes), mixture.shares, strict=True):
            at = slice(sums.shape[1] - sum(sizes) + block.start, sums.shape[1] - sum(sizes) + block.stop)
            counts = (sums[:, at] / 2**GRID).astype(np.float64) * self._unit
            if strength:
                counts = counts + strength * common[block]
                if categories.alike(share):  # it stays so
                    counts = np.repeat(common[None, block], len(counts), axis=0)
            total = counts.sum(axis=1, keepdims=True)
            found.append(counts / np.where(total > 0, total, 1.0))
        return tuple(found)

    def _weight_unit(self, total: float) -> float:
        """What a count is worth. As in the fit, small weights are scaled so that a row weighs about 1."""
        unit = 1.0
        if self._beyond.heaviest is not None:
            unit = float(np.ldexp(1.0, _exponent(self._beyond.heaviest) - WEIGHT_BITS))
        return max(unit, self._beyond.rows / total)

    def _step(self, clustering: Clustering) -> Clustering:
        """One Lloyd step of the cells, one EM step of the mixture."""
        mass, shift, variance = central_moments(self._sums[2], self._cells, holes=clustering.layout is not None)
        cells = clustering.kmeans_centers + shift
        if self._beyond.prior is not None:
            mixture = self._em_step(clustering.mixture, self._beyond.prior)
        else:  # the cells are the mixture
            inertia = float(mass @ variance.sum(axis=1))
            factor = clustering.mixture.factors[0]
            if inertia > 0:
                factor = np.sqrt(float(mass.sum()) * cells.shape[1] / inertia)
            alone = len(clustering.component_cluster) == len(clustering.centers)
            means = cells[clustering.component_cluster] if alone else cells
            mixture = replace(clustering.mixture, means=means, factors=np.full(len(cells), factor))
        return replace(clustering, mixture=rounded(mixture), kmeans_centers=cells)

    def _em_step(self, before: Mixture, prior: Floats) -> Mixture:
        """Weights, means and covariances from the sums of this pass, with ``d + 2`` observations of the prior."""
        frame, form = self._components, before.covariance
        layout = self._scorer.clustering.layout
        count, shift, covariance = central_moments(self._sums[3], frame, pairs=self._full, holes=layout is not None)
        mass = count * self._unit
        d = shift.shape[1]
        strength = float(d + 2)
        if layout is not None and not self._full:
            return self._mixed_step(before, mass, shift, covariance, strength, np.diag(prior))
        if self._full:  # rounding may have taken so much: the matrix stays regular
            covariance[:, np.arange(d), np.arange(d)] += d * 2.0 ** (1 - GRID) / frame.scale**2
        else:
            prior = np.diag(prior)
        weight = mass.reshape(-1, *[1] * (covariance.ndim - 1))
        if form == "tied":
            covariance = ((weight * covariance).sum(axis=0) + strength * prior) / (mass.sum() + strength)
        else:
            covariance = (weight * covariance + strength * prior) / (weight + strength)
        if form == "spherical":
            covariance = covariance.mean(axis=1)
        weights = np.maximum(mass / mass.sum(), 1e-300)
        if layout is not None:
            covariance = with_floors(form, covariance, layout.floors)
        shares = self._fitted_shares()
        return Mixture(form, weights, before.means + shift, precision_factors(form, covariance), shares)

    def _mixed_step(
        self, before: Mixture, mass: Floats, shift: Floats, variance: Floats, strength: float, prior: Floats
    ) -> Mixture:
        """The EM step of round or diagonal components, where each number has the mass of the rows that have it."""
        layout, form, d = self._scorer.clustering.layout, before.covariance, shift.shape[1]
        assert layout is not None
        there = (self._sums[3][:, 1 + 2 * d : 1 + 3 * d] / 2**GRID).astype(np.float64) * self._unit
        if form == "diag":
            covariance = (there * variance + strength * prior) / (there + strength)
        else:
            total = (there * variance).sum(axis=1) + strength * prior.sum()
            covariance = total / np.maximum(there.sum(axis=1) + strength * d, 1e-300) if d else np.ones(len(mass))
        covariance = with_floors(form, covariance, layout.floors)
        weights = np.maximum(mass / mass.sum(), 1e-300)
        factors = precision_factors(form, covariance)
        return Mixture(form, weights, before.means + shift, factors, self._fitted_shares())

    def _fitted_shares(self) -> tuple[Floats, ...]:
        """The shares of each component's categories, with the prior's observations of those of all rows."""
        sizes = tuple(one.shape[1] for one in self._scorer.clustering.mixture.shares)
        if not sizes:
            return ()
        sums = self._sums[3][:, self._sums[3].shape[1] - sum(sizes) :].sum(axis=0)
        total = (sums / 2**GRID).astype(np.float64) * self._unit
        common = categories.common_shares(np.eye(len(total)), total, sizes, 1.0)
        return self._shares(self._sums[3], categories.STRENGTH, common)


@dataclass(frozen=True)
class _Figures:
    """A clustering with its figures, and the spreads ``(k, d)`` of its clusters, in any order of clusters."""

    clustering: Clustering
    spreads: Floats
    shares: tuple[Floats, ...]

    def canonical(self, passes: int) -> Refined:
        """The same with canonical ids."""
        ordered, order = certificate.in_canonical_order(self.clustering)
        return Refined(ordered, self.spreads[order], passes, tuple(one[order] for one in self.shares))


def whole_weights(weights: Floats, heaviest: float) -> Ints:
    """Weights ``(n,)`` as whole numbers, in units that are the same for all rows."""
    units = np.rint(np.ldexp(weights, WEIGHT_BITS - _exponent(heaviest)))
    return np.asarray(np.maximum(units, 1.0), dtype=np.int64)  # the lightest row is there, too


def _exponent(number: float) -> int:
    return int(np.frexp(number)[1])


def _axis_variances(clustering: Clustering) -> Floats:
    """Variance of the coordinates of its categories in each component, ``(m, a)``, 0 where it has none."""
    found = np.zeros((len(clustering.mixture.weights), clustering.axes[0].shape[1]))
    for share, axes in zip(clustering.mixture.shares, clustering.axes, strict=True):
        found += share @ axes**2 - (share @ axes) ** 2
    return np.maximum(found, 0.0)


def _cluster_variances(clustering: Clustering, places: Floats, own: Floats) -> Floats:
    """The variances of each cluster, ``(k, v)``, as its components say, which are at ``places (m, v)``."""
    mixture, owner = clustering.mixture, clustering.component_cluster
    member = (owner == np.arange(len(clustering.centers))[:, None]) * mixture.weights
    apart = own + (places - clustering.centers[owner]) ** 2
    return np.asarray(member @ apart / member.sum(axis=1, keepdims=True))
