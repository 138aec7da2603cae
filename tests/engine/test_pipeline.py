"""The engine's promises: a function of the multiset of rows, exactly k ids when k is given, canonical ids."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import blobs
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.prepared import prepared
from ppp_duck.engine.rows import REPEATS, count
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Layout, Spot


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
    answers = np.array([0.0, 1, 2, 30, 31, 32])[:, None]
    assert len(fit(answers, np.full(6, 2000.0), report=False).sizes) == 2


def test_repeats_count_as_so_many_observations_at_most():
    assert count(np.ones(10)) == 10
    assert count(np.full(10, 1.1)) == pytest.approx(11, abs=0.02)
    assert count(np.full(10, 1e9)) == pytest.approx(10 + REPEATS)


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


def test_a_ring_around_a_blob_is_two_clusters_of_many_components():
    rng = np.random.default_rng(7)
    angle = rng.uniform(0, 2 * np.pi, 600)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 6 + rng.normal(size=(600, 2)) * 0.2
    found = fit(np.concatenate([ring, rng.normal(size=(300, 2)) * 0.5]))
    assert found.sizes.tolist() == [600, 300]
    assert len(found.component_cluster) > 2


def test_a_point_with_most_of_the_mass_takes_few_components() -> None:
    """The density at one point grows with every component more, whose prior is narrower: 53 of them without the cap."""
    rng = np.random.default_rng(0)
    parts = np.array([[5, 5, 5], [10, 3, 8]])[rng.integers(0, 2, 1000)] + rng.normal(size=(1000, 3))
    found = fit(np.concatenate([np.zeros((3000, 3)), parts]))
    assert found.sizes.tolist() == [3000, 538, 462]
    assert len(found.component_cluster) < 10


def test_small_differences_far_from_zero_are_seen_beside_holes_as_without():
    """2^50 and 2^50 + 4 are different: a spread is rounding only beside the spacing of doubles there."""
    rows = np.array([[2.0**50 + 4 * (i % 2), 2.0**50 + 4 * (i % 3)] for i in range(60)])
    layout = Layout(2, (), ())
    whole = prepared(rows, np.ones(60), layout)[2]
    rows[0, 1] = np.nan
    assert prepared(rows, np.ones(60), layout)[2] == pytest.approx(whole, rel=0.1)
    assert prepared(np.full((5, 1), 2.0**50), np.ones(5), Layout(1, (), ()))[2] == 1.0


@pytest.mark.parametrize("seed", range(6))
def test_the_places_of_categories_have_no_negative_zero(seed: int) -> None:
    """That a product is -0.0 is a matter of rounding; a stored model is one text on all processors."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 200)
    codes = [np.where(rng.random(200) < 0.9, label, 1 - label) for _ in range(2)]
    rows = np.column_stack([rng.normal(size=200) + 3 * label, *codes, np.zeros(200)])
    every, _, _ = prepared(rows, np.ones(200), Layout(1, (2, 2, 3)))
    assert every.mixed is not None
    places = np.concatenate([one.ravel() for one in every.mixed.axes])
    assert not np.signbit(places[places == 0]).any()


def test_kmeans_sees_a_category_at_its_place() -> None:
    """A value whose number is a hole, since a category stands for it, is seen where it lies: in the upper group."""
    rng = np.random.default_rng(9)
    label = np.repeat([0, 1], 150)
    x, top = label * 8 + rng.normal(size=300), 9.0
    is_top = x >= top
    rows = np.column_stack([np.where(is_top, np.nan, x), is_top])
    layout = Layout(1, (2,), spots=(Spot(0, 0, (None, top)),))
    found = fit(rows, layout=layout)
    scores = Scorer(found).score(rows)
    assert len(found.sizes) == 2
    assert len(set(scores.cluster_id[label == 1].tolist())) == 1
    assert (scores.kmeans_id == scores.cluster_id).all()
    assert np.isfinite(scores.distance).all()
