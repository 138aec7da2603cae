"""The search: a part of the rows leaves out candidates far behind, and only where one candidate alone is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import canonical, select
from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.starts import Starts, starts
from ppp_duck.models.model import Mixture


def groups(n: int, k: int) -> Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)) + 4 * rng.normal(size=(k, 3))[rng.integers(0, k, n)]
    return Rows.of((x - x.mean(axis=0)) / x.std(), np.ones(n))


def searched(
    monkeypatch: pytest.MonkeyPatch, rows: Rows, k_max: int | None = None
) -> tuple[list[select.Candidate], list[tuple[int, str, int]]]:
    """The candidates, and of each fit the rows, the form and the components."""
    fits = []
    own = select.fit_candidate

    def counted(rows: Rows, begin: Starts, form: str, m: int, *rest: object) -> select.Candidate:
        fits.append((len(rows.x), form, m))
        return own(rows, begin, form, m, *rest)

    monkeypatch.setattr(select, "fit_candidate", counted)
    begin = starts(rows, 1, canonical.silent)
    return select.search(rows, begin, "auto", None, k_max, canonical.silent), fits


def best(found: list[select.Candidate]) -> select.Candidate:
    return min(found, key=lambda one: one.score)


def test_a_part_of_the_rows_leaves_out_what_is_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = groups(4 * select.PILOT, 7)
    found, fits = searched(monkeypatch, rows)
    few = [fit[1:] for fit in fits if fit[0] == select.PILOT]
    every = [fit[1:] for fit in fits if fit[0] == len(rows.x)]
    assert sorted(few) == sorted((one.form, one.m) for one in found)
    assert set(every) < set(few)
    assert len(every) < len(few) / 2
    assert {(one.form, one.m) for one in found if one.score <= best(found).score + select.MARGIN / 2} <= set(every)
    begin = starts(rows, 1, canonical.silent)
    whole = best(select.climb(rows, begin, "auto", None, begin.round.most, canonical.silent))
    assert (whole.form, whole.m, whole.score) == (best(found).form, best(found).m, best(found).score)
    np.testing.assert_array_equal(whole.mixture.means, best(found).mixture.means)


@pytest.mark.parametrize(("n", "k_max"), [(4 * select.PILOT - 1, None), (4 * select.PILOT, 5)])
def test_all_rows_weigh_all_candidates_where_rows_are_few_or_k_is_bounded(
    monkeypatch: pytest.MonkeyPatch, n: int, k_max: int | None
) -> None:
    _, fits = searched(monkeypatch, groups(n, 3), k_max)
    assert {fit[0] for fit in fits} == {n}


def test_em_ends_at_once_where_it_is_hopelessly_behind() -> None:
    rows = groups(600, 4)
    labels = starts(rows, 1, canonical.silent).round.labels(9)
    prior = gaussian.covariance_prior(rows, "diag", 9)

    def climb(wanted: float) -> tuple[int, float]:
        steps: list[str] = []
        start = gaussian.one_hot(labels, 9)
        _, found, _ = gaussian.em(rows, start, "diag", prior, 50, 1e-6, lambda stage, _: steps.append(stage), wanted)
        return len(steps), found

    steps, best = climb(-np.inf)
    assert steps > 2
    assert climb(best) == (steps, best)
    once, first = climb(best + gaussian.HOPELESS * 600 * 3)
    assert once == 1
    assert first < best


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
    assert starts(sample, 1, canonical.silent).dips[0] in range(61, 68)  # every twentieth is looked at


def test_score_counts_the_rows_on_which_kmeans_and_mixture_disagree():
    rows = Rows.of(np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([1.0, 2.0, 1.0, 1.0]))
    wide = Mixture("diag", np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), np.array([[0.1], [10.0]]))
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(wide, rows))
    found = select.weigh(rows, "diag", wide, -5.0, posterior)
    # nearest means: 0, 0, 3, 3; the broad component takes all but what lies at 3: rows 2 and 10 disagree
    assert found.score - found.tempered_bic == pytest.approx(
        select.DISAGREEMENT * gaussian.tempered(rows.observations) * 2 / 5, abs=1e-3
    )


def test_every_trial_has_its_entropy():
    for trial in fit(np.random.default_rng(4).normal(size=(200, 2))).trials:
        assert trial.icl > trial.bic if trial.k > 1 else trial.icl == pytest.approx(trial.bic)
