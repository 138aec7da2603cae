"""What is left of a shared or full covariance for a row with holes: the exact marginal of what it has.

Of the precision matrix the missing numbers are eliminated one after the other (a Schur complement), in stages: a stage
for each number that a row may lack. With P the precision, g the differences from the mean (0 where there is none) and
b = P g, the squared distance of the marginal is g P g less b_f^2 / P_ff for each missing f, as it is when f's turn
comes. ``engine/mixed.py`` has the same, with factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sqlglot import exp

from ppp_duck.engine.mixed import _precisions
from ppp_duck.engine.rows import LOG_2PI
from ppp_duck.errors import DialectError
from ppp_duck.models.model import Floats, Mixture
from ppp_duck.portable.dialects import Dialect
from ppp_duck.portable.nodes import Node, column, difference, divided, is_null, number, product, times
from ppp_duck.portable.points import Points, typed
from ppp_duck.portable.stages import Chain

MOST_STEPS = 12_000  # products of an elimination, of all components together: text that engines take seconds to plan
Entry: TypeAlias = "float | str"  # a constant, or the column that holds it
Matrix: TypeAlias = "Mapping[tuple[int, int], Entry]"  # its upper triangle


@dataclass(frozen=True)
class Marginals:
    """The precisions of the components, and the numbers that a row may lack."""

    mixture: Mixture
    precisions: Floats  # (m or 1, d, d)
    log_norms: Floats
    holes: tuple[int, ...]

    @staticmethod
    def of(mixture: Mixture, log_norms: Floats, holes: frozenset[int]) -> Marginals:
        factors = mixture.factors
        precisions = _precisions(factors) if holes else np.zeros((0, 0, 0))
        precisions = precisions if precisions.ndim == 3 else precisions[None]
        if len(precisions) * len(holes) ** 3 / 6 > MOST_STEPS:
            raise DialectError(
                "ppp_sql: set missing to 'skip' or 'impute', or covariance to 'diag', and fit again: plain SQL lacks "
                f"the marginals of {len(precisions)} covariances between {len(holes)} numbers, each of which may be "
                "missing"
            )
        return Marginals(mixture, precisions, log_norms, tuple(sorted(holes)))

    def add(self, batch: Sequence[int], points: Points, dialect: Dialect, chain: Chain) -> list[str]:
        """Add the stages of ``ppp_norm`` and of the squared distances of these components; returns these columns."""
        chain.add_sums(
            "precision times difference, of numbers that may be missing",
            {_pull(j, f): self._pull_terms(j, f) for j in batch for f in self.holes},
        )
        shared = len(self.precisions) == 1
        matrices = {own: self._matrix(own) for own in ([0] if shared else batch)}
        states = {
            j: _State(f"ppp_square_{j}", float(self.log_norms[j]), {f: _pull(j, f) for f in self.holes}) for j in batch
        }
        for f in self.holes:
            columns: dict[str, Node] = {}
            missing = is_null(column(points.numbers[f]))
            states = {
                j: _without(dialect, columns, state, matrices[0 if shared else j], f, j, missing)
                for j, state in states.items()
            }
            matrices = {own: _eliminated(dialect, columns, matrix, own, f, missing) for own, matrix in matrices.items()}
            chain.add(f"number {f} is taken out where it is missing", columns)
        chain.add("what the squared distance is taken from", {
            f"ppp_norm_{j}": _node(state.norm) for j, state in states.items()
        })  # fmt: skip
        return [state.square for state in states.values()]

    def _matrix(self, own: int) -> Matrix:
        p = self.precisions[own]
        return {(f, g): float(p[f, g]) for f in self.holes for g in self.holes if f <= g}

    def _pull_terms(self, j: int, f: int) -> list[Node]:
        """Line f of the factor times the turned differences."""
        factors = self.mixture.factors
        line = (factors if self.mixture.covariance == "tied" else factors[j])[f].tolist()
        return [times(column(f"ppp_turned_{j}_{c}"), one) for c, one in enumerate(line) if one]


@dataclass(frozen=True)
class _State:
    """Of a component, after some numbers were taken out: the columns of what is left."""

    square: str
    norm: Entry
    pulls: Mapping[int, str]


def _pull(j: int, f: int) -> str:
    return f"ppp_pull_{j}_{f}"


def _node(entry: Entry) -> Node:
    return column(entry) if isinstance(entry, str) else number(entry)


def _changed(
    dialect: Dialect, columns: dict[str, Node], name: str, before: Entry, missing: Node, less: Node
) -> str:  # fmt: skip
    """Adds a column: what was before, less something where the number is missing.

    Not a choice between both: ClickHouse works out the branches of a CASE for each use, so a chain of such choices
    would take twice the time with every stage.
    """
    columns[name] = difference(_node(before), typed(dialect, [(missing.copy(), less)], number(0.0)))
    return name


def _without(
    dialect: Dialect, columns: dict[str, Node], state: _State, matrix: Matrix, f: int, j: int, missing: Node
) -> _State:  # fmt: skip
    """Adds the columns of a component's state without number f."""
    pivot, pull = matrix[f, f], state.pulls[f]
    share = product(column(pull), divided(column(pull), _node(pivot)))
    loss = (
        number(0.5 * (float(np.log(pivot)) - LOG_2PI))
        if isinstance(pivot, float)
        else product(number(0.5), difference(exp.Ln(this=_node(pivot)), number(LOG_2PI)))
    )
    pulls = {}
    for g, own in state.pulls.items():
        if g > f:
            less = product(_node(matrix[f, g]), divided(column(pull), _node(pivot)))
            pulls[g] = _changed(dialect, columns, f"ppp_pull_{j}_{g}_without_{f}", own, missing, less)
    return _State(
        _changed(dialect, columns, f"ppp_square_{j}_without_{f}", state.square, missing, share),
        _changed(dialect, columns, f"ppp_norm_{j}_without_{f}", state.norm, missing, loss),
        pulls,
    )


def _eliminated(
    dialect: Dialect, columns: dict[str, Node], matrix: Matrix, own: int, f: int, missing: Node
) -> Matrix:  # fmt: skip
    """Adds the columns of a precision matrix without number f."""
    found: dict[tuple[int, int], Entry] = {}
    for (g, h), entry in matrix.items():
        if f not in (g, h):
            one, other, pivot = matrix[f, g], matrix[f, h], matrix[f, f]
            if isinstance(one, float) and isinstance(other, float) and isinstance(pivot, float):
                less = number(one * (other / pivot))
            else:
                less = product(_node(one), divided(_node(other), _node(pivot)))
            found[g, h] = _changed(dialect, columns, f"ppp_precision_{own}_{g}_{h}_without_{f}", entry, missing, less)
    return found
