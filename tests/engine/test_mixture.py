"""Densities, EM and weights of a mixture, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import blobs, gaussians

from ppp_duck.engine import canonical
from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine.mixture import Rows


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
        mixture, log_likelihood, posterior = gaussian.em(rows, posterior, form, prior, 0, 0.0, canonical.silent)
        now = log_likelihood + gaussian.penalty(mixture, prior)
        assert now >= before - 1e-9 * abs(now)
        before = now


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


def test_the_prior_is_the_covariance_of_the_rows():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    rows = Rows.of(x, np.ones(200))
    full, tied = gaussian.covariance_prior(rows, "full", 8), gaussian.covariance_prior(rows, "tied", 8)
    np.testing.assert_allclose(full.covariance * 4, tied.covariance)  # 8 ** (2 / 3)
    np.testing.assert_allclose(np.diag(tied.covariance), x.var(axis=0))
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(tied.covariance[off], np.cov(x.T, bias=True)[off] * 200 / 205)


@pytest.mark.parametrize("form", gaussian.FORMS)
def test_a_last_bit_does_not_grow(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another processor rounds products, exp and log in another way: each step of EM forgets it."""
    x = gaussians(3, [200, 150, 250], 3, 1.2)
    rows = Rows.of(x - x.mean(axis=0), np.ones(len(x)))
    prior = gaussian.covariance_prior(rows, form, 3)

    def run() -> tuple[gaussian.Mixture, float]:
        begin = gaussian.one_hot(np.arange(len(x)) // 67 % 3, 3)
        return gaussian.em(rows, begin, form, prior, 60, 1e-9, canonical.silent)[:2]

    wanted, likely = run()
    exact, rounding = gaussian.log_densities, 1 + 1e-15 * np.sin(np.arange(3.0))
    monkeypatch.setattr(gaussian, "log_densities", lambda *given: exact(*given) * rounding)
    found, also = run()
    assert found.means.tolist() == wanted.means.tolist()
    assert found.factors.tolist() == wanted.factors.tolist()
    assert found.weights.tolist() == wanted.weights.tolist()
    assert also == pytest.approx(likely, abs=1e-9)
