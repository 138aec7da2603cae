"""A fit that runs in slices gives what it gives in one, and ends when nobody asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from ppp_duck.engine import pipeline
from ppp_duck.running import slices
from ppp_duck.running.slices import Abandoned, SteppedFit


def test_the_real_engine_reports_often_enough_to_be_stopped() -> None:
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.normal(size=(4000, 6)) + c for c in rng.normal(size=(6, 6)) * 3])
    calls = 0

    def progress(stage: str, k: int | None) -> None:
        nonlocal calls
        calls += 1
        if calls == 40:
            raise Abandoned

    with pytest.raises(Abandoned):
        pipeline.fit(rows, progress=progress)


def test_slices_change_nothing() -> None:
    def work(progress: Callable[[str, int | None], None]) -> int:
        total = 0
        for i in range(2000):
            progress("partition", None)
            total += i
        return total

    fit = SteppedFit(work)
    steps = 1
    while not fit.step():
        steps += 1
    assert fit.result() == 1_999_000


def test_a_fit_that_fails_says_why_in_the_statement() -> None:
    def work(progress: Callable[[str, int | None], None]) -> int:
        raise ValueError("why")

    fit = SteppedFit(work)
    with pytest.raises(ValueError, match="why"):
        while not fit.step():
            pass


def test_an_abandoned_fit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "PATIENCE", 0.05)
    fit = SteppedFit(lambda progress: 1)
    fit._thread.join(10)
    assert fit.abandoned


def test_a_fit_that_was_left_alone_too_long_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "PATIENCE", 0.02)
    begun = []

    def work(progress: Callable[[str, int | None], None]) -> int:
        begun.append(True)
        for _ in range(300):
            progress("partition", None)
            time.sleep(0.001)
        return 7

    fit = SteppedFit(work)
    fit.step()
    fit._thread.join(10)
    assert fit.abandoned
    while not fit.step():
        pass
    assert fit.result() == 7
    assert len(begun) == 2
