"""Columns that are another one times one of a few rates."""

from __future__ import annotations

import numpy as np

from ppp_duck.features.derived import derived
from ppp_duck.features.determined import Values
from ppp_duck.features.rates import rates

G = np.random.default_rng(0)
NET = np.exp(G.normal(6, 0.8, 600)).round(2)
ONE_OF_THREE = G.integers(0, 3, 600)


def at(*some: float) -> np.ndarray:
    return (NET * np.array(some)[ONE_OF_THREE]).round(2)


def test_amounts_in_one_currency_of_three_and_a_tax() -> None:
    made, found = rates({"net": NET, "nok": at(1, 11.5, 10.4)})["nok"]
    assert (made, found.round(3).tolist()) == ("net", [11.5, 10.4, 1])
    made, found = rates({"net": NET, "vat": at(0.25, 0.15, 0)})["vat"]
    assert (made, found.round(3).tolist()) == ("net", [0.25, 0.15, 0])


def test_one_row_in_a_hundred_may_be_wrong_or_missing() -> None:
    vat = at(0.25, 0.15, 0.12)
    vat[::150] += 7
    vat[1::3] = np.nan
    assert rates({"net": NET, "vat": vat})["vat"][1].round(3).tolist() == [0.25, 0.15, 0.12]
    vat[::30] += 7
    assert not rates({"net": NET, "vat": vat})


def test_what_is_not_made_at_rates() -> None:
    g = np.random.default_rng(1)
    small = {"visits": g.integers(1, 6, 600).astype(float), "orders": g.integers(0, 4, 600).astype(float)}
    close = {"net": NET, "gross": (NET * g.normal(1.2, 0.02, 600)).round(2)}
    once = {"net": NET, "twice": 2 * NET}  # one rate only: determined
    many = {"net": NET, "total": (NET * g.integers(1, 40, 600)).round(2)}
    for columns in (small, close, once, many, {"a": NET, "b": g.permutation(NET)}):
        assert not rates(columns)


def test_rates_beyond_all_numbers() -> None:
    """Each step takes a row away. It did not where the rate was infinite, and never ended."""
    price = np.array([10 / 3] * 27 + [-5e-324] * 3)
    for number in (price, -price, price * 1e60):
        assert not rates({"made": np.tile([0.0, 1000, 2000], 10), "of": number})


def test_a_tax_is_told_with_its_rates() -> None:
    named = {"net": NET, "vat": at(0.25, 0.15, 0)}
    columns = [Values(name, np.unique(one, return_inverse=True)[1], one) for name, one in named.items()]
    assert derived(columns, 12) == {"vat": "it is net x 0.25, 0.15 or 0"}
