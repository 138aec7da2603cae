"""How numbers are scaled: as they are, as logarithms or levels; far values and spikes; steps of grids."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine.far import FAR_FEW
from ppp_duck.engine.grain import centre_and_spread
from ppp_duck.engine.grid import step_of
from ppp_duck.features.length import cells_of, description_length
from ppp_duck.features.scale import (
    IS_FAR,
    IS_INFINITE,
    IS_NAN,
    IS_SPIKE,
    LOG,
    PRESENT,
    RAW,
    backward,
    encode,
    learn,
)


@pytest.fixture
def g():
    return np.random.default_rng(11)


def of(values, **more):
    values = np.asarray(values, float)
    return learn(values, np.ones(len(values)), **more)


def test_the_way_that_describes_a_column_shorter(g):
    assert of(g.normal(170, 8, 2000)).kind == "raw"
    assert of(np.append(g.normal(0, 1, 500), g.normal(30, 1, 500))).kind == "raw"
    assert of(np.exp(g.normal(3, 1, 2000))).kind == "log"
    assert of(np.append(np.exp(g.normal(3, 0.6, 500)), np.exp(g.normal(6.5, 0.6, 500)))).kind == "log"
    assert of(g.choice([-1, 1], 2000) * np.exp(g.normal(5, 1.5, 2000))).kind == "log"
    assert of(g.standard_t(3, 2000)).kind == "raw"


def test_no_logarithm_parts_what_lies_evenly_over_zero(g):
    """Balances of which a part is overdrawn have one side only; gains and losses a thousand times as large have two."""
    balance = of(np.exp(g.normal(10, 1, 4000)) - 8000)
    assert balance.kind == "raw" or balance.unit > 10000  # the spread near zero, and more
    assert of(g.choice([-1, 1], 4000) * np.exp(g.normal(5, 1.5, 4000))).unit < 50


def test_levels(g):
    s = of(np.clip(np.round(g.normal(3, 0.7, 500) * 2) / 2, 2, 3.5))
    assert s.kind == "levels"
    assert of(g.integers(1, 6, 500)).kind == "raw"  # a rating of five values without a gap is a number
    assert of(g.choice([12.0, 24, 36, 48, 60, 120, 180, 240], 500)).kind == "levels"
    assert (s.step, s.levels[1] - s.levels[0]) == (0.5, 0.5)
    e = encode(s, np.array([s.levels[2], s.levels[2] + 0.1, np.nan, 1e9]))
    assert e.codes.tolist() == [2, 2, -1, -1]
    assert e.reasons.tolist() == [PRESENT, PRESENT, IS_NAN, IS_FAR]


@pytest.mark.parametrize(("values", "step"), [
    ([1, 2, 5, 9], 1), ([0, 15, 30, 75], 15), ([0.99, 1.99, 7.99], 1), ([0.1, 0.2, 0.3, 0.7], 0.1), ([1.25, 2.5, 5.0], 1.25),
    ([13990.929999999977, 12.5, 0.01], 0.01), (np.arange(30) ** 2 * 0.45359237, 0.45359237), (np.sqrt(np.arange(1, 30)), 0),
    (1.6e9 + 86400 * np.array([1, 2, 7]), 86400), ([1, 2], 0),
])  # fmt: skip
def test_steps(values, step):
    assert step_of(np.unique(np.asarray(values, float))) == pytest.approx(step, rel=1e-9)


@pytest.mark.parametrize("factor", [30.0, 1e3, 1e6, 1e12, -1e3])
@pytest.mark.parametrize(("n", "broken"), [(100, 1), (1000, 1), (1000, 10), (10000, 1), (10000, 20)])
def test_broken_values_move_nothing(g, factor, n, broken):
    x = np.append(g.normal(0, 1, n * 3 // 5), g.normal(10, 1, n * 2 // 5))
    whole, y = of(x), x.copy()
    y[:broken] = 10 * factor
    s = of(y)
    assert (s.kind, s.spread / whole.spread) == ("raw", pytest.approx(1, abs=0.03))
    assert abs(s.center - whole.center) < 0.03 * whole.spread
    assert (encode(s, y).reasons == IS_FAR).sum() == broken


def test_a_heavy_second_cluster_is_not_broken(g):
    x = np.append(g.normal(0, 1, 1940), g.normal(1000, 1, 60))
    assert (encode(of(x), x).reasons == PRESENT).all()
    few = np.append(g.normal(0, 1, 1940), np.repeat(g.normal(1000, 1, FAR_FEW + 1), 7))
    assert (encode(of(few), few).reasons == PRESENT).all()


def test_spikes(g):
    x = np.where(g.random(2000) < 0.5, 0, np.round(np.exp(g.normal(3.5, 0.7, 2000)), 2))
    s = of(x)
    assert (s.spikes, s.kind, s.places) == ((0.0,), "log", (None,))
    e = encode(s, np.append(x, np.nan))
    assert (e.reasons[:-1] == np.where(x == 0, IS_SPIKE, PRESENT)).all()
    assert (e.codes == np.append(x == 0, -1)).all()
    assert np.nanmean(e.scaled) == pytest.approx(0, abs=1e-9)
    assert of(1 + g.geometric(0.2, 2000)).spikes == ()
    assert of(g.poisson(9, 2000)).spikes == ()


def test_several_spikes(g):
    """Both ends of a scale; prices. Not the tips of groups, which lie among most other values."""
    percent = np.clip(np.round(g.normal(60, 40, 2000)), 0, 100)
    s = of(percent)
    assert s.spikes == (0.0, 100.0)
    assert s.places == pytest.approx(tuple((np.array([0, 100]) - s.center) / s.spread))
    assert (encode(s, percent).codes == np.where(percent == 100, 2, percent == 0)).all()
    prices = np.array([9.99, 19.99, 29.99, 49.99])
    paid = np.where(g.random(2000) < 0.4, prices[g.integers(0, 4, 2000)], np.round(np.exp(g.normal(3, 0.8, 2000)), 2))
    assert of(paid).spikes == tuple(prices)
    level = np.array([20.0, 60.0])[g.integers(0, 2, 2000)]
    assert of(np.where(g.random(2000) < 0.5, level, np.round(level + g.normal(size=2000), 2))).spikes == ()


def test_what_people_round_is_on_their_grid(g):
    """As often as they do: with a tenth of the ages round, the grid is that of whole numbers."""
    age = g.normal(45, 15, 3000)
    for share, step in ((0.1, 1), (0.4, 10), (0.9, 10)):
        s = of(np.where(g.random(3000) < share, np.round(age / 10) * 10, np.round(age)))
        assert (s.kind, s.floor * s.spread) == ("raw", pytest.approx(step / 2))
    middles = np.arange(0.0, 200, 20)[g.integers(0, 10, 3000)]
    groups = np.where(g.random(3000) < 0.4, middles, middles + g.normal(size=3000))
    assert of(groups).heaps == 0  # heaps, but nothing between them


@pytest.mark.parametrize("scale", ["auto", "standard", "robust", "log", "none"])
def test_there_and_back(g, scale):
    x = np.round(g.choice([-1, 1, 1], 500) * np.exp(g.normal(4, 1.2, 500)), 2)
    s = of(x, scale=scale)
    e = encode(s, x)
    back = s.base * backward(e.scaled * s.spread + s.center, s.unit if s.kind == LOG else 0.0)
    assert np.allclose(back[e.reasons == PRESENT], x[e.reasons == PRESENT], rtol=1e-9)


def test_asked_for(g):
    x = g.normal(50, 4, 300)
    s = of(x, scale="standard")
    assert (s.center, s.spread) == (pytest.approx(x.mean()), pytest.approx(x.std()))
    assert (of(x, scale="none").center, of(x, scale="none").spread) == (0.0, 1.0)
    assert of(x, scale="robust").spread == pytest.approx(np.subtract(*np.quantile(x, [0.75, 0.25])), rel=0.05)


def test_holes_and_extremes(g):
    x = np.append(g.normal(size=50), [np.nan, np.inf, -np.inf])
    assert encode(of(x), x).reasons[-3:].tolist() == [IS_NAN, IS_INFINITE, IS_INFINITE]
    for values in ([], [np.nan], [3.0], [3.0] * 9, [0.0, 1.0], [1e308, -1e308, 5.0], [5e-324, 1.0, 2.0]):
        s = of(values)
        assert np.isfinite([s.center, s.spread, s.floor]).all()
        assert s.spread > 0


def test_half_a_step_is_the_floor(g):
    s = of(np.round(g.normal(0, 9, 1000)))
    assert s.floor * s.spread == pytest.approx(0.5)


def test_rows_are_weights_and_order_does_not_matter(g):
    x = np.round(np.exp(g.normal(3, 1, 800)))
    values, counts = np.unique(x, return_counts=True)
    assert of(x) == of(x[::-1]) == learn(values, counts.astype(float))


def test_description_of_two_clusters_is_shorter_with_two_components(g):
    x = np.sort(np.append(g.normal(0, 1, 500), g.normal(20, 1, 500)))
    one = 0.5 * np.log(2 * np.pi * np.e * x.var()) * 800
    assert description_length(cells_of(x, np.ones(1000), np.zeros(1000))) < one - 500


def test_a_sum_in_another_order_scales_by_the_same() -> None:
    """Another numpy adds in another order: points must be equal, as large tables are sampled by their bits."""
    x = np.sin(np.arange(5000.0)) * 3.3 + 17
    center, spread = x.mean(keepdims=True), x.std(keepdims=True)
    other = sum(x.tolist()) / 5000 * np.ones(1), spread * (1 + 3e-16)
    assert other[0] != center
    assert [one.tolist() for one in centre_and_spread(*other)] == [
        one.tolist() for one in centre_and_spread(center, spread)
    ]
    assert np.allclose(centre_and_spread(center, spread), (center, spread), rtol=1e-11)


def test_small_counts_do_not_blur_large_ones() -> None:
    """In logarithms the step from 1 to 2 is as wide as that from 30 to 60: these are three groups, not two."""
    x = np.concatenate([np.arange(1, 9), np.arange(30, 38), np.arange(40, 48)]).astype(float)
    weights = np.tile([20.0, 60, 80, 70, 40, 20, 8, 2], 3)
    assert learn(x, weights).kind == RAW


def test_values_of_any_size_that_are_too_many_to_be_broken() -> None:
    """Of all rows they are one in a hundred, of those without the value apart two: their squares are no doubles."""
    values = np.concatenate([np.zeros(120), np.random.default_rng(5).normal(5, 1, 80), [1e300, 2e300]])
    found = learn(values, np.ones(len(values)))
    assert found.spikes == (0,)
    assert np.isfinite([found.center, found.spread]).all()
    assert np.isfinite(encode(found, values).scaled[120:200]).all()
