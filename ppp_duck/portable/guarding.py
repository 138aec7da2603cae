"""Stages as Spark runs them quickly: the cluster of most rows from few sums, the others only for rows in doubt.

A stage makes one struct of its columns, and makes it where a list is there: so a row whose cluster is known costs it
next to nothing, and its condition keeps it apart (``Dialect.guard``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlglot import exp

from ppp_duck.engine import plain
from ppp_duck.engine.score import Scorer
from ppp_duck.features.scaling import center_and_scale, unit_of
from ppp_duck.models.model import Model
from ppp_duck.portable.dialects import Dialect, filled_in
from ppp_duck.portable.labels import extreme
from ppp_duck.portable.nodes import (
    Node,
    above,
    added,
    between,
    case,
    cast,
    coalesce,
    column,
    equal,
    every,
    is_null,
    minus,
    number,
    product,
    text,
    times,
    whole,
)
from ppp_duck.portable.stages import Chain, Stage
from ppp_duck.portable.values import Values

EVERY, DOUBT = "ppp_every_row", "ppp_doubt"  # the lists: of each row, and of a row in doubt
SURE = "ppp_sure"  # the cluster of a row that is in no doubt
ASKED, NEAR, FIRST, LAST = "ppp_asked", "ppp_near", "ppp_near_first", "ppp_near_last"


def every_row(dialect: Dialect) -> dict[str, Node]:
    return {EVERY: _list()} if dialect.guard else {}


def _list() -> Node:
    return exp.Array(expressions=[exp.Boolean(this=True)])


def guarded(
    dialect: Dialect, stages: Sequence[Stage], columns: Mapping[str, Node]
) -> tuple[list[Stage], Mapping[str, Node]]:
    """The stages with a struct of each that has a guard, and the last columns, which read these."""
    owner: dict[str, str] = {}
    found = []
    for at, stage in enumerate(stages, 1):
        for node in stage.columns.values():
            _read_structs(node, owner)
        if dialect.guard is None or not stage.guard:
            found.append(stage)
            continue
        struct = f"ppp_made_{at}"
        fields = [exp.PropertyEQ(this=exp.Identifier(this=name, quoted=False), expression=node)
                  for name, node in stage.columns.items()]  # fmt: skip
        condition = filled_in(dialect, dialect.guard, column(stage.guard))
        found.append(Stage(stage.why, {struct: case([(condition, exp.Struct(expressions=fields))])}))
        owner |= dict.fromkeys(stage.columns, struct)
    for node in columns.values():
        _read_structs(node, owner)
    return found, columns


def _read_structs(node: Node, owner: Mapping[str, str]) -> None:
    for one in node.find_all(exp.Column):
        if one.name in owner:
            one.set("table", exp.Identifier(this=owner[one.name], quoted=False))


def add_screen(model: Model, scorer: Scorer, dialect: Dialect, values: Values, chain: Chain) -> None:
    """Add the stages of ``SURE``, as ``binding/screen.py`` finds it, and guard what follows by ``DOUBT``.

    Nothing is added for features that are not numbers as they are: then every row is in doubt.
    """
    terms = _terms(model, scorer)
    if terms is None or dialect.guard is None:
        return
    chain.guard = ""
    middles, (up, low, least, largest, paired), owner, *coefficients = terms
    nan = cast(text("NaN"), "DOUBLE")  # larger than all bounds, and so in doubt
    z = [f"ppp_centered_{at}" for at in range(len(middles))]
    numbers = [coalesce(column(*values.of(feature)), nan.copy()) for feature in model.features]
    chain.add(
        "the same as differences from the middle; NaN for what is missing",
        {own: minus(x, middle) for own, x, middle in zip(z, numbers, middles, strict=True)},
    )
    densities = {f"ppp_nearly_{j}": _density(own, z, bool(paired)) for j, own in enumerate(coefficients)}
    asked = filled_in(dialect, dialect.guard, column(EVERY))
    chain.add("log densities of the components, nearly", {**densities, ASKED: asked})
    highest = extreme(exp.Greatest, dialect, [column(name) for name in densities])
    chain.add("what those are above that matter", {NEAR: minus(times(highest, up), low)})
    near = [(above(column(name), column(NEAR)), whole(int(c))) for name, c in zip(densities, owner, strict=True)]
    chain.add(
        "the first and the last cluster that has one",
        {FIRST: case(near), LAST: case([(condition.copy(), c.copy()) for condition, c in reversed(near)])},
    )
    sure = every([column(ASKED), equal(column(FIRST), column(LAST)), between(column(NEAR), least, largest)])
    chain.add("the cluster of a row that is in no doubt", {SURE: case([(sure, column(FIRST))])})
    chain.add("whether a row is: what follows is for these only", {DOUBT: case([(is_null(column(SURE)), _list())])})
    chain.guard = DOUBT


def _terms(model: Model, scorer: Scorer) -> list[list[float]] | None:
    """The numbers of ``engine/plain.py``; None of a model that has no such."""
    if any(one.kind != "number" or one.codes or one.log_unit or unit_of(one) != 1 for one in model.features):
        return None
    if not model.features:
        return None
    sides = zip(*map(center_and_scale, model.features), strict=True)
    center, scale = (np.concatenate(side)[:, None] for side in sides)
    low = np.array([[-np.inf if one.low is None else one.low] for one in model.features])
    high = np.array([[np.inf if one.high is None else one.high] for one in model.features])
    screen = scorer.screen_of(center, scale, low, high)
    if screen is None:
        return None
    d, m = len(model.features), len(scorer.log_norms)
    return plain.terms(scorer, screen, range(d), d, m, paired=True, threads=None)


def _density(coefficients: Sequence[float], z: Sequence[str], paired: bool) -> Node:
    """The sum of 1, each number and each product of two, times their coefficients."""
    pairs = [(i, j) for i in range(len(z)) for j in (range(i, len(z)) if paired else [i])]
    constant, *others = coefficients
    nodes = [column(one) for one in z] + [product(column(z[i]), column(z[j])) for i, j in pairs]
    return added([number(constant), *(times(node, own) for node, own in zip(nodes, others, strict=True) if own)])
