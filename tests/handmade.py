"""Models made by hand, of random numbers: no fit is needed to score with them."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Clustering, Feature, Floats, Mixture, Model
from ppp_duck.running.memory import Ready

FORMS = ("spherical", "diag", "tied", "full")


def clustering(form: str, m: int, d: int, seed: int, merged: bool = False) -> Clustering:
    rng = np.random.default_rng(seed)
    lower = rng.normal(size=(m, d, d)) * 0.4
    factors = np.triu(lower, 1) + np.eye(d) * (0.5 + rng.random((m, 1, d)))
    shaped = {
        "spherical": 0.5 + rng.random(m),
        "diag": 0.5 + rng.random((m, d)),
        "tied": factors[0],
        "full": factors,
    }[form]
    weights = rng.random(m) + 0.1
    means = rng.normal(size=(m, d)) * 2
    owner = np.arange(m) // 2 if merged else np.arange(m)
    k = owner.max() + 1
    centers = np.array([means[owner == j].mean(axis=0) for j in range(k)])
    mixture = Mixture(form, weights / weights.sum(), means, shaped)
    return Clustering(mixture, owner, means + 0.1, owner, centers, np.ones(k), np.ones(k), 1.0, ())


def ready(form: str, d: int, seed: int, merged: bool, offset: float, impute: bool = False) -> Ready:
    rng = np.random.default_rng(seed)
    features = tuple(
        Feature(
            f"f{j}", "number", "DOUBLE", 1.0, np.array([offset * rng.normal()]), np.array([10.0 ** rng.integers(-3, 4)]),
            (), False, np.array([0.3]),
        )
        for j in range(d)
    )  # fmt: skip
    return Ready.of(Model(features, impute, 0.95, clustering(form, 6, d, seed, merged)))


def points_near(one: Ready, rng: np.random.Generator) -> Floats:
    """Points among the components of a model of six, and on and near the borders between them."""
    assert one.model.clustering is not None
    means = one.model.clustering.mixture.means
    between = 0.5 * (means[rng.integers(0, 6, 200)] + means[rng.integers(0, 6, 200)])
    return np.concatenate([rng.normal(size=(300, means.shape[1])) * 3, between])
