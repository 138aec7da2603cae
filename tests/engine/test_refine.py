"""Passes over all rows, against loops over single rows in exact arithmetic; in any order and any portions."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import pipeline, refine
from ppp_duck.engine.mixture import FORMS, Rows
from ppp_duck.engine.refine import Refined, Refinement
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Beyond, Clustering, Mixture

NEAR = 4e-6  # parameters are kept on grids of 1e-6 of a standard deviation, which are 1 to 4 here


def rows_of(seed: int, n: int = 600, d: int = 2, k: int = 3, spread: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(k, d)) * spread
    return centers[rng.integers(0, k, n)] + rng.normal(size=(n, d))


def fitted(sample: np.ndarray, covariance: str, k: int | None = None) -> tuple[Clustering, Beyond]:
    found = pipeline.fit(sample, covariance=covariance, k=k, report=False)
    prior = None
    if covariance != "spherical":
        prior = pipeline.covariance_prior(sample, np.ones(len(sample)), found.mixture)
    return found, Beyond(len(sample), None, prior)


def passes(rows, clustering, beyond, count, weights=None, portion=10_000) -> Refinement:
    refinement = Refinement(clustering, beyond, count)
    goes_on = True
    while goes_on:
        for lo in range(0, len(rows), portion):
            part = slice(lo, lo + portion)
            refinement.add(refinement.sums(rows[part], None if weights is None else weights[part]))
        goes_on = refinement.close()
    return refinement


def result(rows, clustering, beyond, count, weights=None, portion=10_000) -> Refined:
    found = passes(rows, clustering, beyond, count, weights, portion).refined
    assert found is not None
    return found


def same(a: object, b: object) -> None:
    """Equal, bit by bit."""
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


@pytest.mark.parametrize("covariance", FORMS)
def test_order_and_portions_do_not_matter(covariance: str) -> None:
    rows = rows_of(1)
    rows[0] += 200  # far out
    clustering, beyond = fitted(rows[200:400], covariance, 3)
    expected = result(rows, clustering, beyond, 2)
    assert expected.passes == 2
    mixed = np.random.default_rng(9).permutation(len(rows))
    same(result(rows[mixed], clustering, beyond, 2, portion=7), expected)
    same(result(np.asfortranarray(rows[::-1]), clustering, beyond, 2, portion=333), expected)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(FORMS))
def test_a_weight_is_a_number_of_repeats(seed: int, covariance: str) -> None:
    rows = rows_of(seed, 200)
    clustering, beyond = fitted(rows[:60], covariance)
    times = np.random.default_rng(seed).integers(1, 6, len(rows))
    weighted = dataclasses.replace(beyond, heaviest=float(times.max()))
    expected = result(np.repeat(rows, times, axis=0), clustering, beyond, 2)
    same(result(rows, clustering, weighted, 2, times.astype(float)), expected)
    # the unit of the weights does not matter where it is a power of two
    assert expected.clustering.sizes.sum() == times.sum()


def naive_posteriors(mixture: Mixture, row: np.ndarray) -> list[float]:
    """Of one row, from dense covariances."""
    logs = []
    for weight, mean, covariance in zip(mixture.weights, mixture.means, dense(mixture), strict=True):
        gap = row - mean
        distance = gap @ np.linalg.solve(covariance, gap)
        logs.append(math.log(weight) - 0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + distance))
    top = max(logs)
    terms = [math.exp(one - top) for one in logs]
    return [one / math.fsum(terms) for one in terms]


def dense(mixture: Mixture) -> np.ndarray:
    m, d = mixture.means.shape
    if mixture.covariance == "spherical":
        return np.eye(d) / mixture.factors[:, None, None] ** 2
    if mixture.covariance == "diag":
        return np.array([np.diag(1 / one**2) for one in mixture.factors])
    factors = [mixture.factors] * m if mixture.covariance == "tied" else mixture.factors
    return np.array([np.linalg.inv(one @ one.T) for one in factors])


@pytest.mark.parametrize("covariance", FORMS)
@pytest.mark.parametrize("weighted", [False, True])
def test_an_em_step_is_that_of_a_loop_over_rows(covariance: str, weighted: bool) -> None:
    rows = rows_of(3, 400)
    before = pipeline.fit(rows[:80], covariance=covariance if covariance != "spherical" else "diag", k=3, report=False)
    if covariance == "spherical":  # as a mixture, not as k-means
        mixture = dataclasses.replace(
            before.mixture, covariance="spherical", factors=before.mixture.factors.mean(axis=1)
        )
        before = dataclasses.replace(before, mixture=mixture)
    weights = np.random.default_rng(4).random(len(rows)) * 3 if weighted else None
    mass = np.ones(len(rows)) if weights is None else weights
    prior = np.array([[0.5, 0.1], [0.1, 2.0]])
    beyond = Beyond(80, None if weights is None else float(weights.max()), prior)
    found = result(rows, before, beyond, 1, weights).clustering.mixture
    m, d = before.mixture.means.shape
    posterior = np.array([naive_posteriors(before.mixture, row) for row in rows]) * mass[:, None]
    total = [math.fsum(posterior[:, j]) for j in range(m)]
    means = [[math.fsum(posterior[:, j] * rows[:, f]) / total[j] for f in range(d)] for j in range(m)]
    scatter = np.array([
        [[math.fsum(posterior[:, j] * (rows[:, f] - means[j][f]) * (rows[:, g] - means[j][g])) for g in range(d)]
         for f in range(d)] for j in range(m)
    ])  # fmt: skip
    strength = d + 2
    if covariance == "tied":
        expected = np.repeat((scatter.sum(axis=0) + strength * prior)[None] / (sum(total) + strength), m, axis=0)
    else:
        expected = (scatter + strength * prior) / (np.array(total) + strength)[:, None, None]
        if covariance != "full":
            expected *= np.eye(d)
        if covariance == "spherical":
            expected = np.eye(d) * (np.trace(expected, axis1=1, axis2=2) / d)[:, None, None]
    np.testing.assert_allclose(found.weights, np.array(total) / sum(total), rtol=1e-6)
    np.testing.assert_allclose(found.means, means, rtol=1e-6, atol=NEAR)
    np.testing.assert_allclose(dense(found), expected, rtol=4e-6, atol=NEAR)


@pytest.mark.parametrize("covariance", ["diag", "tied", "full"])
@pytest.mark.parametrize("d", [2, 9])
def test_an_em_step_is_the_engines(covariance: str, d: int) -> None:
    rows = rows_of(6, 500, d)
    clustering, beyond = fitted(rows[:150], covariance)
    every = Rows.of(rows, np.ones(len(rows)))
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(clustering.mixture, every))
    expected = gaussian.m_step(every, posterior, covariance, gaussian.Prior(d + 2.0, beyond.prior))
    found = result(rows, clustering, beyond, 1).clustering.mixture
    for name in ("weights", "means", "factors"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=NEAR)


@pytest.mark.parametrize("covariance", ["spherical", "full"])
def test_a_lloyd_step_is_that_of_a_loop_over_rows(covariance: str) -> None:
    rows = rows_of(7, 500)
    clustering, beyond = fitted(rows[:50], covariance, 3)
    cells = clustering.kmeans_centers
    labels = [min(range(len(cells)), key=lambda j: math.dist(row, cells[j])) for row in rows]
    expected = [
        [
            math.fsum(x for x, label in zip(rows[:, f], labels, strict=True) if label == j) / labels.count(j)
            for f in range(2)
        ]
        for j in range(len(cells))
    ]
    found = result(rows, clustering, beyond, 1).clustering
    assert sorted(map(tuple, found.kmeans_centers)) == [
        pytest.approx(one, abs=1e-8) for one in sorted(map(tuple, expected))
    ]
    if covariance == "spherical":  # the cells are the mixture
        assert np.sort(found.mixture.means, axis=0) == pytest.approx(np.sort(found.kmeans_centers, axis=0), abs=NEAR)
        inertia = math.fsum(min(math.dist(row, one) for one in expected) ** 2 for row in rows)
        nearest = math.fsum(math.dist(row, expected[label]) ** 2 for row, label in zip(rows, labels, strict=True))
        assert inertia <= nearest
        np.testing.assert_allclose(found.mixture.factors, math.sqrt(500 * 2 / nearest), rtol=1e-6)
        assert len(set(found.mixture.weights)) == 1


@pytest.mark.parametrize("covariance", FORMS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_are_those_of_all_rows(covariance: str, seed: int) -> None:
    rows = rows_of(seed, 700, 3, 4)
    clustering, beyond = fitted(rows[:90], covariance)
    found = result(rows, clustering, beyond, 3)
    one = found.clustering
    scores = Scorer(one).score(rows)
    ids = scores.cluster_id
    assert one.sizes.tolist() == np.bincount(ids).tolist()
    assert one.sizes.tolist() == sorted(one.sizes, reverse=True)
    for j in range(len(one.sizes)):
        inside = rows[ids == j]
        np.testing.assert_allclose(one.centers[j], [math.fsum(x) / len(inside) for x in inside.T], atol=1e-13)
        np.testing.assert_allclose(found.spreads[j], inside.std(axis=0), rtol=1e-10, atol=1e-12)
        both = ((ids == j) & (scores.kmeans_id == j)).sum()
        assert one.agreement[j] == pytest.approx(2 * both / ((ids == j).sum() + (scores.kmeans_id == j).sum()))
    assert one.overall_agreement == pytest.approx((ids == scores.kmeans_id).mean())
    assert one.trials == clustering.trials


@pytest.mark.parametrize("covariance", FORMS)
def test_each_pass_climbs(covariance: str) -> None:
    rows = rows_of(8, 2000, 2, 3, 1.5)
    clustering, beyond = fitted(rows[:100], covariance, 3)
    every = Rows.of(rows, np.ones(len(rows)))
    reached = []
    for count in range(5):
        mixture = result(rows, clustering, beyond, count).clustering.mixture
        if covariance == "spherical":
            reached.append(-sum(min(math.dist(row, one) for one in mixture.means) ** 2 for row in rows))
        else:
            prior = gaussian.Prior(4.0, beyond.prior)
            likely = gaussian.responsibilities(gaussian.log_densities(mixture, every))[1].sum()
            reached.append(likely + gaussian.penalty(mixture, prior))
    assert reached == sorted(reached)
    assert reached[-1] > reached[0]


def one_dimensional(means, weights, clusters=None, cells=None) -> Clustering:
    """Components of standard deviation 1 on a line, each a cluster of its own if nothing else is said."""
    m = len(means)
    clusters = np.arange(m) if clusters is None else np.array(clusters)
    k = int(clusters.max()) + 1
    places = np.array(means, dtype=float)[:, None]
    mixture = Mixture("diag", np.array(weights), places, np.ones((m, 1)))
    centers = np.array([places[clusters == j].mean(axis=0) for j in range(k)])
    cells = places if cells is None else np.array(cells, dtype=float)[:, None]
    return Clustering(mixture, clusters, cells, clusters, centers, np.ones(k), np.ones(k), 1.0, ())


def test_ids_follow_the_sizes_of_all_rows() -> None:
    rows = np.concatenate([np.linspace(-11, -9, 30), np.linspace(9, 11, 50)])[:, None]
    before = one_dimensional([-10, 10], [0.9, 0.1])
    found = result(rows, before, Beyond(5, None, np.ones((1, 1))), 1).clustering
    assert found.sizes.tolist() == [50, 30]
    assert found.centers[:, 0] == pytest.approx([10, -10])
    assert found.component_cluster.tolist() == [1, 0]
    assert Scorer(found).score(rows).kmeans_id.tolist() == [1] * 30 + [0] * 50


def test_several_components_and_cells_of_a_cluster() -> None:
    rows = np.concatenate([np.linspace(-5, -1, 40), np.linspace(1, 2, 25), np.linspace(50, 51, 70)])[:, None]
    before = one_dimensional([-3, 1, 50], [0.4, 0.3, 0.3], [0, 0, 1])
    found = result(rows, before, Beyond(5, None, np.ones((1, 1))), 3).clustering
    assert found.sizes.tolist() == [70, 65]
    assert found.component_cluster.tolist() == found.kmeans_cluster.tolist() == [1, 1, 0]
    assert found.overall_agreement == 1
    assert found.kmeans_centers[:, 0] == pytest.approx([-3, 1.5, 50.5])
    assert Scorer(found).assign(rows).tolist() == [1] * 65 + [0] * 70


def test_a_step_that_empties_a_cluster_is_taken_back() -> None:
    rows = np.array([0.0] * 100 + [0.6])[:, None]
    before = one_dimensional([0, 1], [0.5, 0.5])
    before = dataclasses.replace(
        before, mixture=dataclasses.replace(before.mixture, covariance="tied", factors=np.eye(1))
    )
    refinement = passes(rows, before, Beyond(5, None, np.ones((1, 1))), 4)
    found = refinement.refined
    assert (found.passes, refinement.wanted) == (0, 4)
    same(found.clustering.mixture, before.mixture)
    assert found.clustering.sizes.tolist() == [100, 1]
    assert found.spreads.tolist() == [[0.0], [0.0]]


def test_a_component_without_rows_keeps_its_place() -> None:
    rows = np.linspace(-2, 2, 50)[:, None]
    before = one_dimensional([0, 1e4], [0.5, 0.5], [0, 0])
    found = result(rows, before, Beyond(5, None, np.full((1, 1), 4.0)), 1).clustering
    assert found.mixture.means[1, 0] == 1e4
    assert found.mixture.weights.tolist() == pytest.approx([1.0, 1e-300], rel=1e-7, abs=0)
    assert found.mixture.factors[1, 0] == 0.5
    assert found.kmeans_centers[1, 0] == 1e4
    assert Scorer(found).assign(rows).tolist() == [0] * 50


def test_a_constant_feature_has_no_spread() -> None:
    rows = np.column_stack([rows_of(11, 300, 1), np.full(300, 0.1)])
    clustering, beyond = fitted(rows[:100], "full", 2)
    found = result(rows, clustering, beyond, 2)
    assert found.spreads[:, 1].tolist() == [0.0, 0.0]
    assert found.clustering.centers[:, 1] == pytest.approx([0.1, 0.1], abs=1e-16)


def test_a_feature_far_narrower_than_its_model() -> None:
    """k-means has one variance for features of any units."""
    rng = np.random.default_rng(2)
    rows = np.column_stack([rng.normal(size=400) * 1e5, rng.normal(size=400) * 1e-3])
    clustering, beyond = fitted(rows[:100], "spherical", 2)
    found = result(rows, clustering, beyond, 2)
    ids = Scorer(found.clustering).assign(rows)
    for j in range(2):
        np.testing.assert_allclose(found.spreads[j], rows[ids == j].std(axis=0), rtol=1e-3)


def test_equal_rows_and_k_means_keep_a_variance() -> None:
    rows = np.array([[0.0], [5.0]] * 40)
    clustering, beyond = fitted(rows[:10], "spherical", 2)
    found = result(rows, clustering, beyond, 2).clustering
    assert found.mixture.factors.tolist() == clustering.mixture.factors.tolist()
    assert found.sizes.tolist() == [40, 40]


def test_small_weights_are_scaled_as_in_the_fit() -> None:
    rows = rows_of(12, 300)
    clustering, beyond = fitted(rows[:100], "diag", 3)
    small = np.full(300, 2.0**-20)
    found = result(rows, clustering, dataclasses.replace(beyond, heaviest=float(small[0])), 1, small).clustering
    assert found.sizes.sum() == pytest.approx(100)


def test_collinear_features_stay_regular() -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(size=3000)
    rows = np.column_stack([a, a * 2, a + 1e-9 * rng.normal(size=3000)])
    for covariance in ("tied", "full"):
        clustering, beyond = fitted(rows[:60], covariance, 1)
        found = result(rows, clustering, beyond, 5).clustering
        assert np.isfinite(found.mixture.factors).all()
        assert Scorer(found).log_density(rows).sum() > Scorer(clustering).log_density(rows).sum()


def test_whole_weights() -> None:
    assert refine.whole_weights(np.array([4.0, 1.0, 3.5]), 4.0).tolist() == [1 << 49, 1 << 47, 7 << 46]
    assert refine.whole_weights(np.array([1e-300, 1e300]), 1e300)[0] == 1  # the lightest row is there
