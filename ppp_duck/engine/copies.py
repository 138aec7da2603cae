"""Rows that a table holds more often than their values explain: what is known of a customer beside each order.

Copies say no more of the density around a row than the row does, and each row would be a cluster. Rows on grids are
equal by chance, too: a row may be there as often as chance would bring its values together, TOGETHER times per column.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.canonical import content_keys
from ppp_duck.engine.rows import are_counts
from ppp_duck.models.model import Floats

# How much more often than by chance a value may go with those before it. Answers, flags, counts and categories of
# groups and of none had no copies in 90 tables; tables whose rows come twice at random had.
TOGETHER = 5.0
SHARE = 0.2  # of the rows that are copies, from which they do not count
FEWEST = 10  # as how many rows with equally many copies they are at least: each of fewer may be a group
BLOCK = 8  # columns after which it is asked whether rows repeat at all: mostly the first ones tell


def without_copies(points: Floats, weights: Floats) -> Floats | None:
    """What rows ``(n, d)`` count if copies do not; None where few rows are copies. Values may be NaN.

    Equal rows have the sum of their weights. Of one column nobody can tell.
    """
    n, d = points.shape
    if n == 0 or d < 2:
        return None
    times = weights if are_counts(weights) else weights / weights.min()  # of a sample, those of the least weight once
    total = float(times.sum())
    keys = np.zeros(n)
    for at in range(0, d, BLOCK):
        keys = content_keys(np.column_stack([keys, points[:, at : at + BLOCK]]))
        if len(np.unique(keys)) > (1 - SHARE) * total:
            return None
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    mass = np.bincount(which, times)
    expected = np.log(total) + (d - 1) * np.log(TOGETHER) + _log_chance(points[first], mass / total)
    kept = np.minimum(mass, np.rint(np.exp(np.clip(expected, 0.0, np.log(total)))))
    copies = mass - kept
    if copies.sum() < SHARE * total or copies.sum() ** 2 < FEWEST * (copies**2).sum():
        return None
    return np.asarray(weights * (kept / mass)[which])


def _log_chance(rows: Floats, shares: Floats) -> Floats:
    """Log probability (n,) that a row has the values of a distinct row, column by column, by all other rows.

    The row itself counts as much as the others with that value at most.
    """
    found = np.zeros(len(rows))
    with np.errstate(divide="ignore"):
        for column in rows.T:
            value = np.unique(column, return_inverse=True)[1]
            others = np.maximum(np.bincount(value, shares)[value] - shares, 0.0)
            found += np.log(others + np.minimum(shares, others))
    return found
