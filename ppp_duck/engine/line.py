"""Rows along a line: what speaks for two clusters rather than one, in nats of log likelihood of counts in equal bins.

- ``gain``: the best density that rises and falls on both sides of a valley, against the best that rises and falls once.
  It knows of no shape, and so needs many rows.
- ``fit``: two Gaussians, against the best of smooth shapes with one mode: a plateau with tails (of Gaussians, of
  Laplace, or heavier, each side its own) and a shifted log normal, either way round.
"""

from __future__ import annotations

from math import gamma, log, pi, sqrt

import numpy as np

from ppp_duck.models.model import Floats, Ints

BINS = 48
# Standard deviations of a component that the bins reach beyond its mean; the outer bins collect the rest.
REACH = 2.5
AROUND = 3  # bins to either side of the predicted valley where the rows may have theirs
EDGES = 24  # places where a plateau may begin and end
TAILS = (2.0, 1.0, 0.6)  # exponents of its tails exp(-(t / s)^b)
TAIL_STEPS = 8  # of the fixed point for the widths of both tails
EM_STEPS = 10  # from the mixture's own two Gaussians
VALLEYS = 3  # cuts of all that are looked at, where nothing says where a valley is
LEAST = 0.5  # bins: the least standard deviation, and the least width of a tail
SHIFTS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # eighths of the line between where a log normal begins and the first row

PLACES = np.arange(BINS) + 0.5
_EDGES = np.linspace(0, BINS, EDGES)
_BEGIN, _END = np.triu_indices(EDGES)
_WIDE = _EDGES[_END] - _EDGES[_BEGIN]
_LEFT = [np.maximum(_EDGES[:, None] - PLACES, 0.0) ** b for b in TAILS]
_RIGHT = [np.maximum(PLACES - _EDGES[:, None], 0.0) ** b for b in TAILS]


def gain(counts: Floats, first: int, last: int, valley: int) -> float:
    """Of counts ``(BINS,)`` with modes predicted in the bins ``first`` and ``last``, and a valley between them."""
    up = _rising(counts)
    down = _rising(counts[::-1])[::-1]
    best = -np.inf
    for cut in sorted({min(max(valley + away, first + 1), last) for away in (-AROUND, 0, AROUND)}):
        left = up[: cut + 1] + _rising(counts[:cut][::-1])[::-1]
        right = _rising(counts[cut:]) + down[cut:]
        best = max(best, float(left.max() + right.max()))
    return best - float((up + down).max())


def valley(counts: Floats, bar: float) -> int:
    """The first bin beyond the valley for which most speaks, of counts ``(BINS,)``; or 0, up to ``bar`` nats.

    Looked at are the ``VALLEYS`` bins that lie the most standard errors below the highest on either side.
    """
    up = _rising(counts)
    down = _rising(counts[::-1])[::-1]
    left, right = np.maximum.accumulate(counts)[:-1], np.maximum.accumulate(counts[::-1])[::-1][1:]
    lower = np.minimum(left, right)  # of the highest before and after each cut
    deep = (lower - counts[1:]) / np.sqrt(np.maximum(lower + counts[1:], 1e-300))
    best, found = float((up + down).max()) + bar, 0
    for cut in (1 + np.argsort(-deep, kind="stable")[:VALLEYS]).tolist():
        first = up[: cut + 1] + _rising(counts[:cut][::-1])[::-1]
        second = _rising(counts[cut:]) + down[cut:]
        speaks = float(first.max() + second.max())
        if speaks > best:
            best, found = speaks, cut
    return found


def _rising(counts: Floats) -> Floats:
    """Log likelihood of the best non-decreasing steps on the first 0, 1 ... bins (pool adjacent violators)."""
    steps: list[tuple[float, float, float]] = []  # count, bins and log likelihood of each step
    total, found = 0.0, [0.0]
    for count in counts.tolist():
        bins = 1.0
        while steps and steps[-1][0] * bins >= count * steps[-1][1]:
            more, wide, before = steps.pop()
            count, bins, total = count + more, bins + wide, total - before
        own = count * log(count / bins) if count > 0 else 0.0
        steps.append((count, bins, own))
        total += own
        found.append(total)
    return np.array(found)


