"""Ratings, which rise and fall with other columns, and codes, which do not."""

from __future__ import annotations

import numpy as np

from ppp_duck.features.determined import Values
from ppp_duck.features.ordered import without_order

N = 1200
G = np.random.default_rng(0)
GROUP = np.arange(N) % 3
LIKED = np.array([[1, 4, 2], [3, 1, 5], [5, 2, 1], [2, 5, 3], [4, 3, 1], [1, 5, 4]])  # the answer that a group prefers


def columns(**named: np.ndarray) -> list[Values]:
    return [
        Values(name, np.unique(one, return_inverse=True)[1], one.astype(float) if one.dtype.kind in "if" else None)
        for name, one in named.items()
    ]


def preferred(question: int) -> np.ndarray:
    return np.where(G.random(N) < 0.6, LIKED[question][GROUP], G.integers(1, 6, N))


def rating(places: np.ndarray) -> np.ndarray:
    return np.clip(np.round(places + G.normal(0, 0.6, N)), 1, 5).astype(int)


def test_answers_that_classes_prefer_are_codes() -> None:
    answers = {f"q{i}": preferred(i) for i in range(6)}
    assert without_order(columns(**answers, region=np.array(["n", "s", "w"])[GROUP])) == set(answers)


def test_answers_to_one_trait_and_of_groups_with_other_means_are_ratings() -> None:
    trait = G.normal(size=N)
    assert not without_order(columns(**{f"q{i}": rating(3 + trait) for i in range(4)}, age=trait + G.normal(size=N)))
    assert not without_order(columns(a=rating(1.5 * GROUP + 1), b=rating(4.5 - GROUP), x=GROUP + G.normal(size=N)))
    of_text = columns(a=rating(1.5 * GROUP + 1), plan=np.array(["b", "c", "a"])[GROUP])
    assert not without_order(of_text)


def test_what_tells_nothing_stays() -> None:
    alone = columns(a=G.integers(1, 6, N))
    apart = columns(a=G.integers(1, 6, N), b=G.integers(1, 8, N), x=G.normal(size=N))
    none = [Values("a", np.full(9, -1), np.full(9, np.nan)), Values("b", np.arange(9) % 5, np.arange(9) % 5 + 0.0)]
    for some in ([], alone, apart, none):
        assert not without_order(some)
