"""Numbers that were joined to rows: those of a customer beside each order, of a shop beside each sale.

The rows of one customer tell of him once. So there are as many observations as customers, or each becomes a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppp_duck.features.determined import Values

FEWEST = 100  # different values of a number that can stand for what was joined; fewer are no evidence for anything
OFTEN = 2  # rows that at least half of these values have: few prices come back often, and all others once
TIES = 1.25  # values of two numbers together, for each of the first: some customers share one
TOLD = 12  # different values of the other number at least
MOSTLY = 0.5  # share of the rows of one value that agree in another column with the next one, to look closer
SAME = 0.95  # correlation of ranks from which both numbers are one quantity, told twice


def joined_by(columns: Sequence[Values]) -> str | None:
    """Of numbers, in some rows, the one of fewest values that nearly determines another one; None where none does.

    Both come back with the same rows, as what is known of one customer.
    """
    numbers = [one for one in columns if one.numbers is not None and one.count >= TOLD]
    keys = [one for one in numbers if one.count >= FEWEST and _comes_back(one)]
    codes = np.array([one.codes for one in numbers])
    for key in sorted(keys, key=lambda one: (one.count, one.name)):
        order = np.argsort(key.codes, kind="stable")
        beside = np.flatnonzero(np.diff(key.codes[order]) == 0)  # rows of one value, next to each other
        alike = (codes[:, order[beside]] == codes[:, order[beside + 1]]).mean(axis=1) >= MOSTLY
        others = [other for other, may in zip(numbers, alike, strict=True) if may and other.name != key.name]
        if any(_come_together(key, other) for other in others):
            return key.name
    return None


def _comes_back(one: Values) -> bool:
    return bool(np.median(np.bincount(one.codes[one.codes >= 0])) >= OFTEN)


def _come_together(key: Values, other: Values) -> bool:
    """Whether a number nearly determines another one that is not the same quantity."""
    pairs = np.unique(key.codes * np.int64(other.count + 1) + other.codes)
    if len(pairs) > TIES * key.count:
        return False
    both = (key.codes >= 0) & (other.codes >= 0)
    a, b = (np.searchsorted(np.sort(one.codes[both]), one.codes[both]) for one in (key, other))
    return bool(both.any() and np.ptp(a) > 0 and np.ptp(b) > 0 and abs(float(np.corrcoef(a, b)[0, 1])) < SAME)
