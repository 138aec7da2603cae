"""Sums over rows that are the same in every order: what a row adds is rounded to a grid, and added as a whole number.

Rows are measured from the origin of their group and in its units, so that the grid is fine beside its spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.exact import NEAR, Objects, rounded_sums
from ppp_duck.engine.holes import inverses
from ppp_duck.engine.mixture import dense
from ppp_duck.engine.patterns import Patterns
from ppp_duck.models.model import Bools, Floats, Ints, Mixture

GRID = 30  # bits after the point of what a row adds to a sum, in standard deviations: 1e-9 of one
FINE = 40  # and so many more in the figures that are told: clusters may be far narrower than their model
# Units of a group (45 to 90 standard deviations) beyond which sums go on in Python's integers, which have no largest
# one.
REACH = float(np.sqrt(NEAR / 2.0**GRID))
FARTHEST = 1e100  # units of a group, beyond which values are clipped: their squares are finite
LINES = 1 << 16  # numbers of a temporary matrix: 512 kB, which the processor's cache holds


@dataclass(frozen=True)
class Frame:
    """Where, and in which units, the rows of each of ``g`` groups are measured: ``(x - origin) * scale``."""

    origin: Floats  # (g, d)
    scale: Floats  # (g, d) powers of two

    @staticmethod
    def of(origin: Floats, variance: Floats) -> Frame:
        return Frame(origin, np.ldexp(1.0, -np.frexp(np.sqrt(variance))[1]))


Sums = tuple[Ints, Objects]  # groups, each once, and what is added to their sums


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
    seen: Bools | None = None,
    more: Floats | None = None,
    rest: Floats | None = None,
) -> list[Sums]:
    """Sums by group of what points ``(d, n)`` add: 1, coordinates, products of coordinates, in units of 2^-GRID.

    With ``seen (d, n)`` they add the coordinates that they have, and after the products 1 for each of these; then come
    the lines of ``more (l, n)``. ``rest``: what is added to the products, in the units of the points.

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
        if seen is not None:
            y = np.where(seen[:, row], y, 0.0)
            lines = seen[:, row].astype(np.float64)
            more = lines if more is None else np.concatenate([lines, more[:, row]])
        if rest is not None:
            i, j = np.triu_indices(len(x))
            rest = rest[:, row] * frame.scale.T[i][:, owner] * frame.scale.T[j][:, owner]
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
            own_share, own_more, own_rest = (None if one is None else one[..., part] for one in (share, more, rest))
            terms = _terms(y[:, part], own_share, pairs, own_more, own_rest)
            sums = [rounded_sums(lines, starts, some, fraction, far) for lines in terms]
            found.append((own[starts], np.concatenate(sums).T))
    return found


def _terms(
    y: Floats, share: Floats | None, pairs: bool, more: Floats | None = None, rest: Floats | None = None
) -> Iterator[Floats]:
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
            products = shared[i[lo : lo + size]] * plain[j[lo : lo + size]]
            yield products if rest is None else products + rest[lo : lo + size] * (one * half**2)
    if more is not None and len(more):
        yield more * (one * half**2)


def central_moments(
    sums: Objects, frame: Frame, fraction: int = 0, pairs: bool = False, holes: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Of the sums of ``moments``: count ``(g,)``, shift of the mean from the origin and variance ``(g, d)``.

    With ``pairs`` the covariance ``(g, d, d)``. A group without rows has 0 everywhere. With ``holes`` each coordinate
    has its own count, after the products; for pairs all have the count of the rows.
    """
    d = frame.origin.shape[1]
    mass, width = sums[:, 0], 1 + d + (d * (d + 1) // 2 if pairs else d)
    per = np.where(mass == 0, 1, mass)[:, None]
    if holes and not pairs:
        there = sums[:, width : width + d]
        per = np.tile(np.where(there == 0, 1, there), 2)
    mean = (sums[:, 1:width] / per).astype(np.float64)  # of integers, rounded once
    shift, second = mean[:, :d], mean[:, d:]
    if pairs:
        i, j = np.triu_indices(d)
        central = np.empty((len(mass), d, d))
        central[:, i, j] = central[:, j, i] = second - shift[:, i] * shift[:, j]
        central /= frame.scale[:, :, None] * frame.scale[:, None, :]
    else:
        central = np.maximum(second - shift**2, 0.0) / frame.scale**2
    return (mass / 2 ** (GRID + fraction)).astype(np.float64), shift / frame.scale, central


def expected_of_holes(
    mixture: Mixture, x: Floats, seen: Bools, share: Floats, holes: Ints
) -> Iterator[tuple[int, Ints, Floats, Floats]]:
    """For each component and pattern of holes: the points, their expected values ``(d, n)``, and what these leave open.

    The latter is ``(d (d + 1) / 2, n)``, the covariance of what is missing given what is there. Sums run feature by
    feature, so that they depend on the point alone.
    """
    if not len(holes):
        return
    i, j = np.triu_indices(len(x))
    covariance = dense(mixture)
    covariance = np.broadcast_to(covariance, (len(mixture.means), len(x), len(x)))
    for pattern, at in Patterns.of(seen[:, holes].T):
        inverse = inverses(covariance, pattern[None].astype(np.float64))[0][0]
        to_all = covariance @ inverse
        left = covariance - to_all @ covariance
        for component, mean in enumerate(mixture.means):
            row = holes[at][share[component, holes[at]] > 0]
            if len(row):
                gap = np.where(pattern[:, None], x[:, row] - mean[:, None], 0.0)
                expected = np.repeat(mean[:, None], len(row), axis=1)
                for feature in np.flatnonzero(pattern).tolist():
                    expected += to_all[component][:, feature, None] * gap[feature]
                expected[pattern] = x[pattern][:, row]
                open_ = np.where(pattern[i] | pattern[j], 0.0, left[component][i, j])
                yield component, row, expected, np.repeat(open_[:, None], len(row), axis=1)
