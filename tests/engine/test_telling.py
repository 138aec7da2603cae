"""Two groups that few numbers of many tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import pipeline, telling
from ppp_duck.engine.rows import Rows
from ppp_duck.engine.score import Scorer


@pytest.mark.parametrize(("n", "apart"), [(300, 4.0), (2000, 3.0)])
def test_two_groups_are_seen_in_one_number_of_eight(n: int, apart: float) -> None:
    g = np.random.default_rng(2)
    label = np.resize([0, 1], n)
    rows = g.normal(size=(n, 8))
    rows[:, 5] += apart * label
    rows /= rows.std(axis=0)
    found = pipeline.fit(rows)
    assert len(found.sizes) == 2
    assert np.mean(Scorer(found).assign(rows) == label) in (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))
    told = found.mixture.means[0] != found.mixture.means[1]
    assert told.tolist() == [False] * 5 + [True] + [False] * 2


def test_one_group_in_eight_numbers_stays_one() -> None:
    for seed in range(3):
        assert len(pipeline.fit(np.random.default_rng(seed).normal(size=(300, 8))).sizes) == 1


def test_cuts_begin_with_the_number_that_two_means_explain_best() -> None:
    g = np.random.default_rng(0)
    rows = g.normal(size=(200, 3))
    rows[:100, 1] += 9
    rows[:, 2] = 1.0  # no cut
    found = telling.cuts(Rows.of(rows, np.ones(200)))
    assert [number for number, _ in found] == [1, 0]
    assert found[0][1].tolist() == [True] * 100 + [False] * 100


def test_numbers_are_worthless_by_what_their_own_means_and_variances_gain() -> None:
    """Beside the plain log likelihoods of both groups and of all rows."""
    g = np.random.default_rng(1)
    rows = g.normal(size=(300, 4)) + np.outer(np.arange(300) < 150, [0, 0.1, 0.5, 3.0])
    posterior = gaussian.one_hot((np.arange(300) < 150).astype(np.int64), 2)
    price = float(np.log(300))
    gain = 300 * np.log(rows.var(axis=0)) - 150 * (np.log(rows[:150].var(axis=0)) + np.log(rows[150:].var(axis=0)))
    found = telling.worthless(Rows.of(rows, np.ones(300)), posterior, 1.0, price)
    assert found.tolist() == (gain <= 2 * price).tolist()
    assert {True, False} == set(found.tolist())


def test_tied_numbers_cost_nothing_and_are_those_of_all_rows() -> None:
    g = np.random.default_rng(4)
    rows = Rows.of(g.normal(size=(100, 3)), np.ones(100))
    posterior = gaussian.one_hot((rows.x[:, 0] > 0).astype(np.int64), 2)
    prior = gaussian.covariance_prior(rows, "diag", 2)
    mixture = gaussian.m_step(rows, posterior, "diag", prior, tied=(False, True, True))
    assert (mixture.means[0] == mixture.means[1]).tolist() == [False, True, True]
    assert mixture.means[0, 1:] == pytest.approx(rows.x[:, 1:].mean(axis=0), abs=1e-6)  # of a standard deviation
    assert (
        gaussian.parameter_count("diag", 2, 3, tied=(False, True, True)) == gaussian.parameter_count("diag", 2, 3) - 4
    )
