"""The simplified silhouette against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import gaussians

from ppp_duck.engine.clusterability import simplified_silhouette


def test_the_silhouette_against_its_definition() -> None:
    rows = gaussians(2, [30, 20, 10], 2, 3.0)
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    centers = np.array([rows[labels == j].mean(axis=0) for j in range(3)])
    weights = np.arange(1.0, 61.0)
    widths = []
    for row, label in zip(rows, labels, strict=True):
        own = np.linalg.norm(row - centers[label])
        other = min(np.linalg.norm(row - centers[j]) for j in range(3) if j != label)
        widths.append((other - own) / max(own, other))
    expected = np.average(widths, weights=weights)
    assert simplified_silhouette(rows, weights, labels, centers) == pytest.approx(expected, abs=1e-12)
