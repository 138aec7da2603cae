"""EM with missing numbers row by row gives what it gives pattern by pattern."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import holes, holes_by_row, mixture, patterns
from ppp_duck.engine.rows import Mixed, Rows
from ppp_duck.models.model import Layout, Mixture

N, D, M = 200, 5, 3


@pytest.mark.parametrize("kept", [holes_by_row.KEPT, 0])
def test_row_by_row_is_pattern_by_pattern(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of small parts, and whether the second step is given what the first one left or not."""
    monkeypatch.setattr(holes_by_row, "KEPT", kept)
    monkeypatch.setattr(patterns, "NUMBERS", 800)
    g = np.random.default_rng(0)
    seen = g.random((N, D)) < 0.6
    seen[~seen.any(axis=1), 0] = True
    x = np.where(seen, g.normal(size=(N, D)), 0.0)
    rows = Rows.of(x, np.ones(N), mixed=Mixed(Layout(D), seen, np.empty((N, 0), dtype=np.int64), ()))
    root = g.normal(size=(D, D)) + 2 * np.eye(D)
    covariance = root @ root.T
    model = Mixture("tied", np.full(M, 1 / M), g.normal(size=(M, D)), mixture.precision_factors("tied", covariance))
    by_pattern, by_row = np.empty((N, M)), np.empty((N, M))
    holes.log_densities_together(model, covariance, rows, by_pattern)
    holes_by_row.log_densities(model, rows, by_row)
    assert np.allclose(by_row, by_pattern, rtol=1e-9)
    assert bool(rows.kept) == bool(kept)
    soft = g.dirichlet(np.ones(M), N)
    expected = holes.moments_together(rows, soft, model.means, covariance, 7.0, np.eye(D))
    found = holes_by_row.moments(rows, soft, model.means, model.factors, 7.0, np.eye(D))
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other, rtol=1e-9)
