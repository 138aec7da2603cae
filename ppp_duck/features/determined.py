"""Columns that another column determines: the state of a city, the code of a country, the band of an age.

Such a column tells nothing that the other does not, and a mixture whose features are independent within a component
would need a component for each of its values: so it would cut along them, whatever the other columns say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations

import numpy as np

from ppp_duck.models.model import Floats, Ints

EXCEPTIONS = 0.02  # of as many as chance would make: rows that may contradict, as a city's name in two states does
FEWEST = 20.0  # exceptions that chance would make: with fewer expected, none seen says little
WIDE, APART = 0.99, 5  # a gap is wider than such a share of all within bands, and so many times their median
MOST_OF_IT = 0.5  # of the entropy of a text's frequent values
FEW = 20  # values of a number that are compared one by one; more are an order, along which bands and other orders lie
OF_A_UNIT = 10  # rows of a value, on average, from which it is a unit (a week) and what it determines are facts of it
REPEATED = 5  # rows of a value, on average, of what may be a band
FIRST = ((64, 4), (512, 2))  # rows that are looked at before all, and how many times the exceptions they may have

Test = Callable[[Ints, Ints], tuple[int, float]]  # codes of both columns (n,) -> exceptions, and how many by chance


@dataclass(frozen=True)
class Values:
    """The values of a column in some rows."""

    name: str
    codes: Ints  # (n,) equal where values are equal, from 0 up in their order; -1 where there is none
    numbers: Floats | None = None  # (n,) NaN where there is none; None for texts

    @cached_property
    def count(self) -> int:
        return int(self.codes.max(initial=-1)) + 1

    @cached_property
    def entropy(self) -> float:
        """In nats, of the values that are there."""
        known = self.codes[self.codes >= 0]
        share = np.bincount(known) / max(len(known), 1)
        return -float((share[share > 0] * np.log(share[share > 0])).sum())

    def frequent(self, most: int) -> Values:
        """The most frequent values, the others as one."""
        known = self.codes >= 0
        order = np.argsort(-np.bincount(self.codes[known]), kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.minimum(np.arange(len(order)), most)
        return replace(self, codes=np.where(known, place[self.codes], -1))


def determined(columns: Sequence[Values], most: int) -> dict[str, tuple[str, str]]:
    """The columns that one of the others determines, by name: which one that is, and why it is left out.

    Of two that determine each other a text stays rather than a number, and the first by name. A text of more values
    than ``most`` is seen as its frequent ones only, which determine less. It is left out itself where it determines a
    column that says half as much or more.
    """
    ordered = sorted(columns, key=lambda one: (one.numbers is not None, one.name))
    left_out: dict[str, tuple[str, str]] = {}
    for fine in (one for one in ordered if one.numbers is None and one.count > most):
        seen = fine.frequent(most)
        coarse = [one for one in ordered if one.count <= most and _determines(fine, one)]
        best = max(coarse, key=lambda one: one.entropy, default=None)
        if best is not None and best.entropy >= MOST_OF_IT * seen.entropy:
            left_out[fine.name] = best.name, f"a finer name of {best.name}: {fine.count:,} values for {best.count:,}"
        ordered[ordered.index(fine)] = seen
    for one, other in permutations(ordered, 2):  # both ways, that which keeps the first of the two before
        if one.name not in left_out and other.name not in left_out and _determines(one, other):
            left_out[other.name] = one.name, f"{one.name} determines it"
    return left_out


def _determines(one: Values, other: Values) -> bool:
    """Whether each value of one column goes with one value of the other, but for few rows, and not by chance."""
    both = np.flatnonzero((one.codes >= 0) & (other.codes >= 0))
    test = _test(one, other, len(both))
    if test is None:
        return False
    for rows, allowed in (*((both[:some], by * EXCEPTIONS) for some, by in FIRST), (both, EXCEPTIONS)):
        exceptions, expected = test(one.codes[rows], other.codes[rows])
        if exceptions > allowed * expected:
            return False
    if test is _changes and one.numbers is not None and _are_apart(one.numbers[both], other.codes[both]):
        return False
    return expected >= FEWEST


def _test(one: Values, other: Values, n: int) -> Test | None:
    """What can tell of ``n`` rows whether one column determines the other; None where nothing can."""
    if one.numbers is None or one.count <= FEW or one.count * OF_A_UNIT <= n:
        return _exceptions
    return _changes if other.count * REPEATED <= n else _turns if other.numbers is not None else None


def _differ(y: Ints) -> float:
    """The probability that two rows have different values."""
    return 1.0 - float(((np.bincount(y) / len(y)) ** 2).sum()) if len(y) else 0.0


def _exceptions(x: Ints, y: Ints) -> tuple[int, float]:
    """Rows that have not the value of ``y`` that most rows of their value of ``x`` have, and as many by chance."""
    _, most = _along(x, y)
    return len(x) - int(most.sum()), (len(x) - len(most)) * _differ(y)


def _changes(x: Ints, y: Ints) -> tuple[int, float]:
    """Also how often ``y`` changes along ``x`` beyond once for each value, as a band does; this by chance."""
    along, most = _along(x, y)
    values = len(np.unique(along))
    changes = int(np.count_nonzero(along[1:] != along[:-1])) + 1 - values
    return len(x) - int(most.sum()) + changes, max(len(along) * _differ(along) + 1 - values, 0.0)


def _are_apart(x: Floats, y: Ints) -> bool:
    """Whether values of ``x`` lie apart where ``y`` changes, as between clusters. A band ends where they are as close
    as elsewhere.
    """
    order = np.argsort(x, kind="stable")
    gaps, changes = np.diff(x[order]), np.diff(y[order]) != 0
    within = gaps[~changes]
    if not (len(within) and changes.any()):
        return False
    return bool(np.median(gaps[changes]) > max(np.quantile(within, WIDE), APART * np.median(within)))


def _turns(x: Ints, y: Ints) -> tuple[int, float]:
    """Also the steps along ``x`` in which ``y`` does not go its way; these by chance."""
    along, most = _along(x, y)
    steps = np.diff(along)
    ups, downs = int(np.count_nonzero(steps > 0)), int(np.count_nonzero(steps < 0))
    return len(x) - int(most.sum()) + min(ups, downs), (ups + downs) / 2


def _along(x: Ints, y: Ints) -> tuple[Ints, Ints]:
    """For each value of ``x``, in order: the value of ``y`` that most of its rows have, and how many these are."""
    size = int(y.max(initial=0)) + 1
    pairs, times = np.unique(x * size + y, return_counts=True)
    order = np.lexsort((-times, pairs // size))
    first = np.flatnonzero(np.diff(pairs[order] // size, prepend=-1))
    return pairs[order][first] % size, times[order][first]
