"""The nearest center, told by BLAS or not, is the one of least squared distance summed feature by feature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.nearest import Centers
from ppp_duck.models.model import Floats


def rows_near(centers: Floats, rng: np.random.Generator) -> Floats:
    """Among the centers, in the middle of two and a little beside it, and far out in all directions."""
    c, d = centers.shape
    among = rng.normal(size=(200, d)) * 3
    between = 0.5 * (centers[rng.integers(0, c, 60)] + centers[rng.integers(0, c, 60)])
    far = rng.normal(size=(60, d)) * 10.0 ** rng.integers(2, 60, (60, 1))
    return np.concatenate([among, between, between * (1 + 1e-14), far, np.full((2, d), 1e60)])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), c=st.integers(2, 40), d=st.integers(1, 12))
def test_nearest(seed: int, c: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    centers = np.round(rng.normal(size=(c, d)) * 3, 1 + seed % 9)
    centers[-1] = centers[0]
    rows = rows_near(centers, rng)
    squared = np.zeros((c, len(rows)))
    for f in range(d):
        squared += (rows[:, f] - centers[:, f : f + 1]) ** 2
    expected, near = squared.argmin(axis=0), Centers(centers)
    assert (near.nearest(rows) == expected).all()
    for part in (slice(0, 1), slice(200, None), slice(None, None, -7)):
        assert (near.nearest(rows[part]) == expected[part]).all()
    squared[expected, np.arange(len(rows))] = np.inf
    assert (near.nearest(rows, other_than=expected) == squared.argmin(axis=0)).all()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_alone_as_among_rows_far_out(at: int) -> None:
    centers = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    rows = np.array([[0.5, 0.5 - 1e-16], [1e60, -1e60], [1e9, 1e9 + 1]])
    together = Centers(centers).nearest(rows)
    assert Centers(centers).nearest(rows[at : at + 1])[0] == together[at]
