"""Numbers that are another one times one of a few rates: value added tax, amounts in one currency of three.

In logarithms such a pair of columns lies on a few parallel lines, and each line would be a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from ppp_duck.features.formulas import is_small, known, last_place
from ppp_duck.models.model import Floats

MOST = 8  # rates
FITS = 0.98  # share of the rows that they are to give, rounded as the column is
LEAST = 0.01  # share of the rows that one of them gives at least: else they are among those that none gives
FEWEST, EACH = 30, 5  # rows of all, and different values of the other column for each rate
LOOKED_AT, BESIDE = 64, 0.75  # rows that rule most pairs out: that share of their ratios has a near one
FINE = 0.01  # of the spread of a column, the most that a row may miss it by: else chance would fit some rows
PRECISION = 1e-9  # of a value that was not rounded


def rates(numbers: Mapping[str, Floats]) -> dict[str, tuple[str, Floats]]:
    """Of columns ``(n,)``, NaN where a value is missing: those that are another times a rate, by name.

    With the other column, and the rates, falling. The column of the two is left out whose logarithm varies more, as it
    has the rate in it; and one that is zero where the other is not.
    """
    found: dict[str, tuple[str, Floats]] = {}
    with np.errstate(all="ignore"):
        some = {name: known(values) for name, values in sorted(numbers.items())}
        steps = {name: last_place(of) for name, of in some.items() if len(of) >= FEWEST and is_small(of)}
        for pair in _candidates(steps, numbers):
            for made, other in _by_spread(*pair, numbers):
                if made not in found and other not in found:
                    own = _rates_of(numbers[made], numbers[other], steps[made], steps[other])
                    found |= {made: (other, own)} if len(own) > 1 else {}
    return found


def _candidates(steps: Mapping[str, float], numbers: Mapping[str, Floats]) -> list[tuple[str, str]]:
    """Pairs of columns, of which most ratios in a few rows are as near to another one as rounding makes them."""
    found = []
    for a, b in combinations(steps, 2):
        x, y = np.abs(numbers[a]), np.abs(numbers[b])
        some = np.flatnonzero((x > 0) & (y > 0))[:LOOKED_AT]  # a rate of zero says nothing here
        x, y = x[some], y[some]
        if len(some) > 1:
            near = max(float(np.median(steps[a] / x + steps[b] / y)), PRECISION)
            if (np.diff(np.sort(np.log(x / y))) <= near).mean() >= BESIDE:
                found.append((a, b))
    return found


def _by_spread(a: str, b: str, numbers: Mapping[str, Floats]) -> list[tuple[str, str]]:
    """Which of two columns may be made of which: first the one whose logarithm varies more."""
    both = (numbers[a] > 0) & (numbers[b] > 0)
    spread = {name: float(np.log(numbers[name][both]).std()) if both.any() else 0.0 for name in (a, b)}
    more, less = sorted((a, b), key=lambda name: (spread[name], name), reverse=True)
    return [(more, less), (less, more)]


def _rates_of(made: Floats, other: Floats, step: float, others: float) -> Floats:
    """The rates by which one column makes another, falling; empty where there are none, or too many.

    The row with the largest value that no rate gives yet tells the next one best. ``step``, ``others``: the units of
    the last places of both columns.
    """
    both = np.isfinite(made) & np.isfinite(other)
    made, other = made[both], other[both]
    found: list[float] = []
    left, missed = np.argsort(-np.abs(other), kind="stable"), 0
    while len(left) + missed > (1 - FITS) * len(made):
        if len(found) == MOST or missed > (1 - FITS) * len(made) or other[left[0]] == 0:
            return np.zeros(0)
        rate = float(made[left[0]] / other[left[0]])
        tolerance = step + abs(rate) * others + PRECISION * np.abs(made)
        if float(np.median(tolerance)) > FINE * float(made.std()):
            return np.zeros(0)
        fits = np.abs(made - rate * other)[left] <= tolerance[left]
        fits[0] = True  # it does, but where the rate is beyond all numbers
        if np.count_nonzero(fits) < LEAST * len(made):
            missed += np.count_nonzero(fits)
        else:
            found.append(rate)
        left = left[~fits]
    return np.sort(found)[::-1] if len(np.unique(other)) >= EACH * len(found) else np.zeros(0)
