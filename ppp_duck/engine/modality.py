"""Which components of a mixture are one cluster: those with no valley of rows between them.

Two questions, asked of neighbouring components a and b on their discriminant axis ``v = (C_a + C_b)^-1 (m_b - m_a)``:

1. Does the mixture itself have a valley between a and b? If the density of the pair hardly dips, the lower component
   is no mode but a shoulder, a tail or a background: it joins *one* other, that with which it shares most rows, so
   that a background cannot glue two clusters together.
2. Do the rows have the valley that the mixture predicts? A Gaussian chain along a ring or in a cube predicts valleys
   between its links that the rows do not show. Rows are counted in equal windows at the valley and at both means, as
   many as their evidence is worth (``mixture.tempered``), and a shortfall of less than ``NOISE`` standard errors of
   these counts is no valley.

What then still stands alone with fewer rows than any valley could be told from chance by is no cluster: it joins the
group that claims its rows next (a heavy tail leaves such crumbs: components of one to three far rows).
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.mixture import Rows, tempered
from ppp_duck.models.model import Floats, Ints, Mixture

SHOULDER = 0.95  # density, or rows, at the valley as a share of those at the lower mode, from which there is no valley
NEIGHBOURS = 1e-3  # share of a component's rows (by posterior) in doubt with another that makes them neighbours
NOISE = 1.4  # standard errors of the counts by which rows at the valley may fall short of that
FEWEST = 8  # rows of a cluster; beside fewer, an empty valley may be chance (for 8: exp(-8) = 0.0003, many pairs)
SAMPLED = 8192  # the search looks at a sample of so many rows; fewer are always all of them
WINDOW = 0.125  # half width of the windows, as a share of the gap between the means
GRID = 101  # points between the means at which the pair's density is looked at


def covariances(mixture: Mixture) -> Floats:
    """Covariance matrix of each component, ``(m, d, d)``."""
    m, d = mixture.means.shape
    factors = mixture.factors
    if mixture.covariance == "spherical":
        return np.eye(d) / factors[:, None, None] ** 2
    if mixture.covariance == "diag":
        return np.eye(d) / factors[:, None, :] ** 2
    inverse = np.linalg.inv(factors)
    covariance = np.swapaxes(inverse, -1, -2) @ inverse
    return np.broadcast_to(covariance, (m, d, d)) if mixture.covariance == "tied" else covariance


def _axis(mixture: Mixture, a: int, b: int, dense: Floats | None) -> tuple[Floats, float, float]:
    """Discriminant axis of two components and the standard deviation of each along it."""
    gap, factors = mixture.means[b] - mixture.means[a], mixture.factors
    if dense is not None:
        v = np.linalg.solve(dense[a] + dense[b], gap)
        return v, float(np.sqrt(v @ dense[a] @ v)), float(np.sqrt(v @ dense[b] @ v))
    va, vb = 1 / factors[a] ** 2 + np.zeros(len(gap)), 1 / factors[b] ** 2 + np.zeros(len(gap))
    v = gap / (va + vb)
    return v, float(np.sqrt(va @ v**2)), float(np.sqrt(vb @ v**2))


def _look_along(
    mixture: Mixture, a: int, b: int, v: Floats, sa: float, sb: float, x: Floats, w: Floats, unit: float
) -> tuple[str, bool]:
    """What lies between two components along an axis: 'shoulder' (and whether a is the higher), 'valley' or 'none'.

    ``unit``: the weight that counts as one observation.
    """
    p, q = float(mixture.means[a] @ v), float(mixture.means[b] @ v)
    t = np.linspace(p, q, GRID)
    pa, pb = mixture.weights[a] / sa, mixture.weights[b] / sb
    density = pa * np.exp(-0.5 * ((t - p) / sa) ** 2) + pb * np.exp(-0.5 * ((t - q) / sb) ** 2)
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    ratio = density / np.maximum(np.minimum(left, right), 1e-300)
    at = int(np.argmin(ratio))
    if ratio[at] >= SHOULDER or at in (0, GRID - 1):
        return "shoulder", bool(density[0] > density[-1])
    # windows that do not overlap, a third of the gap between the means at most
    half = min(WINDOW * (q - p), 0.5 * min(t[at] - p, q - t[at]))
    along = x @ v
    valley, here, there = (float(w[np.abs(along - c) < half].sum()) / unit for c in (t[at], p, q))
    lower = min(here, there)
    slack = NOISE * np.sqrt(valley + lower)
    none = valley + 0.5 + slack >= max(SHOULDER, ratio[at]) * (lower + 0.5)
    return ("none" if none else "valley"), False


def clusters(mixture: Mixture, rows: Rows, posterior: Floats) -> Ints:
    """The cluster of each component ``(m,)``, numbered from 0, from rows and their posteriors ``(n, m)``."""
    m, x, weights = len(mixture.means), rows.x, rows.weights
    labels = np.argmax(posterior, axis=1)
    order = np.argsort(labels, kind="stable")
    members = np.split(order, np.searchsorted(labels[order], np.arange(1, m)))
    shared = (posterior * weights[:, None]).T @ posterior
    mass = np.maximum(shared.sum(axis=1), 1e-300)
    dense = covariances(mixture) if mixture.covariance in ("tied", "full") else None
    # A row of a sample stands for several, but is one observation; of fewer rows all are there.
    unit = max(rows.unit, float(weights.min())) if len(weights) >= SAMPLED else rows.unit
    total = float(weights.sum())
    counted = total / tempered(total / unit)
    parent = list(range(m))

    def root(a: int) -> int:
        while parent[a] != a:
            a = parent[a]
        return a

    joins: list[tuple[int, int]] = []
    host: dict[int, tuple[float, int]] = {}  # shoulder -> the neighbour that it shares most rows with
    for a in range(m):
        for b in range(a + 1, m):
            if shared[a, b] <= NEIGHBOURS * min(mass[a], mass[b]):
                continue
            v, sa, sb = _axis(mixture, a, b, dense)
            if not min(sa, sb) > 0:  # one mean: a broad and a narrow part of one mode
                low, high = (b, a) if mass[a] >= mass[b] else (a, b)
                host[low] = max(host.get(low, (-1.0, -1)), (float(shared[a, b]), high))
                continue
            both = np.concatenate([members[a], members[b]])
            found, higher = _look_along(mixture, a, b, v, sa, sb, x[both], weights[both], counted)
            if found == "shoulder":
                low, high = (b, a) if higher else (a, b)
                host[low] = max(host.get(low, (-1.0, -1)), (float(shared[a, b]), high))
            elif found == "none":
                joins.append((a, b))
    for low, (_, high) in sorted(host.items()):
        parent[root(low)] = root(high)
    for a, b in joins:
        if a not in host and b not in host:
            parent[root(a)] = root(b)
    group = np.unique([root(a) for a in range(m)], return_inverse=True)[1].astype(np.int64)
    return _without_crumbs(group, mixture, dense, shared, np.bincount(labels, weights, m) / unit)


def _without_crumbs(group: Ints, mixture: Mixture, dense: Floats | None, shared: Floats, rows: Floats) -> Ints:
    """Groups of fewer than ``FEWEST`` rows, smallest first, join the group they share most with, else the nearest."""
    group = group.copy()
    while True:
        size = np.bincount(group, rows)
        small = int(np.argmin(size))
        if size[small] >= FEWEST or len(size) == 1:
            return group
        inside, outside = np.flatnonzero(group == small), np.flatnonzero(group != small)
        claim = shared[inside][:, outside].sum(axis=0)
        if not claim.max() > 0:  # so far out that every posterior underflows
            gaps = [[_distance(mixture, a, b, dense) for b in outside.tolist()] for a in inside.tolist()]
            claim = -np.min(gaps, axis=0)
        group[inside] = group[outside[int(np.argmax(claim))]]
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)


def _distance(mixture: Mixture, a: int, b: int, dense: Floats | None) -> float:
    """Squared distance of two means in units of both covariances."""
    return float(_axis(mixture, a, b, dense)[0] @ (mixture.means[b] - mixture.means[a]))
