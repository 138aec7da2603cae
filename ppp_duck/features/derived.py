"""Columns that say nothing which others do not say: one determines them, some make them, or one does at few rates."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.features.determined import Values, determined
from ppp_duck.features.formulas import Formula, formulas
from ppp_duck.features.rates import rates
from ppp_duck.models.model import Floats

SHOWN = 4  # terms of a sum, or factors of a product, that are told
PERCENT = 0.01  # by which the factor of a product may miss 1 without being told


def derived(columns: Sequence[Values], most: int) -> dict[str, str]:
    """The columns to leave out, by name, and why. Of a text ``most`` values are told apart."""
    one_tells = determined(columns, most)
    numbers = {one.name: one.numbers for one in columns if one.numbers is not None}
    told = {name: by for name, (by, _) in one_tells.items()}
    made = formulas(numbers, told)
    found = {name: why for name, (_, why) in one_tells.items()} | {name: words(one) for name, one in made.items()}
    left = {name: values for name, values in numbers.items() if name not in found}
    return found | {name: _at_rates(other, some) for name, (other, some) in rates(left).items()}


def _at_rates(other: str, some: Floats) -> str:
    """A column that is another one at a few rates, as a reason."""
    *most, last = (f"{rate:.4g}" for rate in some.tolist())
    return f"it is {other} x {', '.join(most)} or {last}"


def words(formula: Formula) -> str:
    """A formula as a reason.

    >>> words(Formula("due", ("total", "shipping"), ("total", "shipping"), (1.0, 1.0), 0.0, False))
    'it is shipping + total'
    >>> words(Formula("rate", ("won", "calls"), ("won", "calls"), (1.0, -1.0), 100.0, True))
    'it is 100 x won / calls'
    """
    if len(formula.labels) > SHOWN:
        return f"it is a {'product' if formula.is_product else 'sum'} of {len(formula.labels)} others"
    return f"it is {_product(formula) if formula.is_product else _sum(formula)}"


def _product(formula: Formula) -> str:
    above: list[str] = []
    below: list[str] = []
    powers = sorted(zip(formula.labels, formula.weights, strict=True), key=lambda one: (one[0].startswith("("), one[0]))
    for label, power in powers:
        (above if power > 0 else below).append(label if abs(power) == 1 else f"{label}^{abs(power):g}")
    constant = [] if abs(formula.constant - 1) < PERCENT and above else [f"{formula.constant:.4g}"]
    return " x ".join([*constant, *above]) + "".join(f" / {label}" for label in below)


def _sum(formula: Formula) -> str:
    terms = [(weight, label if abs(weight) == 1 else f"{abs(weight):.6g} x {label}")
             for label, weight in sorted(zip(formula.labels, formula.weights, strict=True))]  # fmt: skip
    if formula.constant:
        terms.append((formula.constant, f"{abs(formula.constant):.6g}"))
    terms.sort(key=lambda one: one[0] < 0)
    signed = "".join(f" {'-' if weight < 0 else '+'} {term}" for weight, term in terms)
    return signed.removeprefix(" + ").strip()
