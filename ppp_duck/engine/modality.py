"""Which components of a mixture are one cluster: those with no valley of rows between them (``pair``).

A component that is a shoulder of another, where the mixture itself has no valley between them, is of the same cluster.
Of about the same spread it is a link of a chain. Else it is a tail or a background, and joins *one* other, that with
which it shares most rows, so that a background cannot glue two clusters. So does, where rows show no valley, what is
small beside the other, or has a third of its spread or three times it.

What then still stands alone with fewer rows than any valley could be told from chance by is no cluster: it joins the
group that claims its rows next (a heavy tail leaves such crumbs: components of one to three far rows).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np

from ppp_duck.engine import categories, pair, ratio
from ppp_duck.engine.mixture import dense as covariances
from ppp_duck.engine.mixture import log_densities, responsibilities, tempered
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Bools, Floats, Ints, Mixture

# Nats that must speak for two clusters in a mixture of two components, and ln(m / 2) more among m: there are more pairs
# in which chance could show a valley.
BAR = 5.0
EVEN = 2.0  # ratio of their spreads up to which a shoulder and the other are links of a chain
# The same where rows have no valley: a broad component beside narrow ones is no link between them. One number has no
# beside.
UNEVEN = 3.0
# Share of a component's rows (by posterior) in doubt with another that makes them neighbours: ARI 0.765 with 1e-8,
# 0.701 where all pairs are compared.
NEIGHBOURS = 1e-3
# A component of no pair without a valley is compared with one farther one, too, if they share so much: in wide tables
# posteriors are 0 or 1.
FARTHER = 1e-6
# Standard deviations between two means up to which components of equal mass share about as much as NEIGHBOURS.
APART = 6.0
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
SAMPLED = 8192  # rows that the search looks at; fewer are always all of them


def claims(mixture: Mixture, rows: Rows, posterior: Floats) -> tuple[Floats, Bools]:
    """``(m, m)`` weight of the rows that two components share, by posteriors; and whether they are neighbours.

    In a mixed table two components share what they share without the category that tells them best, and they are
    neighbours if their numbers are: no single category makes a cluster, and no number of few values (a rating).
    """
    shared = (posterior * rows.weights[:, None]).T @ posterior
    if not mixture.shares:
        mass = np.maximum(shared.sum(axis=1), 1e-300)
        return shared, (shared > NEIGHBOURS * np.minimum(mass[:, None], mass)) | _alike_but_for_one(mixture, rows)
    m = len(mixture.means)
    joint = log_densities(mixture, rows)
    near = np.ones((m, m), dtype=bool)
    if rows.x.shape[1]:
        by_numbers, _ = responsibilities(log_densities(replace(mixture, shares=()), rows))
        by_numbers = (by_numbers * rows.weights[:, None]).T @ by_numbers
        mass = np.maximum(by_numbers.sum(axis=1), 1e-300)
        near = (by_numbers > NEIGHBOURS * np.minimum(mass[:, None], mass)) | _alike_but_for_one(mixture, rows)
    strongest = np.array([[int(np.argmax(ratio.divergences(mixture, a, b))) for b in range(m)] for a in range(m)])
    for c, block in enumerate(categories.blocks(rows.layout.levels)):
        pairs = (strongest == c) & ~np.eye(m, dtype=bool)
        if pairs.any():
            without, _ = responsibilities(joint - rows.indicators[:, block] @ np.log(mixture.shares[c]).T)
            shared[pairs] = ((without * rows.weights[:, None]).T @ without)[pairs]
    return shared, near


def _alike_but_for_one(mixture: Mixture, rows: Rows) -> Bools:
    """``(m, m)`` which components were neighbours if a dominant number of few values told no more than the others."""
    m = len(mixture.means)
    found = np.zeros((m, m), dtype=bool)
    if rows.of_few_values.any():
        dense = _dense(mixture)
        for a, b in np.argwhere(np.triu(~found, 1)).tolist():
            v, gap = pair.axis(mixture, a, b, dense), mixture.means[b] - mixture.means[a]
            balanced = pair.without_dominance(rows, v, gap)
            found[a, b] = found[b, a] = balanced is not v and 2 * balanced @ gap < APART**2
    return found


def _dense(mixture: Mixture) -> Floats | None:
    """``(m, d, d)`` covariances, where they are not diagonal."""
    m, d = mixture.means.shape
    if mixture.covariance not in ("tied", "full"):
        return None
    return np.asarray(np.broadcast_to(covariances(mixture), (m, d, d)))


def clusters(mixture: Mixture, rows: Rows, posterior: Floats) -> Ints:
    """The cluster of each component ``(m,)``, numbered from 0, from rows and their posteriors ``(n, m)``."""
    m, weights = len(mixture.means), rows.weights
    shared, near = claims(mixture, rows, posterior)
    mass = np.maximum(shared.sum(axis=1), 1e-300)
    dense = _dense(mixture)
    # A row of a sample stands for several, but is one observation; of fewer rows all are there.
    unit = max(rows.unit, float(weights.min())) if len(weights) >= SAMPLED else rows.unit
    observations = float(weights.sum()) / unit
    evidence = posterior * (weights * (tempered(observations) / observations / unit))[:, None]
    gaussian = cache(partial(pair.looks_gaussian, mixture, rows, posterior))
    bar = BAR + float(np.log(m / 2))
    joins: list[tuple[int, int]] = []
    host: dict[int, tuple[float, int]] = {}  # shoulder -> the neighbour that it shares most rows with

    def compare(a: int, b: int) -> None:
        found, higher = _relation(mixture, a, b, dense, rows, evidence, mass, bar, gaussian)
        if found == "shoulder":
            low, high = (b, a) if higher else (a, b)
            host[low] = max(host.get(low, (-1.0, -1)), (float(shared[a, b]), high))
        elif found == "none":
            joins.append((a, b))

    for a, b in np.argwhere(np.triu(near, 1)).tolist():
        compare(a, b)
    if rows.seen is None and not mixture.shares and rows.x.shape[1] > 1:
        links = [*joins, *((low, high) for low, (_, high) in host.items())]
        for a, b in _farther(shared, near, mass, sorted(set(range(m)) - {one for link in links for one in link})):
            compare(a, b)
    group = _joined(joins, host, shared, mass)
    sizes = np.bincount(np.argmax(posterior, axis=1), weights, m) / unit
    return _without_crumbs(group, mixture, dense, shared, sizes)


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


def _farther(shared: Floats, near: Bools, mass: Floats, alone: list[int]) -> list[tuple[int, int]]:
    """Pairs of components that have no link with those, among all that are no neighbours, that they share most with."""
    pairs = set()
    for a in alone:
        claim = np.where(near[a] | (shared[a] <= FARTHER * np.minimum(mass[a], mass)), 0.0, shared[a])
        claim[a] = 0.0
        if claim.max() > 0:
            b = int(np.argmax(claim))
            pairs.add((min(a, b), max(a, b)))
    return sorted(pairs)


def _relation(
    mixture: Mixture,
    a: int,
    b: int,
    dense: Floats | None,
    rows: Rows,
    evidence: Floats,
    mass: Floats,
    bar: float,
    gaussian: Callable[[], bool],
) -> tuple[str, bool]:
    """'shoulder', and whether a is the higher; 'none' or 'valley'. ``evidence (n, m)``: observations by component."""
    v = pair.axis(mixture, a, b, dense)
    v = pair.without_dominance(rows, v, mixture.means[b] - mixture.means[a])
    sa, sb = pair.spread(mixture, a, v, dense), pair.spread(mixture, b, v, dense)
    own = evidence[:, [a, b]]
    counted = own.sum(axis=1)
    if len(v) == 1 and not mixture.shares:
        counted = evidence[:, pair.between(mixture, a, b)].sum(axis=1)
    if rows.seen is None and not mixture.shares:
        if not min(sa, sb) > 0:  # one mean: a broad and a narrow part of one mode
            return "shoulder", bool(mass[a] >= mass[b])
        one = pair.of_numbers(mixture, a, b, v, (sa, sb), rows, counted)
        found, higher = one.verdict(bar, gaussian), one.first_is_higher
        if found == "shoulder" and max(sa, sb) <= EVEN * min(sa, sb):
            found = "none"
        wide, narrow = (a, b) if sa > sb else (b, a)
        most = HALF if found == "valley" else 1.0
        if (
            found != "shoulder"
            and max(sa, sb) > EVEN * min(sa, sb)
            and _is_background(mixture, wide, narrow, mass, most)
        ):
            return "shoulder", narrow == a
        if found == "none" and max(sa, sb) > UNEVEN * min(sa, sb) and len(v) > 1:
            return "shoulder", higher
    else:
        found, higher = "shoulder", bool(mass[a] > mass[b])
        for one in pair.of_mixed(mixture, a, b, v, rows, own, counted):
            found, higher = one.verdict(bar, gaussian), one.first_is_higher
            if found == "valley":
                break
    if found == "none" and min(mass[a], mass[b]) < SMALL * max(mass[a], mass[b]):
        return "shoulder", bool(mass[a] > mass[b])
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
    return float(pair.axis(mixture, a, b, dense) @ (mixture.means[b] - mixture.means[a]))
