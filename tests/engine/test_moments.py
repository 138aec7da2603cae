"""Sums of rounded terms, against loops over single rows in exact arithmetic; in any order and any portions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.exact import DIGIT, FEW, NEAR, rounded_sums
from ppp_duck.engine.moments import FARTHEST
from ppp_duck.engine.refine import FINE, GRID, Frame, central_moments, moments

TERMS = (
    st.floats(-1e14, 1e14) | st.floats(-2.0, 2.0) | st.floats(-1e140, 1e140) | st.sampled_from([0.5, 1.5, NEAR, -NEAR])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=30), st.booleans(), st.sampled_from([0, FINE]), st.randoms())
def test_terms_are_rounded_one_by_one_and_added_exactly(terms, weighted, fraction, random):
    n = len(terms)
    counts = np.array([random.choice([0, 1, 2, 1 << DIGIT, (1 << 50) - 1, 1 << 50]) for _ in terms])
    starts = np.array(sorted({0, random.randrange(n), random.randrange(n)}))
    lines = np.array([terms, terms[::-1]])
    far = bool(np.abs(lines).max() > NEAR) or random.random() < 0.3
    found = rounded_sums(lines, starts, counts if weighted else None, fraction, far)
    whole = [
        [round(Fraction(x) * 2**fraction) * (int(c) if weighted else 1) for x, c in zip(line, counts, strict=True)]
        for line in lines.tolist()
    ]
    expected = [[sum(line[a:b]) for a, b in zip(starts, [*starts[1:], n], strict=True)] for line in whole]
    assert found.tolist() == expected


def test_the_largest_terms_that_are_added_as_machine_integers():
    terms, counts = np.full((1, FEW), -NEAR), np.full(FEW, (1 << 50) - 1)
    assert rounded_sums(terms, np.array([0]), counts, far=False).tolist() == [[-FEW * int(NEAR) * ((1 << 50) - 1)]]
    assert rounded_sums(np.full((1, 5 * FEW), NEAR), np.array([0])).tolist() == [[5 * FEW * int(NEAR)]]


def naive_moments(x, owner, counts, frame, row, share, pairs, fraction):
    """Loops over points, in Python's numbers."""
    d, found = len(x), {}
    for i, group in enumerate(owner.tolist()):
        point = i if row is None else int(row[i])
        p = 1.0 if share is None else float(share[i])
        y = [(float(x[f, point]) - float(frame.origin[group, f])) * float(frame.scale[group, f]) for f in range(d)]
        second = [(f, g) for f in range(d) for g in range(f, d)] if pairs else [(f, f) for f in range(d)]
        terms = [p, *(v * p for v in y), *((y[f] * p) * y[g] for f, g in second)]
        count = 1 if counts is None else int(counts[point])
        sums = found.setdefault(group, [0] * len(terms))
        for at, term in enumerate(terms):
            sums[at] += round(Fraction(term) * 2 ** (GRID + fraction)) * count
    return found


def gathered(portions, groups):
    total = {}
    for owners, sums in portions:
        assert len(set(owners.tolist())) == len(owners)
        for owner, line in zip(owners.tolist(), sums.tolist(), strict=True):
            total[owner] = [a + b for a, b in zip(total.get(owner, [0] * len(line)), line, strict=True)]
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0, FINE]))
def test_moments_are_those_of_a_loop_over_points(seed, weighted, shared, pairs, fraction):
    rng = np.random.default_rng(seed)
    d, n, g = int(rng.integers(1, 4)), int(rng.integers(1, 30)), 3
    x = rng.normal(size=(d, n)) * 10.0 ** rng.integers(-3, 4, n)
    if n > 3:
        x[:, 0], x[:, 1] = 1e60, -1e12
    frame = Frame.of(rng.normal(size=(g, d)), 10.0 ** rng.uniform(-4, 4, (g, d)))
    owner, row, share = rng.integers(0, g, n), None, None
    if shared:
        owner, row = rng.integers(0, g, 2 * n), rng.integers(0, n, 2 * n)
        share = rng.random(2 * n) ** 8
    counts = rng.integers(0, 1 << 50, n) if weighted else None
    found = moments(x, owner, counts, frame, row=row, share=share, pairs=pairs, fraction=fraction)
    expected = naive_moments(x, owner, counts, frame, row, share, pairs, fraction)
    assert gathered(found, g) == expected


def test_points_beyond_all_measure():
    frame = Frame.of(np.zeros((1, 1)), np.full((1, 1), 1e-300))
    ((_, sums),) = moments(np.full((1, 3), -1e60), np.zeros(3, dtype=np.int64), None, frame, fraction=FINE)
    assert sums[0, 1] / 2 ** (GRID + FINE) == pytest.approx(-3 * FARTHEST)
    assert sums[0, 2] / 2 ** (GRID + FINE) == pytest.approx(3 * FARTHEST**2)


def test_only_counts_without_a_frame():
    found = moments(np.zeros((2, 5)), np.array([4, 1, 4, 4, 0]), np.array([1, 2, 3, 4, 5]), None)
    assert gathered(found, 5) == {0: [5 << GRID], 1: [2 << GRID], 4: [8 << GRID]}


def test_central_moments_of_far_and_narrow_groups():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 3000)) * [[1e-6], [1.0]] + [[1e6], [0.0]]
    owner = rng.integers(0, 2, 3000)
    frame = Frame.of(np.array([[1e6, 0.3], [1e6, -0.2], [0, 0]]), np.array([[1e-12, 1.0]] * 3))
    for pairs in (False, True):
        sums = np.zeros((3, 6 if pairs else 5), dtype=object)
        for lo in range(0, 3000, 1000):
            part = slice(lo, lo + 1000)
            for groups, some in moments(x[:, part], owner[part], None, frame, pairs=pairs):
                sums[groups] += some
        mass, shift, central = central_moments(sums, frame, pairs=pairs)
        assert mass.tolist() == [(owner == 0).sum(), (owner == 1).sum(), 0]
        assert not shift[2].any()
        assert not central[2].any()
        for j in range(2):
            inside = (x[:, owner == j].T - frame.origin[j]).T
            np.testing.assert_allclose(shift[j], inside.mean(axis=1), rtol=1e-6)
            expected = np.cov(inside, bias=True)
            np.testing.assert_allclose(central[j], expected if pairs else np.diag(expected), rtol=1e-6, atol=1e-14)
