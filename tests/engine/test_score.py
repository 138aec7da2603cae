"""Scoring against a naive reference, and its promise: a row's score depends on the row alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import gaussians
from handmade import FORMS, clustering
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.densities import total
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Clustering, Floats, Layout, Mixture


def naive(model: Clustering, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Cluster posteriors, distances to every centre, and nearest cell, straight from the formulas."""
    mixture = model.mixture
    m, d = mixture.means.shape
    densities = np.zeros((len(rows), m))
    for j in range(m):
        form, f = mixture.covariance, mixture.factors
        factor = {"spherical": lambda: np.eye(d) * f[j], "diag": lambda: np.diag(f[j]), "tied": lambda: f,
                  "full": lambda: f[j]}[form]()  # fmt: skip
        covariance = np.linalg.inv(factor @ factor.T)
        for i, row in enumerate(rows):
            gap = row - mixture.means[j]
            quadratic = gap @ np.linalg.solve(covariance, gap)
            densities[i, j] = (
                mixture.weights[j] * np.exp(-quadratic / 2) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
            )
    clusters = np.stack([densities[:, model.component_cluster == c].sum(axis=1) for c in range(len(model.centers))], 1)
    posterior = clusters / clusters.sum(axis=1, keepdims=True)
    distances = np.linalg.norm(rows[:, None] - model.centers, axis=2)
    cells = np.linalg.norm(rows[:, None] - model.kmeans_centers, axis=2).argmin(axis=1)
    return posterior, distances, model.kmeans_cluster[cells]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("m", "d", "merged"), [(1, 1, False), (4, 3, False), (6, 2, True), (5, 9, True), (4, 18, True)]
)
def test_against_the_formulas(form: str, m: int, d: int, merged: bool) -> None:
    model = clustering(form, m, d, seed=m * 10 + d, merged=merged)
    rows = np.random.default_rng(5).normal(size=(200, d)) * 2
    posterior, distances, cells = naive(model, rows)
    scores = Scorer(model).score(rows)
    index = np.arange(len(rows))
    assert (scores.cluster_id == posterior.argmax(axis=1)).all()
    np.testing.assert_allclose(scores.probability, posterior.max(axis=1), rtol=1e-9)
    np.testing.assert_allclose(scores.distance, distances[index, scores.cluster_id], rtol=1e-12)
    assert (scores.kmeans_id == cells).all()
    if posterior.shape[1] > 1:
        ranked = np.sort(posterior, axis=1)
        np.testing.assert_allclose(scores.second_probability, ranked[:, -2], rtol=1e-8, atol=1e-25)
        np.testing.assert_allclose(posterior[index, scores.second_cluster_id], ranked[:, -2], rtol=1e-8, atol=1e-25)
    else:
        assert (scores.second_cluster_id == -1).all()


@settings(max_examples=25, deadline=None)
@given(form=st.sampled_from(FORMS), seed=st.integers(0, 10_000), merged=st.booleans(), d=st.integers(1, 12))
def test_a_rows_score_depends_on_the_row_alone(form: str, seed: int, merged: bool, d: int) -> None:
    model = clustering(form, 6, d, seed, merged)
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, d)) * 3
    scorer = Scorer(model)
    together, ids = scorer.score(rows), scorer.assign(rows)
    assert (ids == together.cluster_id).all()
    order = rng.permutation(len(rows))
    for part in (order, order[:1], order[7:8], order[:37], order[::-1]):
        alone = scorer.score(rows[part])
        for name in ("cluster_id", "probability", "second_cluster_id", "second_probability", "distance", "kmeans_id"):
            assert (getattr(alone, name) == getattr(together, name)[part]).all(), name
        assert (scorer.assign(rows[part]) == ids[part]).all()


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 8, 9, 100, 2049])
def test_a_sum_is_taken_line_by_line(columns: int) -> None:
    rng = np.random.default_rng(columns)
    for lines in [*range(1, 20), 33, 64, 129]:
        values = rng.normal(size=(lines, columns)) * 10.0 ** rng.integers(-9, 9, (lines, columns))
        values[rng.random(values.shape) < 0.1] = -0.0
        expected = np.zeros(columns)
        for line in values:
            expected += line
        for same in (values, np.asfortranarray(values), np.repeat(values, 2, axis=1)[:, ::2]):
            assert total(same).tobytes() == expected.tobytes(), lines


