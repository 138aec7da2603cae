"""Which components are one cluster."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import modality, pair, pipeline
from ppp_duck.engine.components import Components
from ppp_duck.engine.mixture import Rows
from ppp_duck.models.model import Clustering, Floats, Layout, Mixture


def clusters(rows: Floats, mixture: Mixture, weights: Floats | None = None, observations: float | None = None) -> int:
    """How many clusters the components of a mixture of these rows are."""
    every = Rows.of(rows, np.ones(len(rows)) if weights is None else weights, observations)
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(mixture, every))
    return len(set(modality.clusters(mixture, every, posterior).tolist()))


def normal(n: int) -> Floats:
    """Quantiles of a Gaussian ``(n,)``, by sorting a large fixed draw: no chance of the test's own."""
    draw = np.sort(np.random.default_rng(0).normal(size=101 * n))
    return draw[50::101]


def line_of(*parts: Floats) -> Floats:
    return np.concatenate(parts)[:, None]


def two(low: float, high: float, sd: tuple[float, float] = (1.0, 1.0), share: float = 0.5) -> Mixture:
    weights = np.array([share, 1 - share])
    return Mixture("diag", weights, np.array([[low], [high]]), 1 / np.array([[sd[0]], [sd[1]]]))


def test_components_with_one_mean_are_one_cluster() -> None:
    """A wide and a narrow Gaussian around one point have no axis between them, and no valley."""
    assert clusters(np.linspace(-1, 1, 101)[:, None], two(0.0, 0.0, (1.0, 0.2))) == 1


@pytest.mark.parametrize(("apart", "found"), [(2.0, 1), (3.5, 2), (5.0, 2)])
def test_two_gaussians_are_two_where_the_rows_show_it(apart: float, found: int) -> None:
    rows = line_of(normal(300), normal(300) + apart)
    assert clusters(rows, two(0.0, apart)) == found
    assert clusters(rows, two(0.0, apart), np.full(600, 2.0), 600) == found  # double weights are no evidence


def test_an_even_spread_cut_in_two_is_one_cluster() -> None:
    for n in (200, 2000, 20_000):
        assert clusters(np.linspace(-1, 1, n)[:, None], two(-0.5, 0.5, (0.29, 0.29))) == 1


@pytest.mark.parametrize(("share", "found"), [(0.03, 2), (0.3, 1)])
def test_what_is_small_between_two_groups_joins_one_of_them(share: float, found: int) -> None:
    """A few rows on the way, a shoulder of both, are no link of a chain; as many as either group has are."""
    means = np.array([[0.0, 0.0], [2.5, 0.0], [5.0, 0.0]])
    weights = np.array([0.5 - share / 2, share, 0.5 - share / 2])
    mixture = Mixture("diag", weights, means, np.array([[1.0, 1.0], [0.8, 1.0], [1.0, 1.0]]))
    label = np.repeat([0, 1, 2], np.rint(1000 * weights).astype(int))
    rows = means[label] + np.random.default_rng(0).normal(size=(len(label), 2)) * np.array([1.25, 1.0])[None]
    assert clusters(rows, mixture) == found


def test_a_narrow_group_beside_a_broad_one_is_a_cluster() -> None:
    """Spread 0.1 beside 2: bins that both share are wider than the narrow one."""
    rows = line_of(0.1 * normal(400), 2 * normal(400) + 5)
    assert clusters(rows, two(0.0, 5.0, (0.1, 2.0))) == 2


@pytest.mark.parametrize("seed", [4, 5, 10])
def test_noise_around_groups_is_no_group(seed: int) -> None:
    """One row in ten is anywhere, the others are in three groups: the noise joins one of them."""
    g = np.random.default_rng(seed)
    groups = np.array([[-4.0, -2.0], [4.0, -2.0], [0.0, 5.0]])[np.arange(1800) % 3] + g.normal(size=(1800, 2))
    rows = np.concatenate([groups, g.uniform([-8, -6], [8, 9], size=(200, 2))])
    found = pipeline.fit((rows - rows.mean(axis=0)) / rows.std(axis=0))
    assert len(found.component_cluster) > len(found.sizes) == 3


