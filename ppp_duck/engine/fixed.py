"""Sums and choices that are the same on every processor, whatever the order, the width and the fusing of its sums.

Products of matrices are left to BLAS where they cannot round: of factors that are multiples of a power of two, with so
few bits that every product and every sum of products is a whole number below 2^53. Where values do carry rounding, a
choice between them is the first of those that are equal up to it.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Bools, Floats, Ints

EXACT = 53  # bits of a whole number that a double holds
SETTLED = 32  # bits that are left of what rounding has touched: far above rounding, far below what a choice is made by
APART = 2.0**-23  # of the mean eigenvalue: what tells eigenvectors of equal eigenvalues apart, feature by feature
FAR = 1000  # exponents up to which a power of two and its reciprocal are doubles
AXIS = 24  # bits after the point of an axis
STRIP = 256  # features that are summed at once


def on_grid(x: Floats, bits: int, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Values rounded to ``bits`` bits of the largest one, of all or of each along ``axis``."""
    lowest, highest = (side(axis=axis, keepdims=axis is not None, initial=0.0) for side in (x.min, x.max))
    power = bits - np.frexp(np.maximum(highest, -lowest))[1]
    if np.any(np.abs(power) > FAR):
        return np.asarray(np.ldexp(np.rint(np.ldexp(x, power)), -power))
    found = np.asarray(x * np.ldexp(1.0, power))  # the same, five times as fast
    np.rint(found, out=found)
    found *= np.ldexp(1.0, -power)
    return found


def settled(x: Floats) -> Floats:
    """Values without what rounding may have done to them: those equal but for rounding become equal."""
    return on_grid(x, SETTLED)


def free_bits(terms: int) -> int:
    """Bits of numbers of which so many have an exact sum."""
    return EXACT - int(terms).bit_length()


def factor(x: Floats, terms: int) -> Floats:
    """Matrices ``(..., m, p)`` on grids of their own, of so few bits that sums of so many products are exact."""
    return on_grid(x, free_bits(terms) // 2, (-2, -1))


def product(a: Floats, b: Floats) -> Floats:
    """``a (..., m, p) @ b (..., p, n)``, of rounded factors: exact. What is a ``factor`` already stays as it is."""
    terms = a.shape[-1]
    return np.asarray(factor(a, terms) @ factor(b, terms))


def total(weights: Floats, x: Floats | Bools) -> Floats:
    """``weights (n,) @ x (n, d)``, row by row: not by BLAS."""
    blocks = [x[:, lo : lo + STRIP] for lo in range(0, max(x.shape[1], 1), STRIP)]  # products need little memory
    return np.concatenate([(weights[:, None] * block).sum(axis=0) for block in blocks])


def eigen(covariance: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, ascending, and vectors of symmetric matrices ``(..., d, d)``, on a grid.

    Vectors of equal eigenvalues are any that LAPACK comes upon. So each feature's variance is raised a little, each by
    another share: then they are no longer equal.
    """
    d = covariance.shape[-1]
    mean = np.einsum("...ii->...", covariance)[..., None] / max(d, 1)
    raised = mean * (APART * (np.sqrt(2.0 + np.arange(d)) % 1.0))
    value, vector = np.linalg.eigh(covariance + raised[..., None] * np.eye(d))
    return settled(value), np.asarray(np.ldexp(np.rint(np.ldexp(vector, AXIS)), -AXIS))


def first_largest(values: Floats, slack: float | Floats) -> Ints:
    """Index of the first of each column of ``values (k, n)`` that is the largest, or less by ``slack`` at most."""
    return np.asarray(np.argmax(values >= values.max(axis=0) - slack, axis=0), dtype=np.int64)
