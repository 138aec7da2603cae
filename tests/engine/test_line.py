"""What rows along a line say of one cluster or two, beside plain computations of the same."""

from __future__ import annotations

from itertools import pairwise, product
from math import gamma, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import line
from ppp_duck.models.model import Floats


def best_steps(counts: Floats, rising: bool) -> float:
    """Log likelihood of the best monotone steps: the highest over all ways to cut the bins into steps."""
    best, n = -inf, len(counts)
    if not n:
        return 0.0
    for cuts in product((False, True), repeat=max(n - 1, 0)):
        at = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), n]
        parts = [counts[i:j] for i, j in pairwise(at)]
        heights = [float(part.mean()) for part in parts]
        if heights == sorted(heights, reverse=not rising):
            sums = [float(part.sum()) for part in parts]
            best = max(best, sum(s * np.log(h) if s else 0.0 for s, h in zip(sums, heights, strict=True)))
    return best


def one_mode(counts: Floats) -> float:
    return max(best_steps(counts[:i], True) + best_steps(counts[i:], False) for i in range(len(counts) + 1))


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=7, max_size=7), st.integers(1, 5))
def test_gain_is_that_of_the_best_steps(numbers: list[int], valley: int) -> None:
    counts = np.array(numbers, dtype=float)
    cuts = {min(max(valley + away, 1), 6) for away in (-line.AROUND, 0, line.AROUND)}
    two = max(one_mode(counts[:cut]) + one_mode(counts[cut:]) for cut in cuts)
    assert line.gain(counts, 0, 6, valley) == pytest.approx(two - one_mode(counts), abs=1e-9)


def test_the_valley_is_where_most_speaks_for_two() -> None:
    counts = np.array([1.0, 6, 9, 2, 7, 8, 0, 0, 5, 4, 1])
    two = [one_mode(counts[:cut]) + one_mode(counts[cut:]) for cut in range(len(counts) + 1)]
    assert line.valley(counts, 0.0) == int(np.argmax(two)) == 6
    speaks = max(two) - one_mode(counts)
    assert line.valley(counts, speaks - 1e-9) == 6
    assert line.valley(counts, speaks + 1e-9) == 0
    assert line.valley(np.array([1.0, 5, 9, 9, 4, 0, 0]), 0.0) == 0


def gaussians(at: tuple[float, float], sd: float, n: float) -> Floats:
    density = sum(np.exp(-0.5 * ((line.PLACES - one) / sd) ** 2) for one in at)
    return np.asarray(n * density / density.sum())


def test_fit_speaks_for_two_gaussians_and_against_two_where_there_is_a_plateau() -> None:
    half = np.array([0.5, 0.5])
    apart = line.fit(gaussians((15.0, 33.0), 4.0, 500), np.array([15.0, 33.0]), np.array([4.0, 4.0]), half, -inf)
    assert apart > 15
    even = np.where((line.PLACES > 8) & (line.PLACES < 40), 500 / 32, 0.0)
    assert line.fit(even, np.array([16.0, 32.0]), np.array([5.0, 5.0]), half, -inf) < 0


def test_two_gaussians_promise_the_gain_of_their_own_valley() -> None:
    """None where they are so close that they have one mode, whatever the rows are."""
    half = np.array([0.5, 0.5])
    for at, sd, least, most in (((21.0, 27.0), 4.0, 0.0, 0.01), ((14.0, 34.0), 4.0, 15.0, 100.0)):
        counts = gaussians(at, sd, 500)
        assert least <= line.promised(counts, np.array(at), np.array([sd, sd]), half) <= most
    falling = 400 * np.exp(-line.PLACES / 8) / np.exp(-line.PLACES / 8).sum()
    assert line.promised(falling, np.array([5.0, 16.0]), np.array([4.0, 9.0]), np.array([0.7, 0.3])) < 0.01


def test_fit_knows_skewed_shapes() -> None:
    """A log normal, and an exponential, either way round, are as good as two Gaussians at least."""
    y = np.log(line.PLACES + 2)
    skewed = np.exp(-0.5 * ((y - 2.3) / 0.5) ** 2) / (line.PLACES + 2)
    falling = np.exp(-line.PLACES / 8)
    for shape, turned in product((skewed, falling), (False, True)):
        counts = 400 * shape / shape.sum()
        means, sds = np.array([8.0, 22.0]), np.array([4.0, 8.0])
        if turned:
            counts, means, sds = counts[::-1], line.BINS - means[::-1], sds[::-1]
        assert line.fit(counts, means, sds, np.array([0.7, 0.3]), -inf) < 1


def test_a_plateau_with_tails_is_as_likely_as_the_best_of_a_search() -> None:
    """The fixed point for the widths of the tails, beside a plain grid of them for the same edges and exponents."""
    g = np.random.default_rng(3)
    counts = np.bincount(np.clip(g.normal(20, 6, 300), 0, 47).astype(int), minlength=line.BINS).astype(float)
    widths = np.linspace(0.5, 14, 10)
    best = -inf
    edges = np.linspace(0, line.BINS, line.EDGES)
    for left, right in [(a, b) for a in edges for b in edges if a <= b]:
        below, above = np.maximum(left - line.PLACES, 0), np.maximum(line.PLACES - right, 0)
        for s, t in product(widths, widths):
            log_density = -np.log(right - left + (s + t) * gamma(1.5)) - (below / s) ** 2 - (above / t) ** 2
            best = max(best, float(counts @ log_density))
    assert line._plateau(counts) > best - 0.1


def test_what_does_not_matter_is_not_worked_out() -> None:
    counts = gaussians((15.0, 33.0), 4.0, 500)
    given = counts, np.array([15.0, 33.0]), np.array([4.0, 4.0]), np.array([0.5, 0.5])
    exact = line.fit(*given, -inf)
    assert line.fit(*given, exact - 1) == exact
    assert exact <= line.fit(*given, 1e9) <= 1e9
