"""Sums that do not depend on the order of their terms: exact, and rounded once at the end.

Every double is a whole number times a power of two. It is cut into parts of ``WIDTH`` bits, multiples of one unit each:
``(x + c) - c`` rounds x to multiples of the unit of c, and takes away exactly that (Rump, Ogita & Oishi, Accurate
floating-point summation, 2008). So few numbers of so few bits are added as doubles without an error, in any order, and
the sums of all blocks as integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppp_duck.models.model import Bools, Floats, Ints

WIDTH = 40  # bits of a part
BLOCK = 1 << 11  # terms at once: the sum of their parts stays below 2^53, where doubles count exactly
SLACK = 4  # powers of two by which later terms may be larger than the first ones, without one part more
BLOCKS = 1 << 10  # whose sums, below 2^53 each, a 64-bit integer holds
EXTREME = 2.0**400  # terms beyond, or below its inverse, are scaled first: so are their squares and parts within range
SCALING = 600
FARTHEST = 1000  # power of two above all terms: beyond it are the units of lines that have none here

FIRST = np.zeros(1, dtype=np.int64)
Objects = NDArray[np.object_]  # Python integers: no sum is too large


class ExactSums:
    """``groups`` x ``lines`` sums of terms, in any order and any portions; of the last lines also sums of squares."""

    def __init__(self, groups: int, lines: int = 1, squared: int = 0) -> None:
        self._groups, self._lines, self._squared = groups, lines, squared
        self._parts = _Parts(groups, lines + 2 * squared)
        self._degrees = np.repeat([1, 2], [lines, 2 * squared])

    def add(self, owner: Ints, terms: Floats) -> None:
        """Add ``terms[j, i]``, finite, to sum j of group ``owner[i]``: owner (n,), terms (lines, n), or (n,) of one."""
        if not self._lines:
            return
        owner = owner.astype(np.uint16) if self._groups < 1 << 16 else owner  # small integers are sorted quickly
        terms = terms.reshape(self._lines, -1)
        squared = slice(self._lines - self._squared, self._lines)
        for lo in range(0, len(owner), BLOCK):
            own = owner[lo : lo + BLOCK]
            order = np.argsort(own, kind="stable")
            own = own[order]
            starts = np.concatenate([FIRST, np.flatnonzero(own[1:] != own[:-1]) + 1])
            lines = np.empty((self._lines + 2 * self._squared, len(own)))  # terms, squares, what rounding took of them
            np.take(terms[:, lo : lo + BLOCK], order, axis=1, out=lines[: self._lines], mode="clip")
            for part, power in _by_size(lines, self._lines):
                _square(part[squared], *np.split(part[self._lines :], 2))
                self._parts.add(own[starts], starts, part, power * self._degrees)

    def exact(self) -> list[Fraction]:
        """The sums as fractions, of each group one line after the other."""
        found: list[Fraction] = self._parts.exact()[:, : self._lines].ravel().tolist()
        return found

    def exact_squares(self) -> list[Fraction]:
        """The sums of squares, in the same order."""
        square, rest = np.split(self._parts.exact()[:, self._lines :], 2, axis=1)
        found: list[Fraction] = (square + rest).ravel().tolist()
        return found

    def rounded(self) -> Floats:
        """The sums, each rounded once."""
        return np.array([float(one) for one in self.exact()])


class _Parts:
    """Sums of ``groups`` x ``lines``, part by part; there are parts for the range in use only."""

    def __init__(self, groups: int, lines: int) -> None:
        self._shape = groups, lines
        self._unit: Ints = np.zeros(lines, dtype=np.int64)  # part 0 of a line is in multiples of 2^unit
        self._begun: Bools = np.zeros(lines, dtype=bool)
        self.sums: dict[int, Ints] = {}  # of part t, in multiples of 2^(unit + WIDTH * t)
        self._before: dict[int, Objects] = {}  # the same of blocks before, as Python's integers
        self._blocks = 0

    def add(self, groups: Ints, starts: Ints, terms: Floats, powers: Ints) -> None:
        """Add ``terms * 2^powers``, which are lost: part by part from the largest down, until nothing is left.

        The terms of each of the ``groups`` are side by side, from one of the ``starts`` on; ``powers`` are of lines.
        """
        largest = np.maximum(np.maximum.reduce(terms, axis=1), -np.minimum.reduce(terms, axis=1))
        there = largest > 0
        if not there.any():
            return
        self._blocks += 1
        if self._blocks == BLOCKS:
            self._gather()
        exponent = np.frexp(largest)[1] + powers
        new = ~self._begun & there
        self._unit[new], self._begun = exponent[new] + SLACK - WIDTH, self._begun | new
        above = (exponent - self._unit)[there].max()
        part = int(-(-above // WIDTH)) - 1
        lines, whole = np.arange(len(terms)), np.empty_like(terms)
        while len(lines):
            unit = self._unit[lines] + WIDTH * part - powers[lines]
            middle = np.ldexp(1.5, np.minimum(unit + 52, FARTHEST))[:, None]
            np.add(terms, middle, out=whole)
            whole -= middle
            terms -= whole
            sums = np.ldexp(np.add.reduceat(whole, starts, axis=1).T, -unit)
            if part not in self.sums:
                self.sums[part] = np.zeros(self._shape, dtype=np.int64)
            self.sums[part][groups[:, None], lines] += sums.astype(np.int64)
            part -= 1
            left = terms.any(axis=1)
            if not left.all():
                lines, terms = lines[left], terms[left]
                whole = whole[: len(lines)]

    def _gather(self) -> None:
        """Add the sums of the blocks to those of the blocks before."""
        for part, sums in self.sums.items():
            self._before[part] = self._before.get(part, 0) + sums.astype(object)
        self.sums, self._blocks = {}, 0

    def exact(self) -> Objects:
        """The sums (groups, lines) as fractions."""
        self._gather()
        lowest = min(self._before, default=0)
        total: Objects = np.zeros(self._shape, dtype=object)
        for part, sums in self._before.items():
            total = total + sums * (1 << WIDTH * (part - lowest))
        units = np.array([Fraction(2) ** (WIDTH * lowest + unit) for unit in self._unit.tolist()], dtype=object)
        found: Objects = total * units + Fraction(0)
        return found


def _square(terms: Floats, square: Floats, rest: Floats) -> None:
    """Put the squares of terms into ``square``, and exactly what rounding took into ``rest`` (Dekker 1971)."""
    np.multiply(terms, terms, out=square)
    high = terms * 134_217_729.0  # 2^27 + 1
    high -= high - terms
    low = terms - high
    np.multiply(high, high, out=rest)
    rest -= square
    high *= low
    rest += high
    rest += high
    low *= low
    rest += low


def _by_size(lines: Floats, own: int) -> Iterator[tuple[Floats, int]]:
    """The lines, in whose ``own`` first ones extreme terms are 0; and each kind of these, scaled by ``2^-power``."""
    terms = lines[:own]
    size = np.abs(terms)
    if size.max(initial=0.0) < EXTREME and size.min(initial=EXTREME) >= 1 / EXTREME:
        yield lines, 0
        return
    small, large = size < 1 / EXTREME, size >= EXTREME
    if not large.any() and not (small & (size > 0)).any():
        yield lines, 0
        return
    kept = terms.copy()
    for kind, power in ((~(small | large), 0), (large, SCALING), (small, -SCALING)):
        np.copyto(terms, np.ldexp(np.where(kind, kept, 0.0), -power))
        yield lines, power


DIGIT = 10  # bits of a digit of a weight
NEAR = 2.0**41  # of terms up to this, times a digit, the sum of ``FEW`` is below 2^63
FEW = 1 << 11
_exactly = np.frompyfunc(int, 1, 1)


def rounded_sums(
    terms: Floats, starts: Ints, counts: Ints | None = None, fraction: int = 0, far: bool = True
) -> Objects:
    """Sums ``(t, g)`` of each line of ``terms (t, n)``, rounded to multiples of ``2^-fraction``, in that unit.

    The columns of a sum follow each other, the j-th from ``starts[j]`` on. Each column counts ``counts[i]`` times, from
    0 to 2^50. What a term adds depends on itself alone, and whole numbers have the same sum in every order. Not ``far``
    means: no term is beyond ``NEAR`` and no sum has more than ``FEW`` of them. The result is the same, sooner.
    """
    scale = 2.0**fraction
    parts: list[tuple[int, NDArray[Any]]]
    digits: list[tuple[int, NDArray[Any] | None]] = [(0, None)]
    if far:
        parts = [(0, np.asarray(_exactly(np.rint(terms * scale)), dtype=object))]
        if counts is not None:
            digits = [(0, counts.astype(object))]
    else:
        whole = np.rint(terms)
        parts = [(fraction, whole.astype(np.int64))]
        if fraction:
            parts.append((0, np.rint((terms - whole) * scale).astype(np.int64)))
        if counts is not None:
            places = range(0, int(counts.max(initial=0)).bit_length(), DIGIT)
            digits = [(place, (counts >> place) & ((1 << DIGIT) - 1)) for place in places]
    total = np.zeros((len(terms), len(starts)), dtype=object)
    for power, numbers in parts:
        for place, digit in digits:
            if digit is None or digit.any():
                found = np.add.reduceat(numbers if digit is None else numbers * digit, starts, axis=1)
                total += found.astype(object) << (power + place)
    return total
