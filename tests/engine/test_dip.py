"""The dip against its definition, a linear programme for each place of the mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from ppp_duck.engine.dip import QUANTILES, SIZES, clusterability_p_value, dip, p_value


def naive_dip(x: np.ndarray) -> float:
    """The smallest e such that a G, convex before a mode and concave after it, keeps within e of F on both sides.

    G jumps at the mode only, so it is one number at each value and two, before and after, at the mode; between values
    it is linear. The mode is one of the values: moving it to an end of its gap costs nothing.
    """
    values, counts = np.unique(x, return_counts=True)
    after = np.cumsum(counts) / len(x)
    before = after - counts / len(x)
    m = len(values)
    best = np.inf
    for mode in range(m):
        # unknowns: G before and at each value, and e; only at the mode may the two differ
        rows, bounds = [], []

        def less(terms: dict[int, float], bound: float, rows=rows, bounds=bounds) -> None:
            row = np.zeros(2 * m + 1)
            for at, factor in terms.items():
                row[at] += factor
            rows.append(row)
            bounds.append(bound)

        for i in range(m):
            for at, level in ((i, before[i]), (m + i, after[i])):
                less({at: 1, 2 * m: -1}, level)
                less({at: -1, 2 * m: -1}, -level)
            less({i: 1, m + i: -1}, 0)
            if i != mode:
                less({m + i: 1, i: -1}, 0)
        for i in range(1, m - 1):
            left, right = values[i] - values[i - 1], values[i + 1] - values[i]
            # slope on the left minus slope on the right
            slopes = {m + i - 1: -1 / left, i: 1 / left + 1 / right, i + 1: -1 / right}
            if i < mode:
                less(slopes, 0)
            elif i > mode:
                less({at: -factor for at, factor in slopes.items()}, 0)
        for i in range(m - 1):  # ascending
            less({m + i: 1, i + 1: -1}, 0)
        found = linprog([0.0] * 2 * m + [1.0], np.array(rows), bounds, bounds=[(None, None)] * (2 * m) + [(0, None)])
        best = min(best, found.fun)
    return best


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=14))
def test_dip_matches_its_definition(numbers):
    x = np.array(numbers, dtype=float)
    assert dip(x) == pytest.approx(naive_dip(x), abs=1e-7)


def test_weights_are_repeats():
    rng = np.random.default_rng(0)
    x, times = rng.normal(size=50), rng.integers(1, 5, 50)
    assert dip(x, times.astype(float)) == pytest.approx(dip(np.repeat(x, times)), abs=1e-12)


def test_p_values_are_those_of_the_table_and_fall():
    for n, line in zip(SIZES, QUANTILES, strict=True):
        assert p_value(line[7] / np.sqrt(n), n) == pytest.approx(0.05)
        assert p_value(0.0, n) == 1.0
        falling = [p_value(q / np.sqrt(n), n) for q in np.linspace(0, 1, 50)]
        assert falling == sorted(falling, reverse=True)
    assert p_value(0.2, 10**6) == pytest.approx(0.001)


@pytest.mark.parametrize("n", [30, 300])
def test_uniform_numbers_are_rejected_as_often_as_the_level_says(n):
    rng = np.random.default_rng(n)
    rejected = np.mean([p_value(dip(rng.uniform(size=n)), n) <= 0.1 for _ in range(400)])
    assert 0.05 < rejected < 0.15  # 0.1 within 3.3 standard errors


def test_two_modes_are_seen_on_any_axis_and_one_is_not():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 3))
    assert clusterability_p_value(rows, np.ones(400)) > 0.05
    rows[:200, 1] += 8.0
    turned = rows @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert clusterability_p_value(turned, np.ones(400)) == pytest.approx(0.003)
    assert clusterability_p_value(np.ones((5, 2)), np.ones(5)) == 1.0