@pytest.mark.parametrize("seed", [0, 1, 2, 6, 11])
def test_noise_in_some_values_glues_no_groups(seed: int) -> None:
    """One value in 16 is anywhere, as of those who tick a box at random: a broad component overlaps each of the groups."""
    g = np.random.default_rng(seed)
    signs = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1], [-1, -1, 1, 1, 1, 1, -1, -1]])
    rows = 2.5 * signs[g.integers(0, 3, 300)] + g.normal(size=(300, 8))
    rows = np.where(g.random(rows.shape) < 0.06, g.uniform(-6, 6, rows.shape), rows)
    assert len(pipeline.fit(rows).sizes) == 3


def test_a_shallow_valley_of_many_rows_is_none() -> None:
    """Rows are worth 4,000 observations at most: a dip by a twentieth is no valley, however many they are."""
    even = np.linspace(-3, 3, 40_000)
    kept = even[(np.abs(even) > 0.5) | (np.arange(40_000) % 20 > 0)]
    assert clusters(kept[:, None], two(-1.5, 1.5, (0.9, 0.9))) == 1


def test_one_skewed_group_is_one_cluster() -> None:
    """Exponential and log normal rows need many components; a third lies between two of them and fills the valley."""
    even = (np.arange(2000) + 0.5) / 2000
    for rows in (-np.log(1 - even), np.exp(0.7 * normal(2000))):
        found = pipeline.fit(rows[:, None])
        assert len(found.component_cluster) > 2
        assert len(found.sizes) == 1


def test_a_tail_beyond_the_bins_of_a_pair_is_no_mode_at_their_end() -> None:
    even = (np.arange(3000) + 0.5) / 3000
    rows = -(np.log(1 - even) ** 2)  # falls all the way, a quarter of it beyond 2.5 standard deviations of the second
    line = pair.Line(np.array([-1.0, -0.2]), np.array([0.25, 0.2]), np.array([0.4, 0.6]), -np.abs(rows), np.ones(3000))
    low = float((line.means - 2.5 * line.spreads).min())
    counts, within = line._counted(low, (0.3 - low) / 48)
    assert counts[0] > 5 * counts[1]
    assert within[0] < 2 * within[1]
    assert counts.sum() == 3000


def test_components_that_share_next_to_nothing_are_compared_where_they_would_stand_alone() -> None:
    """An even spread, by two Gaussians so narrow that next to no row is in doubt."""
    rows = np.stack([np.linspace(-1, 1, 4001), np.resize([-0.01, 0.01], 4001)], axis=1)
    narrow = np.array([[0.028, 0.01], [0.028, 0.01]])
    mixture = Mixture("diag", np.array([0.5, 0.5]), np.array([[-0.5, 0.0], [0.5, 0.0]]), 1 / narrow)
    every = Rows.of(rows, np.ones(len(rows)))
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(mixture, every))
    assert not Components(mixture, every, posterior).near[0, 1]
    assert clusters(rows, mixture) == 1


@pytest.mark.parametrize(("mass", "found"), [((90.0, 40.0, 30.0), 1), ((90.0, 40.0, 50.0), 2)])
def test_what_has_no_valley_beside_a_heavier_shoulder_goes_with_it(mass: tuple[float, ...], found: int) -> None:
    """The second is a shoulder of the first, and the third has no valley beside the second. A heavier third stays."""
    group = modality._joined([(1, 2)], {1: (5.0, 0)}, np.ones((3, 3)), np.array(mass))
    assert group[0] == group[1]
    assert len(set(group.tolist())) == found


@pytest.mark.parametrize("seed", [1, 3])
def test_a_skewed_cloud_in_many_numbers_is_one_cluster(seed: int) -> None:
    rows = np.exp(0.6 * np.random.default_rng([seed, 2000, 8, 5]).normal(size=(2000, 8)))
    assert len(pipeline.fit((rows - rows.mean(axis=0)) / rows.std(axis=0)).sizes) == 1


def test_what_one_axis_cannot_tell_round_clouds_can() -> None:
    """2.4 standard deviations apart: with 8 features the clouds look Gaussian, and a plateau is as good without them."""
    g = np.random.default_rng(5)
    label = np.repeat([0, 1], 1000)
    rows = g.normal(size=(2000, 8))
    rows[:, 0] += 2.4 * label
    means = np.zeros((2, 8))
    means[1, 0] = 2.4
    mixture = Mixture("spherical", np.array([0.5, 0.5]), means, np.ones(2))
    assert clusters(rows, mixture) == 2
    flat = g.uniform(-1.7, 1.7, size=(2000, 8))  # the same of cubes
    flat[:, 0] = np.where(label == 1, flat[:, 0] + 2.4, flat[:, 0])
    assert clusters(flat, mixture) == 1


