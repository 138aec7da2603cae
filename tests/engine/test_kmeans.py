"""k-means: fixed points of Lloyd and of moves of single rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import partition


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_no_single_row_can_change_its_cell_and_lower_the_inertia(seed, k):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(30, 2)), rng.integers(1, 4, 30).astype(float)
    first = rows[:k].copy()
    centers, labels = partition.lloyd_and_moves(rows, weights, first)
    best = partition.inertia(rows, weights, centers, labels)
    plain = partition.inertia(rows, weights, *partition.lloyd(rows, weights, first))
    assert best <= plain * (1 + 1e-12)
    np.testing.assert_array_equal(labels, partition.nearest(rows, centers))
    for row in range(30):
        for cell in range(k):
            moved = labels.copy()
            moved[row] = cell
            if len(np.unique(moved)) == k:
                value = partition.inertia(rows, weights, partition.group_means(rows, weights, moved, k), moved)
                assert value >= best * (1 - 1.01 * partition.ROW_GAIN)
