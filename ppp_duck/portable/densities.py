"""Points become log densities of the components: the sums of ``engine/score.py`` and ``engine/mixed.py``, in order.

What is added first decides the last bit, and so exact ties. Everything is written as differences from the means:
expanded squares would lose the digits of 1e9 + 1e-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.rows import LOG_2PI
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Mixture
from ppp_duck.portable.dialects import Dialect
from ppp_duck.portable.marginals import Marginals
from ppp_duck.portable.nodes import (
    Node,
    added,
    case,
    coalesce,
    column,
    difference,
    equal,
    every,
    is_null,
    is_there,
    minus,
    number,
    product,
    times,
    whole,
)
from ppp_duck.portable.points import Points, constant, typed
from ppp_duck.portable.stages import Chain

WHOLE = "ppp_whole"  # whether a row has all numbers
MOST_COLUMNS = 600  # of one kind in a stage: PostgreSQL takes 1,600 in all


@dataclass(frozen=True)
class Components:
    """The components of a mixture, and the points on their way to them."""

    mixture: Mixture
    log_norms: Floats
    points: Points
    dialect: Dialect
    chain: Chain

    def gap(self, feature: int, component: int) -> Node:
        return minus(
            column(self.points.numbers[feature]), constant(self.dialect, self.mixture.means[component, feature])
        )

    def or_nothing(self, feature: int, node: Node) -> Node:
        """0 where a row lacks the number."""
        return coalesce(node, number(0.0)) if feature in self.points.holes else node


def log_p(component: int) -> str:
    return f"ppp_log_p_{component}"


def add_log_densities(scorer: Scorer, points: Points, dialect: Dialect, chain: Chain) -> None:
    """Add the stages of ``log_p``: log weight + log density of what a row has, for each component."""
    components = Components(scorer.clustering.mixture, scorer.log_norms, points, dialect, chain)
    if points.holes:
        there = every([is_there(column(points.numbers[feature])) for feature in sorted(points.holes)])
        chain.add("whether a row has all numbers", {WHOLE: there})
    if components.mixture.covariance in ("spherical", "diag"):
        squares = _add_independent(components)
    else:
        squares = _add_dependent(components)
    columns = {}
    for j, square in enumerate(squares):
        terms = [difference(_norm(components, j), product(number(0.5), column(square)))]
        terms += [_log_share(components, category, j) for category in range(len(components.mixture.shares))]
        columns[log_p(j)] = added(terms)
    chain.add("log weight and log density of each component", columns)


def _norm(components: Components, j: int) -> Node:
    own = number(float(components.log_norms[j]))
    if not components.points.holes:
        return own
    return case([(column(WHOLE), own)], column(f"ppp_norm_{j}"))


def _log_share(components: Components, category: int, j: int) -> Node:
    """The log probability of a row's category in a component; 0 where it has none."""
    code = components.points.codes[category]
    logs = np.log(components.mixture.shares[category][j]).tolist()
    branches = [(equal(column(code), whole(level)), number(log)) for level, log in enumerate(logs)]
    return typed(components.dialect, branches, number(0.0))


def _add_independent(components: Components) -> list[str]:
    mixture, points, chain = components.mixture, components.points, components.chain
    m, d = mixture.means.shape
    factors = np.broadcast_to(mixture.factors.reshape(m, -1), (m, d))
    squares: dict[str, list[Node]] = {}
    norms: dict[str, list[Node]] = {}
    for j, weight in enumerate(np.log(mixture.weights).tolist()):
        z = [times(components.gap(f, j), float(factors[j, f])) for f in range(d)]
        squares[f"ppp_square_{j}"] = [components.or_nothing(f, product(one, one.copy())) for f, one in enumerate(z)]
        logs = (np.log(factors[j]) - 0.5 * LOG_2PI).tolist()
        norms[f"ppp_norm_{j}"] = [
            number(weight),
            *(_if_there(components, f, log) for f, log in enumerate(logs)),
        ]
    chain.add_sums("squared distances to the components, in standard deviations", squares)
    if points.holes:
        chain.add_sums("what the squared distance is taken from, of a row that lacks numbers", norms)
    return list(squares)


def _if_there(components: Components, feature: int, value: float) -> Node:
    if feature not in components.points.holes:
        return number(value)
    missing = is_null(column(components.points.numbers[feature]))
    return typed(components.dialect, [(missing, number(0.0))], number(value))


def _add_dependent(components: Components) -> list[str]:
    """Of shared or full covariances: distances in the coordinates of the factor, so many components at once as fit."""
    mixture, chain = components.mixture, components.chain
    m, d = mixture.means.shape
    size = max(1, MOST_COLUMNS // max(d, 1))
    marginals = Marginals.of(mixture, components.log_norms, components.points.holes)
    squares = []
    for begin in range(0, m, size):
        batch = range(begin, min(begin + size, m))
        gaps = {f"ppp_gap_{j}_{f}": components.or_nothing(f, components.gap(f, j)) for j in batch for f in range(d)}
        chain.add("differences from the means", gaps)
        turned = {f"ppp_turned_{j}_{c}": _turned(components, j, c) for j in batch for c in range(d)}
        chain.add_sums("the same in the coordinates of the covariance", turned)
        names = {f"ppp_square_{j}": [f"ppp_turned_{j}_{c}" for c in range(d)] for j in batch}
        chain.add_sums(
            "squared distances to the components",
            {name: [product(column(z), column(z)) for z in parts] for name, parts in names.items()},
        )
        squares += (
            marginals.add(batch, components.points, components.dialect, chain)
            if components.points.holes
            else list(names)
        )
    return squares


def _turned(components: Components, j: int, c: int) -> Sequence[Node]:
    """The terms of coordinate ``c``; a factor of 0 adds nothing."""
    factors = components.mixture.factors
    line = (factors if components.mixture.covariance == "tied" else factors[j])[:, c].tolist()
    return [
        times(column(f"ppp_gap_{j}_{f}"), own)
        for f, one in enumerate(line)
        if (own := constant(components.dialect, one))
    ]
