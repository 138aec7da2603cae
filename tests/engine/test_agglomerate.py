"""Agglomeration against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import partition
from ppp_duck.engine.agglomerate import agglomerate


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
    return partition.inertia(rows, weights, partition.group_means(rows, weights, groups, k), groups)


@pytest.mark.parametrize("form", ["full", "spherical"])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 4), count=st.integers(1, 9))
def test_each_merge_is_the_pair_that_costs_least(form, seed, d, count):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(60, d)) * rng.uniform(0.1, 3, d), rng.uniform(0.5, 3, 60)
    leaves = np.concatenate([np.arange(count), rng.integers(0, count, 60 - count)])
    means = partition.group_means(rows, weights, leaves, count)
    gap = rows - means[leaves]
    pooled = np.diag((weights @ gap**2) / weights.sum())
    prior = pooled + (1e-6 * np.trace(pooled) / d + 1e-12) * np.eye(d)
    criterion = likelihood if form == "full" else inertia
    found = agglomerate(rows, weights, leaves, form, partition.silent)
    assert found.most == count
    assert len(found.costs) == count - 1
    np.testing.assert_array_equal(found.labels(count), leaves)
    for k in range(count, 1, -1):
        groups = found.labels(k)
        now = criterion(rows, weights, groups, prior)
        costs = {}
        for i in range(k):
            for j in range(i + 1, k):
                merged = np.unique(np.where(groups == j, i, groups), return_inverse=True)[1]
                costs[i, j] = criterion(rows, weights, merged, prior) - now
        after = found.labels(k - 1)
        assert len(np.unique(after)) == k - 1
        (pair,) = [(i, j) for i, j in costs if after[groups == i][0] == after[groups == j][0]]
        assert np.isclose(costs[pair], found.costs[count - k], rtol=1e-6, atol=1e-6)
        assert costs[pair] <= min(costs.values()) + 1e-6
