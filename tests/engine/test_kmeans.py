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


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_a_center_that_is_taken_away_is_missed_by_its_rows(seed, k):
    rng = np.random.default_rng(seed)
    rows, weights, centers = rng.normal(size=(50, 3)), rng.integers(1, 4, 50).astype(float), rng.normal(size=(k, 3))
    labels = partition.nearest(rows, centers)
    before = partition.inertia(rows, weights, centers, labels)
    for gone, loss in enumerate(partition.missed(rows, weights, centers, labels)):
        rest = np.delete(centers, gone, axis=0)
        after = partition.inertia(rows, weights, rest, partition.nearest(rows, rest))
        assert np.isclose(after - before, loss)


def test_centers_move_between_groups_where_lloyd_alone_does_not() -> None:
    """Two centers in one of three groups, one in the middle of the others: a fixed point of Lloyd, left by one move."""
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.normal(size=(200, 2)) + at for at in ([0, 0], [40, 0], [46, 0])])
    bad = (rows[:, 0] > 20) * 2 + ((rows[:, 0] <= 20) & (rows[:, 1] > 0))
    _, stuck = partition.lloyd(rows, np.ones(600), partition.group_means(rows, np.ones(600), bad, 3))
    assert sorted(np.bincount(stuck))[-1] == 400
    _, dear = partition.best_kmeans(rows, np.ones(600), [bad], 3, partition.silent, dearest=-1e9)
    assert sorted(np.bincount(dear))[-1] == 400
    _, labels = partition.best_kmeans(rows, np.ones(600), [bad], 3, partition.silent)
    assert np.bincount(labels).tolist() == [200, 200, 200]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 30))
def test_the_tree_makes_the_split_that_removes_most_inertia_next(seed, d, leaves):
    """As by looking for the split of every node, among them those too small to be next."""
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, 6, (60, d)).astype(float) + 0.1 * rng.normal(size=(60, d)).round(1), axis=0)
    weights = rng.integers(1, 4, len(rows)).astype(float)
    labels = np.zeros(len(rows), dtype=np.int64)
    for new in range(1, leaves):
        found = {}
        for node in range(new):
            inside = np.flatnonzero(labels == node)
            cut = partition.split(rows[inside], weights[inside])
            if cut is not None:
                found[node] = (-cut[1], node, inside[cut[0]])
        if not found:
            break
        labels[min(found.values(), key=lambda one: one[:2])[2]] = new
    np.testing.assert_array_equal(partition.grow_tree(rows, weights, leaves, partition.silent), labels)
