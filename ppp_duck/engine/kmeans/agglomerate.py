"""Agglomeration: the leaves of the tree merged pair by pair into one partition for every number of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.kmeans.lloyd import group_sums
from ppp_duck.models.model import Bools, Floats, Ints

GRAIN = 2.0**-40  # of the inertia
NATS = 2.0**-20
PAIRS = 1 << 11  # pairs whose costs are worked out at once: their scatter matrices fit the processor's cache


@dataclass(frozen=True)
class Partitions:
    """One partition of the rows for every number of groups: leaves, merged pair by pair."""

    leaves: Ints  # (n,) of the rows
    groups: tuple[Ints, ...]  # the group of each leaf after 0, 1, 2 ... merges
    costs: Floats  # what each merge costs

    @property
    def most(self) -> int:
        """The largest number of groups: that of the leaves."""
        return len(self.groups)

    def groups_at(self, k: int) -> Ints:
        """The group of each leaf, from 0, where there are k."""
        return np.unique(self.groups[max(0, self.most - k)], return_inverse=True)[1].astype(np.int64)

    def labels(self, k: int) -> Ints:
        """The group of each row (n,), from 0, where there are k."""
        return np.asarray(self.groups_at(k)[self.leaves])


def agglomerate(rows: Floats, weights: Floats, leaves: Ints, form: str, progress: Progress) -> Partitions:
    """Merge leaves pair by pair down to one: each round all pairs of which each is the other's cheapest partner.

    Partitions are taken in the order of what merges cost; for Ward these are the ones that merging the cheapest pair
    of all, one after the other, finds, since no merge makes a third group's merges cheaper (Murtagh 1983).

    ``weights`` are in observations, as the prior is.

    ``form`` 'full': each group is a Gaussian of its own covariance, with the pooled covariance of the leaves as a
    prior of ``d + 2`` observations, so that no small group is singular (Fraley & Raftery 2007 regularise mclust so).
    'spherical': groups share one variance, which is Ward's criterion: a merge costs inertia.
    """
    groups = _Gaussians(rows, weights, leaves) if form == "full" else _Balls(rows, weights, leaves)
    count = len(groups.mass)
    increase = np.full((count, count), np.inf)
    height = np.zeros(count)  # of a group: the largest cost of the merges in it
    name = np.arange(count)  # of a group: its first leaf
    grain = groups.grain
    merges: list[tuple[float, float, int, int]] = []  # height, cost, and the two groups
    changed = np.ones(count, dtype=bool)
    for _ in range(count):  # each round merges a pair at least
        first, second = np.nonzero(np.triu(changed | changed[:, None], 1))
        for lo in range(0, len(first), PAIRS):
            i, j = first[lo : lo + PAIRS], second[lo : lo + PAIRS]
            increase[i, j] = increase[j, i] = np.rint(groups.cost_of_merging(i, j) / grain) * grain
            progress("merge", len(increase))
        if len(increase) == 1:
            break
        own, partner = np.arange(len(increase)), increase.argmin(axis=1)
        a = np.flatnonzero((partner[partner] == own) & (own < partner))
        if not len(a):  # where costs are finite, the cheapest pair of all is one
            raise FloatingPointError("costs of merges must be finite")
        b = partner[a]
        cost = increase[a, b]
        height[a] = np.maximum(cost, np.maximum(height[a], height[b]))
        merges += zip(height[a].tolist(), cost.tolist(), name[a].tolist(), name[b].tolist(), strict=True)
        groups.merge(a, b)
        keep = np.ones(len(increase), dtype=bool)
        keep[b] = False
        changed = np.zeros(len(increase), dtype=bool)
        changed[a] = True
        increase, height, name, changed = increase[np.ix_(keep, keep)], height[keep], name[keep], changed[keep]
        groups.keep(keep)
    found = [np.arange(count)]
    merges.sort(key=lambda one: one[0])  # of equals the one of an earlier round
    for _, _, into, gone in merges:
        found.append(np.where(found[-1] == gone, into, found[-1]))
    return Partitions(leaves, tuple(found), np.array([cost for _, cost, _, _ in merges]))


class _Balls:
    """Groups that share one variance: mass ``(count,)`` and means ``(d, count)``."""

    def __init__(self, rows: Floats, weights: Floats, leaves: Ints) -> None:
        self.mass, total = group_sums(rows, weights, leaves, int(leaves.max()) + 1)
        self.means = np.ascontiguousarray((total / self.mass[:, None]).T)
        # Costs are multiples of it: rounding does not tell those apart that are equal.
        inertia = float((weights * np.einsum("nd,nd->n", rows, rows)).sum())
        self.grain = GRAIN * inertia if 0 < inertia < np.inf else 1.0

    def gap(self, i: Ints, j: Ints) -> tuple[Floats, Floats, Floats]:
        """Weight and difference of means of two groups, and the inertia between them as a factor of its square."""
        w = self.mass[i] + self.mass[j]
        return w, self.means.take(j, axis=1) - self.means.take(i, axis=1), self.mass[i] * self.mass[j] / w

    def cost_of_merging(self, i: Ints, j: Ints) -> Floats:
        """The inertia that a merge of groups ``i`` and ``j``, pair by pair, adds."""
        _, gap, shrink = self.gap(i, j)
        return np.asarray(shrink * np.einsum("dk,dk->k", gap, gap))

    def merge(self, a: Ints, b: Ints) -> None:
        """Groups ``b`` into ``a``, pair by pair."""
        w, gap, _ = self.gap(a, b)
        self.means[:, a] += self.mass[b] / w * gap
        self.mass[a] = w

    def keep(self, these: Bools) -> None:
        self.mass, self.means = self.mass[these], self.means[:, these]


class _Gaussians(_Balls):
    """Groups each with a covariance of its own: their scatter ``(d, d, count)`` too, with the prior's."""

    def __init__(self, rows: Floats, weights: Floats, leaves: Ints) -> None:
        super().__init__(rows, weights, leaves)
        d, count = self.means.shape
        self.scatter = np.empty((d, d, count))
        for j in range(count):
            gap = rows[leaves == j] - self.means[:, j]
            self.scatter[:, :, j] = np.einsum("ni,nj->ij", gap * weights[leaves == j, None], gap)
        self.grain = NATS
        self.everything = self.mass.sum()
        pooled = self.scatter.sum(axis=2) / self.everything
        floor = 1e-6 * float(np.trace(pooled) / d) + 1e-12
        self.strength = d + 2
        self.least = self.strength * floor
        self.prior = self.strength * (np.diag(np.diag(pooled)) + floor * np.eye(d))[:, :, None]
        self.own = self.cost(self.mass, self.scatter + self.prior)

    def cost(self, w: Floats, s: Floats) -> Floats:
        """Minus twice the classification likelihood of groups of weight ``w (k,)`` and scatter ``s (d, d, k)``.

        With the prior's scatter in it; ``s`` is overwritten.
        """
        d, n = len(s), w + self.strength
        for pivot in range(d):  # elimination of all matrices at once: LAPACK takes them one by one
            # no pivot is smaller than the prior's, but for rounding beside a scatter that is far larger
            np.maximum(s[pivot, pivot], self.least, out=s[pivot, pivot])
            factor = s[pivot + 1 :, pivot] / s[pivot, pivot]
            s[pivot + 1 :, pivot + 1 :] -= factor[:, None] * s[pivot, pivot + 1 :]
        logdet = np.log(np.einsum("ddk->dk", s)).sum(axis=0)
        return np.asarray(n * (logdet - d * np.log(n)) - 2 * w * np.log(w / self.everything))

    def merged(self, i: Ints, j: Ints) -> tuple[Floats, Floats]:
        """Weight and scatter of groups ``i`` and ``j``, pair by pair, as one."""
        w, gap, shrink = self.gap(i, j)
        scatter = self.scatter.take(i, axis=2)
        scatter += self.scatter.take(j, axis=2)
        scatter += (shrink * gap)[:, None] * gap
        return w, scatter

    def cost_of_merging(self, i: Ints, j: Ints) -> Floats:
        """What a merge of groups ``i`` and ``j``, pair by pair, costs the likelihood."""
        w, scatter = self.merged(i, j)
        scatter += self.prior
        return np.asarray(self.cost(w, scatter) - self.own[i] - self.own[j])

    def merge(self, a: Ints, b: Ints) -> None:
        w, self.scatter[:, :, a] = self.merged(a, b)
        super().merge(a, b)
        self.own[a] = self.cost(w, self.scatter[:, :, a] + self.prior)

    def keep(self, these: Bools) -> None:
        super().keep(these)
        self.scatter, self.own = self.scatter[:, :, these], self.own[these]
