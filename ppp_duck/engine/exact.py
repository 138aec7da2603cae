"""Sums that do not depend on the order of their terms: exact, and rounded once at the end.

Every double is a whole number times a power of two. The whole numbers are added as integers, in one bin for every eight
powers of two (a small superaccumulator; Neal, Fast exact summation using small and large superaccumulators, 2015).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppp_duck.models.model import Floats, Ints

HALF = 27  # bits of the lower part of a 53-bit mantissa
STEP = 8  # powers of two that share a bin
BLOCK = 1 << 15  # terms at once: their sum in a bin stays below 2^53, where doubles count exactly


class ExactSums:
    """``size`` sums; ``add`` may be called in any order and any portions. There are bins for the range in use only."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._first = 0  # bin 0 counts multiples of 2^(STEP * first)
        self._bins: Ints = np.zeros((2, size, 0), dtype=np.int64)

    def add(self, places: Ints, terms: Floats) -> None:
        """Add ``terms[i]``, finite, to sum ``places[i]``; both ``(n,)``."""
        self._add(places, terms, np.zeros(len(terms), dtype=np.int64))

    def add_squares(self, places: Ints, terms: Floats) -> None:
        """Add the squares of ``terms``, exactly: as the rounded square and what rounding took (Dekker 1971)."""
        mantissa, exponent = np.frexp(terms)
        square = mantissa * mantissa
        split = mantissa * 134_217_729.0  # 2^27 + 1
        high = split - (split - mantissa)
        low = mantissa - high
        rest = ((high * high - square) + 2 * high * low) + low * low
        twice = 2 * exponent.astype(np.int64)
        self._add(places, square, twice)
        self._add(places, rest, twice)

    def _add(self, places: Ints, terms: Floats, powers: Ints) -> None:
        """Add ``terms[i] * 2^powers[i]``."""
        for start in range(0, len(terms), BLOCK):
            block = slice(start, start + BLOCK)
            mantissa, exponent = np.frexp(terms[block])
            some = mantissa != 0.0
            if not some.any():
                continue
            mantissa, exponent = mantissa[some], exponent[some] + powers[block][some] - 53
            whole = np.ldexp(mantissa, 53).astype(np.int64)
            shift, bins = exponent % STEP, exponent // STEP
            self._cover(int(bins.min()), int(bins.max()))
            width = self._bins.shape[2]
            used, at = np.unique(places[block][some] * width + bins - self._first, return_inverse=True)
            for part, number in enumerate((whole >> HALF, whole & ((1 << HALF) - 1))):
                shifted = (number << shift).astype(np.float64)
                self._bins[part].reshape(-1)[used] += np.bincount(at, shifted, len(used)).astype(np.int64)

    def _cover(self, first: int, last: int) -> None:
        """Make room for bins ``first`` to ``last``."""
        width = self._bins.shape[2]
        if not width:
            self._first = first
        before, after = max(self._first - first, 0), max(last + 1 - self._first - width, 0)
        if before or after:
            self._bins = np.pad(self._bins, ((0, 0), (0, 0), (before, after)))
            self._first -= before

    def exact(self) -> list[Fraction]:
        """The sums as fractions."""
        unit, found = Fraction(2) ** (STEP * self._first), []
        for high, low in zip(self._bins[0], self._bins[1], strict=True):
            whole = 0
            for place in np.flatnonzero(high | low).tolist():
                whole += ((int(high[place]) << HALF) + int(low[place])) << (STEP * place)
            found.append(whole * unit)
        return found

    def rounded(self) -> Floats:
        """The sums, each rounded once."""
        return np.array([float(one) for one in self.exact()])


Objects = NDArray[np.object_]  # Python integers: no sum is too large

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
