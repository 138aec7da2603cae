"""Agglomeration against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import canonical
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.engine.kmeans.agglomerate import agglomerate


def likelihood(rows: np.ndarray, weights: np.ndarray, groups: np.ndarray, prior: np.ndarray) -> float:
    """Minus twice the classification likelihood of a partition, each covariance with ``d + 2`` of the prior's."""
    total, d = 0.0, rows.shape[1]
    for one in np.unique(groups):
        x, w = rows[groups == one], weights[groups == one]
        gap = x - w @ x / w.sum()
        n = w.sum() + d + 2
        covariance = ((gap * w[:, None]).T @ gap + (d + 2) * prior) / n
        total += n * np.linalg.slogdet(covariance)[1] - 2 * w.sum() * np.log(w.sum() / weights.sum())
    return total


def inertia(rows: np.ndarray, weights: np.ndarray, groups: np.ndarray, prior: np.ndarray) -> float:
    k = int(groups.max()) + 1
    return lloyd.inertia(rows, weights, lloyd.group_means(rows, weights, groups, k), groups)


def example(seed: int, d: int, count: int):
    """Rows, weights and leaves, and the prior of the criterion."""
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(60, d)) * rng.uniform(0.1, 3, d), rng.uniform(0.5, 3, 60)
    leaves = np.concatenate([np.arange(count), rng.integers(0, count, 60 - count)])
    means = lloyd.group_means(rows, weights, leaves, count)
    gap = rows - means[leaves]
    pooled = np.diag((weights @ gap**2) / weights.sum())
    return rows, weights, leaves, pooled + (1e-6 * np.trace(pooled) / d + 1e-12) * np.eye(d)


def costs_of(criterion, rows, weights, groups, prior) -> np.ndarray:
    """What each merge of two groups costs, (k, k)."""
    k, now = int(groups.max()) + 1, criterion(rows, weights, groups, prior)
    costs = np.full((k, k), np.inf)
    for i in range(k):
        for j in range(i + 1, k):
            merged = np.unique(np.where(groups == j, i, groups), return_inverse=True)[1]
            costs[i, j] = costs[j, i] = criterion(rows, weights, merged, prior) - now
    return costs


@pytest.mark.parametrize("form", ["full", "spherical"])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 4), count=st.integers(1, 9))
def test_each_round_merges_all_pairs_that_are_each_others_cheapest(form, seed, d, count):
    rows, weights, leaves, prior = example(seed, d, count)
    criterion = likelihood if form == "full" else inertia
    groups, height, merges = leaves.copy(), np.zeros(count), []  # a group has the number of its first leaf
    while len(names := np.unique(groups)) > 1:
        costs = costs_of(criterion, rows, weights, np.searchsorted(names, groups), prior)
        partner = costs.argmin(axis=1)
        for i in range(len(names)):
            if i < (j := int(partner[i])) and partner[j] == i:
                a, b = names[i], names[j]
                height[a] = max(costs[i, j], height[a], height[b])
                merges.append((height[a], costs[i, j], a, b))
                groups[groups == b] = a
    merges.sort(key=lambda merge: merge[0])

    found = agglomerate(rows, weights, leaves, form, canonical.silent)
    assert found.most == count
    np.testing.assert_allclose(found.costs, [cost for _, cost, _, _ in merges], rtol=1e-6, atol=1e-6)
    groups = leaves.copy()
    np.testing.assert_array_equal(found.labels(count), leaves)
    for done, (_, _, a, b) in enumerate(merges, 1):
        groups[groups == b] = a
        np.testing.assert_array_equal(found.labels(count - done), np.unique(groups, return_inverse=True)[1])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 4), count=st.integers(1, 9))
def test_wards_merges_are_always_the_pair_that_costs_least(seed, d, count):
    rows, weights, leaves, prior = example(seed, d, count)
    found = agglomerate(rows, weights, leaves, "spherical", canonical.silent)
    assert len(found.costs) == count - 1
    for k in range(count, 1, -1):
        groups, after = found.labels(k), found.labels(k - 1)
        costs = costs_of(inertia, rows, weights, groups, prior)
        assert len(np.unique(after)) == k - 1
        (pair,) = [(i, j) for i in range(k) for j in range(i + 1, k) if after[groups == i][0] == after[groups == j][0]]
        assert np.isclose(costs[pair], found.costs[count - k], rtol=1e-6, atol=1e-6)
        assert costs[pair] <= costs.min() + 1e-6
