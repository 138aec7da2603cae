"""Values that come back more often than those beside them: spikes and codes, which are set apart, and heaps.

Zeros of money, 0 and 100 %, three prices, -999: a category beside the number. Ages and incomes told as round numbers
are numbers, on a grid as wide as the heaps are apart.
"""

from __future__ import annotations

import re

import numpy as np

from ppp_duck.engine.far import FAR, FAR_SHARE_FEW, far_out, quantile
from ppp_duck.models.model import Bools, Floats, Ints

FEWEST = 13  # distinct values up to which none is set apart: they may be levels
# Share of the rows from which one value is a category of its own. A code (-1, 0, 9999) makes a component from eight
# rows and 1 % on; what more rows have may be a group.
SPIKE_SHARE, CODE_SHARE, CODE_MOST, CODE_ROWS = 0.02, 0.005, 0.15, 5.0
SPIKES, SPIKES_SHARE = 6, 0.6  # values set apart (0, 50, 100 %), at most; what two or more have of the rows, at most
CODE_NEAR, CODE_GAP = 0.125, 0.05  # of the range: beside what it is frequent; the share of the rows it is apart from
SPIKE_TOWERS = 3.0  # times the next frequent value: counts that fall off have no spike, zeros beside counts have one
SPIKE_FALLS = 2.0  # times as steep as the next fall: a log-series falls 1.3, the squares of ranks 1.8 times as steep
ZERO_FALLS = 2.0  # times the ones, where twos are more: Poisson counts of mean 3 have it if a fifth is made zero
SPIKE_ROWS = 10.0  # rows that a spike has at least
HEAPED, HEAPS = 0.25, 3  # share of the rows, in so many heaps, from which values are as wide as heaps are apart
HEAP_ROWS, LOW = 5.0, 0.1  # rows that a heap has at least; and as a share of what half of the rows in heaps have
SPREAD, BETWEEN = 0.25, 0.25  # of the way between two heaps; share of the other rows that are farther away from both


def spikes_of(x: Floats, w: Floats) -> tuple[float, ...]:
    """The values that hold a large share of an otherwise continuous column, ascending, or a code at one of its ends."""
    many, total = len(x) > FEWEST, float(w.sum())
    if many and len(spikes := _towers(x, w, total)):
        return tuple(x[spikes].tolist())
    if _are_zeros_of_counts(x, w, total):
        return (0.0,)
    return tuple(float(x[end]) for end in (0, len(x) - 1) if many and _is_code(x, w, total, end))[:1]


def _towers(x: Floats, w: Floats, total: float) -> Ints:
    """Where the few values are, ascending, that are far more frequent than all others; empty if they are no spikes."""
    most = np.argsort(-w, kind="stable")[: SPIKES + 1]
    for count in range(1, SPIKES + 1):
        if w[most[count - 1]] >= max(SPIKE_SHARE * total, SPIKE_TOWERS * float(w[most[count]]), SPIKE_ROWS):
            spikes = np.sort(most[:count])
            no_spikes = _falls(w, most) if count == 1 else _are_groups(x, w, spikes)
            return spikes[:0] if no_spikes else spikes
    return most[:0]


def _falls(w: Floats, most: Ints) -> bool:
    """Whether the lowest values are the most frequent, and the second falls from the first as the third from it.

    So do counts of purchases, of which a first one is most frequent: it is no value apart.
    """
    return most[:3].tolist() == [0, 1, 2] and bool(w[0] * w[2] < SPIKE_FALLS * w[1] ** 2)


def _are_groups(x: Floats, w: Floats, spikes: Ints) -> bool:
    """Whether two or more values are the tips of groups: side by side, most of the column, or among most others.

    The lowest and the highest value are not: values end there.
    """
    if float(w[spikes].sum()) > SPIKES_SHARE * float(w.sum()) or (np.diff(spikes) == 1).any():
        return True
    if spikes.tolist() == [0, len(x) - 1]:
        return False
    others, own = np.delete(x, spikes), np.delete(w, spikes)
    return not _are_between(others, own, x[spikes], float(np.median(np.diff(x[spikes]))))


