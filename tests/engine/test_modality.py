"""Which components are one cluster."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import modality
from ppp_duck.engine.mixture import Rows
from ppp_duck.models.model import Mixture


def test_components_with_one_mean_are_one_cluster() -> None:
    """A wide and a narrow Gaussian around one point have no axis between them, and no valley."""
    rows = np.linspace(-1, 1, 101)[:, None]
    posterior = np.full((101, 2), 0.5)
    same = Mixture("diag", np.array([0.5, 0.5]), np.zeros((2, 1)), np.array([[1.0], [5.0]]))
    assert modality.clusters(same, Rows.of(rows, np.ones(101)), posterior).tolist() == [0, 0]


@pytest.mark.parametrize(("at_valley", "clusters"), [(20, 2), (30, 1), (40, 1)])
def test_a_valley_is_a_shortfall_of_rows_beyond_chance(at_valley: int, clusters: int) -> None:
    """40 rows at each mean: 30 between them are 1.2 standard errors fewer, 20 are 2.6. Double weights are no evidence."""
    places = np.concatenate([np.repeat([-3.0, 3.0], 40), np.zeros(at_valley)])[:, None]
    two = Mixture("diag", np.array([0.5, 0.5]), np.array([[-3.0], [3.0]]), np.ones((2, 1)))
    for rows in (Rows.of(places, np.ones(len(places))), Rows.of(places, np.full(len(places), 2.0), len(places))):
        posterior, _ = gaussian.responsibilities(gaussian.log_densities(two, rows))
        assert len(set(modality.clusters(two, rows, posterior).tolist())) == clusters


def test_a_shallow_valley_of_many_rows_is_none() -> None:
    """Counts are worth 4,000 observations at most: of 400,000 rows, 8 % fewer at the valley are no valley."""
    places = np.concatenate([np.repeat([-3.0, 3.0], 140_000), np.zeros(128_800)])[:, None]
    two = Mixture("diag", np.array([0.5, 0.5]), np.array([[-3.0], [3.0]]), np.ones((2, 1)))
    rows = Rows.of(places, np.ones(len(places)))
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(two, rows))
    assert modality.clusters(two, rows, posterior).tolist() == [0, 0]
