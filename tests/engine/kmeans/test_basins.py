"""The search for the deepest basin of k-means."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from ppp_duck.engine import canonical
from ppp_duck.engine.kmeans import basins, lloyd
from ppp_duck.engine.pipeline import fit

# Fisher's iris, unscaled: the best of 100 k-means++ starts of scikit-learn, k = 2 to 12.
IRIS = (152.348, 78.8514, 57.2285, 46.4462, 39.04, 34.2982, 29.9889, 27.9308, 25.9726, 24.3468, 22.4965)


def best_of_random(rows: np.ndarray, weights: np.ndarray, k: int, starts: int) -> float:
    """The lowest inertia of Lloyd from rows drawn at random."""
    rng, found = np.random.default_rng(0), []
    for _ in range(starts):
        centers, labels = lloyd.lloyd(rows, weights, rows[rng.choice(len(rows), k, replace=False)])
        found.append(lloyd.inertia(rows, weights, centers, labels))
    return min(found)


def searched(rows: np.ndarray, weights: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """From the partition that begins at the first rows, far from the best."""
    found = lloyd.lloyd(rows, weights, rows[:k])
    return basins.deepest(rows, weights, found, k, canonical.silent)


@pytest.mark.parametrize("k", range(2, 13))
def test_iris_is_as_compact_as_the_best_of_100_starts(k: int) -> None:
    rows = load_iris().data
    centers = fit(rows, k=k, covariance="spherical").kmeans_centers
    found = lloyd.inertia(rows, np.ones(len(rows)), centers, lloyd.nearest(rows, centers))
    assert found <= 1.001 * IRIS[k - 2]


@pytest.mark.parametrize(
    ("n", "d", "k", "groups"),
    [
        (60, 2, 5, 0),
        (150, 4, 9, 3),
        (300, 2, 12, 0),
        (120, 20, 6, 4),
        (200, 1, 7, 0),
        (1300, 2, 8, 0),
        (2000, 8, 10, 10),
    ],
)
def test_the_deepest_basin_is_no_higher_than_the_best_of_100_starts(n: int, d: int, k: int, groups: int) -> None:
    for seed in range(2):
        rng = np.random.default_rng([seed, n, d])
        rows = rng.normal(size=(n, d)) + (4 * rng.normal(size=(groups, d))[rng.integers(0, groups, n)] if groups else 0)
        weights = rng.integers(1, 4, n).astype(float)
        centers, labels = searched(rows, weights, k)
        np.testing.assert_array_equal(labels, lloyd.nearest(rows, centers))
        np.testing.assert_array_equal(np.unique(labels), np.arange(k))
        assert lloyd.inertia(rows, weights, centers, labels) <= 1.0001 * best_of_random(rows, weights, k, 100)


@pytest.mark.parametrize("noise", [1e-15, 3e-15])
@pytest.mark.parametrize(("width", "drawn", "k"), [(12, 90, 6), (60, 1500, 6)])  # heavy rows, and light ones
def test_last_bits_of_the_rows_change_no_cell(noise: float, width: int, drawn: int, k: int) -> None:
    rng = np.random.default_rng(5)
    whole = np.unique(rng.integers(0, width, (drawn, 2)), axis=0).astype(float)  # many sums are equal
    weights = np.ones(len(whole))
    rows = whole - whole.mean(axis=0)
    before = searched(rows, weights, k)[1]
    after = searched(rows * (1 + noise * rng.choice([-1, 1], size=rows.shape)), weights, k)[1]
    np.testing.assert_array_equal(before[:, None] == before, after[:, None] == after)


def test_what_is_dear_is_not_searched() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6000, 2))
    found = lloyd.lloyd(rows, np.ones(6000), rows[:300])
    assert basins.deepest(rows, np.ones(6000), found, 300, canonical.silent) is found


def test_a_search_can_be_stopped() -> None:
    told = []
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 2))
    found = lloyd.lloyd(rows, np.ones(500), rows[:8])
    basins.deepest(rows, np.ones(500), found, 8, lambda stage, k: told.append((stage, k)))
    assert set(told) == {("k-means", 8)}
    assert len(told) > 20


def test_heavy_rows_and_equal_ones_end_the_search() -> None:
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(size=(60, 2)), [[1e-9, 0], [2e-9, 0], [3e-9, 0]]])
    for heavy in (1.0, 1e9, 1e15):
        weights = np.where(np.arange(63) % 20 == 0, heavy, 1.0)
        centers, labels = searched(rows, weights, 5)
        assert np.isfinite(centers).all()
        assert len(np.unique(labels)) == 5


def test_moves_of_a_round_have_no_cell_in_common() -> None:
    gain, own, to = np.array([5.0, 9.0, 9.0, 0.0, 2.0]), np.array([0, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 0])
    assert basins.disjoint(gain, own, to, 5).tolist() == [1, 4]
