"""Statistics of a column from its values in memory: the same numbers as of binding/values.py.

For the sample of a fit (weights are rows), for columns whose type SQL could not see, and for tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppp_duck.features.choice import MOMENT, TEXT, Column, Counts
from ppp_duck.features.evenness import BINS, Bin

FARTHEST = 2.0**900  # apart; further, and numbers are made smaller before they are subtracted
TOP = 20  # most frequent values that are looked at: the default of max_categories
ROUND = 5  # what people round to: its multiples


def column_of(
    name: str, type_name: str, values: Sequence[object] | NDArray[np.generic], weights: NDArray[np.int64] | None = None
) -> Column:
    """Statistics of a column. Missing values are None or NaN; moments are given as whole numbers of their unit."""
    weights = np.ones(len(values), dtype=np.int64) if weights is None else weights
    rows = int(weights.sum())
    if TEXT.fullmatch(type_name):
        present = np.array([v is not None for v in values], dtype=bool)
        _, codes = np.unique(np.array([v for v in values if v is not None], dtype=str), return_inverse=True)
        frequency = np.bincount(codes, weights[present]).astype(np.int64)
        n = int(weights[present].sum())
        counts = _counts(frequency, np.ones(len(frequency), dtype=bool), ()) if n else None
        return Column(name, type_name, rows, n, None, None, False, counts)
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return Column(name, type_name, rows, 0, None, None, False, None)
    distinct, codes = np.unique(numbers[finite], return_inverse=True)
    frequency = np.bincount(codes, weights[finite]).astype(np.int64)
    low, high = float(distinct[0]), float(distinct[-1])
    whole = bool((distinct == np.floor(distinct)).all())
    grid = whole or MOMENT.fullmatch(type_name) is not None
    bins = _bins(distinct, frequency, low, high, grid)
    counts = _counts(frequency, (frequency == 1) | (distinct % ROUND != 0), bins)
    return Column(name, type_name, rows, int(weights[finite].sum()), low, high, whole, counts)


def _counts(frequency: NDArray[np.int64], uneven: NDArray[np.bool_], bins: tuple[Bin, ...]) -> Counts:
    order = np.lexsort((uneven, frequency))[::-1][:TOP]
    top = tuple(frequency[order].tolist())
    return Counts(len(frequency), top, int((frequency**2).sum()), bins, round_ones(uneven[order].tolist()))


def round_ones(uneven: Sequence[bool]) -> int:
    """How many of the most frequent values are round, before the first that is not.

    >>> round_ones([False, False, True, False]), round_ones([])
    (2, 0)
    """
    return next((place for place, one in enumerate(uneven) if one), len(uneven))


def _bins(
    distinct: NDArray[np.float64], frequency: NDArray[np.int64], low: float, high: float, grid: bool
) -> tuple[Bin, ...]:
    """Counts in equal bins: floor((v - low) * 64 / size), as the SQL says it."""
    if high / 2 - low / 2 > FARTHEST:  # sums of such numbers overflow
        distinct, low, high = distinct / 256, low / 256, high / 256
    size = high - low + 1 if grid else high - low or 1.0
    where = np.minimum(np.floor((distinct - low) * BINS / size), BINS - 1).astype(np.int64)
    starts = np.searchsorted(where, np.arange(BINS))  # values ascend
    every = [np.append(0, np.cumsum(of)) for of in (frequency, np.ones(len(where), dtype=np.int64), frequency**2)]
    inside = [(total[np.append(starts[1:], len(where))] - total[starts]).tolist() for total in every]
    return tuple(Bin(*one) for one in zip(*inside, strict=True))