def test_pieces_of_a_ring_do_not_look_gaussian() -> None:
    """They are flat along it and peaked across, and the mean of both kurtoses is about that of a Gaussian."""
    g = np.random.default_rng(1)
    turn, wide = np.linspace(0, 2 * np.pi, 3000, endpoint=False), 5 + 0.2 * g.laplace(size=3000)
    ring = Rows.of(np.stack([wide * np.cos(turn), wide * np.sin(turn)], axis=1), np.ones(3000))
    hard = gaussian.one_hot(np.arange(3000) // 375, 8)
    assert pair._shaped(ring, hard)
    label = np.arange(3000) % 8
    balls = Rows.of(g.normal(size=(3000, 2)) + 9 * np.eye(8, 2)[label], np.ones(3000))
    assert not pair._shaped(balls, gaussian.one_hot(label, 8))


def test_a_ring_of_links_is_one_cluster_and_the_blob_inside_another() -> None:
    g = np.random.default_rng(1)
    turn, wide = np.linspace(0, 2 * np.pi, 1200, endpoint=False), 5 + 0.4 * g.normal(size=1200)
    ring = np.stack([wide * np.cos(turn), wide * np.sin(turn)], axis=1)
    found = pipeline.fit(np.concatenate([ring, 0.4 * g.normal(size=(400, 2))]))
    assert sorted(found.sizes.tolist()) == [400.0, 1200.0]


@pytest.mark.parametrize("values", [5, 7, 12])
def test_a_single_column_of_even_answers_is_one_cluster(values: int) -> None:
    """Answers 1 to 5, weekdays, months: few distinct rows given often lie on a grid, and are as wide as its step."""
    answers = np.resize(np.arange(values), 2000).astype(float)[:, None]
    assert len(pipeline.fit(answers).sizes) == 1


def rated(*columns: Floats, top: int = 5) -> Clustering:
    """The fit of answers from 1 to ``top``, as numbers on the grid that they lie on."""
    answers = np.stack([np.clip(np.round(one), 1, top) for one in columns], axis=1)
    return pipeline.fit(
        answers / answers.std(axis=0), layout=Layout(len(columns), (), tuple(0.5 / answers.std(axis=0)))
    )


def test_a_rating_makes_no_cluster_by_itself() -> None:
    g = np.random.default_rng(0)
    polar = g.choice([1, 2, 3, 4, 5], 2000, p=[0.35, 0.1, 0.1, 0.15, 0.3])
    other = g.choice([1, 2, 3, 4, 5], 2000, p=[0.3, 0.05, 0.1, 0.05, 0.5])
    for more in ([], [g.normal(3, 0.6, 2000)], [other]):
        assert len(rated(polar, *more).sizes) == 1


@pytest.mark.parametrize("top", [5, 7])
def test_ratings_that_go_together_tell_groups(top: int) -> None:
    g = np.random.default_rng(0)
    group = np.arange(900) % 3
    low, high = 1.6 / 5 * top, 4.4 / 5 * top
    places = np.array([[low, high, low], [high, low, low], [high, high, high]])[group]
    found = rated(*(places + g.normal(0, 0.6, (900, 3))).T, top=top)
    assert len(found.sizes) == 3


def test_ratings_of_one_trait_are_one_cluster() -> None:
    g = np.random.default_rng(0)
    trait = g.normal(size=1500)
    assert len(rated(*(3 + 1.2 * trait + 0.5 * g.normal(size=1500) for _ in range(4))).sizes) == 1


def test_a_single_column_of_whole_numbers_has_its_two_groups() -> None:
    ages = np.round(line_of(30 + 5 * normal(2000), 70 + 5 * normal(1000)))
    assert len(pipeline.fit(ages).sizes) == 2


def test_rows_that_weigh_next_to_nothing_are_still_those_of_their_pair() -> None:
    """Beside two rows of 1e16, others count a billionth of an observation or less: they are all that the pair has."""
    rows = Rows.of(line_of(normal(100), normal(100) + 9), np.ones(200))
    mixture = two(0.0, 9.0)
    line = pair.of_numbers(mixture, 0, 1, np.array([1.0]), (1.0, 1.0), rows, np.full(200, 1e-12))
    assert len(line.along) == 200
    assert line.verdict(modality.BAR, lambda: False) == "none"  # but no evidence
