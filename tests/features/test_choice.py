"""Which columns are features: keys, names and moments are out, measures and categories stay."""

from __future__ import annotations

import numpy as np
import pytest

from ppp_duck.features.choice import decide
from ppp_duck.features.counts import column_of
from ppp_duck.features.evenness import places


def verdict(name, type_name, values):
    return decide(column_of(name, type_name, values)).treatment


@pytest.fixture
def g():
    return np.random.default_rng(7)


def test_unique_keys_are_out_whatever_they_are_called(g):
    n = 2000
    assert verdict("a", "BIGINT", np.arange(n)) is None
    assert verdict("a", "BIGINT", g.permutation(n) * 3 + 10_000) is None
    assert verdict("a", "BIGINT", g.choice(10**8, n, replace=False)) is None
    assert verdict("a", "BIGINT", np.sort(g.choice(4 * n, n, replace=False))) is None
    assert verdict("a", "DOUBLE", np.arange(n) * 0.1) is None
    assert verdict("a", "VARCHAR", [f"P-{i:06d}" for i in range(n)]) is None


def test_whole_measures_stay_even_if_no_value_repeats(g):
    population = np.unique(np.exp(g.normal(10, 1.2, 3000)).astype(np.int64))
    cents = (np.exp(g.normal(8, 0.5, 800)) * 100).astype(np.int64)
    two = np.append(g.normal(10**7, 10**5, 400), g.normal(3 * 10**7, 10**6, 400)).astype(np.int64)
    for values in (population, cents, two):
        assert decide(column_of("a", "BIGINT", values)).treatment == "number", decide(column_of("a", "BIGINT", values))


def test_only_integers_have_too_many_digits_for_a_measure(g):
    masses = np.exp(g.normal(60, 2, 500))
    assert verdict("a", "DOUBLE", masses) == "number"
    assert verdict("a", "BIGINT", np.exp(g.normal(38, 0.5, 500)).astype(np.int64)) is None


