"""Rows that are there more often than their values explain."""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.copies import without_copies

G = np.random.default_rng(3)
CUSTOMERS = G.normal(size=(120, 2)).round(2)
ORDERS = CUSTOMERS[G.integers(0, 120, 600)]


def test_copies_count_once() -> None:
    kept = without_copies(ORDERS, np.ones(600))
    assert kept is not None
    distinct, which, times = np.unique(ORDERS, axis=0, return_inverse=True, return_counts=True)
    counts = np.bincount(which.ravel(), kept)
    assert counts.min() > 0.999  # and more where both values come back in other rows, too
    assert counts.sum() < 130
    merged = without_copies(distinct, times.astype(float))  # as they come from DuckDB
    assert merged is not None
    assert np.allclose(merged, counts)
    order = G.permutation(600)
    shuffled = without_copies(ORDERS[order], np.ones(600))
    assert shuffled is not None
    assert (shuffled == kept[order]).all()


def test_a_sample_counts_its_lightest_rows_once() -> None:
    kept = without_copies(ORDERS, np.full(600, 15.26))
    assert kept is not None
    assert np.allclose(kept, 15.26 * np.asarray(without_copies(ORDERS, np.ones(600))))


def test_rows_that_chance_makes_equal_are_no_copies() -> None:
    answers = G.integers(1, 6, (2000, 4)).astype(float)
    counts = G.poisson(2.0, (2000, 2)).astype(float)
    straight = np.where(G.random((2000, 1)) < 0.3, G.integers(1, 6, (2000, 1)), G.integers(1, 6, (2000, 10)))
    zeros = np.where(G.random((2000, 1)) < 0.6, 0.0, G.normal(size=(2000, 3)))
    twice = np.concatenate([ORDERS[:1], G.normal(size=(600, 2))])
    for rows in (
        answers,
        counts,
        straight.astype(float),
        zeros,
        twice,
        ORDERS[:, :1],
        G.normal(size=(50, 3)),
        ORDERS[:0],
    ):
        assert without_copies(rows, np.ones(len(rows))) is None


def test_a_few_heavy_rows_may_be_groups() -> None:
    products = G.normal(size=(6, 3))[G.integers(0, 6, 500)]
    assert without_copies(products, np.ones(500)) is None


def test_a_missing_value_is_a_value() -> None:
    rows = ORDERS.copy()
    rows[rows[:, 0] > 1, 0] = np.nan
    kept = without_copies(rows, np.ones(600))
    assert kept is not None
    assert 100 < kept.sum() < 180
