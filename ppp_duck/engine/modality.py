"""Which components of a mixture are one cluster: those with no valley of rows between them (``pair``).

A component that is a shoulder of another, where the mixture itself has no valley between them, is of the same cluster.
Of about the same spread it is a link of a chain. Else it is a tail or a background, and joins *one* other, that with
which it shares most rows, so that a background cannot glue two clusters. So does, where rows show no valley, what is
small beside the other, or has a third of its spread or three times it.

What then still stands alone with fewer rows than any valley could be told from chance by is no cluster: it joins the
group that claims its rows next (a heavy tail leaves such crumbs: components of one to three far rows).
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine import pair
from ppp_duck.engine.components import Components
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Floats, Ints, Mixture

# Nats that must speak for two clusters in a mixture of two components, and ln(m / 2) more among m: there are more pairs
# in which chance could show a valley.
BAR = 5.0
EVEN = 2.0  # ratio of their spreads up to which a shoulder and the other are links of a chain
# The same where rows have no valley: a broad component beside narrow ones is no link between them. One number has no
# beside.
UNEVEN = 3.0
# A component of no pair without a valley is compared with one farther one, too, if they share so much: in wide tables
# posteriors are 0 or 1.
FARTHER = 1e-6
# Rows of a cluster. Beside fewer, an empty valley may be chance: exp(-8) = 0.0003, and there are hundreds of pairs. 6
# and 12 give the same on the labelled sets.
FEWEST = 8
# Mass of a component beside another, below which it joins that one only with which it shares most: the tail of a count
# (3 % of the rows) joined two groups 5.6 sd apart in other numbers.
SMALL = 0.25
# A background: less than BACKGROUND of the density at another's mean, around it (the other's mean is within REACH of
# its standard deviations) and EVEN times as wide. It has less mass, and less than HALF where there is a valley. Uniform
# noise around three groups was a cluster in 6 of 12 tables, in 2 with this rule; noise in one value of 16 glued groups
# in 6 of 12.
BACKGROUND, HALF, REACH = 0.05, 0.5, 2.5


def clusters(mixture: Mixture, rows: Rows, posterior: Floats) -> Ints:
    """The cluster of each component ``(m,)``, numbered from 0, from rows and their posteriors ``(n, m)``."""
    components = Components(mixture, rows, posterior)
    bar = BAR + float(np.log(components.count / 2))
    joins: list[tuple[int, int]] = []
    host: dict[int, tuple[float, int]] = {}  # shoulder -> the neighbour that it shares most rows with

    def compare(a: int, b: int) -> None:
        found, higher = _relation(components, a, b, bar)
        if found == "shoulder":
            low, high = (b, a) if higher else (a, b)
            host[low] = max(host.get(low, (-1.0, -1)), (float(components.shared[a, b]), high))
        elif found == "none":
            joins.append((a, b))

    for a, b in np.argwhere(np.triu(components.near, 1)).tolist():
        compare(a, b)
    if components.of_numbers and rows.x.shape[1] > 1:
        linked = {one for link in (*joins, *((low, high) for low, (_, high) in host.items())) for one in link}
        for a, b in _farther(components, sorted(set(range(components.count)) - linked)):
            compare(a, b)
    return _without_crumbs(_joined(joins, host, components.shared, components.mass), components)


def _joined(joins: list[tuple[int, int]], host: dict[int, tuple[float, int]], shared: Floats, mass: Floats) -> Ints:
    """The group of each component ``(m,)``: what a host has, then chains of pairs without a valley of what has none.

    A chain does not go on through what has a host. But a group with no valley beside such a component that is heavier
    than all of it is a part of that one's: a piece of a skewed cloud was a cluster.
    """
    m = len(mass)
    parent = list(range(m))

    def root(a: int) -> int:
        while parent[a] != a:
            a = parent[a]
        return a

    for low, (_, high) in sorted(host.items()):
        parent[root(low)] = root(high)
    for a, b in joins:
        if a not in host and b not in host:
            parent[root(a)] = root(b)
    whole = np.bincount([root(a) for a in range(m)], mass, m)
    into: dict[int, tuple[float, int]] = {}  # group -> the component that it shares most rows with
    for a, b in joins:
        for low, high in ((a, b), (b, a)):
            of = root(low)
            if low not in host and of != root(high) and whole[of] < mass[high]:
                into[of] = max(into.get(of, (-1.0, -1)), (float(shared[low, high]), high))
    for of, (_, high) in sorted(into.items()):
        parent[root(of)] = root(high)
    return np.unique([root(a) for a in range(m)], return_inverse=True)[1].astype(np.int64)


def _farther(components: Components, alone: list[int]) -> list[tuple[int, int]]:
    """Pairs of components that have no link with those, among all that are no neighbours, that they share most with."""
    shared, near, mass, pairs = components.shared, components.near, components.mass, set()
    for a in alone:
        claim = np.where(near[a] | (shared[a] <= FARTHER * np.minimum(mass[a], mass)), 0.0, shared[a])
        claim[a] = 0.0
        if claim.max() > 0:
            b = int(np.argmax(claim))
            pairs.add((min(a, b), max(a, b)))
    return sorted(pairs)


def _relation(components: Components, a: int, b: int, bar: float) -> tuple[str, bool]:
    """'shoulder', and whether a is the higher; 'none' or 'valley'."""
    own = components.evidence[:, [a, b]]
    v, mass = components.axis(a, b), components.mass
    if components.of_numbers:
        found, higher = _of_numbers(components, a, b, bar, v, own)
    else:
        found, higher = "shoulder", bool(mass[a] > mass[b])
        for one in pair.of_mixed(components.mixture, a, b, v, components.rows, own, own.sum(axis=1)):
            found, higher = one.verdict(bar, lambda: components.look_gaussian), one.first_is_higher
            if found == "valley":
                break
    if found == "none" and min(mass[a], mass[b]) < SMALL * max(mass[a], mass[b]):
        return "shoulder", bool(mass[a] > mass[b])
    return found, higher


def _of_numbers(components: Components, a: int, b: int, bar: float, v: Floats, own: Floats) -> tuple[str, bool]:
    """The same of complete numbers, on an axis. ``own (n, 2)``: what rows count in either component."""
    mixture, mass = components.mixture, components.mass
    sa, sb = components.spreads(a, b, v)
    narrow, wide = min(sa, sb), max(sa, sb)
    if not narrow > 0:  # one mean: a broad and a narrow part of one mode
        return "shoulder", bool(mass[a] >= mass[b])
    counted = own if len(v) > 1 else components.evidence[:, pair.between(mixture, a, b)]
    one = pair.of_numbers(mixture, a, b, v, (sa, sb), components.rows, counted.sum(axis=1))
    found, higher = one.verdict(bar, lambda: components.look_gaussian), one.first_is_higher
    if found == "shoulder":
        return ("none" if wide <= EVEN * narrow else "shoulder"), higher
    most = HALF if found == "valley" else 1.0
    if wide > EVEN * narrow and _is_background(mixture, *((a, b) if sa > sb else (b, a)), mass, most):
        return "shoulder", sb > sa
    if found == "none" and wide > UNEVEN * narrow and len(v) > 1:
        return "shoulder", higher
    return found, higher


def _is_background(mixture: Mixture, wide: int, narrow: int, mass: Floats, most: float) -> bool:
    """Whether a component is noise around another one. One number has no around."""
    if mixture.means.shape[1] < 2:
        return False
    peaks = pair.log_peaks(mixture)
    if peaks[wide] > peaks[narrow] + np.log(BACKGROUND) or mass[wide] > most * mass[narrow]:
        return False
    gap, factor = mixture.means[narrow] - mixture.means[wide], mixture.factors[wide]
    return float(np.linalg.norm(gap @ factor if factor.ndim == 2 else gap * factor)) < REACH


def _without_crumbs(group: Ints, components: Components) -> Ints:
    """Groups of fewer than ``FEWEST`` rows, smallest first, join the group they share most with, else the nearest."""
    of_row = np.argmax(components.posterior, axis=1)
    rows = np.bincount(of_row, components.rows.weights, components.count) / components.unit
    group = group.copy()
    while True:
        size = np.bincount(group, rows)
        small = int(np.argmin(size))
        if size[small] >= FEWEST or len(size) == 1:
            return group
        inside, outside = np.flatnonzero(group == small), np.flatnonzero(group != small)
        claim = components.shared[inside][:, outside].sum(axis=0)
        if not claim.max() > 0:  # so far out that every posterior underflows
            claim = -np.min([[components.distance(a, b) for b in outside.tolist()] for a in inside.tolist()], axis=0)
        group[inside] = group[outside[int(np.argmax(claim))]]
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)
