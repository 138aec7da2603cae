"""The short way from columns to ids gives the ids of the long one, through encoded points, on every row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from handmade import FORMS, points_near, ready
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Ints
from ppp_duck.running.chunks import Part
from ppp_duck.running.memory import Ready


def columns_of(one: Ready, points: Floats) -> pa.StructArray:
    values = [f.center + points[:, j] * f.scale for j, f in enumerate(one.model.features)]
    return pa.StructArray.from_arrays([pa.array(column) for column in values], names=list(one.columns))


def long_way(one: Ready, struct: pa.StructArray) -> Ints:
    assert one.scorer is not None
    points = Part("test", slice(None), one, struct).points()
    return np.where(points.complete, one.scorer.assign(points.values), -1)


@settings(max_examples=40, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10_000),
    merged=st.booleans(),
    d=st.integers(1, 12),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e9]),
)
def test_ids_are_equal(form: str, seed: int, merged: bool, d: int, offset: float) -> None:
    one = ready(form, d, seed, merged, offset)
    struct = columns_of(one, points_near(one, np.random.default_rng(seed)))
    assert (Part("test", slice(None), one, struct).ids() == long_way(one, struct)).all()


@pytest.mark.parametrize("impute", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_rows_that_are_not_finite_or_far_away(form: str, impute: bool) -> None:
    one = ready(form, 3, 1, True, 1.0, impute)
    odd = [None, float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 1e100, 0.0]
    rows = [(a, b, 0.5) for a in odd for b in odd]
    struct = pa.StructArray.from_arrays([pa.array(column, pa.float64()) for column in zip(*rows, strict=True)],
                                        names=list(one.columns))  # fmt: skip
    assert (Part("test", slice(None), one, struct).ids() == long_way(one, struct)).all()


def test_it_is_taken_where_it_can_be() -> None:
    """Not where an offset leaves too few digits, nor where a text is a feature; a row in no doubt makes no point."""
    assert ready("diag", 4, 1, False, 1e3).shortcut is not None
    assert ready("diag", 4, 1, False, 1e15).shortcut is None
    one = ready("spherical", 2, 1, False, 1.0)
    screen, scorer = one.shortcut, one.scorer
    assert isinstance(scorer, Scorer)
    assert screen is not None
    struct = columns_of(one, one.model.clustering.mixture.means)  # type: ignore[union-attr]
    values = np.array([struct.field(j).to_numpy() for j in range(2)])
    ids, doubtful, _ = scorer.screened(screen, values)
    assert not len(doubtful)
    assert (ids == long_way(one, struct)).all()
