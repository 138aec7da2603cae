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

from dataclasses import replace

import numpy as np

from ppp_duck.engine import categories, ratio
from ppp_duck.engine.mixture import log_densities, responsibilities, tempered
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Floats, Ints, Mixture

# Density, or rows, at the valley as a share of those at the lower mode, from which there is no valley. With 0.95 and
# all of it (1.0) the 47 labelled sets have ARI 0.782 at best, with 0.9 0.770.
SHOULDER = 0.95
# Share of a component's rows (by posterior) in doubt with another that makes them neighbours: ARI 0.765 with 1e-8,
# 0.701 where all pairs are compared.
NEIGHBOURS = 1e-3
# Standard errors of the counts by which rows at the valley may fall short: 1.2 to 1.35 give ARI 0.772, 1.4 0.782, 1.45
# 0.785, 1.5 and more join lsun's clusters; uniform null data are one cluster in 98 % from 1.4 on.
NOISE = 1.4
# Rows of a cluster. Beside fewer, an empty valley may be chance: exp(-8) = 0.0003, and there are hundreds of pairs. 6
# and 12 give the same on the labelled sets.
FEWEST = 8
# Half windows beyond the means where rows are counted, too, along categories: rows whose answers are all alike lie at
# the end of the line, beyond the mean. Without, three classes told by five categories became two in one table of four.
OUTWARD = 2
# Mass of a component beside another, below which it joins that one only with which it shares most, in a mixed table:
# the tail of a count (3 % of the rows) joined two groups 5.6 sd apart in other numbers.
SMALL = 0.25
SAMPLED = 8192  # rows that the search looks at; fewer are always all of them
# Half width of the windows, as a share of the gap between the means: 0.12 and 0.13 give the same, 0.1 ARI 0.77; 0.15
# and more at most 0.779, and lsun is never right: wide windows see the slopes.
WINDOW = 0.125
GRID = 101  # points between the means at which the pair's density is looked at: a hundredth of the gap


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
    return _between(p, q, mixture.weights[a] / sa, mixture.weights[b] / sb, sa, sb, x @ v, w, unit)


def _between(
    p: float,
    q: float,
    pa: float,
    pb: float,
    sa: float,
    sb: float,
    along: Floats,
    w: Floats,
    unit: float,
    outward: int = 0,
) -> tuple[str, bool]:
    """The same of two Gaussians on a line, at ``p`` and ``q``, of heights ``pa`` and ``pb``, and rows ``along`` it.

    Rows are counted at both means, or at one of ``outward`` places beyond, where there are more.
    """
    t = np.linspace(p, q, GRID)
    density = pa * np.exp(-0.5 * ((t - p) / sa) ** 2) + pb * np.exp(-0.5 * ((t - q) / sb) ** 2)
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    dip = density / np.maximum(np.minimum(left, right), 1e-300)
    at = int(np.argmin(dip))
    if dip[at] >= SHOULDER or at in (0, GRID - 1):
        return "shoulder", bool(density[0] > density[-1])
    # windows that do not overlap, a third of the gap between the means at most
    half = min(WINDOW * (q - p), 0.5 * min(t[at] - p, q - t[at]))

    def counted(places: list[float]) -> float:
        return max(float(w[np.abs(along - c) < half].sum()) / unit for c in places)

    valley = counted([t[at]])
    here, there = (counted([c + s * side * half for s in range(outward + 1)]) for c, side in ((p, -1), (q, 1)))
    lower = min(here, there)
    slack = NOISE * np.sqrt(valley + lower)
    none = valley + 0.5 + slack >= max(SHOULDER, dip[at]) * (lower + 0.5)
    return ("none" if none else "valley"), False


