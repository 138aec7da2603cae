"""Rows in an order of their own, keys and samples by content: what makes a fit a function of the multiset of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppp_duck.models.model import Floats, Ints

LOWEST, HIGHEST = -60, 60  # exponents of the heaviest row's weight that are taken as they are
SATURATED = 40  # the exponent of the heaviest of large weights: more repeats of a row make no difference
LIGHTEST = 1e-9  # of the heaviest row's weight: a million such rows are a thousandth of the mass

Progress = Callable[[str, int], None]  # told the stage and its k; may raise, which ends the fit


def canonical_rows(rows: Floats, weights: Floats | None, holes: bool = False) -> tuple[Floats, Floats]:
    """Distinct rows in lexicographic order, and the sum of the weights of each.

    Rows ``(n, d)`` may come in any order and repeat; weight 2 means the row twice, weight 0 that it is not there.
    Weights that sum to less than the number of distinct rows (survey weights) are scaled to an average of 1.
    ``holes``: a value may be NaN, which is missing, equal to itself and the last in order.
    """
    rows = np.add(rows, 0.0, dtype=np.float64, order="C")  # -0.0 + 0.0 is 0.0
    if holes:
        if np.isinf(rows).any():
            raise ValueError("rows must be finite or missing")
        rows = np.where(np.isnan(rows), np.finfo(np.float64).max, rows)  # a number, to sort by
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("rows must be a finite (n, d) matrix")
    n = len(rows)
    mass = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if mass.shape != (n,) or not np.isfinite(mass).all() or (mass < 0).any():
        raise ValueError(f"weights must be {n} finite numbers, none negative")
    if not (mass > 0).all():
        rows, mass = rows[mass > 0], mass[mass > 0]
        n = len(rows)
    if n == 0:
        raise ValueError("no row has a positive weight")
    order = np.argsort(rows[:, 0])  # in any order among equals, which is settled next
    value = rows[order, 0]
    begins = np.append(True, value[1:] != value[:-1])  # where a row differs from the one before
    for column in (*rows.T[1:], mass):  # the weight is the last key, so that equal rows are summed in one order
        tied = np.flatnonzero(~(begins & np.append(begins[1:], True)))  # positions whose order is still open
        if not len(tied):
            break
        order[tied] = order[tied][np.lexsort((column[order[tied]], np.cumsum(begins)[tied]))]
        if column is not mass:
            value = column[order[tied]]
            begins[tied[1:]] |= value[1:] != value[:-1]
    start = np.flatnonzero(begins)
    mass = np.add.reduceat(mass[order], start)
    if mass.sum() < len(start):
        mass *= len(start) / mass.sum()
    rows = rows[order[start]]
    if holes:
        rows[rows == np.finfo(np.float64).max] = np.nan
    return rows, mass


def moderate(weights: Floats) -> tuple[Floats, float]:
    """Weights whose squares and products stay in the range of doubles; and what masses are to be multiplied by again.

    That is a power of two, 1 but for very large weights: small ones are scaled to an average of 1 anyway.
    """
    with np.errstate(over="ignore"):
        if np.isfinite(weights).all() and not np.isfinite(weights.sum()):
            raise ValueError("weights must have a finite sum")
    exponent = int(np.frexp(weights.max(initial=0.0))[1])
    if exponent > HIGHEST:
        return np.ldexp(weights, SATURATED - exponent), float(np.ldexp(1.0, exponent - SATURATED))
    return (np.ldexp(weights, -exponent) if exponent < LOWEST else weights), 1.0


def distinguishable(weights: Floats) -> Floats:
    """The same, but no row is lighter than ``LIGHTEST`` of the heaviest: sums over rows would not see it at all."""
    return np.asarray(np.maximum(weights, LIGHTEST * weights.max()))


def silent(_stage: str, _k: int) -> None:
    """The progress of a fit that nobody watches."""


def content_keys(rows: Floats) -> Floats:
    """A number in (0, 1] for each row, from a hash of its content.

    The bits of each feature are mixed into the hash with the finalizer of SplitMix64 (Steele, Lea & Flood, Fast
    splittable pseudorandom number generators, 2014): integer arithmetic modulo 2^64, the same on every machine.
    """
    found: NDArray[np.uint64] = np.zeros(len(rows), dtype=np.uint64)
    for column in (rows + 0.0).T:  # -0 becomes 0
        found += np.ascontiguousarray(column).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
    return (found.astype(np.float64) + 1.0) / 2.0**64


def content_sample(rows: Floats, weights: Floats, size: int) -> tuple[Ints, Floats]:
    """``size`` of the rows by a hash of their content, and weights that make up for the rest.

    Priority sampling (Duffield, Lund, Thorup 2007): a row's priority is weight / u, u in (0, 1] from its hash; the
    highest priorities stay, with weight max(weight, the highest priority that did not). Then the total is restored.
    """
    priority = weights / content_keys(rows)
    threshold = np.partition(priority, len(rows) - size - 1)[len(rows) - size - 1]
    stays = priority > threshold
    stays[np.flatnonzero(priority == threshold)[: size - np.count_nonzero(stays)]] = True  # of equals the first
    keep = np.flatnonzero(stays)
    mass = np.maximum(weights[keep], threshold)
    return keep, mass * (weights.sum() / mass.sum())
