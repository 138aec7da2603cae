"""The engine's promises: a function of the multiset of rows, exactly k ids when k is given, canonical ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import modality, partition, select
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.score import Scorer
from ppp_duck.model import Mixture


def blobs(seed: int = 0, k: int = 3, each: int = 60, d: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(each + 5 * j, d)) + 9.0 * j for j in range(k)])


def same(a, b) -> None:
    np.testing.assert_array_equal(a.mixture.means, b.mixture.means)
    np.testing.assert_array_equal(a.mixture.factors, b.mixture.factors)
    np.testing.assert_array_equal(a.component_cluster, b.component_cluster)
    np.testing.assert_array_equal(a.kmeans_centers, b.kmeans_centers)
    np.testing.assert_array_equal(a.sizes, b.sizes)
    assert a.trials == b.trials


def test_finds_separate_blobs():
    found = fit(blobs())
    assert found.sizes.tolist() == [70, 65, 60]
    assert found.overall_agreement == 1.0
    assert [trial.chosen for trial in found.trials].count(True) == 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_row_order_does_not_matter(seed, d):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, d)).round(1)
    same(fit(rows), fit(rows[rng.permutation(60)]))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_weight_is_a_number_of_repeats(seed):
    rng = np.random.default_rng(seed)
    rows, times = rng.normal(size=(40, 2)), rng.integers(0, 4, 40)
    times[0] = 1
    if times.sum() >= (times > 0).sum():
        same(fit(rows, times.astype(float)), fit(np.repeat(rows, times, axis=0)))


@pytest.mark.parametrize("covariance", ["auto", "spherical", "diag", "tied", "full"])
@pytest.mark.parametrize("k", [1, 2, 7, 12])
def test_k_given_is_k_found(covariance, k):
    rows = blobs(1, 3, 8)[:24]
    found = fit(rows, k=k, covariance=covariance)
    labels = Scorer(found).assign(rows)
    assert sorted(set(labels.tolist())) == list(range(k))
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    np.testing.assert_array_equal(np.bincount(labels), found.sizes)
    if covariance != "auto":
        assert found.mixture.covariance == covariance


def test_as_many_clusters_as_rows():
    rows = np.arange(10.0)[:, None] ** 2
    assert len(fit(rows, k=10).sizes) == 10


@pytest.mark.parametrize("covariance", ["auto", "spherical", "full"])
def test_k_max_is_a_bound(covariance):
    assert len(fit(blobs(2, 5), k_max=2, covariance=covariance).sizes) <= 2


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((1, 3)),
        np.ones((50, 2)) * 7.3,
        np.array([[0.0], [1.0]]),
        np.random.default_rng(0).normal(size=(5, 40)),
        np.column_stack([np.random.default_rng(1).normal(size=80), np.full(80, 1e9)]),
    ],
    ids=["one row", "equal rows", "two rows", "d > n", "constant column"],
)
def test_degenerate_rows_are_one_cluster(rows):
    found = fit(rows)
    assert len(found.sizes) == 1
    assert np.isfinite(found.mixture.means).all()
    assert np.isfinite(found.mixture.factors).all()


@pytest.mark.parametrize("make", ["normal", "uniform"])
@pytest.mark.parametrize(("n", "d"), [(200, 2), (1000, 2), (300, 8)])
def test_no_structure_is_one_cluster(make, n, d):
    rows = getattr(np.random.default_rng(n + d), make)(size=(n, d))
    assert len(fit(rows).sizes) == 1


def test_a_few_far_rows_are_no_cluster():
    rows = np.concatenate([np.random.default_rng(3).normal(size=(300, 2)), [[40.0, 0.0], [41.0, 0.5], [0.0, -60.0]]])
    assert len(fit(rows).sizes) == 1


def test_bad_k_is_refused():
    with pytest.raises(ValueError, match="between 1 and 2"):
        fit(np.array([[0.0], [1.0], [1.0]]), k=3)


def test_progress_can_stop_a_fit():
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(blobs(), progress=stop)


@pytest.mark.parametrize("times", [2, 300, 20_000])
def test_repeating_every_row_splits_nothing(times):
    """Ten round groups and noise: rows given many times are no more certain points than rows given once."""
    rng = np.random.default_rng(0)
    groups = rng.uniform(0, 17, (10, 8))[np.arange(475) % 10] + rng.normal(size=(475, 8))
    rows = np.concatenate([groups, rng.uniform(0, 18, (25, 8))])
    truth = np.arange(475) % 10
    for weights in (None, np.full(500, float(times))):
        found = fit(rows, weights, report=False)
        assert len(found.sizes) in (10, 11)
        ids = Scorer(found).assign(rows)[:475]
        assert len(set(zip(ids.tolist(), truth.tolist(), strict=True))) == 10


def test_few_rows_given_often_are_categories():
    assert len(fit(np.eye(3), np.array([60.0, 50.0, 40.0]), report=False).sizes) == 3
    assert len(fit(np.arange(5.0)[:, None], np.full(5, 2000.0), report=False).sizes) == 5


def test_repeats_count_as_so_many_observations_at_most():
    assert gaussian.count(np.ones(10)) == 10
    assert gaussian.count(np.full(10, 1.1)) == pytest.approx(11, abs=0.02)
    assert gaussian.count(np.full(10, 1e9)) == pytest.approx(10 + gaussian.REPEATS)


@pytest.mark.parametrize("spread", [0.8, 1.2, 2.2])
def test_rounded_rows_have_the_clusters_of_the_rows(spread):
    """100,000 rows on a hundred to six hundred points: every point repeats, and the gaps between them are no valleys."""
    rng = np.random.default_rng(0)
    places = np.array([[0, 0], [12, 3], [4, 14]]) * spread / 2.2
    rows = np.round(places[rng.integers(0, 3, 100_000)] + rng.normal(size=(100_000, 2)) * spread)
    assert len(fit(rows, report=False).sizes) == 3


def test_survey_weights_are_scaled_to_an_average_of_one():
    rows = blobs()
    rows = np.unique(rows, axis=0)
    assert fit(rows, np.full(len(rows), 1 / 1024)).sizes.sum() == pytest.approx(len(rows))


@pytest.mark.parametrize("form", gaussian.FORMS)
@pytest.mark.parametrize("d", [1, 3, 10])
def test_log_densities_match_the_definition(form, d):
    rng = np.random.default_rng(d)
    x, weights = rng.normal(size=(40, d)), rng.uniform(0.5, 2, 40)
    rows = Rows.of(x, weights)
    mixture = gaussian.m_step(rows, rng.dirichlet(np.ones(3), 40), form, gaussian.covariance_prior(rows, form, 3))
    dense = {
        "spherical": lambda f, j: np.eye(d) / f[j] ** 2,
        "diag": lambda f, j: np.diag(1 / f[j] ** 2),
        "tied": lambda f, _: np.linalg.inv(f @ f.T),
        "full": lambda f, j: np.linalg.inv(f[j] @ f[j].T),
    }[form]
    expected = np.empty((40, 3))
    for j in range(3):
        covariance, gap = dense(mixture.factors, j), x - mixture.means[j]
        distance = (gap @ np.linalg.inv(covariance) * gap).sum(axis=1)
        expected[:, j] = np.log(mixture.weights[j]) - 0.5 * (
            d * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + distance
        )
    np.testing.assert_allclose(gaussian.log_densities(mixture, rows), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", gaussian.FORMS)
def test_em_climbs(form):
    x = blobs(3) / 9
    weights = np.ones(len(x))
    rows = Rows.of(x, weights)
    prior = gaussian.covariance_prior(rows, form, 3)
    posterior = np.random.default_rng(0).dirichlet(np.ones(3), len(x))
    before = -np.inf
    for _ in range(15):
        mixture, log_likelihood, posterior = gaussian.em(rows, posterior, form, prior, 0, 0.0, partition.silent)
        now = log_likelihood + gaussian.penalty(mixture, prior)
        assert now >= before - 1e-9 * abs(now)
        before = now


def test_inertia_matches_the_definition():
    rng = np.random.default_rng(5)
    x, weights, centers = rng.normal(size=(50, 3)), rng.uniform(size=50), rng.normal(size=(4, 3))
    labels = partition.nearest(x, centers)
    distance = ((x[:, None] - centers) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, distance.argmin(axis=1))
    assert partition.inertia(x, weights, centers, labels) == pytest.approx(weights @ distance.min(axis=1))


def test_a_ring_around_a_blob_is_two_clusters_of_many_components():
    rng = np.random.default_rng(7)
    angle = rng.uniform(0, 2 * np.pi, 600)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 6 + rng.normal(size=(600, 2)) * 0.2
    found = fit(np.concatenate([ring, rng.normal(size=(300, 2)) * 0.5]))
    assert found.sizes.tolist() == [600, 300]
    assert len(found.component_cluster) > 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3))
def test_canonical_rows_are_the_distinct_rows_in_order_with_summed_weights(seed, d, values):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-values, values + 1, size=(40, d)) * 0.1
    weights = rng.choice([0.1, 0.7, 1e6], size=40)
    found, mass = partition.canonical_rows(np.where((rows == 0) & (rng.random(rows.shape) < 0.5), -0.0, rows), weights)
    distinct, place = np.unique(rows + 0.0, axis=0, return_inverse=True)
    np.testing.assert_array_equal(found, distinct)
    np.testing.assert_allclose(mass, np.bincount(place.ravel(), weights), rtol=1e-12)
    order = rng.permutation(40)
    again, same = partition.canonical_rows(rows[order], weights[order])
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(mass, same)


def test_content_sample_keeps_the_total_and_knows_no_order():
    rng = np.random.default_rng(9)
    rows, weights = partition.canonical_rows(rng.normal(size=(500, 2)), rng.integers(1, 9, 500).astype(float))
    keep, mass = partition.content_sample(rows, weights, 100)
    assert len(keep) == 100
    assert mass.sum() == pytest.approx(weights.sum())


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


@pytest.mark.parametrize(
    ("weights", "capped"),
    [
        ([1.0] * 30, 0),
        ([1000.0] + [1.0] * 29, 1),
        ([1e15] * 9 + [1e-3] * 21, 9),
        ([5.0, 1.0, 1.0], 1),  # of three rows, none counts more than two thirds
        ([7.0], 0),
        ([3.0] * 7, 0),
    ],
)
def test_no_row_is_more_than_a_tenth_of_the_evidence(weights: list[float], capped: int) -> None:
    mass = np.array(weights)
    evidence = Rows.of(np.arange(len(mass), dtype=float)[:, None], mass).evidence
    share = max(0.1, 2 / len(mass))
    assert evidence.sum() == pytest.approx(mass.sum())
    np.testing.assert_allclose(evidence[:capped], share * mass.sum())
    assert evidence.max() <= share * mass.sum() * (1 + 1e-9)
    np.testing.assert_allclose(evidence[capped:], mass[capped:] * (evidence[-1] / mass[-1]))
    assert capped or np.array_equal(evidence, mass)


def test_a_point_with_most_of_the_mass_takes_few_components() -> None:
    """The density at one point grows with every component more, whose prior is narrower: 53 of them without the cap."""
    rng = np.random.default_rng(0)
    parts = np.array([[5, 5, 5], [10, 3, 8]])[rng.integers(0, 2, 1000)] + rng.normal(size=(1000, 3))
    found = fit(np.concatenate([np.zeros((3000, 3)), parts]))
    assert found.sizes.tolist() == [3000, 538, 462]
    assert len(found.component_cluster) < 10


def grid(side: int, each: int, spacing: float) -> np.ndarray:
    rng = np.random.default_rng(side)
    places = spacing * np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    return np.repeat(places, each, axis=0) + rng.normal(size=(side * side * each, 2))


def test_many_clusters_are_found_though_a_part_of_them_explains_nothing():
    """The score rises from 1 component on and falls again only near all 64: Ward's partitions say where to look."""
    rows = grid(8, 60, 6.0)
    found = fit(rows)
    assert len(found.sizes) == 64
    sample = Rows.of(rows / rows.std(), np.ones(len(rows)))
    assert select.starts(sample, 1, partition.silent).ward_best in range(61, 68)  # every twentieth is looked at


