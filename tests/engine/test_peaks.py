"""Numbers with sharp peaks, and what the search sees through them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ppp_duck.engine import peaks, pipeline
from ppp_duck.engine.rows import Rows
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats


def sharpness(*columns: Floats) -> list[float]:
    rows = np.stack(columns, axis=1)
    return peaks.sharpness(Rows.of(rows - rows.mean(axis=0), np.ones(len(rows)))).tolist()


@pytest.mark.parametrize("n", [300, 8000])
def test_one_peak_of_any_shape_is_not_sharp(n: int) -> None:
    g = np.random.default_rng(1)
    one = [
        g.normal(size=n),
        g.uniform(size=n),
        g.exponential(size=n),
        g.standard_t(3, size=n),
        g.triangular(0, 1, 1, n),
    ]
    assert sharpness(*one) == [1.0] * len(one)


def test_peaks_are_as_sharp_as_the_whole_is_wider() -> None:
    """Groups of standard deviation 1 at 0, 8, 16, 24: all of them have one of 9."""
    g = np.random.default_rng(2)
    four, one = 8 * g.integers(4, size=4000) + g.normal(size=4000), g.normal(size=4000)
    assert sharpness(four, one) == [8.0, 1.0]
    assert sharpness(1e3 * four, one) == [8.0, 1.0]  # in any unit
    assert sharpness(np.where(four > 12, 1e6, 0.0) + four, one)[0] == peaks.SHARPEST


def test_steps_of_a_grid_are_no_peaks() -> None:
    g = np.random.default_rng(3)
    assert sharpness(np.round(3 * g.normal(size=5000)), np.round(g.normal(size=5000), 1)) == [1.0, 1.0]


@pytest.mark.parametrize("unrelated", ["normal", "uniform", "wave"])
def test_groups_on_a_grid_are_found_beside_numbers_that_tell_nothing(unrelated: str) -> None:
    """Beside broad numbers round cells are wider than the groups, and no partition into such cells shows them."""
    g = np.random.default_rng(4)
    label = np.repeat(np.arange(30), 60)
    known = np.stack([label % 6, label // 6], axis=1) + 0.2 * np.sin(g.uniform(0, 2 * np.pi, size=(1800, 2)))
    more = g.normal(size=(1800, 2)) if unrelated == "normal" else g.uniform(size=(1800, 2))
    rows = np.hstack([known, np.sin(2 * np.pi * more) if unrelated == "wave" else more])
    rows /= rows.std(axis=0)
    found = pipeline.fit(rows)
    assert len(found.sizes) == 30
    assert adjusted_rand_score(label, Scorer(found).assign(rows)) > 0.99
