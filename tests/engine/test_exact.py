"""Exact sums against ``math.fsum`` and fractions, in any order and any portions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.exact import BLOCK, BLOCKS, SLACK, WIDTH, ExactSums

NUMBERS_OF_A_ROW = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3)
NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_sums_and_squares_are_exact(numbers: list[float], random: object) -> None:
    plain = ExactSums(3, squared=1)
    places = np.arange(len(numbers)) % 3
    terms = np.array(numbers, dtype=np.float64)
    plain.add(places, terms)
    assert plain.exact() == [sum((Fraction(x) for x in numbers[j::3]), Fraction(0)) for j in range(3)]
    assert plain.exact_squares() == [sum((Fraction(x) ** 2 for x in numbers[j::3]), Fraction(0)) for j in range(3)]
    shuffled, order = ExactSums(3, squared=1), list(range(len(numbers)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for part in (order[:7], order[7:8], order[8:]):
        shuffled.add(places[part], terms[part])
    assert shuffled.exact() == plain.exact()
    assert shuffled.exact_squares() == plain.exact_squares()


def test_rounded_once() -> None:
    terms = np.array([1e16, 1.0, -1e16, 1e-30] * 1000)
    sums = ExactSums(1)
    sums.add(np.zeros(len(terms), dtype=np.int64), terms)
    assert sums.rounded().tolist() == [math.fsum(terms)] == [1000.0]


def test_more_terms_than_a_block() -> None:
    terms = np.random.default_rng(3).normal(size=2 * BLOCK + 17) * 1e3
    sums = ExactSums(2)
    sums.add(np.arange(len(terms)) % 2, terms)
    assert sums.rounded().tolist() == [math.fsum(terms[::2]), math.fsum(terms[1::2])]


def test_a_full_block_of_the_largest_mantissas() -> None:
    largest = float(np.nextafter(256.0, 0))  # every bit set
    sums = ExactSums(1)
    sums.add(np.zeros(BLOCK, dtype=np.int64), np.full(BLOCK, largest))
    assert sums.exact() == [Fraction(largest) * BLOCK]


@pytest.mark.parametrize("terms", [[], [0.0], [-0.0, 0.0]])
def test_nothing(terms: list[float]) -> None:
    sums = ExactSums(2)
    sums.add(np.zeros(len(terms), dtype=np.int64), np.array(terms))
    assert sums.rounded().tolist() == [0.0, 0.0]


def test_bins_are_made_for_the_range_in_use_only() -> None:
    sums = ExactSums(1000)
    sums.add(np.arange(1000), np.linspace(1, 2, 1000))
    assert sum(part.nbytes for part in sums._parts.sums.values()) < 100_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NUMBERS_OF_A_ROW, st.integers(0, 4)), max_size=30), st.integers(1, 29))
def test_lines_are_summed_side_by_side(rows: list[tuple[list[float], int]], cut: int) -> None:
    """Of very different sizes, with later ones far above and below the first; of the last two lines squares, too."""
    terms = np.array([row for row, _ in rows], dtype=np.float64).reshape(-1, 3).T
    owner = np.array([group for _, group in rows], dtype=np.int64)
    sums = ExactSums(5, 3, squared=2)
    for part in (slice(0, cut), slice(cut, None)):
        sums.add(owner[part], terms[:, part])
    expected = [[Fraction(0)] * 3 for _ in range(5)]
    squares = [[Fraction(0)] * 2 for _ in range(5)]
    for row, group in rows:
        expected[group] = [total + Fraction(x) for total, x in zip(expected[group], row, strict=True)]
        squares[group] = [total + Fraction(x) ** 2 for total, x in zip(squares[group], row[1:], strict=True)]
    assert sums.exact() == [one for group in expected for one in group]
    assert sums.exact_squares() == [one for group in squares for one in group]


def test_more_blocks_than_an_integer_holds() -> None:
    """All bits of a part in each term of so many full blocks that their sum takes more than 64 bits."""
    largest = float(2**WIDTH - 1) * 2.0**-SLACK
    sums = ExactSums(1)
    for _ in range(BLOCKS + 3):
        sums.add(np.zeros(BLOCK, dtype=np.int64), np.full(BLOCK, largest))
    assert sums.exact() == [Fraction(largest) * BLOCK * (BLOCKS + 3)]