def test_ids_that_repeat_are_out_by_content_or_by_name(g):
    n = 5000
    scattered = g.choice(10**6, 300, replace=False)
    activity = 1 / np.arange(1, 1001.0)
    assert verdict("a", "BIGINT", scattered[g.integers(0, 300, n)]) is None
    assert verdict("a", "BIGINT", g.permutation(1000)[g.choice(1000, n, p=activity / activity.sum())]) is None
    assert verdict("a", "BIGINT", np.repeat(np.arange(n // 5), 5)) is None
    assert verdict("a", "BIGINT", g.integers(0, 1500, n)) is None
    assert verdict("household_id", "BIGINT", g.integers(0, 200, n)) is None
    assert verdict("a", "VARCHAR", [f"user {i}" for i in g.integers(0, 900, n)]) is None


def test_names_only_break_ties(g):
    days = g.integers(1, 366, 5000)
    assert verdict("day_of_year", "INTEGER", days) == "number"
    assert verdict("a", "INTEGER", days) == "number"
    assert verdict("room_no", "INTEGER", days) is None
    assert verdict("minute_of_day", "INTEGER", g.integers(0, 1440, 5000)) == "number"
    branches = g.choice(np.arange(1000, 10000), 25, replace=False)[g.integers(0, 25, 400)]
    assert [verdict(name, "INTEGER", branches) for name in ("branch", "seats")] == [None, "number"]
    assert verdict("plan_id", "INTEGER", g.integers(1, 5, 5000)) == "category"
    assert verdict("number_of_rooms", "INTEGER", 1 + g.poisson(3, 5000)) in ("ordinal", "number")


def test_amounts_called_after_a_thing(g):
    """A loan is an amount or an id: ids lie all over their range."""
    kind = g.choice(3, 2000, p=[0.5, 0.3, 0.2])
    money = np.exp(np.array([9, 11, 12])[kind] + 0.4 * g.normal(size=2000)).round(-2)
    for name in ("loan", "claim", "account", "first_invoice"):
        assert verdict(name, "BIGINT", money) == "number"
        assert verdict(name, "BIGINT", np.where(g.random(2000) < 0.2, 0, money)) == "number"
        assert verdict(name, "BIGINT", g.choice(g.integers(10**4, 10**5, 300), 2000)) is None
        assert verdict(f"{name}_id", "BIGINT", money) is None
    assert verdict("customer", "BIGINT", money) is None


def test_counts_and_scales_are_levels(g):
    assert verdict("a", "BIGINT", 1 + g.binomial(4, 0.5, 300)) == "ordinal"
    assert verdict("a", "DOUBLE", np.clip(np.round(g.normal(4, 0.6, 900) * 2) / 2, 1, 5)) == "ordinal"
    assert verdict("a", "BIGINT", g.integers(0, 2, 300)) == "category"
    assert verdict("a", "BIGINT", np.round(g.normal(40, 11, 300))) == "number"


def test_categories_with_many_values_stay_if_few_cover_most(g):
    assert verdict("a", "VARCHAR", [f"city {i}" for i in g.zipf(1.5, 3000) % 200]) == "category"
    assert verdict("a", "VARCHAR", [f"name {i}" for i in g.integers(0, 1000, 3000)]) is None
    assert verdict("a", "VARCHAR", [f"country {i}" for i in range(142) for _ in range(12)]) is None


def test_moments(g):
    seconds = 1_700_000_000 + np.arange(3000) * 60
    assert verdict("a", "TIMESTAMP", seconds) is None
    assert verdict("a", "TIMESTAMP", np.sort(g.integers(0, 10**7, 3000))) is None
    assert verdict("a", "DATE", 19000 + np.arange(500)) is None
    hours = np.repeat(1_700_000_000 + np.arange(50) * 3600, 8)  # of 8 devices
    assert verdict("a", "TIMESTAMP", hours) is None
    assert verdict("a", "TIMESTAMP", np.delete(hours, g.choice(400, 20, replace=False))) is None
    assert verdict("a", "DATE", np.repeat(19000 + np.concatenate([np.arange(9), 300 + np.arange(9)]), 11)) == "number"
    assert verdict("a", "TIMESTAMP", g.choice(hours[::8] ** 2 // hours[0], 400)) == "number"
    assert verdict("last_login", "TIMESTAMP", 10**8 - g.exponential(86400 * 20, 3000).astype(int)) == "number"
    assert verdict("year", "BIGINT", np.repeat([2007, 2008, 2009], [110, 114, 120])) is None
    assert verdict("year", "BIGINT", 2013 - g.gamma(2, 6, 3000).astype(int).clip(0, 60)) == "number"


def test_constant_nearly_constant_mostly_empty(g):
    assert verdict("a", "VARCHAR", ["EUR"] * 50) is None
    assert verdict("a", "VARCHAR", ["USA"] * 3000 + ["Palau"] * 4) is None
    assert verdict("a", "VARCHAR", ["USA"] * 3000 + ["Palau"] * 40) == "category"
    assert verdict("a", "DOUBLE", np.where(np.arange(100) < 41, np.nan, g.normal(size=100))) is None
    assert verdict("a", "DOUBLE", np.where(np.arange(100) < 40, np.nan, g.normal(size=100))) == "number"
    assert verdict("a", "DOUBLE", np.full(10, np.nan)) is None


def test_a_lonely_value_does_not_hide_an_id(g):
    ids = np.append(g.permutation(4000) + 10**6, [0])
    assert verdict("a", "BIGINT", ids) is None
    guests = np.where(g.random(5000) < 0.3, 0, g.choice(g.choice(10**7, 400, replace=False) + 10**7, 5000))
    assert verdict("a", "BIGINT", guests) is None


def test_the_order_of_rows_does_not_matter(g):
    values = g.negative_binomial(2, 0.01, 2000)
    assert column_of("a", "BIGINT", values) == column_of("a", "BIGINT", values[::-1])
    assert column_of("a", "BIGINT", values) == column_of(
        "a", "BIGINT", *map(np.array, np.unique(values, return_counts=True))
    )


def test_every_whole_number_has_a_bin():
    for high in (1, 5, 63, 64, 100, 12345, 10**12):
        assert sum(places(0, high)) == high + 1


def test_three_far_values_are_no_error():
    assert verdict("vat", "DOUBLE", [0.0] * 20 + [7.5] * 10 + [19.0] * 70) == "ordinal"
    assert verdict("a", "BIGINT", [0] * 20 + [50] * 10 + [1900] * 70) == "ordinal"


def test_no_line_of_a_sentence_is_longer_than_a_screen(g):
    for name, kind, values in (("a", "BIGINT", np.arange(2000)), ("b", "VARCHAR", ["x", "y"] * 50)):
        found = decide(column_of(name, kind, values))
        assert found.sentence.startswith(f"{name}: ")
        assert found.why in found.sentence
        assert len(found.sentence) < 120
