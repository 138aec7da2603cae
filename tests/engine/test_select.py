"""The search: a part of the rows leaves out candidates far behind, and only where one candidate alone is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import partition, select
from ppp_duck.engine.mixture import Rows


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

    def counted(rows: Rows, begin: select.Starts, form: str, m: int, *rest: object) -> select.Candidate:
        fits.append((len(rows.x), form, m))
        return own(rows, begin, form, m, *rest)

    monkeypatch.setattr(select, "fit_candidate", counted)
    begin = select.starts(rows, 1, partition.silent)
    return select.search(rows, begin, "auto", None, k_max, partition.silent), fits


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
    begin = select.starts(rows, 1, partition.silent)
    whole = best(select.climb(rows, begin, "auto", None, begin.round.most, partition.silent))
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
    labels = select.starts(rows, 1, partition.silent).round.labels(9)
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
