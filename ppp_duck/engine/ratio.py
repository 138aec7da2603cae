"""Two components of a mixed table as two places on one line: the log likelihood ratio, with categories spread out.

No single category makes a cluster: one that tells more than all other categories together is left out. Rows are
projected on the discriminant axis of the numbers plus the log share ratios of the categories.

A category is a latent number of which only an interval is known, as a value on a grid is: its levels, in the order of
their ratios, are intervals as wide as they are frequent. So one category by itself is evenly spread, and has no valley;
only categories, and numbers, that go together have one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Bools, Floats, Ints, Mixture

# Places over which a value is spread, in another order for each feature: a prime, more than windows resolve.
POINTS = 31
ROOT = 3  # its powers modulo 31 run through all numbers below: 30 different orders
# Share of the gap between the means that what a row has must make up, for the row to be placed: 0.5 to 0.85 give the
# same k in 45 of 48 tables with holes, 0.99 in 39.
LEAST = 0.7


def divergences(mixture: Mixture, a: int, b: int) -> Floats:
    """``(c,)`` how far two components are apart in each category: sum of (p - q) log (p / q), Jeffreys' divergence.

    The same of a number with one variance is the squared distance of the means in standard deviations.
    """
    return np.array([float(((one[a] - one[b]) * np.log(one[a] / one[b])).sum()) for one in mixture.shares])


def along_numbers(rows: Rows, which: Ints, v: Floats, gap: Floats, middle: Floats) -> tuple[Floats, Floats]:
    """Where the numbers of rows are on the axis ``v (d,)``, around the middle of two means ``gap`` apart.

    And how much of the gap is that of the numbers that the row has.
    """
    x = rows.x[which]
    if rows.seen is None:
        return (x - middle) @ v, np.full(len(which), float(v @ gap))
    seen = rows.seen[which]
    return ((x - middle) * seen) @ v, np.asarray(seen @ (v * gap))


def placed(along: Floats, has: Floats, gap: float) -> tuple[Floats, Bools]:
    """Rows at ``along (r, n)``, by what they have of a gap, scaled up to the whole gap; and which can be placed so."""
    can = has >= LEAST * gap
    return along * np.where(can, gap / np.where(can & (has > 0), has, 1.0), 1.0), can


def spread_numbers(rows: Rows, v: Floats) -> Floats:
    """``(POINTS, 1)`` offsets along the axis ``v (d,)`` within the steps of the numbers that lie on grids."""
    offsets = [_places(f) * 2 * floor * v[f] for f, floor in enumerate(rows.layout.floors) if floor]
    return np.sum(offsets, axis=0)[:, None] if offsets else np.zeros((1, 1))


def _places(feature: int) -> Floats:
    """``(POINTS,)`` evenly from -1/2 to 1/2, in an order of the feature's own."""
    return (np.arange(POINTS) * pow(ROOT, feature, POINTS) % POINTS + 0.5) / POINTS - 0.5


@dataclass(frozen=True)
class _Levels:
    """The levels of a category on the line, in units of the log likelihood ratio, around the middle of both means."""

    even: Floats  # (levels,) the middles of intervals as wide as levels are frequent, one beside the other
    width: Floats  # (levels,) of these intervals
    ratio: Floats  # (levels,) log share ratios
    gap: float  # between the two means, in both
    step: float  # the longest way from one middle to the next

    @staticmethod
    def of(p: Floats, q: Floats, mass: Floats) -> _Levels | None:
        """From the shares in both components and the weight of each level in the pair; None: they are alike."""
        ratio = np.log(q / p)
        order = np.argsort(ratio, kind="stable")
        share = mass / max(float(mass.sum()), 1e-300)
        even = np.empty(len(ratio))
        even[order] = np.cumsum(share[order]) - 0.5 * share[order]
        between = float((q - p) @ even)
        if not between > 1e-9:
            return None
        scale, middle = float((q - p) @ ratio) / between, 0.5 * (p + q)
        frequent = order[share[order] > 0]
        step = float(np.diff(even[frequent]).max(initial=0.0)) * scale
        even = scale * (even - middle @ even)
        return _Levels(even, scale * share, ratio - middle @ ratio, scale * between, step)


def spread_out(
    rows: Rows,
    which: Ints,
    own: Floats,
    mixture: Mixture,
    a: int,
    b: int,
    left_out: int | None,
    gap: float,
    window: float,
) -> tuple[Floats, Floats, float]:
    """``(POINTS, n)`` what the categories add to where rows are, to what they have of the gap, and to the gap.

    All but one that is ``left_out``. ``own (n,)``: the weight of each row in the pair. ``gap``: of the means along the
    numbers, in the same units. Levels are spread out as far as windows as wide as a share ``window`` of the whole gap
    do not do it; else they are where their ratio is.
    """
    assert rows.mixed is not None
    codes, parts = rows.mixed.codes[which], []
    for c, share in enumerate(mixture.shares):
        code = codes[:, c]
        mass = np.bincount(code[code >= 0], own[code >= 0], share.shape[1])
        levels = _Levels.of(share[a], share[b], mass.astype(np.float64)) if c != left_out else None
        if levels is not None:
            parts.append((c, code, levels))
    more = sum(levels.gap for _, _, levels in parts)
    found, has = np.zeros((POINTS, len(which))), np.zeros(len(which))
    for c, code, levels in parts:
        smooth = np.sqrt(min(max(2 - 2 * window * (gap + more) / max(levels.step, 1e-300), 0.0), 1.0))
        at = smooth * levels.even + (1 - smooth) * levels.ratio
        there = code >= 0
        found += np.where(there, at[code], 0.0)
        found += _places(c + rows.layout.numbers)[:, None] * np.where(there, smooth * levels.width[code], 0.0)
        has += levels.gap * there
    return found, has, more