def _look_along_both(
    mixture: Mixture, a: int, b: int, v: Floats, rows: Rows, which: Ints, posterior: Floats, unit: float
) -> tuple[str, bool]:
    """The same of a mixed table: along the numbers, and, where that is no valley, along all but one category too."""
    gap, middle = mixture.means[b] - mixture.means[a], 0.5 * (mixture.means[a] + mixture.means[b])
    w, own = rows.weights[which], posterior[which][:, [a, b]] * rows.weights[which, None]
    along, has = ratio.along_numbers(rows, which, 2 * v, gap, middle)
    along, whole = along + ratio.spread_numbers(rows, 2 * v), float(2 * v @ gap)
    found = "shoulder", bool(mixture.weights[a] > mixture.weights[b])
    places, can = ratio.placed(along, has, whole)
    if whole > 0 and can.any():
        found = _along_line(places[:, can], w[can], own[can], unit)
    if found[0] == "valley" or not mixture.shares:
        return found
    apart = ratio.divergences(mixture, a, b)
    if not apart.any():
        return found
    strongest, window = int(np.argmax(apart)), 2 * WINDOW
    more, has_more, wider = ratio.spread_out(rows, which, own.sum(axis=1), mixture, a, b, strongest, whole, window)
    places, can = ratio.placed(along + more, has + has_more, whole + wider)
    return _along_line(places[:, can], w[can], own[can], unit, OUTWARD)


def _along_line(along: Floats, w: Floats, own: Floats, unit: float, outward: int = 0) -> tuple[str, bool]:
    """What lies between two components of rows at the points ``along (r, n)``, by their weights in both ``(n, 2)``."""
    mass = np.maximum(own.sum(axis=0), 1e-300)
    middle = along.mean(axis=0) @ own / mass
    spread = np.sqrt(np.maximum((along**2).mean(axis=0) @ own / mass - middle**2, 0.0))
    (p, q), (sa, sb) = middle.tolist(), spread.tolist()
    if not (q > p and min(sa, sb) > 0):
        return "shoulder", bool(mass[0] > mass[1])
    w = np.broadcast_to(w / len(along), along.shape)
    return _between(p, q, float(mass[0]) / sa, float(mass[1]) / sb, sa, sb, along, w, unit, outward)


def claims(mixture: Mixture, rows: Rows, posterior: Floats) -> tuple[Floats, Floats]:
    """``(m, m)`` weight of the rows that two components share, by posteriors; and whether they are neighbours.

    In a mixed table two components share what they share without the category that tells them best, and they are
    neighbours if their numbers are: no single category makes a cluster.
    """
    shared = (posterior * rows.weights[:, None]).T @ posterior
    if not mixture.shares:
        mass = np.maximum(shared.sum(axis=1), 1e-300)
        return shared, shared > NEIGHBOURS * np.minimum(mass[:, None], mass)
    m = len(mixture.means)
    joint = log_densities(mixture, rows)
    near = np.ones((m, m), dtype=bool)
    if rows.x.shape[1]:
        by_numbers, _ = responsibilities(log_densities(replace(mixture, shares=()), rows))
        by_numbers = (by_numbers * rows.weights[:, None]).T @ by_numbers
        mass = np.maximum(by_numbers.sum(axis=1), 1e-300)
        near = by_numbers > NEIGHBOURS * np.minimum(mass[:, None], mass)
    strongest = np.array([[int(np.argmax(ratio.divergences(mixture, a, b))) for b in range(m)] for a in range(m)])
    for c, block in enumerate(categories.blocks(rows.layout.levels)):
        pairs = (strongest == c) & ~np.eye(m, dtype=bool)
        if pairs.any():
            without, _ = responsibilities(joint - rows.indicators[:, block] @ np.log(mixture.shares[c]).T)
            shared[pairs] = ((without * rows.weights[:, None]).T @ without)[pairs]
    return shared, near


def clusters(mixture: Mixture, rows: Rows, posterior: Floats) -> Ints:
    """The cluster of each component ``(m,)``, numbered from 0, from rows and their posteriors ``(n, m)``."""
    m, x, weights = len(mixture.means), rows.x, rows.weights
    labels = np.argmax(posterior, axis=1)
    order = np.argsort(labels, kind="stable")
    members = np.split(order, np.searchsorted(labels[order], np.arange(1, m)))
    shared, near = claims(mixture, rows, posterior)
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
            if not near[a, b]:
                continue
            v, sa, sb = _axis(mixture, a, b, dense)
            both = np.concatenate([members[a], members[b]])
            if rows.mixed is not None:
                found, higher = _look_along_both(mixture, a, b, v, rows, both, posterior, counted)
                if found == "none" and min(mass[a], mass[b]) < SMALL * max(mass[a], mass[b]):
                    found, higher = "shoulder", bool(mass[a] > mass[b])
            elif not min(sa, sb) > 0:  # one mean: a broad and a narrow part of one mode
                found, higher = "shoulder", bool(mass[a] >= mass[b])
            else:
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
