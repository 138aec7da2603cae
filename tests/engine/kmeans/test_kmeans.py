"""k-means: fixed points of Lloyd and of moves of single rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import canonical
from ppp_duck.engine.kmeans import lloyd, moves, tree


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_no_single_row_can_change_its_cell_and_lower_the_inertia(seed, k):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(30, 2)), rng.integers(1, 4, 30).astype(float)
    first = rows[:k].copy()
    centers, labels = moves.lloyd_and_moves(rows, weights, first)
    best = lloyd.inertia(rows, weights, centers, labels)
    plain = lloyd.inertia(rows, weights, *lloyd.lloyd(rows, weights, first))
    assert best <= plain * (1 + 1e-12)
    np.testing.assert_array_equal(labels, lloyd.nearest(rows, centers))
    for row in range(30):
        for cell in range(k):
            moved = labels.copy()
            moved[row] = cell
            if len(np.unique(moved)) == k:
                value = lloyd.inertia(rows, weights, lloyd.group_means(rows, weights, moved, k), moved)
                assert value >= best * (1 - 1.01 * moves.ROW_GAIN)


@pytest.mark.parametrize("k", [1, 2, 7, 40])
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    iterations=st.sampled_from([1, 5, 6, 9, 20, 300]),
    groups=st.booleans(),
    heavy=st.sampled_from([1.0, 1e18]),
)
def test_later_steps_of_lloyd_are_those_that_look_at_every_row(k, seed, iterations, groups, heavy):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(700, 3)), np.where(rng.random(700) < 0.02, heavy, rng.integers(1, 9, 700))
    rows += groups * 5 * rng.normal(size=(5, 3))[rng.integers(0, 5, 700)]
    first = rows[: k // 2 + 1].repeat(2, axis=0)[:k]  # twice each: some cells are empty at first
    found = lloyd.lloyd(rows, weights, first, iterations=iterations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lloyd, "FIRST_STEPS", 10**9)
        plain = lloyd.lloyd(rows, weights, first, iterations=iterations)
    np.testing.assert_array_equal(found[1], plain[1])
    np.testing.assert_array_equal(found[0], plain[0])


def test_heavy_rows_that_leave_a_cell_take_no_digits_of_the_others_along(monkeypatch):
    rows = np.array([[-2.4, 0], [2.4, 0], [0, 0.1], [0, 0.3], [-2.6, 0], [2.6, 0]])
    weights = np.array([1e18, 1e18, 1, 1, 1, 1])
    monkeypatch.setattr(lloyd, "FIRST_STEPS", 1)  # after it the heavy ones are in the middle cell, with its own two
    centers, labels = lloyd.lloyd(rows, weights, np.array([[0.0, 0], [-5, 0], [5, 0]]))
    assert labels.tolist() == [1, 2, 0, 0, 1, 2]
    assert centers[0].tolist() == [0, 0.2]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 12))
def test_lloyd_ends_at_a_fixed_point_where_rows_are_equally_near(seed, k):
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, 9, size=(60, 2)).astype(float), axis=0)
    weights = rng.integers(1, 4, len(rows)).astype(float)
    centers, labels = lloyd.lloyd(rows, weights, rows[:k])
    np.testing.assert_array_equal(labels, lloyd.nearest(rows, centers))
    np.testing.assert_array_equal(centers, lloyd.group_means(rows, weights, labels, k))
    assert len(np.unique(labels)) == k


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_a_center_that_is_taken_away_is_missed_by_its_rows(seed, k):
    rng = np.random.default_rng(seed)
    rows, weights, centers = rng.normal(size=(50, 3)), rng.integers(1, 4, 50).astype(float), rng.normal(size=(k, 3))
    labels = lloyd.nearest(rows, centers)
    before = lloyd.inertia(rows, weights, centers, labels)
    losses, inertias = moves.missed(rows, weights, centers, labels)
    for cell in range(k):
        own = labels == cell
        assert np.isclose(inertias[cell], weights[own] @ ((rows[own] - centers[cell]) ** 2).sum(axis=1))
    for gone, loss in enumerate(losses):
        rest = np.delete(centers, gone, axis=0)
        after = lloyd.inertia(rows, weights, rest, lloyd.nearest(rows, rest))
        assert np.isclose(after - before, loss)


def test_centers_move_between_groups_where_lloyd_alone_does_not() -> None:
    """Two centers in one of three groups, one in the middle of the others: a fixed point of Lloyd, left by one move."""
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.normal(size=(200, 2)) + at for at in ([0, 0], [40, 0], [46, 0])])
    bad = (rows[:, 0] > 20) * 2 + ((rows[:, 0] <= 20) & (rows[:, 1] > 0))
    _, stuck = lloyd.lloyd(rows, np.ones(600), lloyd.group_means(rows, np.ones(600), bad, 3))
    assert sorted(np.bincount(stuck))[-1] == 400
    _, dear = moves.best_kmeans(rows, np.ones(600), [bad], 3, canonical.silent, dearest=-1e9)
    assert sorted(np.bincount(dear))[-1] == 400
    _, labels = moves.best_kmeans(rows, np.ones(600), [bad], 3, canonical.silent)
    assert np.bincount(labels).tolist() == [200, 200, 200]


def some_rows(seed: int, n: int, d: int):
    """Distinct rows, some of them in line, and weights."""
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, 6, (n, d)).astype(float) + 0.1 * rng.normal(size=(n, d)).round(1), axis=0)
    return rows, rng.integers(1, 4, len(rows)).astype(float)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 30))
def test_the_tree_makes_the_split_that_removes_most_inertia_next(seed, d, leaves):
    """As by looking for the split of every node, one by one, among them those too small to be next."""
    rows, weights = some_rows(seed, 60, d)
    labels = np.zeros(len(rows), dtype=np.int64)
    for new in range(1, leaves):
        found = {}
        for node in range(new):
            ((_, right, gain),) = tree.split(rows, weights, [np.flatnonzero(labels == node)])
            if gain > 0:
                found[node] = (-gain, node, right)
        if not found:
            break
        labels[min(found.values(), key=lambda one: one[:2])[2]] = new
    np.testing.assert_array_equal(tree.grow_tree(rows, weights, leaves, canonical.silent), labels)


def cell_inertia(rows: np.ndarray, weights: np.ndarray, inside: np.ndarray) -> float:
    x, w = rows[inside], weights[inside]
    return float(w @ ((x - w @ x / w.sum()) ** 2).sum(axis=1)) if len(x) else 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 40))
def test_a_split_removes_what_it_says_and_is_a_fixed_point_of_two_means(seed, d, n):
    rows, weights = some_rows(seed, n, d)
    ((left, right, gain),) = tree.split(rows, weights, [np.arange(len(rows))])
    assert sorted([*left, *right]) == list(range(len(rows)))
    if len(rows) == 1:
        assert gain == 0
        return
    parts = [cell_inertia(rows, weights, part) for part in (np.arange(len(rows)), left, right)]
    assert gain > 0
    assert np.isclose(gain, parts[0] - parts[1] - parts[2])
    if d == 1:  # one axis: the best of all cuts, or better by Lloyd
        order = np.argsort(rows[:, 0])
        cuts = [
            parts[0] - cell_inertia(rows, weights, order[:i]) - cell_inertia(rows, weights, order[i:])
            for i in range(1, len(rows))
        ]
        assert np.isclose(gain, max(cuts))
    centers = np.stack([weights[part] @ rows[part] / weights[part].sum() for part in (left, right)])
    away = ((rows[:, None] - centers) ** 2).sum(axis=2)
    assert (away[left, 0] <= away[left, 1] + 1e-9).all()
    assert (away[right, 1] <= away[right, 0] + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_nodes_are_split_together_as_they_are_alone(seed, d):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(900, d)), rng.integers(1, 4, 900).astype(float)  # no two splits are equally good
    owner = rng.choice(40, len(rows), p=np.arange(1, 41) / 820)
    nodes = [np.flatnonzero(owner == one) for one in range(40)]
    nodes.append(np.arange(len(rows)))
    for node, together in zip(nodes, tree.split(rows, weights, nodes), strict=True):
        (alone,) = tree.split(rows, weights, [node])
        np.testing.assert_array_equal(together[0], alone[0])
        np.testing.assert_array_equal(together[1], alone[1])
        assert np.isclose(together[2], alone[2])


def test_equal_rows_have_no_split() -> None:
    """Rows that differ in features which the view of wide rows leaves out are equal here."""
    rows = np.ones((5, 3))
    ((left, right, gain),) = tree.split(rows, np.ones(5), [np.arange(5)])
    assert (left.tolist(), right.tolist(), gain) == ([0, 1, 2, 3, 4], [], 0.0)
    assert tree.grow_tree(rows, np.ones(5), 3, canonical.silent).tolist() == [0] * 5


def test_inertia_matches_the_definition():
    rng = np.random.default_rng(5)
    x, weights, centers = rng.normal(size=(50, 3)), rng.uniform(size=50), rng.normal(size=(4, 3))
    labels = lloyd.nearest(x, centers)
    distance = ((x[:, None] - centers) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, distance.argmin(axis=1))
    assert lloyd.inertia(x, weights, centers, labels) == pytest.approx(weights @ distance.min(axis=1))
