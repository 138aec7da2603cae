"""Rows in an order of their own, whatever order they come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import canonical


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3))
def test_canonical_rows_are_the_distinct_rows_in_order_with_summed_weights(seed, d, values):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-values, values + 1, size=(40, d)) * 0.1
    weights = rng.choice([0.1, 0.7, 1e6], size=40)
    found, mass = canonical.canonical_rows(np.where((rows == 0) & (rng.random(rows.shape) < 0.5), -0.0, rows), weights)
    distinct, place = np.unique(rows + 0.0, axis=0, return_inverse=True)
    np.testing.assert_array_equal(found, distinct)
    np.testing.assert_allclose(mass, np.bincount(place.ravel(), weights), rtol=1e-12)
    order = rng.permutation(40)
    again, same = canonical.canonical_rows(rows[order], weights[order])
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(mass, same)


def test_content_sample_keeps_the_total_and_knows_no_order():
    rng = np.random.default_rng(9)
    rows, weights = canonical.canonical_rows(rng.normal(size=(500, 2)), rng.integers(1, 9, 500).astype(float))
    keep, mass = canonical.content_sample(rows, weights, 100)
    assert len(keep) == 100
    assert mass.sum() == pytest.approx(weights.sum())
