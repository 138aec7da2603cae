"""Agglomeration: the leaves of the tree merged pair by pair into one partition for every number of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.partition import Progress, group_sums
from ppp_duck.model import Floats, Ints

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
    """Merge leaves pair by pair down to one, each time the pair that costs the classification likelihood least.

    ``form`` 'full': each group is a Gaussian of its own covariance, with the pooled covariance of the leaves as a
    prior of ``d + 2`` observations, so that no small group is singular (Fraley & Raftery 2007 regularise mclust so).
    'spherical': groups share one variance, which is Ward's criterion: a merge costs inertia.
    """
    groups = _Gaussians(rows, weights, leaves) if form == "full" else _Balls(rows, weights, leaves)
    count = len(groups.mass)
    increase = np.full((count, count), np.inf)
    first, second = np.triu_indices(count, 1)
    for lo in range(0, len(first), PAIRS):
        i, j = first[lo : lo + PAIRS], second[lo : lo + PAIRS]
        increase[i, j] = groups.cost_of_merging(i, j)
        progress("merge", count)
    alive = np.ones(count, dtype=bool)
    found: list[Ints] = [np.arange(count)]
    costs: list[float] = []
    best = increase.min(axis=1)
    for step in range(count - 1):
        a = int(np.argmin(best))
        b = int(np.argmin(increase[a]))
        costs.append(float(increase[a, b]))
        groups.merge(a, b)
        alive[b] = False
        increase[b, :] = increase[:, b] = np.inf
        best[b] = np.inf
        found.append(np.where(found[-1] == b, a, found[-1]))
        others = np.flatnonzero(alive)
        others = others[others != a]
        value = groups.cost_of_merging(a, others)
        low = np.searchsorted(others, a)
        increase[others[:low], a] = value[:low]
        increase[a, others[low:]] = value[low:]
        best[alive] = increase[alive].min(axis=1)
        if step % 16 == 0:
            progress("merge", count - step)
    return Partitions(leaves, tuple(found), np.array(costs))


class _Balls:
    """Groups that share one variance: mass ``(count,)`` and means ``(d, count)``."""

    def __init__(self, rows: Floats, weights: Floats, leaves: Ints) -> None:
        self.mass, total = group_sums(rows, weights, leaves, int(leaves.max()) + 1)
        self.means = np.ascontiguousarray((total / self.mass[:, None]).T)

    def gap(self, i: Ints | int, j: Ints) -> tuple[Floats, Floats, Floats]:
        """Weight and difference of means of two groups, and the inertia between them as a factor of its square."""
        w = self.mass[i] + self.mass[j]
        gap = self.means.take(j, axis=1) - self.means[:, i].reshape(len(self.means), -1)
        return w, gap, self.mass[i] * self.mass[j] / w

    def cost_of_merging(self, i: Ints | int, j: Ints) -> Floats:
        """The inertia that a merge of groups ``i`` and ``j``, pair by pair, adds."""
        _, gap, shrink = self.gap(i, j)
        return np.asarray(shrink * np.einsum("dk,dk->k", gap, gap))

    def merge(self, a: int, b: int) -> None:
        """Group ``b`` into ``a``."""
        w = self.mass[a] + self.mass[b]
        self.means[:, a] += self.mass[b] / w * (self.means[:, b] - self.means[:, a])
        self.mass[a] = w


class _Gaussians(_Balls):
    """Groups each with a covariance of its own: their scatter ``(d, d, count)`` too, with the prior's."""

    def __init__(self, rows: Floats, weights: Floats, leaves: Ints) -> None:
        super().__init__(rows, weights, leaves)
        d, count = self.means.shape
        self.scatter = np.empty((d, d, count))
        for j in range(count):
            gap = rows[leaves == j] - self.means[:, j]
            self.scatter[:, :, j] = (gap * weights[leaves == j, None]).T @ gap
        self.everything = self.mass.sum()
        pooled = self.scatter.sum(axis=2) / self.everything
        floor = 1e-6 * float(np.trace(pooled) / d) + 1e-12
        self.strength = d + 2
        self.prior = self.strength * (np.diag(np.diag(pooled)) + floor * np.eye(d))[:, :, None]
        self.own = self.cost(self.mass, self.scatter + self.prior)

    def cost(self, w: Floats, s: Floats) -> Floats:
        """Minus twice the classification likelihood of groups of weight ``w (k,)`` and scatter ``s (d, d, k)``.

        With the prior's scatter in it; ``s`` is overwritten.
        """
        d, n = len(s), w + self.strength
        for pivot in range(d - 1):  # elimination of all matrices at once: LAPACK takes them one by one
            factor = s[pivot + 1 :, pivot] / s[pivot, pivot]
            s[pivot + 1 :, pivot + 1 :] -= factor[:, None] * s[pivot, pivot + 1 :]
        logdet = np.log(np.einsum("ddk->dk", s)).sum(axis=0)
        return np.asarray(n * (logdet - d * np.log(n)) - 2 * w * np.log(w / self.everything))

    def cost_of_merging(self, i: Ints | int, j: Ints) -> Floats:
        """What a merge of groups ``i`` and ``j``, pair by pair, costs the likelihood."""
        w, gap, shrink = self.gap(i, j)
        s = self.scatter.take(j, axis=2)
        s += self.scatter[:, :, i].reshape(*s.shape[:2], -1) + self.prior
        s += (shrink * gap)[:, None] * gap
        return np.asarray(self.cost(w, s) - self.own[i] - self.own[j])

    def merge(self, a: int, b: int) -> None:
        _, gap, shrink = self.gap(a, np.array([b]))
        self.scatter[:, :, a] += self.scatter[:, :, b] + shrink * gap @ gap.T
        super().merge(a, b)
        self.own[a] = self.cost(self.mass[a : a + 1], self.scatter[:, :, a : a + 1] + self.prior)[0]
