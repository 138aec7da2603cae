"""How sharp the peaks of each number are: a number whose rows lie in narrow peaks tells groups apart.

A number is cut where its counts in equal bins speak most for a valley (``line.valley``), and each part again, until
none does.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine import line
from ppp_duck.engine.mixture import tempered
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Floats

# Nats that must speak for a valley, at the best of some fifty places: 300 evenly spread values have one with 5. One too
# many makes no cluster, it turns the search to where there is none.
BAR = 8.0
SHARPEST = 16.0  # a number without peaks is not forgotten
DISTINCT = 2 * line.BINS  # values of a part that is cut again: steps of a grid are no peaks


def sharpness(rows: Rows) -> Floats:
    """``(d,)`` standard deviation of each number in all rows over that within its peaks, as a power of two.

    1 where a number has no valley. Powers of two, so that last bits decide next to nothing.
    """
    worth = tempered(rows.observations) / float(rows.weights.sum())
    return np.array([_sharpness(column, rows.weights, worth) for column in rows.complete_view[:, : rows.x.shape[1]].T])


def _sharpness(column: Floats, weights: Floats, worth: float) -> float:
    order = np.argsort(column, kind="stable")
    values, weights = column[order], weights[order]
    whole = _squares(values, weights)
    within = sum(_squares(values[a:b], weights[a:b]) for a, b in _parts(values, weights * worth))
    ratio = whole / max(within, whole / SHARPEST**2) if whole > 0 else 1.0
    return float(np.exp2(np.rint(0.5 * np.log2(ratio))))


def _squares(values: Floats, weights: Floats) -> float:
    """Sum of squares about the mean."""
    mean = float((weights * values).sum()) / float(weights.sum())
    return float((weights * (values - mean) ** 2).sum())


def _parts(values: Floats, weights: Floats) -> list[tuple[int, int]]:
    """Parts of ascending values between valleys, each its first place and the one after its last."""
    waiting, found = [(0, len(values))], []
    while waiting:
        a, b = waiting.pop()
        at = _valley(values[a:b], weights[a:b])
        if 0 < at < b - a:
            waiting += [(a, a + at), (a + at, b)]
        else:
            found.append((a, b))
    return found


def _valley(values: Floats, weights: Floats) -> int:
    """The place in ascending values from which they lie beyond a valley; 0: there is none."""
    if np.count_nonzero(np.diff(values)) < DISTINCT:
        return 0
    edges = np.searchsorted(values, np.linspace(values[0], values[-1], line.BINS + 1)[1:-1])
    edges = np.concatenate([[0], edges, [len(values)]])
    summed = np.concatenate([[0.0], np.cumsum(weights)])
    return int(edges[line.valley(np.diff(summed[edges]), BAR)])
