"""Inverses by halves are those of LAPACK."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine.inverse import inverses


@pytest.mark.parametrize("r", [0, 1, 2, 5, 6, 11, 24, 53])
def test_inverses_and_log_determinants(r: int) -> None:
    """Of all sizes, and of matrices that are alone in their order of size."""
    g = np.random.default_rng(r)
    root = g.normal(size=(7, r, r)) + 3 * np.eye(r)
    matrices = root @ root.transpose(0, 2, 1) * 10.0 ** np.arange(-3, 4)[:, None, None]
    kept = matrices.copy()
    found, log_det = inverses(matrices)
    assert np.array_equal(matrices, kept)
    expected = np.linalg.inv(matrices)
    assert np.allclose(found @ matrices, np.eye(r), atol=1e-9)
    assert np.allclose(found, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max(initial=0.0))
    assert np.allclose(log_det, np.linalg.slogdet(matrices)[1], rtol=1e-9)
    assert np.array_equal(inverses(matrices[3:4])[0], found[3:4])  # a matrix has the same inverse alone
