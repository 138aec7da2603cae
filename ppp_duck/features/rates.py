"""Numbers that are another one times one of a few rates: value added tax, amounts in one currency of three.

In logarithms such a pair of columns lies on a few parallel lines, and each line would be a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from ppp_duck.features.formulas import is_small, known, last_place
from ppp_duck.models.model import Floats

MOST = 8  # rates
FITS = 0.98  # share of the rows that they are to give, rounded as the column is
FEWEST, EACH = 30, 5  # rows of all, and different values of the other column for each rate
LOOKED_AT, CLOSE, BESIDE = 64, 2e-3, 0.5  # rows that rule most pairs out: that share of their ratios has a near one
FINE = 0.01  # of the spread of a column, the most that a row may miss it by: else chance would fit some rows
PRECISION = 1e-9  # of a value that was not rounded


def rates(numbers: Mapping[str, Floats]) -> dict[str, tuple[str, Floats]]:
    """Of columns ``(n,)``, NaN where a value is missing: those that are another times a rate, by name.

    With the other column, and the rates, falling. The column of the two is left out whose logarithm varies more, as it
    has the rate in it; and one that is zero where the other is not.
    """
    found: dict[str, tuple[str, Floats]] = {}
    with np.errstate(all="ignore"):
        names = sorted(
            name for name, values in numbers.items() if len(known(values)) >= FEWEST and is_small(known(values))
        )
        for a, b in _candidates(names, numbers):
            if a not in found and b not in found:
                for made, other in _by_spread(a, b, numbers):
                    of = _rates_of(numbers[made], numbers[other])
                    if len(of) > 1:
                        found[made] = other, of
                        break
    return found


def _candidates(names: Sequence[str], numbers: Mapping[str, Floats]) -> list[tuple[str, str]]:
    """Pairs of columns, most of whose ratios in a few rows are nearly equal to another one."""
    found = []
    for a, b in combinations(names, 2):
        ratio = np.log(np.abs(numbers[a] / numbers[b]))
        some = np.sort(known(ratio[~np.isnan(ratio)][:LOOKED_AT]))  # a rate of zero says nothing here
        if len(some) > 1 and (np.diff(some) < CLOSE).mean() >= BESIDE:
            found.append((a, b))
    return found


def _by_spread(a: str, b: str, numbers: Mapping[str, Floats]) -> list[tuple[str, str]]:
    """Which of two columns may be made of which: first the one whose logarithm varies more."""
    both = (numbers[a] > 0) & (numbers[b] > 0)
    spread = {name: float(np.log(numbers[name][both]).std()) if both.any() else 0.0 for name in (a, b)}
    made = max((a, b), key=lambda name: (spread[name], name))
    return [(made, b if made == a else a), (b if made == a else a, made)]


def _rates_of(made: Floats, other: Floats) -> Floats:
    """The rates by which one column makes another, falling; empty where there are none, or too many.

    The row with the largest value that no rate gives yet tells the next one best.
    """
    both = np.isfinite(made) & np.isfinite(other)
    made, other = made[both], other[both]
    if len(made) < FEWEST:
        return np.zeros(0)
    step = last_place(made) + PRECISION * np.abs(made)
    found: list[float] = []
    left = np.argsort(-np.abs(other), kind="stable")
    while len(left) > (1 - FITS) * len(made):
        first = left[0]
        if len(found) == MOST or other[first] == 0:
            return np.zeros(0)
        rate = float(made[first] / other[first])
        tolerance = step + abs(rate) * last_place(other)
        if float(np.median(tolerance)) > FINE * float(made.std()):
            return np.zeros(0)
        fits = np.abs(made[left] - rate * other[left]) <= tolerance[left]
        found.append(rate)
        left = left[~fits]
    return np.sort(found)[::-1] if len(np.unique(other)) >= EACH * len(found) else np.zeros(0)
