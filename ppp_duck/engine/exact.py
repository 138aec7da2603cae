"""Sums that do not depend on the order of their terms: exact, and rounded once at the end.

Every double is a whole number times a power of two. The whole numbers are added as integers, in one bin for every eight
powers of two (a small superaccumulator; Neal, Fast exact summation using small and large superaccumulators, 2015).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ppp_duck.model import Floats, Ints

HALF = 27  # bits of the lower part of a 53-bit mantissa
STEP = 8  # powers of two that share a bin
LEAST = -1128  # multiple of STEP, not above the exponent of the last bit of the smallest double
BINS = (1024 - LEAST) // STEP + 1
BLOCK = 1 << 15  # terms at once: their sum in a bin stays below 2^53, where doubles count exactly


class ExactSums:
    """``size`` sums; ``add`` may be called in any order and any portions."""

    def __init__(self, size: int) -> None:
        self._bins = np.zeros((2, size * BINS), dtype=np.int64)
        self._size = size

    def add(self, places: Ints, terms: Floats) -> None:
        """Add ``terms[i]``, finite, to sum ``places[i]``; both ``(n,)``."""
        for start in range(0, len(terms), BLOCK):
            mantissa, exponent = np.frexp(terms[start : start + BLOCK])
            whole = np.ldexp(mantissa, 53).astype(np.int64)
            shift, place = (exponent - 53 - LEAST) % STEP, (exponent - 53 - LEAST) // STEP
            index = places[start : start + BLOCK] * BINS + place
            used, at = np.unique(index, return_inverse=True)
            for part, number in enumerate((whole >> HALF, whole & ((1 << HALF) - 1))):
                shifted = (number << shift).astype(np.float64)
                self._bins[part, used] += np.bincount(at, shifted, len(used)).astype(np.int64)

    def add_squares(self, places: Ints, terms: Floats) -> None:
        """Add the squares of ``terms``, exactly: as the rounded square and what rounding took (Dekker 1971).

        Exact for terms between 1e-140 and 1e150 in size, and zero.
        """
        square = terms * terms
        split = terms * 134_217_729.0  # 2^27 + 1
        high = split - (split - terms)
        low = terms - high
        rest = ((high * high - square) + 2 * high * low) + low * low
        self.add(places, square)
        self.add(places, rest)

    def exact(self) -> list[Fraction]:
        """The sums as fractions."""
        found = []
        powers = [Fraction(2) ** (LEAST + STEP * place) for place in range(BINS)]
        high, low = self._bins.reshape(2, self._size, BINS)
        for total in range(self._size):
            whole = Fraction(0)
            for place in np.flatnonzero(high[total] | low[total]).tolist():
                whole += ((int(high[total, place]) << HALF) + int(low[total, place])) * powers[place]
            found.append(whole)
        return found

    def rounded(self) -> Floats:
        """The sums, each rounded once."""
        return np.array([float(one) for one in self.exact()])