def promised(counts: Floats, means: Floats, spreads: Floats, shares: Floats) -> float:
    """The gain of the counts that the two Gaussians of ``fit`` expect: about nothing where they have no valley."""
    _, density = _two_gaussians(counts, means, spreads, shares)
    expected = density * (float(counts.sum()) / float(density.sum()))
    left = np.maximum.accumulate(expected)
    right = np.maximum.accumulate(expected[::-1])[::-1]
    at = int(np.argmax(np.minimum(left, right) - expected))
    return gain(expected, int(np.argmax(expected[: at + 1])), at + int(np.argmax(expected[at:])), at)


def fit(counts: Floats, means: Floats, spreads: Floats, shares: Floats, matters: float) -> float:
    """Of counts ``(BINS,)`` and two Gaussians ``(2,)`` in units of bins; where it is below ``matters``, roughly."""
    two, _ = _two_gaussians(counts, means, spreads, shares)
    one = max(_log_normal(counts), _log_normal(counts[::-1]))
    if two - one <= matters:
        return two - one
    return two - max(one, _plateau(counts))


def _two_gaussians(counts: Floats, means: Floats, spreads: Floats, shares: Floats) -> tuple[float, Floats]:
    """Log likelihood after a short EM, and the density ``(BINS,)``."""
    at = PLACES[:, None]
    for step in range(EM_STEPS + 1):
        density = shares / spreads * np.exp(-0.5 * ((at - means) / spreads) ** 2) / sqrt(2 * pi)
        total = np.maximum(density.sum(axis=1), 1e-12)
        if step == EM_STEPS:
            break
        soft = density * (counts / total)[:, None]
        mass = np.maximum(soft.sum(axis=0), 1e-9)
        shares, means = mass / mass.sum(), PLACES @ soft / mass
        spreads = np.sqrt(np.maximum((soft * (at - means) ** 2).sum(axis=0) / mass, LEAST**2))
    return float(counts @ np.log(total)), total


def _plateau(counts: Floats) -> float:
    """Log likelihood of the best plateau with two tails, among all pairs of edges and of exponents.

    With tails of widths s and t, ``log density = -log(wide + g s + h t) - (away / s)^b``, g and h the gamma function of
    1 + 1 / b; the derivatives by s and t give the fixed point.
    """
    n, wide, best = float(counts.sum()), _WIDE, -np.inf
    lefts = [(away @ counts)[_BEGIN] for away in _LEFT]
    rights = [(away @ counts)[_END] for away in _RIGHT]
    for b, left in zip(TAILS, lefts, strict=True):
        g = gamma(1 + 1 / b)
        for c, right in zip(TAILS, rights, strict=True):
            h = gamma(1 + 1 / c)
            s = t = np.full(len(wide), BINS / 5)
            for _ in range(TAIL_STEPS):
                per_row = (g * s + h * t + wide) / n
                s = np.maximum((b / g * left * per_row) ** (1 / (b + 1)), LEAST)
                t = np.maximum((c / h * right * per_row) ** (1 / (c + 1)), LEAST)
            found = -n * np.log(g * s + h * t + wide) - left / s**b - right / t**c
            best = max(best, float(found.max()))
    return best


def _log_normal(counts: Floats) -> float:
    """Log likelihood of the best log normal that begins a little before the first row."""
    rows: Ints = np.flatnonzero(counts > 0)
    counts, places = counts[rows], PLACES[rows] - PLACES[rows[0]]
    n, best = float(counts.sum()), -np.inf
    for shift in SHIFTS:
        y = np.log(places + LEAST + shift * BINS / 8)
        mean = float(counts @ y) / n
        variance = max(float(counts @ (y - mean) ** 2) / n, 1e-12)
        best = max(best, -0.5 * n * (log(2 * pi * variance) + 1) - float(counts @ y))
    return best