def test_score_counts_the_rows_on_which_kmeans_and_mixture_disagree():
    rows = Rows.of(np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([1.0, 2.0, 1.0, 1.0]))
    wide = Mixture("diag", np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), np.array([[0.1], [10.0]]))
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(wide, rows))
    found = select.weigh(rows, "diag", wide, -5.0, posterior)
    # nearest means: 0, 0, 3, 3; the broad component takes all but what lies at 3: rows 2 and 10 disagree
    assert found.score - found.tempered_bic == pytest.approx(
        select.DISAGREEMENT * gaussian.tempered(rows.observations) * 2 / 5
    )


def test_the_prior_is_the_covariance_of_the_rows():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    rows = Rows.of(x, np.ones(200))
    full, tied = gaussian.covariance_prior(rows, "full", 8), gaussian.covariance_prior(rows, "tied", 8)
    np.testing.assert_allclose(full.covariance * 4, tied.covariance)  # 8 ** (2 / 3)
    np.testing.assert_allclose(np.diag(tied.covariance), x.var(axis=0))
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(tied.covariance[off], np.cov(x.T, bias=True)[off] * 200 / 205)


def test_every_trial_has_its_entropy():
    for trial in fit(np.random.default_rng(4).normal(size=(200, 2))).trials:
        assert trial.icl > trial.bic if trial.k > 1 else trial.icl == pytest.approx(trial.bic)
