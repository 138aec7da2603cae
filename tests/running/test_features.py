"""Scaling, categories and causes: how columns become points."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ppp_duck.running.features import IS_INFINITE, IS_NAN, IS_NULL, Encoder, learn_feature


def numbers(values: list[float | None], scale: str = "standard", weights: list[float] | None = None) -> np.ndarray:
    column = pa.array(values, pa.float64())
    mass = np.array(weights or [1.0] * len(values))
    feature = learn_feature("x", column, "number", "DOUBLE", 1, mass, scale, 20)
    return Encoder((feature,), impute=True).encode([column]).values[:, 0]


def test_standard_scale_is_mean_0_and_deviation_1() -> None:
    scaled = numbers([3.0, 5.0, None, 10.0, -2.0])
    assert scaled[2] == 0
    present = np.delete(scaled, 2)
    assert present.mean() == pytest.approx(0, abs=1e-15)
    assert present.std() == pytest.approx(1)
    assert numbers([1.0, 4.0], weights=[3.0, 1.0]) == pytest.approx(numbers([1.0, 1.0, 1.0, 4.0])[[0, 3]])


def test_robust_scale_is_median_0_and_quartiles_1_apart() -> None:
    assert numbers([0.0, 1.0, 2.0, 3.0, 1000.0], "robust").tolist() == [-1.0, -0.5, 0.0, 0.5, 499.0]
    assert numbers([5.0, 5.0, 5.0, 5.0, 6.0], "robust").tolist() == [0, 0, 0, 0, pytest.approx(0.125)]


def test_no_scale_leaves_values_alone() -> None:
    assert numbers([3.0, -5.5, 1e-3, 1e9], "none").tolist() == [3.0, -5.5, 1e-3, 1e9]


def test_extreme_numbers_stay_finite() -> None:
    for scale in ("standard", "robust", "none"):
        assert np.isfinite(numbers([1.7e308, -1.7e308, 0.0, 1.0], scale)).all()


def test_a_text_weighs_as_much_as_a_number() -> None:
    column = pa.array(["a"] * 6 + ["b"] * 3 + ["c"])
    feature = learn_feature("c", column, "text", "VARCHAR", 1, np.ones(10), "standard", 20)
    scaled = Encoder((feature,), impute=False).encode([column]).values
    assert scaled.var(axis=0).sum() == pytest.approx(1)
    unseen = Encoder((feature,), impute=False).encode([pa.array(["zzz", None])])
    assert unseen.complete.tolist() == [True, False]


def test_causes() -> None:
    column = pa.array([1.0, None, float("nan"), float("-inf")])
    feature = learn_feature("x", column, "number", "DOUBLE", 1, np.ones(4), "standard", 20)
    points = Encoder((feature,), impute=False).encode([column])
    assert points.missing_slot.tolist() == [-1, 0, 0, 0]
    assert points.missing_cause.tolist() == [0, IS_NULL, IS_NAN, IS_INFINITE]
