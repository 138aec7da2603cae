"""What a refined model says of its passes."""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.refine import Refinement
from ppp_duck.models.model import Beyond, Clustering, Mixture, Model
from ppp_duck.running import refining


def test_what_a_model_says_of_a_pass_that_was_taken_back() -> None:
    """Of two like components the one with hardly a row of its own has none after an EM step."""
    rows = np.array([0.0] * 100 + [0.6])[:, None]
    places, ones = np.array([[0.0], [1.0]]), np.ones(2)
    mixture = Mixture("tied", ones / 2, places, np.eye(1))
    clustering = Clustering(mixture, np.arange(2), places, np.arange(2), places, ones, ones, 1.0, ())
    model = Model((), False, 0.95, clustering, report=(("rows", "101"), ("refined", "nothing to refine")))
    refinement = Refinement(clustering, Beyond(50, None, np.eye(1)), 3)
    while True:
        refinement.add(refinement.sums(rows, None))
        if not refinement.close():
            break
    found = refining.refined(model, refinement)
    said_of_it = "0 passes of 3 over all rows; one more leaves a cluster without rows"
    assert found.report == (("rows", "101"), ("refined", said_of_it))
    assert found.clustering is not None
    assert found.clustering.sizes.tolist() == [100, 1]
