"""Weights say where the mass is, however large, small or unequal: a fit ends, honours k, and makes no clusters of them."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import gaussians
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.kmeans.agglomerate import agglomerate
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.rows import are_counts, count, evenness

TWO = np.concatenate([gaussians(0, [100], 2, 0.0), gaussians(1, [100], 2, 0.0) + 8.0])
LARGE = np.concatenate([gaussians(2, [500], 2, 0.0), gaussians(3, [500], 2, 0.0) + 8.0])


@pytest.mark.parametrize("weight", [1e-310, 5e-324, 1e-9, 1e6, 1e14, 1e15, 1e16, 2.0**53, 1e18, 1e100, 1e300])
def test_equal_weights_are_no_weights(weight: float) -> None:
    found = fit(TWO, np.full(200, weight))
    assert found.mixture.means == pytest.approx(fit(TWO).mixture.means, abs=1e-3)
    each = 100.0 if weight < 1 else 100 * weight  # small ones are scaled to an average of 1
    assert found.sizes.tolist() == pytest.approx([each, each])


@pytest.mark.parametrize("ratio", [1e12, 1e15, 1e16, 1e18, 1e30, 1e300])
@pytest.mark.parametrize("k", [None, 1, 2, 3, 7])
def test_k_is_honoured_whatever_the_ratio_of_weights(ratio: float, k: int | None) -> None:
    by_group, every_other = np.where(np.arange(200) < 100, ratio, 1.0), np.where(np.arange(200) % 2, ratio, 1.0)
    for weights in (by_group, every_other):
        found = fit(TWO, weights, k=k)
        assert k in (None, len(found.sizes))
        assert found.sizes.sum() == pytest.approx(100 * ratio)


def test_light_rows_beside_heavy_ones_have_their_own_weight() -> None:
    rows = np.concatenate([np.zeros((1, 2)), TWO[100:]])
    found = fit(rows, np.where(np.arange(101) < 1, 1e12, 1.0), k=2, covariance="spherical")
    assert found.sizes.tolist() == [1e12, 100.0]


@pytest.mark.parametrize("spread", [0.5, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_unequal_weights_make_no_clusters(spread: float, seed: int) -> None:
    weights = np.exp(np.random.default_rng(seed).normal(size=1000) * spread)
    assert len(fit(LARGE, weights).sizes) == 2
    if spread < 3:  # at 3 one row may have half of the mass
        assert len(fit(np.round(LARGE * 3), weights).sizes) == 2  # on a grid, too, where equal rows are merged


def test_whole_weights_count_rows_on_a_grid() -> None:
    rows = np.round(LARGE)
    distinct, times = np.unique(rows, axis=0, return_counts=True)
    counted, given = fit(distinct, times.astype(np.float64)), fit(rows)
    assert np.array_equal(counted.mixture.means, given.mixture.means)
    assert counted.sizes.tolist() == given.sizes.tolist() == [500, 500]
    assert are_counts(times.astype(np.float64))
    assert not are_counts(times * 0.7)
    assert not are_counts(times * 1e15)


def test_as_many_observations_as_weights_are_worth() -> None:
    assert [count(np.full(50, w)) for w in (1.0, 2.0)] == [50.0, 50 + 100 * 50 / 150]
    assert evenness(np.array([3.0, 3.0, 3.0])) == 1.0
    assert evenness(np.array([1.0, 2.0, 3.0])) == pytest.approx(36 / (3 * 14))
    assert evenness(np.append(np.ones(200), 1e9)) == 1.0  # zeros of a column that is mostly zero


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    exponents=st.lists(st.integers(-320, 300), min_size=2, max_size=6),
    n=st.integers(2, 60),
    d=st.integers(1, 3),
    k=st.one_of(st.none(), st.integers(1, 2)),
)
def test_any_weights(exponents: list[int], n: int, d: int, k: int | None) -> None:
    rows = np.random.default_rng(n).normal(size=(n, d))
    weights = np.resize([float(f"1e{one}") for one in exponents], n)
    found = fit(rows, weights, k=k)
    assert k in (None, len(found.sizes))
    assert np.isfinite(found.sizes).all()
    assert (found.sizes > 0).all()
    assert np.isfinite(found.mixture.factors).all()


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [np.inf, 1.0], [-1.0, 1.0], [1.7e308, 1.7e308], [0.0, 0.0]])
def test_weights_that_are_none(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        fit(np.array([[1.0], [2.0]]), np.array(bad))


def test_merging_ends_where_costs_are_no_numbers() -> None:
    rows = np.array([[1e200], [-1e200], [2e200], [-2e200]])
    with np.errstate(over="ignore"), pytest.raises(FloatingPointError, match="finite"):
        agglomerate(rows, np.ones(4), np.arange(4), "spherical", lambda _stage, _k: None)
