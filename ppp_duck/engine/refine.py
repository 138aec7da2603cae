"""Refinement: passes over all rows, each of them a Lloyd step of the k-means partition and an EM step of the mixture.

Rows come in any order and portions, and only sums of them are kept. Posteriors and labels are functions of a row alone
(``Scorer``). What a row adds to a sum is rounded to a multiple of 2^-30, in units of about the standard deviation of
what it belongs to, and added as a whole number: so the sums, and all that follows, are the same in every order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ppp_duck.engine import blas, certificate
from ppp_duck.engine.exact import FEW, NEAR, Objects, rounded_sums
from ppp_duck.engine.mixture import precision_factors
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Beyond, Clustering, Floats, Ints, Mixture

GRID = 30  # bits after the point of what a row adds to a sum
FINE = 40  # and so many more in the figures that are told: clusters may be far narrower than their model
POSTERIOR = 2.0**24  # posteriors are multiples of its inverse
WEIGHT_BITS = 50  # weights are whole numbers in units of 2^-50 of the largest, as in the sample
REACH = float(np.sqrt(NEAR / 2.0**GRID))  # so far out (45 to 90 standard deviations) sums go on in Python's integers
FARTHEST = 1e100  # and so far out they stop: squares are finite
LINES = 1 << 16  # numbers of a temporary matrix


@dataclass(frozen=True)
class Frame:
    """Where, and in which units, the rows of each of ``g`` groups are measured: ``(x - origin) * scale``."""

    origin: Floats  # (g, d)
    scale: Floats  # (g, d) powers of two

    @staticmethod
    def of(origin: Floats, variance: Floats) -> Frame:
        return Frame(origin, np.ldexp(1.0, -np.frexp(np.sqrt(variance))[1]))


Sums = tuple[Ints, Objects]  # groups, each once, and what is added to their sums


@dataclass(frozen=True)
class Refined:
    """The clustering after the last pass, with the figures of all rows."""

    clustering: Clustering
    spreads: Floats  # (k, d) standard deviation of the rows of each cluster, in scaled units
    passes: int


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
        d = clustering.centers.shape[1]
        self._scorer = Scorer(clustering)
        means, own = clustering.mixture.means, variances(clustering.mixture)
        # Every component, and every cell, as a cluster of its own.
        alone = replace(clustering, component_cluster=np.arange(m), centers=means, kmeans_cluster=np.arange(c))
        self._alone = Scorer(alone)
        spread = _cluster_variances(clustering, own)
        self._components = Frame.of(means, own)
        self._cells = Frame.of(clustering.kmeans_centers, spread[clustering.kmeans_cluster])
        self._clusters = Frame.of(clustering.centers, spread)
        self._full = clustering.mixture.covariance in ("tied", "full")
        second = d * (d + 1) // 2 if self._full else d
        widths = [(c * k, 1), (k, 1 + 2 * d)]  # the figures; then, but in the last pass, what the steps need
        if self._passes < self.wanted:
            widths += [(c, 1 + 2 * d)] + [(m, 1 + d + second)] * (self._beyond.prior is not None)
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
        found[0] += moments(x, cells * k + labels, counts, None)
        found[1] += moments(x, labels, counts, self._clusters, fraction=FINE)
        if len(found) > 2:
            found[2] += moments(x, cells, counts, self._cells)
        if len(found) > 3:
            share = np.rint(self._alone.posteriors(rows)[1].T * POSTERIOR) / POSTERIOR
            owner, row = np.nonzero(share)
            frame, own = self._components, share[owner, row]
            found[3] += moments(x, owner, counts, frame, row=row, share=own, pairs=self._full)

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
        mass, shift, variance = central_moments(self._sums[1], self._clusters, FINE)
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
        return _Figures(certified, np.sqrt(variance))

    def _weight_unit(self, total: float) -> float:
        """What a count is worth. As in the fit, small weights are scaled so that a row weighs about 1."""
        unit = 1.0
        if self._beyond.heaviest is not None:
            unit = float(np.ldexp(1.0, _exponent(self._beyond.heaviest) - WEIGHT_BITS))
        return unit * max(1.0, self._beyond.rows / (total * unit))

    def _step(self, clustering: Clustering) -> Clustering:
        """One Lloyd step of the cells, one EM step of the mixture."""
        mass, shift, variance = central_moments(self._sums[2], self._cells)
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
        return replace(clustering, mixture=mixture, kmeans_centers=cells)

    def _em_step(self, before: Mixture, prior: Floats) -> Mixture:
        """Weights, means and covariances from the sums of this pass, with ``d + 2`` observations of the prior."""
        frame, form = self._components, before.covariance
        count, shift, covariance = central_moments(self._sums[3], frame, pairs=self._full)
        mass = count * self._unit
        d = shift.shape[1]
        strength = float(d + 2)
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
        return Mixture(form, weights, before.means + shift, precision_factors(form, covariance))


@dataclass(frozen=True)
class _Figures:
    """A clustering with its figures, and the spreads ``(k, d)`` of its clusters, in any order of clusters."""

    clustering: Clustering
    spreads: Floats

    def canonical(self, passes: int) -> Refined:
        """The same with canonical ids."""
        one = self.clustering
        order = certificate.canonical_order(one.centers, one.sizes)
        rank = np.argsort(order).astype(np.int64)
        cells, owner = one.kmeans_centers, rank[one.kmeans_cluster]
        if len(one.component_cluster) == len(order):
            cells, owner = cells[order], owner[order]
        ordered = replace(
            one, component_cluster=rank[one.component_cluster], kmeans_centers=cells, kmeans_cluster=owner,
            centers=one.centers[order], sizes=one.sizes[order], agreement=one.agreement[order],
        )  # fmt: skip
        return Refined(ordered, self.spreads[order], passes)


def whole_weights(weights: Floats, heaviest: float) -> Ints:
    """Weights ``(n,)`` as whole numbers, in units that are the same for all rows."""
    return np.asarray(np.rint(np.ldexp(weights, WEIGHT_BITS - _exponent(heaviest))), dtype=np.int64)


def _exponent(number: float) -> int:
    return int(np.frexp(number)[1])


def moments(
    x: Floats,
    owner: Ints,
    counts: Ints | None,
    frame: Frame | None,
    *,
    row: Ints | None = None,
    share: Floats | None = None,
    pairs: bool = False,
    fraction: int = 0,
) -> list[Sums]:
    """Sums by group of what points ``(d, n)`` add: 1, coordinates, products of coordinates, in units of 2^-GRID.

    Point ``row[i]`` (else i) belongs to group ``owner[i]`` with ``share[i]`` (else 1). The products are squares, with
    ``pairs`` of all pairs of features; without a ``frame`` only the first sum is taken.
    """
    small = owner.astype(np.uint16) if len(owner) and owner.max() < 1 << 16 else owner  # are sorted by counting
    order = np.argsort(small, kind="stable")
    owner, row = owner[order], order if row is None else row[order]
    share = None if share is None else share[order]
    counts = None if counts is None else counts[row]
    y: Floats = np.zeros((0, len(row)))
    if frame is not None:
        y = (x[:, row] - frame.origin.T[:, owner]) * frame.scale.T[:, owner]
    parts: list[tuple[slice | Ints, bool]] = [(slice(None), False)]
    if max(y.max(initial=0.0), -y.min(initial=0.0)) > REACH:
        near = (np.abs(y) <= REACH).all(axis=0)
        parts = [(np.flatnonzero(near), False), (np.flatnonzero(~near), True)]
        y = np.clip(y, -FARTHEST, FARTHEST)
    found = []
    for part, far in parts:
        own = owner[part]
        if len(own):
            starts = np.flatnonzero(np.concatenate([[True], own[1:] != own[:-1]]))
            some = None if counts is None else counts[part]
            terms = _terms(y[:, part], None if share is None else share[part], pairs)
            sums = [rounded_sums(lines, starts, some, fraction, far) for lines in terms]
            found.append((own[starts], np.concatenate(sums).T))
    return found


def _terms(y: Floats, share: Floats | None, pairs: bool) -> Iterator[Floats]:
    """What each point adds, line by line ``(lines, n)``, in units of 2^-GRID."""
    d, n = y.shape
    half = 2.0 ** (GRID // 2)
    one = np.ones(n) if share is None else share
    yield one[None] * half**2
    if d:
        plain = y * half
        shared = plain if share is None else plain * share
        yield shared * half
        i, j = np.triu_indices(d) if pairs else (np.arange(d), np.arange(d))
        size = max(1, LINES // n)
        for lo in range(0, len(i), size):
            yield shared[i[lo : lo + size]] * plain[j[lo : lo + size]]


def central_moments(
    sums: Objects, frame: Frame, fraction: int = 0, pairs: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Of the sums of ``moments``: count ``(g,)``, shift of the mean from the origin and variance ``(g, d)``.

    With ``pairs`` the covariance ``(g, d, d)``. A group without rows has 0 everywhere.
    """
    d = frame.origin.shape[1]
    mass = sums[:, 0]
    mean = (sums[:, 1:] / np.where(mass == 0, 1, mass)[:, None]).astype(np.float64)  # of integers, rounded once
    shift, second = mean[:, :d], mean[:, d:]
    if pairs:
        i, j = np.triu_indices(d)
        central = np.empty((len(mass), d, d))
        central[:, i, j] = central[:, j, i] = second - shift[:, i] * shift[:, j]
        central /= frame.scale[:, :, None] * frame.scale[:, None, :]
    else:
        central = np.maximum(second - shift**2, 0.0) / frame.scale**2
    return (mass / 2 ** (GRID + fraction)).astype(np.float64), shift / frame.scale, central


def variances(mixture: Mixture) -> Floats:
    """Variance of each feature in each component, ``(m, d)``."""
    m, d = mixture.means.shape
    factors = mixture.factors
    if mixture.covariance == "spherical":
        return np.repeat(1.0 / factors[:, None] ** 2, d, axis=1)
    if mixture.covariance == "diag":
        return np.asarray(1.0 / factors**2)
    own = (np.linalg.inv(factors) ** 2).sum(axis=-2)
    return np.broadcast_to(own, (m, d))


def _cluster_variances(clustering: Clustering, own: Floats) -> Floats:
    """The same of each cluster, ``(k, d)``, as its components say."""
    mixture, owner = clustering.mixture, clustering.component_cluster
    member = (owner == np.arange(len(clustering.centers))[:, None]) * mixture.weights
    apart = own + (mixture.means - clustering.centers[owner]) ** 2
    return np.asarray(member @ apart / member.sum(axis=1, keepdims=True))
