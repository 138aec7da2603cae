"""How columns become points: scales, categories, holes, values far out, spikes, levels, and what keeps a row out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from ppp_duck.binding.options import Options
from ppp_duck.features.scale import IS_FAR, IS_INFINITE, IS_NAN, IS_NULL, PRESENT
from ppp_duck.models.description import treatment
from ppp_duck.models.model import Feature
from ppp_duck.running.learning import learn_feature
from ppp_duck.running.points import Encoder, Points, raw_values, reasons

NAN, INF = float("nan"), float("inf")
TODAY = {"scale": "standard", "missing": "skip", "categorical": "onehot"}  # features as they were before 'auto'


def learnt(values: object, kind: str = "number", weights: object = None, **options: object) -> Feature:
    column = values if isinstance(values, pa.Array) else pa.array(values, pa.float64())
    mass = np.ones(len(column)) if weights is None else np.array(weights, dtype=float)
    type_name = {"number": "DOUBLE", "text": "VARCHAR", "vector": "DOUBLE[]"}[kind]
    positions = len(column[0]) if kind == "vector" else 1
    return learn_feature("x", column, kind, type_name, positions, mass, Options(**options), None)  # type: ignore[arg-type]


def encode(features: Sequence[Feature], columns: Sequence[pa.Array], missing: str) -> Points:
    return Encoder(tuple(features), missing).encode(columns)


def points(feature: Feature, values: object, missing: str = "auto") -> np.ndarray:
    column = values if isinstance(values, pa.Array) else pa.array(values, pa.float64())
    return encode([feature], [column], missing).values


def scaled(values: list[float | None], scale: str = "standard", weights: list[float] | None = None) -> np.ndarray:
    feature = learnt(values, weights=weights, scale=scale)
    return points(feature, values, "impute")[:, 0]


def bell(n: int = 400) -> np.ndarray:
    """Quantiles of a bell without a grid, the same on every machine to a few bits."""
    rng = np.random.default_rng(3)
    return rng.normal(50, 4, n)


def test_standard_scale_is_mean_0_and_deviation_1() -> None:
    found = scaled([3.0, 5.0, None, 10.0, -2.0])
    assert found[2] == 0
    present = np.delete(found, 2)
    assert present.mean() == pytest.approx(0, abs=1e-15)
    assert present.std() == pytest.approx(1)
    assert scaled([1.0, 4.0], weights=[3.0, 1.0]) == pytest.approx(scaled([1.0, 1.0, 1.0, 4.0])[[0, 3]])


def test_robust_scale_is_median_0_and_quartiles_1_apart() -> None:
    assert scaled([0.0, 1.0, 2.0, 3.0, 1000.0], "robust").tolist() == [-1.0, -0.5, 0.0, 0.5, 499.0]
    assert scaled([5.0, 5.0, 5.0, 5.0, 6.0], "robust").tolist() == [0, 0, 0, 0, pytest.approx(0.125)]


def test_no_scale_leaves_values_alone() -> None:
    assert scaled([3.0, -5.5, 1e-3, 1e9], "none").tolist() == [3.0, -5.5, 1e-3, 1e9]


@pytest.mark.parametrize("scale", ["auto", "standard", "robust", "log", "none"])
def test_extreme_numbers_stay_finite(scale: str) -> None:
    found = points(learnt([1.7e308, -1.7e308, 0.0, 1.0], scale=scale), [1.7e308, -1.7e308, 0.0, 1.0], "impute")
    assert np.isfinite(found).all()
    many = np.append(bell(), [1.7e308, -1.7e308])
    assert np.isfinite(points(learnt(many, scale=scale), many, "impute")).all()


def test_a_logarithm() -> None:
    values = np.exp(np.random.default_rng(5).normal(3, 1.2, 500))
    feature = learnt(values)
    assert feature.log_unit > 0
    assert treatment(feature) == "logarithm"
    found = points(feature, values)[:, 0]
    assert found.mean() == pytest.approx(0, abs=1e-9)
    assert found.std() == pytest.approx(1)
    back = feature.unit * feature.log_unit * np.expm1(found * feature.scale + feature.center)
    np.testing.assert_allclose(back, values, rtol=1e-9)
    assert learnt(values, scale="standard").log_unit == 0
    assert learnt(np.abs(bell()), scale="log").log_unit > 0


def test_a_grid_is_a_floor() -> None:
    whole = learnt(np.round(np.random.default_rng(5).normal(0, 9, 600)))
    assert whole.floors[0] * whole.scale[0] * whole.unit == pytest.approx(0.5)
    assert learnt(bell()).floors == (0.0,)
    assert Encoder((whole,), "auto").layout.floors == whole.floors


def test_the_columns_of_points_are_numbers_and_then_categories() -> None:
    text = pa.array(["a"] * 6 + ["b"] * 3 + ["c"])
    number, two = bell(10), pa.array([0.0, 1.0] * 5)
    features = (learnt(text, "text"), learnt(number), learnt(two))
    layout = Encoder(features, "auto").layout
    assert (layout.numbers, layout.levels, layout.width) == (1, (3, 2), 3)
    found = encode(features, [text, pa.array(number), two], "auto").values
    assert found[:, 1].tolist() == [0] * 6 + [1] * 3 + [2]
    assert found[:, 2].tolist() == [0, 1] * 5


def test_levels_are_the_nearest_one() -> None:
    values = [1.0] * 30 + [1.5] * 40 + [2.0] * 50 + [4.0] * 20
    feature = learnt(values)
    assert feature.levels == (1.0, 1.5, 2.0, 4.0)
    assert treatment(feature) == "levels"
    assert points(feature, [1.0, 1.2, 1.3, 2.9, 3.1, 9.0, None, NAN])[:, 0].tolist() == pytest.approx(
        [0, 0, 1, 2, 3, 3, NAN, NAN], nan_ok=True
    )
    alone = encode([feature], [pa.array([1e9, -1e9])], "auto")  # far out, and nothing else to place the row by
    assert alone.values[:, 0].tolist() == [3, 0]
    assert alone.missing_slot[0] == 0
    assert points(feature, [None], "impute").tolist() == [[2]]  # the most frequent one


def test_a_spike_is_a_category_beside_the_number() -> None:
    rng = np.random.default_rng(5)
    values = np.where(np.arange(600) % 2, 0.0, np.exp(rng.normal(4, 0.7, 600)))
    feature = learnt(values)
    assert feature.levels == (0.0,)
    assert treatment(feature).endswith("with 0 apart")
    found = points(feature, values)
    assert found.shape == (600, 2)
    assert found[:, 1].tolist() == [0, 1] * 300
    assert np.isnan(found[:, 0]).tolist() == [False, True] * 300
    assert np.nanmean(found[:, 0]) == pytest.approx(0, abs=1e-9)
    one = encode([feature], [pa.array([0.0, None])], "auto")
    assert one.complete.tolist() == [True, False]  # a spike is a value
    assert np.isnan(one.values[1]).all()


def test_several_spikes_are_one_category() -> None:
    rng = np.random.default_rng(5)
    values = np.clip(np.round(rng.normal(60, 40, 2000)), 0, 100)
    feature = learnt(values)
    assert feature.apart == (0.0, 100.0)
    assert treatment(feature) == "number, with 0 and 100 apart"
    found = points(feature, [0.0, 100.0, 60.0, None])
    assert found[:, 1].tolist() == pytest.approx([1, 2, 0, NAN], nan_ok=True)
    assert np.isnan(found[:, 0]).tolist() == [True, True, False, True]
    assert points(feature, [None], "impute")[:, 1].tolist() == [0]  # the most frequent one: neither


def test_values_far_out_are_holes_and_said_so() -> None:
    values = np.append(bell(), [5e9])
    feature = learnt(values)
    assert feature.scale[0] * feature.unit == pytest.approx(np.std(values[:-1]), rel=1e-6)
    other = learnt(bell())
    columns = [pa.array([5e9, -7e3, 50.0]), pa.array([50.0, 50.0, 50.0])]
    found = encode([feature, other], columns, "auto")
    assert np.isnan(found.values[:, 0]).tolist() == [True, True, False]
    assert found.missing_cause.tolist() == [IS_FAR, IS_FAR, PRESENT]
    assert found.complete.all()
    assert reasons([feature, other], found) == ["x is far out", "x is far out", None]
    np.testing.assert_array_equal(raw_values([feature], [pa.array([5e9, 50.0])])[:, 0], [NAN, 50.0])
    skipped = encode([feature], columns[:1], "skip")  # where holes keep rows out, they are moved to the limit
    assert skipped.complete.all()
    assert np.isfinite(skipped.values).all()
    for scale in ("standard", "robust", "log", "none"):
        asked = learnt(values, scale=scale)
        assert (asked.low, asked.high) == (None, None)
        assert np.isfinite(points(asked, values)).all()


def test_an_unseen_category() -> None:
    few = pa.array(["a"] * 6 + ["b"] * 3)
    feature = learnt(few, "text")
    assert feature.categories == ("a", "b")
    asked = pa.array(["b", "zzz", None])
    assert points(feature, asked)[:, 0].tolist() == pytest.approx([1, -1, NAN], nan_ok=True)  # -1: no such category
    many = learnt(pa.array(["a"] * 6 + ["b"] * 3 + ["c", "d"]), "text", max_categories=2)
    assert (many.category_names, many.codes) == (("a", "b", "(other)"), 3)
    assert points(many, asked)[:, 0].tolist() == pytest.approx([1, 2, NAN], nan_ok=True)
    assert raw_values([many], [asked])[:2].tolist() == [[0, 1, 0], [0, 0, 1]]
    assert np.isnan(raw_values([many], [asked])[2]).all()


CAUSES = [1.0, None, NAN, -INF]


@pytest.mark.parametrize(
    ("missing", "complete"),
    [("auto", [True, False, False, False]), ("skip", [True, False, False, False]), ("impute", [True] * 4)],
)
def test_causes_of_the_only_feature(missing: str, complete: list[bool]) -> None:
    feature = learnt(CAUSES, scale="standard")
    found = encode([feature], [pa.array(CAUSES, pa.float64())], missing)
    assert found.complete.tolist() == complete
    if missing != "impute":
        assert found.missing_slot.tolist() == [-1, 0, 0, 0]
        assert found.missing_cause.tolist() == [PRESENT, IS_NULL, IS_NAN, IS_INFINITE]
        assert reasons([feature], found) == [None, "x is NULL", "x is NaN", "x is infinite"]
    else:
        assert np.isfinite(found.values).all()
        assert reasons([feature], found) == [None] * 4


@pytest.mark.parametrize(("missing", "known"), [("auto", True), ("skip", False), ("impute", True)])
def test_one_hole_of_two(missing: str, known: bool) -> None:
    number, text = learnt(bell()), learnt(pa.array(["a", "b", "a"]), "text")
    columns = [pa.array([50.0, None, None]), pa.array(["a", "b", None])]
    found = encode([number, text], columns, missing)
    assert found.complete.tolist() == [True, known, missing == "impute"]
    assert np.isnan(found.values).any() == (missing == "auto")


def test_imputed_is_the_mean_or_the_most_frequent_category() -> None:
    values = np.exp(np.random.default_rng(5).normal(3, 1.2, 500))
    assert points(learnt(values), [None], "impute") == pytest.approx(np.zeros((1, 1)), abs=1e-9)
    assert points(learnt(pa.array(["a", "b", "b"]), "text"), pa.array([None], pa.string()), "impute") == [[0]]


def test_a_vector() -> None:
    column = pa.array([[1.0, 2.0], [3.0, 6.0], None, [None, 1.0], [NAN, 0.0]], pa.list_(pa.float64()))
    feature = learnt(column.slice(0, 2), "vector")
    found = encode([feature], [column], "auto")
    assert found.values[:2].tolist() == [[-1, -1], [1, 1]]
    assert found.missing_cause.tolist() == [PRESENT, PRESENT, IS_NULL, IS_NULL, IS_NAN]
    assert np.isnan(found.values[2:]).all()


def test_onehot_a_text_weighs_as_much_as_a_number() -> None:
    column = pa.array(["a"] * 6 + ["b"] * 3 + ["c"])
    feature = learnt(column, "text", **TODAY)
    assert encode([feature], [column], "skip").values.var(axis=0).sum() == pytest.approx(1)
    unseen = encode([feature], [pa.array(["zzz", None])], "skip")
    assert unseen.complete.tolist() == [True, False]


def test_a_column_without_a_value() -> None:
    for scale in ("auto", "standard", "robust", "log", "none"):
        feature = learnt([None, NAN], scale=scale)
        assert encode([feature], [pa.array([None, 5.0], pa.float64())], "auto").complete.tolist() == [False, True]


def test_a_point_depends_on_its_row_alone() -> None:
    """Whether all rows of a chunk are whole or one lacks something: logarithms, limits, texts with and without others."""
    rng = np.random.default_rng(0)
    numbers = [rng.normal(50, 4, 400), np.exp(rng.normal(3, 2, 400)), rng.normal(size=400) * 1e-3]
    texts = [
        np.array(["oak", "ash", "elm"])[rng.integers(0, 3, 400)],
        np.array([f"t{i}" for i in range(40)])[rng.integers(0, 40, 400)],
    ]
    columns = [*(pa.array(one) for one in numbers), *(pa.array(one.tolist()) for one in texts)]
    auto = [learnt(one, scale="auto", missing="auto") for one in columns[:3]]
    auto += [learnt(one, "text", categorical="auto", missing="auto", max_categories=20) for one in columns[3:]]
    assert [bool(one.log_unit) for one in auto[:3]] == [False, True, False]
    assert [one.other for one in auto[3:]] == [False, True]
    whole = encode(auto, columns, "auto")
    assert Encoder(tuple(auto), "auto")._whole(columns) is not None
    for odd in ([None, 1.0, 1.0, "oak", "t1"], [1e9, 1.0, 1.0, "oak", "t1"], [1.0, INF, NAN, "fir", None]):
        more = [pa.concat_arrays([one, pa.array([value], one.type)]) for one, value in zip(columns, odd, strict=True)]
        found = encode(auto, more, "auto")
        assert found.values[:-1].tolist() == whole.values.tolist()
        assert found.complete.all()
