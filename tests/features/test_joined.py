"""Numbers that were joined to rows."""

from __future__ import annotations

import numpy as np

from ppp_duck.features.determined import Values
from ppp_duck.features.joined import joined_by

G = np.random.default_rng(2)
OF = G.integers(0, 300, 3000)  # the customer of each order


def values(**columns: np.ndarray) -> list[Values]:
    return [Values(name, np.unique(one, return_inverse=True)[1], one) for name, one in columns.items()]


def test_numbers_that_come_back_together_were_joined() -> None:
    balance, age = G.normal(size=300).round(3)[OF], G.normal(40, 9, 300).round()[OF]  # some have one balance
    amount = G.normal(size=3000)
    assert joined_by(values(balance=balance, age=age, amount=amount)) == "balance"
    assert joined_by(values(balance=balance, amount=amount)) is None
    lacking = np.where(OF % 7 == 0, -1, np.unique(age, return_inverse=True)[1])
    assert joined_by([*values(balance=balance), Values("age", lacking, age)]) == "balance"


def test_one_quantity_told_twice_and_zeros_are_not() -> None:
    celsius = G.normal(20, 8, 3000).round(1)
    bought = np.where(G.random(3000) < 0.7, 0.0, G.gamma(2, 30, 3000).round(2))
    rounded = {"a": G.normal(0, 99, 3000).round(), "b": G.normal(0, 99, 3000).round()}
    for columns in ({"c": celsius, "f": celsius * 1.8 + 32}, {"bought": bought, "pages": G.poisson(9, 3000)}, rounded):
        assert joined_by(values(**{name: np.asarray(one, dtype=float) for name, one in columns.items()})) is None
