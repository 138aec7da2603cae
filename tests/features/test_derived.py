"""Columns that one of the others determines, or that some make by a formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.engine.grid import decimals_of
from ppp_duck.features.derived import derived
from ppp_duck.running.learning import values_in_rows

N = 600
Columns = dict[str, Any]


def found(columns: Columns, most: int = 20) -> dict[str, str]:
    return derived([values_in_rows(name, pa.array(values)) for name, values in columns.items()], most)


def texts(codes: Any, prefix: str) -> list[str]:
    return [f"{prefix}{code}" for code in codes]


def made() -> tuple[np.random.Generator, Any]:
    g = np.random.default_rng(5)
    return g, np.exp(g.normal(3, 1, N)).round(2)


def hierarchy() -> tuple[Columns, dict[str, str]]:
    city = made()[0].integers(0, 12, N)
    columns = {"city": texts(city, "c"), "state": texts(city // 3, "s"), "region": texts(city // 6, "r")}
    return columns, {"state": "city determines it", "region": "city determines it"}


def many_cities() -> tuple[Columns, dict[str, str]]:
    city = made()[0].integers(0, 60, N)
    columns = {"city": texts(city, "c"), "state": texts(city // 6, "s"), "region": texts(city // 30, "r")}
    return columns, {"city": "a finer name of state: 60 values for 10", "region": "state determines it"}


def code_and_name() -> tuple[Columns, dict[str, str]]:
    country = made()[0].integers(0, 5, N)
    return {"iso": texts(country, "I"), "country": texts(country, "c"), "number": country * 1.0}, {
        "iso": "country determines it", "number": "country determines it"}  # fmt: skip


def few_exceptions() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    city = g.integers(0, 12, N)
    state = np.where(g.random(N) < 0.01, 0, city // 3)
    return {"city": texts(city, "c"), "state": texts(state, "s")}, {"state": "city determines it"}


def band() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    age = g.normal(40, 12, N).round(1)
    return {"age": age, "band": texts(np.digitize(age, [30, 45]), "b")}, {"band": "age determines it"}


def other_unit() -> tuple[Columns, dict[str, str]]:
    _, price = made()
    return {"price": price, "score": -np.sqrt(price)}, {"score": "price determines it"}


def total() -> tuple[Columns, dict[str, str]]:
    g, price = made()
    quantity = g.integers(1, 6, N) * 1.0
    return {"price": price, "quantity": quantity, "total": (price * quantity).round(2)}, {
        "total": "it is price x quantity"}  # fmt: skip


def cheap_by_the_dozen() -> tuple[Columns, dict[str, str]]:
    """A total that varies less than the price does, as who buys much buys what is cheap."""
    g, noise = made()
    quantity = g.choice([1.0, 4.0, 20.0], N)
    price = (noise / quantity).round(2)
    return {"price": price, "quantity": quantity, "total": (price * quantity).round(2)}, {
        "total": "it is price x quantity"}  # fmt: skip


def discount() -> tuple[Columns, dict[str, str]]:
    g, price = made()
    quantity, off = g.integers(1, 6, N) * 1.0, g.choice([0, 0.1, 0.25], N)
    return {"price": price, "quantity": quantity, "off": off, "total": (price * quantity * (1 - off)).round(2)}, {
        "total": "it is price x quantity x (1 - off)"}  # fmt: skip


def rate() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    calls = g.poisson(30, N) + 1
    won = g.binomial(calls, 0.4)
    return {"calls": calls * 1.0, "won": won * 1.0, "percent": (100 * won / calls).round(1)}, {
        "percent": "it is 100 x won / calls"}  # fmt: skip


def body() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    height = g.normal(172, 9, N).round()
    weight = ((22 + g.normal(3, 3, N)) * (height / 100) ** 2).round(1)
    return {"height": height, "weight": weight, "bmi": (weight / (height / 100) ** 2).round(1)}, {
        "bmi": "it is 1e+04 x weight / height^2"}  # fmt: skip


def profit() -> tuple[Columns, dict[str, str]]:
    g, price = made()
    cost = (price * g.uniform(0.4, 0.9, N)).round(2)
    return {"price": price, "cost": cost, "profit": (price - cost).round(2)}, {"price": "it is cost + profit"}


def sum_of_three() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    a, b, c = (g.poisson(mean, N) * 1.0 for mean in (3, 5, 8))
    return {"a": a, "b": b, "c": c, "all": a + b + c}, {"all": "it is a + b + c"}


def rest() -> tuple[Columns, dict[str, str]]:
    shares = np.random.default_rng(5).dirichlet([5, 3, 2], N)
    a, b = shares[:, 0].round(3), shares[:, 1].round(3)
    return {"a": a, "b": b, "c": (1 - a - b).round(3)}, {"a": "it is 1 - b - c"}


def mean() -> tuple[Columns, dict[str, str]]:
    g, _ = made()
    low = g.normal(40, 12, N).round()
    high = low + g.gamma(4, 4, N).round()
    return {"low": low, "high": high, "middle": (low + high) / 2}, {"middle": "it is 0.5 x high + 0.5 x low"}


def chain() -> tuple[Columns, dict[str, str]]:
    g, price = made()
    quantity, shipping = g.integers(1, 6, N) * 1.0, g.gamma(2, 3, N).round(2)
    value = (price * quantity).round(2)
    return {"price": price, "quantity": quantity, "value": value, "shipping": shipping, "due": (value + shipping).round(2)}, {
        "value": "it is price x quantity", "due": "it is shipping + value"}  # fmt: skip


def constant_factor() -> tuple[Columns, dict[str, str]]:
    g, price = made()
    rate = g.choice([0.06, 0.12, 0.25], N)
    return {"price": price, "rate": rate, "tax": (price * rate).round(2), "gross": (price * (1 + rate)).round(2)}, {
        "tax": "it is price x rate", "gross": "it is price + tax"}  # fmt: skip


CASES = (hierarchy, many_cities, code_and_name, few_exceptions, band, other_unit, total, cheap_by_the_dozen, discount, rate, body, profit,
         sum_of_three, rest, mean, chain, constant_factor)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_what_others_tell_is_left_out(case: Callable[[], tuple[Columns, dict[str, str]]]) -> None:
    columns, expected = case()
    assert found(columns) == expected


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_whatever_the_order_of_rows_and_columns_and_with_holes(
    case: Callable[[], tuple[Columns, dict[str, str]]],
) -> None:
    columns, expected = case()
    g = np.random.default_rng(1)
    order = g.permutation(N)
    holes = {name: g.random(N) < 0.05 for name in columns}
    turned = {
        name: pa.array(
            [None if hole else one for one, hole in zip(np.array(values)[order].tolist(), holes[name], strict=True)]
        )
        for name, values in reversed(columns.items())
    }
    assert set(found(turned)) == set(expected)


def related(g: np.random.Generator) -> Columns:
    """Columns that go together as in clusters, or by chance, and are told by no other."""
    y = g.integers(0, 3, N)
    x = 10.0 * y + g.normal(size=N)
    category = np.where(g.random(N) < 0.9, y, g.integers(0, 3, N))
    return {
        "x": x.round(2), "close": (x + g.normal(0, 0.3, N)).round(2), "count": g.poisson(3 + 4 * y) * 1.0,
        "money": np.exp(g.normal(3 + y, 0.4)).round(2), "plan": texts(category, "p"),
        "channel": texts(np.where(g.random(N) < 0.85, y, g.integers(0, 3, N)), "c"),
        "noise": texts(g.integers(0, 4, N), "n"), "zeros": np.where(g.random(N) < 0.9, 0.0, g.gamma(2, 5, N).round(2)),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_what_goes_with_others_stays(seed: int) -> None:
    assert found(related(np.random.default_rng(seed))) == {}


def test_prices_of_a_day_stay() -> None:
    """Open, high, low and close are nearly one number, and none is made by the others."""
    g = np.random.default_rng(2)
    opened = (100 + np.cumsum(g.normal(0, 1, N))).round(2)
    close = (opened + g.normal(0, 1, N)).round(2)
    high = (np.maximum(opened, close) + g.exponential(0.5, N)).round(2)
    low = (np.minimum(opened, close) - g.exponential(0.5, N)).round(2)
    assert found({"open": opened, "close": close, "high": high, "low": low}) == {}


def test_a_category_of_values_that_lie_apart_stays() -> None:
    """It is another sign of the same clusters, and no band of a number."""
    g = np.random.default_rng(4)
    kind = g.integers(0, 3, N)
    assert found({"x": (10.0 * kind + g.normal(size=N)).round(3), "kind": texts(kind, "k")}) == {}


def test_few_rows_tell_nothing() -> None:
    assert found({"a": ["x", "y"] * 8, "b": ["u", "v"] * 8, "c": [1.0, 2.0] * 8}) == {}
    assert found({}) == {}
    assert found({"a": pa.nulls(50, pa.string()), "b": pa.nulls(50, pa.float64())}) == {}


def test_a_name_for_each_row_determines_nothing() -> None:
    assert found({"name": texts(range(N), "n"), "kind": texts(np.arange(N) % 3, "k")}) == {}


def test_a_flag_that_is_hardly_ever_set_is_no_difference() -> None:
    g = np.random.default_rng(6)
    assert (
        found({"flag": (g.random(N) < 0.015) * 1.0, "x": g.normal(size=N).round(1), "y": g.normal(size=N).round(1)})
        == {}
    )


@pytest.mark.parametrize(("units", "left_out"), [(100, {}), (40, {"tax": "industry determines it"})])
def test_a_number_tells_what_has_no_order_where_many_rows_share_its_values(
    units: int, left_out: dict[str, str]
) -> None:
    """As the share of industry of a town, which is another for each town, and so tells its tax."""
    g = np.random.default_rng(3)
    town = g.integers(0, units, N)
    industry, tax = g.normal(10, 5, units).round(2), g.normal(300, 50, units).round()
    assert found({"industry": industry[town], "tax": tax[town]}) == left_out


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.one_of(st.sampled_from([0.0, 1.0, 2.0, 0.5, 1e300, 5e-324, -1e308, 1e17]), st.floats()),
                         min_size=60, max_size=60), min_size=1, max_size=5))  # fmt: skip
def test_any_numbers(columns: Sequence[list[float]]) -> None:
    names = [f"x{place}" for place in range(len(columns))]
    left_out = found(dict(zip(names, columns, strict=True)))
    assert set(left_out) < set(names) | {""}


def test_steps() -> None:
    for digits in range(6):
        assert decimals_of(np.random.default_rng(0).normal(size=50).round(digits)) == digits
