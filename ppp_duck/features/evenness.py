"""How evenly values lie between their extremes, and how regularly they repeat, from counts in 64 equal bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BINS = 64  # equal bins between the extremes: a bell or an exponential shows in 8, a trend of activity in 16
LEAST_EXPECTED = 5.0  # of a bin in a chi-square test (Cochran 1954)
SPIKE = 0.05  # share of rows of one value, four times as frequent as any other: set aside ("no customer")


@dataclass(frozen=True)
class Bin:
    """Of the values in a bin: rows, different values, sum of squared frequencies."""

    rows: int
    distinct: int
    squares: int


@dataclass(frozen=True)
class Evenness:
    """``rows_p``, ``distinct_p``: p-values of evenness, of rows and of different values.

    ``placed_p`` is that of 8 groups of bins if frequencies, as unequal as they are, had been dealt out to the values at
    random: small where they have a shape over the range, as a measure's have. ``coarse`` is the effective share of 16
    groups (inverse Simpson index / 16). ``repeats`` are pairs of rows with the
    same value, ``expected_repeats`` what independent draws with each bin's density would make. ``dispersion`` is the
    chi-square of the frequencies of all grid points within their bins per degree of freedom: 1 by chance, 0 where all
    repeat equally often. ``unequal`` is the excess relative variance of frequencies among a bin's values.
    ``filled`` is the share of the grid points of a row's bin that are taken.
    """

    rows_p: float
    distinct_p: float
    placed_p: float
    coarse: float
    repeats: float
    expected_repeats: float
    dispersion: float
    degrees: float
    unequal: float
    filled: float


def places(low: float, high: float) -> list[float]:
    """How many whole numbers each bin has: bin b holds v with floor((v - low) * 64 / (high - low + 1)) = b.

    >>> sum(places(0, 99)), places(0, 127)[:2]
    (100.0, [2.0, 2.0])
    """
    size = int(high) - int(low) + 1
    edges = [-(-b * size // BINS) for b in range(BINS + 1)]
    return [float(b - a) for a, b in pairwise(edges)]


def evenness(bins: Sequence[Bin], low: float, high: float, grid: bool, top: Sequence[int]) -> Evenness:
    """Measures of how even and how regular values are; ``grid``: they are whole numbers (of days, of seconds)."""
    grid = grid and not math.isinf(high - low)
    parts = _parts(bins, low, high, grid, top)
    if not any(b.rows for b, _ in parts):
        return Evenness(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    n = float(sum(b.rows for b, _ in parts))
    repeats = sum(b.squares - b.rows for b, _ in parts) / 2
    expected = sum(b.rows**2 / (2 * max(w, b.distinct)) for b, w in parts) if grid else 0.0
    filled = [(b, max(w, float(b.distinct))) for b, w in parts if b.rows]
    degrees = sum(w - 1 for _, w in filled) if grid else 0.0
    chi_square = sum(b.squares * w / b.rows - b.rows for b, w in filled) if grid else 0.0
    return Evenness(
        _even_p([b.rows for b, _ in parts], [w for _, w in parts]),
        _even_p([b.distinct for b, _ in parts], [w for _, w in parts]),
        _even_p([b.rows for b, _ in parts], [w for _, w in parts], 8, sum(b.squares for b, _ in parts) / n),
        _effective_share(parts),
        repeats,
        expected,
        chi_square / degrees if degrees else 1.0,
        degrees,
        sum(b.rows * _unequal(b) for b, _ in filled) / n,
        sum(b.rows * b.distinct / w for b, w in filled) / n,
    )


def rows_evenness(bins: Sequence[Bin], low: float, high: float, top: Sequence[int]) -> float:
    """``rows_p`` alone, of numbers that lie on no grid."""
    parts = _parts(bins, low, high, False, top)
    return _even_p([b.rows for b, _ in parts], [w for _, w in parts]) if parts else 0.0


def _parts(bins: Sequence[Bin], low: float, high: float, grid: bool, top: Sequence[int]) -> list[tuple[Bin, float]]:
    """The bins that count, and the room in each."""
    if math.isinf(high - low):  # further apart than a double can tell: there is no grid
        low, high = low / 4, high / 4
    room = places(low, high) if grid else [(high - low) / BINS] * BINS
    return _core(_without_spike(bins, top), room)


def _unequal(one: Bin) -> float:
    """Relative variance of the frequencies of a bin's values, less what chance makes of it."""
    return (one.squares * one.distinct / one.rows**2 - 1) - one.distinct / one.rows


def _without_spike(bins: Sequence[Bin], top: Sequence[int]) -> list[Bin]:
    """The bins without one value that towers over all others, such as the customer number of guests."""
    bins = list(bins)
    n = sum(b.rows for b in bins)
    if top[0] < SPIKE * n or (len(top) > 1 and top[0] < 4 * top[1]):
        return bins
    for i, one in enumerate(bins):
        if one.squares >= top[0] ** 2:
            bins[i] = Bin(one.rows - top[0], one.distinct - 1, one.squares - top[0] ** 2)
            break
    return bins


def _core(bins: list[Bin], room: Sequence[float]) -> list[tuple[Bin, float]]:
    """Bins without a few lonely values at an end (0, -1, 9999); then their neighbours, part empty, go as well."""
    first, last, cut = 0, BINS - 1, False
    for _ in range(2):
        while first < last and not bins[first].rows:
            first, cut = first + 1, True
        while first < last and not bins[last].rows:
            last, cut = last - 1, True
        if bins[first].distinct <= 2 and first + 1 < last and not bins[first + 1].rows:
            first, cut = first + 1, True
        if bins[last].distinct <= 2 and last - 1 > first and not bins[last - 1].rows:
            last, cut = last - 1, True
    parts = [(b, w) for b, w in zip(bins, room, strict=True) if w > 0]
    if not cut:
        return parts
    kept = [(b, w) for b, w in zip(bins[first + 1 : last], room[first + 1 : last], strict=True) if w > 0]
    return kept if len(kept) >= 8 and any(b.rows for b, _ in kept) else parts


def _even_p(counts: Sequence[int], room: Sequence[float], least_step: int = 1, clump: float = 1.0) -> float:
    """p-value of a chi-square test that counts are proportional to room, over neighbouring bins put together.

    ``clump`` rows come together: the variance is as many times that of single rows (quasi-likelihood).
    """
    total, space = float(sum(counts)), sum(room)
    if not total:
        return 0.0
    step = next((s for s in (1, 2, 4, 8) if s >= least_step and total * s / len(counts) >= LEAST_EXPECTED), 8)
    chi_square, groups = 0.0, 0
    for i in range(0, len(counts), step):
        expected = total * sum(room[i : i + step]) / space
        chi_square += (sum(counts[i : i + step]) - expected) ** 2 / expected
        groups += 1
    return chi_square_p(chi_square / clump, groups - 1)


def chi_square_p(chi_square: float, degrees: int) -> float:
    """Upper tail of the chi-square distribution (Wilson & Hilferty 1931).

    >>> round(chi_square_p(16.92, 9), 3), chi_square_p(0.0, 9) > 0.999
    (0.05, True)
    """
    if degrees < 1:
        return 0.0
    spread = 2 / (9 * degrees)
    z = ((chi_square / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2))


def _effective_share(parts: Sequence[tuple[Bin, float]]) -> float:
    groups = min(16, len(parts))
    sums = [0.0] * groups
    for i, (one, _) in enumerate(parts):
        sums[i * groups // len(parts)] += one.rows
    squares = sum(s * s for s in sums)
    return sum(sums) ** 2 / squares / groups if squares else 0.0
