"""Whether few numbers are a rating, 1 to 5, or codes in no order: by how they go with other columns.

What rises and falls with others is a rating, and a number. Where classes of rows prefer certain answers, whatever
these are, the order of the answers tells next to nothing of what the columns tell of each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppp_duck.engine.rows import FEW_VALUES
from ppp_duck.features.determined import Values
from ppp_duck.features.scale import FEW_LEVELS
from ppp_duck.models.model import Floats, Ints

# Share of what columns tell of each other that their order is to tell, of one rating and of all together. Of codes it
# is 0 to 0.28, of ratings 0.6 to 1, in some tables of few columns 0.2.
ORDER, OF_ALL = 0.12, 0.3
SURE = 3.0  # standard deviations above chance, from which they tell something at all
MOST, PARTS = 12, 5  # values of another column that are told apart; else it is cut into so many parts of equal size


def without_order(columns: Sequence[Values]) -> frozenset[str]:
    """The columns of more than ``FEW_LEVELS`` and at most ``FEW_VALUES`` numbers whose order tells little of others."""
    coded = {one.name: one.codes if one.count <= MOST else _parts(one.codes) for one in columns}
    texts = {one.name for one in columns if one.numbers is None}
    ratings = [one for one in columns if one.numbers is not None and FEW_LEVELS < one.count <= FEW_VALUES]
    sums = {}
    for one in ratings:
        of = [_told(one.codes, coded[other.name], other.name in texts) for other in columns if other.name != one.name]
        told, ordered, chance = (sum(part) for part in zip(*of, strict=True)) if of else (0.0, 0.0, 0.0)
        if told > SURE * float(np.sqrt(2 * chance)):
            sums[one.name] = told, ordered
    are_codes = sum(ordered for _, ordered in sums.values()) < OF_ALL * sum(told for told, _ in sums.values())
    return frozenset(name for name, (told, ordered) in sums.items() if are_codes or ordered < ORDER * told)


def _parts(codes: Ints) -> Ints:
    """Codes of ``PARTS`` parts of about equal size, in the order of the codes."""
    there = codes >= 0
    below = np.cumsum(np.bincount(codes[there]))
    return np.where(there, (below[codes] - 1) * PARTS // max(int(below[-1]), 1), -1)


def _told(one: Ints, other: Ints, is_text: bool) -> tuple[float, float, float]:
    """Nats, twice, that two columns tell of each other beyond chance; those of their order; the degrees of freedom.

    All of it is the G statistic of the table of both; the order's is that of two Gaussians of the same correlation. A
    text has no order: of that every value may have its own mean.
    """
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return 0.0, 0.0, 0.0
    height, width = int(one.max()) + 1, int(other.max()) + 1
    table = np.bincount(one[both] * width + other[both], minlength=height * width).reshape(height, width)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n, free = float(table.sum()), float((len(table) - 1) * (table.shape[1] - 1))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    statistic = 2 * float((table * np.log(np.maximum(table, 1) / expected)).sum())
    explained, means = _explained(table.astype(np.float64), is_text)
    return statistic - free, -n * float(np.log(max(1 - explained, 1e-12))) - means, free


def _explained(table: Floats, is_text: bool) -> tuple[float, float]:
    """Share of the variance of the rows of a table of counts that its columns explain, and by how many numbers."""
    n, x, y = table.sum(), np.arange(len(table)), np.arange(table.shape[1])
    x = x - table.sum(axis=1) @ x / n
    variance = float(table.sum(axis=1) @ x**2)
    if not variance > 0:
        return 0.0, 0.0
    if is_text:
        return float(((x @ table) ** 2 / table.sum(axis=0)).sum()) / variance, len(y) - 1.0
    y = y - table.sum(axis=0) @ y / n
    squares = float(table.sum(axis=0) @ y**2)
    return (float(x @ table @ y) ** 2 / (variance * squares) if squares > 0 else 0.0), 1.0