def _are_zeros_of_counts(x: Floats, w: Floats, total: float) -> bool:
    """Whether zero is a count of its own: a spike beside small counts, or twice as frequent as the next, which rise."""
    if x[0] != 0 or (x != np.rint(x)).any() or w[0] < max(SPIKE_SHARE * total, SPIKE_ROWS):
        return False
    small = float(w[1:][x[1:] <= CODE_NEAR * x[-1]].max(initial=w[1]))
    return bool(w[0] >= SPIKE_TOWERS * small or (w[0] >= ZERO_FALLS * w[1] and w[1] < w[2]))


def _is_code(x: Floats, w: Floats, total: float, end: int) -> bool:
    """Whether the lowest or highest value stands for something else: frequent beside those near it, apart, and odd.

    It is odd where it is not positive and all others are, where it is written in nines (-999), or as far out as a
    broken one, but too frequent for that.
    """
    if not max(CODE_SHARE * total, CODE_ROWS) <= w[end] <= CODE_MOST * total:
        return False
    others, own = np.delete(x, end), np.delete(w, end)
    kept, _, _ = far_out(others, own)  # one that is far out would make all others near
    others, own = others[kept], own[kept]
    away = np.abs(others - x[end])
    frequent = float(own[away <= CODE_NEAR * away.max()].max(initial=0.0))
    if w[end] < SPIKE_TOWERS * frequent or not is_apart(float(x[end]), others, own):
        return False
    is_signed = bool(x[end] <= 0 < others[0])
    are_nines = re.fullmatch(r"-?99+", f"{x[end]:.17g}") is not None
    reach = float(np.abs(others - quantile(others, own, 0.5)).max())
    is_far = float(quantile(away, own, 0.5)) > FAR * reach
    return w[end] > FAR_SHARE_FEW * total if is_far else is_signed or are_nines


def is_apart(place: float, others: Floats, weights: Floats) -> bool:
    """Whether the gap to the next of the others is more than half of the range of the next twentieth of the rows."""
    away = np.abs(others - place)
    return bool(3 * away.min() > quantile(away, weights, CODE_GAP))


def heaps_of(x: Floats, w: Floats) -> float:
    """How far apart the heaps lie, where much of an otherwise spread column is on round values; 0.0 where it is not.

    A heap has three times the rows of the values beside it. Half of the rows have heaps that are no farther apart.

    >>> ages = np.arange(20.0, 80.0)
    >>> heaps_of(ages, np.where(ages % 10 == 0, 60.0, 6.0)), heaps_of(ages, np.full(60, 6.0))
    (10.0, 0.0)
    """
    total = float(w.sum())
    found, places, rows = 0.0, x, w
    while len(places) >= 2 * HEAPS:
        heap = _heaps(rows)
        if np.count_nonzero(heap) < HEAPS or float(rows[heap].sum()) < HEAPED * total:
            break
        at, own = places[heap], rows[heap]
        gap = quantile(np.diff(at), np.minimum(own[1:], own[:-1]), 0.5)
        others = ~np.isin(x, at)
        if not _are_between(x[others], w[others], at, gap):
            break
        found, places, rows = gap, at, own
    return found


def _heaps(rows: Floats) -> Bools:
    """Which values have many more rows than both beside them, and no few beside the others that have."""
    beside = np.concatenate([[0.0], rows, [0.0]])
    high = rows >= np.maximum(SPIKE_TOWERS * np.maximum(beside[:-2], beside[2:]), HEAP_ROWS)
    if not high.any():
        return np.asarray(high)
    return np.asarray(high & (rows >= LOW * quantile(rows[high], rows[high], 0.5)))


def _are_between(x: Floats, w: Floats, heaps: Floats, gap: float) -> bool:
    """Whether the other values are spread between the heaps, and not around them as around the middles of groups."""
    at = np.searchsorted(heaps, x)
    away = np.minimum(np.abs(x - heaps[np.maximum(at - 1, 0)]), np.abs(heaps[np.minimum(at, len(heaps) - 1)] - x))
    return bool(w[away > SPREAD * gap].sum() > BETWEEN * w.sum())