@settings(max_examples=25, deadline=None)
@given(form=st.sampled_from(FORMS), seed=st.integers(0, 10_000), merged=st.booleans(), d=st.integers(0, 4))
def test_rows_with_categories_and_holes_are_assigned_as_scored(form: str, seed: int, merged: bool, d: int) -> None:
    """With rare categories, on borders between clusters, far out, and alone as among others."""
    rng = np.random.default_rng(seed)
    model = clustering(form, 6, max(d, 1), seed, merged)
    shares = tuple(rng.dirichlet(np.full(levels, 0.3), 6) + 1e-9 for levels in (2, 5))
    mixture = replace(model.mixture, shares=tuple(one / one.sum(axis=1, keepdims=True) for one in shares))
    model = replace(model, mixture=mixture, layout=Layout(max(d, 1), (2, 5)))
    means = np.concatenate([mixture.means, mixture.means * 1e3, (mixture.means[:3] + mixture.means[3:]) / 2])
    numbers = np.concatenate([rng.normal(size=(200, max(d, 1))) * 3, means])
    if d == 0:
        numbers[:] = np.nan
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    codes = np.stack([rng.integers(-1, levels, len(numbers)) for levels in (2, 5)], axis=1).astype(np.float64)
    rows = np.concatenate([numbers, np.where(codes < 0, np.nan, codes)], axis=1)
    scorer = Scorer(model)
    ids = scorer.assign(rows)
    assert (ids == scorer.score(rows).cluster_id).all()
    alone = [int(scorer.assign(rows[i : i + 1])[0]) for i in range(0, len(rows), 7)]
    assert ids[::7].tolist() == alone


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("levels", [(), (2,)])
def test_a_row_with_a_hole_does_not_make_up_for_one_between_two_components(form: str, levels: tuple[int, ...]) -> None:
    """One has no component near it that the screen could see, the other has two, of one cluster."""
    means, ones = np.array([[0.0], [10.0], [10.5]]), np.ones(3)
    factors = {"spherical": ones, "diag": ones[:, None], "tied": np.eye(1), "full": np.ones((3, 1, 1))}[form]
    mixture = Mixture(form, ones / 3, means, factors, tuple(np.full((3, count), 1 / count) for count in levels))
    places = np.array([[0.0], [10.25]])
    figures = np.array([0, 1, 1]), places, np.arange(2), places, np.ones(2), np.ones(2), 1.0, ()
    scorer = Scorer(Clustering(mixture, *figures, Layout(1, levels)))
    rows = np.array([[10.25, 0.0], [np.nan, 0.0], [10.25, 0.0], [np.nan, 0.0]])[:, : 1 + len(levels)]
    ids = scorer.assign(rows)
    assert ids.tolist() == scorer.score(rows).cluster_id.tolist() == [int(scorer.assign(row[None])[0]) for row in rows]


def test_equally_probable_clusters_go_to_the_first() -> None:
    means = np.array([[-1.0], [1.0]])
    mixture = Mixture("spherical", np.array([0.5, 0.5]), means, np.ones(2))
    model = Clustering(mixture, np.arange(2), means, np.arange(2), means, np.ones(2), np.ones(2), 1.0, ())
    scores = Scorer(model).score(np.zeros((3, 1)))
    assert scores.cluster_id.tolist() == scores.kmeans_id.tolist() == [0, 0, 0]
    assert scores.probability.tolist() == scores.second_probability.tolist() == [0.5, 0.5, 0.5]
    assert Scorer(model).assign(np.zeros((3, 1))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("form", FORMS)
def test_far_rows_are_finite(form: str) -> None:
    model = clustering(form, 4, 3, seed=1)
    rows = np.array([[1e60, -1e60, 1e60], [1e30, 0, 0], [0, 0, 0]])
    scores = Scorer(model).score(rows)
    assert np.isfinite(scores.probability).all()
    assert (scores.cluster_id >= 0).all()
    assert (Scorer(model).assign(rows) == scores.cluster_id).all()


def test_blocks_cover_every_row() -> None:
    model = clustering("full", 4, 3, seed=1)
    rows = gaussians(1, [300_000], 3)
    assert len(Scorer(model)._blocks(rows)) > 1
    assert (Scorer(model).assign(rows)[-5:] == Scorer(model).assign(rows[-5:])).all()


def test_wide_rows_are_screened_too() -> None:
    """Their log densities are far below zero everywhere: that alone leaves none in doubt."""
    rows = np.random.default_rng(0).normal(size=(40, 30_000))
    means = np.stack([np.zeros(30_000), np.full(30_000, 0.1)])
    mixture = Mixture("spherical", np.array([0.5, 0.5]), means, np.ones(2))
    model = Clustering(mixture, np.arange(2), means, np.arange(2), means, np.ones(2), np.ones(2), 1.0, ())
    scorer = Scorer(model)
    assert not len(scorer.screened(scorer._screen, rows.T)[1])
    assert (scorer.assign(rows) == scorer.score(rows).cluster_id).all()
