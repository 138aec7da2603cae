"""Agglomeration: the leaves of the tree merged pair by pair into one partition for every number of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.partition import Progress, group_sums
from ppp_duck.model import Floats, Ints


@dataclass(frozen=True)
class Partitions:
    """One partition of the rows for every number of groups: leaves, merged pair by pair."""

    leaves: Ints  # (n,) of the rows
    groups: tuple[Ints, ...]  # the group of each leaf after 0, 1, 2 ... merges
    costs: Floats  # what each merge costs

    def groups_at(self, k: int) -> Ints:
        """The group of each leaf, from 0, where there are k."""
        return np.unique(self.groups[max(0, len(self.groups[0]) - k)], return_inverse=True)[1].astype(np.int64)

    def labels(self, k: int) -> Ints:
        """The group of each row (n,), from 0, where there are k."""
        return np.asarray(self.groups_at(k)[self.leaves])


def agglomerate(
    rows: Floats, weights: Floats, leaves: Ints, smallest: int, form: str, progress: Progress
) -> Partitions:
    """Merge leaves pair by pair, each time the pair that costs the classification likelihood least.

    ``form`` 'full': each group is a Gaussian of its own covariance, with the pooled covariance of the leaves as a
    prior of ``d + 2`` observations, so that no small group is singular (Fraley & Raftery 2007 regularise mclust so).
    'spherical': groups share one variance, which is Ward's criterion: a merge costs inertia.
    """
    count, d = int(leaves.max()) + 1, rows.shape[1]
    mass, total = group_sums(rows, weights, leaves, count)
    means = total / mass[:, None]
    full = form == "full"
    scatter = np.zeros((count, d, d)) if full else np.zeros((count, 1, 1))
    if full:
        for j in range(count):
            gap = rows[leaves == j] - means[j]
            scatter[j] = (gap * weights[leaves == j, None]).T @ gap
        pooled = scatter.sum(axis=0) / mass.sum()
        floor = 1e-6 * float(np.trace(pooled) / d) + 1e-12
        prior = (d + 2) * (np.diag(np.diag(pooled)) + floor * np.eye(d))
        everything = mass.sum()

    def cost(w: Floats, s: Floats) -> Floats:
        """Minus twice the classification likelihood of groups of weight w and scatter s."""
        covariance = (s + prior) / (w + d + 2)[:, None, None]
        if d == 2:
            logdet = np.log(covariance[:, 0, 0] * covariance[:, 1, 1] - covariance[:, 0, 1] ** 2)
        else:
            logdet = np.linalg.slogdet(covariance)[1]
        return np.asarray((w + d + 2) * logdet - 2 * w * np.log(w / everything))

    own = cost(mass, scatter) if full else np.zeros(count)

    def row_of(j: int, others: Ints) -> Floats:
        gap = means[others] - means[j]
        w = mass[others] + mass[j]
        shrink = mass[others] * mass[j] / w
        if not full:
            return np.asarray(shrink * np.einsum("kd,kd->k", gap, gap))
        joint = scatter[others] + scatter[j] + shrink[:, None, None] * (gap[:, :, None] * gap[:, None, :])
        return np.asarray(cost(w, joint) - own[others] - own[j])

    increase = np.full((count, count), np.inf)
    for j in range(count - 1):
        others: Ints = np.arange(j + 1, count)
        increase[j, j + 1 :] = row_of(j, others)
        progress("merge", count)
    alive = np.ones(count, dtype=bool)
    groups: list[Ints] = [np.arange(count)]
    costs: list[float] = []
    best = increase.min(axis=1)
    for step in range(count - max(1, smallest)):
        a = int(np.argmin(best))
        b = int(np.argmin(increase[a]))
        costs.append(float(increase[a, b]))
        gap = means[b] - means[a]
        w = mass[a] + mass[b]
        if full:
            scatter[a] += scatter[b] + (mass[a] * mass[b] / w) * np.outer(gap, gap)
        means[a] = means[a] + (mass[b] / w) * gap
        mass[a] = w
        if full:
            own[a] = cost(mass[a : a + 1], scatter[a : a + 1])[0]
        alive[b] = False
        increase[b, :] = increase[:, b] = np.inf
        best[b] = np.inf
        groups.append(np.where(groups[-1] == b, a, groups[-1]))
        others = np.flatnonzero(alive & (np.arange(count) != a))
        value = row_of(a, others)
        low = others < a
        increase[others[low], a] = value[low]
        increase[a, others[~low]] = value[~low]
        best[alive] = increase[alive].min(axis=1)
        if step % 16 == 0:
            progress("merge", count - step)

    return Partitions(leaves, tuple(groups), np.array(costs))
