"""Values become points: scaled numbers and the codes of categories, NULL for what a row lacks.

The same as ``running/points.py`` does, operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from ppp_duck.features.scale import IS_FAR, IS_INFINITE, IS_NAN, IS_NULL, PRESENT, forward
from ppp_duck.features.scaling import FARTHEST, center_and_scale, unit_of
from ppp_duck.models.model import Feature, Model
from ppp_duck.models.parts import LARGEST
from ppp_duck.portable.dialects import Dialect
from ppp_duck.portable.nodes import (
    Node,
    above,
    added,
    below,
    between,
    case,
    cast,
    column,
    divided,
    equal,
    every,
    is_null,
    is_there,
    minus,
    number,
    over,
    product,
    some,
    text,
    whole,
)
from ppp_duck.portable.stages import Chain
from ppp_duck.portable.values import Values

ALONE, COMPLETE = "ppp_alone", "ppp_complete"
NEGLIGIBLE = 1e-140  # a coordinate that small is 0 where an underflow is an error: its square is beside all others
UNSEEN = -1  # the code of a category that no feature has


@dataclass(frozen=True)
class Points:
    """The columns of points: numbers, codes, and which of the numbers a row that is scored may lack."""

    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    holes: frozenset[int]
    complete: bool  # whether every row can be scored; else COMPLETE says which
    causes: tuple[tuple[str, Feature], ...]  # why a row lacks a feature: a column of each, where it is asked for


@dataclass(frozen=True)
class _Making:
    """The features of a model on their way, with the names of their columns."""

    model: Model
    dialect: Dialect
    values: Values
    chain: Chain

    @property
    def features(self) -> tuple[Feature, ...]:
        return self.model.features

    @property
    def is_auto(self) -> bool:
        return self.model.missing == "auto"

    def columns(self, feature: Feature) -> tuple[str, ...]:
        return self.values.of(feature)

    def limits(self, feature: Feature) -> tuple[float, float] | None:
        """Between which a number is not far out, where the model has such limits."""
        if feature.kind != "number" or feature.low is None or feature.high is None:
            return None
        return feature.low, feature.high


def add_points(model: Model, dialect: Dialect, values: Values, chain: Chain, full: bool) -> Points:
    """Add the stages that make points of values. ``full``: and those that say why a row lacks a feature."""
    making = _Making(model, dialect, values, chain)
    seen = _add_seen(making)
    causes = tuple(zip(_add_causes(making), model.features, strict=True)) if full else ()
    raw = _add_raw(making, seen)
    numbers, codes = _add_coordinates(making, raw)
    can_lack = making.is_auto and bool(model.features)
    holes = frozenset(range(len(numbers))) if can_lack else frozenset(_spikes(model))
    complete = _is_complete(making, seen, numbers, codes)
    if complete is not None:
        chain.add("whether a row has what it takes to be scored", {COMPLETE: complete})
    return Points(tuple(numbers), tuple(codes), holes, complete is None, causes)


def _spikes(model: Model) -> list[int]:
    found, at = [], 0
    for feature in model.features:
        found += [at] if feature.apart else []
        at += len(feature.center)
    return found


def _finite(node: Node) -> Node:
    return between(node, -LARGEST, LARGEST)


def _add_seen(making: _Making) -> dict[str, str]:
    """A column for each value, NULL where it is not finite, or far out and so a hole. By the value's column."""
    seen: dict[str, str] = {}
    columns: dict[str, Node] = {}
    for feature in making.features:
        names = making.columns(feature)
        if feature.kind == "text":
            seen[names[0]] = names[0]
            continue
        for name in names:
            seen[name] = name.replace("value", "seen")
            is_seen = every([_finite(column(one)) for one in names])
            value = column(name)
            if limits := making.limits(feature):
                low, high = limits
                if making.is_auto:
                    is_seen = between(column(name), low, high)
                else:
                    value = case(
                        [(below(column(name), number(low)), number(low)),
                         (above(column(name), number(high)), number(high))],
                        column(name),
                    )  # fmt: skip
            columns[seen[name]] = case([(is_seen, value)])
    making.chain.add("what is finite, and not far out", columns)
    return seen


def _add_causes(making: _Making) -> dict[str, Node]:
    """Why a row lacks each feature: the numbers of ``features/scale.py``."""
    columns: dict[str, Node] = {}
    for at, feature in enumerate(making.features):
        names = making.columns(feature)
        branches = [(some([is_null(column(name)) for name in names]), whole(IS_NULL))]
        if feature.kind != "text":
            limits = making.limits(feature)
            if limits and making.is_auto:
                branches.append((between(column(names[0]), *limits), whole(PRESENT)))
                branches.append((_finite(column(names[0])), whole(IS_FAR)))
            else:
                branches.append((every([_finite(column(name)) for name in names]), whole(PRESENT)))
            branches.append((some([_is_nan(making.dialect, name) for name in names]), whole(IS_NAN)))
        default = PRESENT if feature.kind == "text" else IS_INFINITE
        columns[f"ppp_cause_{at}"] = case(branches, whole(default)) if names else whole(PRESENT)
    making.chain.add(
        f"why a feature is missing: {IS_NULL} it is NULL, {IS_NAN} NaN, {IS_INFINITE} infinite, {IS_FAR} far out; "
        f"{PRESENT} it is there",
        columns,
    )
    return columns


def _is_nan(dialect: Dialect, name: str) -> Node:
    """Of a value that is there: whether it is neither finite nor infinite. Engines do not agree on how NaN compares."""
    infinity = cast(text(dialect.infinity), "DOUBLE")
    opposite = cast(text(f"-{dialect.infinity}"), "DOUBLE")
    return exp.Not(
        this=exp.Paren(this=some([
            _finite(column(name)), equal(column(name), infinity), equal(column(name), opposite)
        ]))
    )  # fmt: skip


def _add_raw(making: _Making, seen: dict[str, str]) -> dict[str, str]:
    """Where a row has nothing but values far out, these stand at their limits. Returns columns by those of values."""
    bounded = [(feature, limits) for feature in making.features if (limits := making.limits(feature))]
    if not bounded or not making.is_auto:
        return seen
    alone = every([is_null(column(seen[name])) for feature in making.features for name in making.columns(feature)[:1]])
    making.chain.add("whether a row has no value that is not far out", {ALONE: alone})
    raw, columns = dict(seen), {}
    for feature, (low, high) in bounded:
        (name,) = making.columns(feature)
        raw[name] = name.replace("value", "raw")
        # NaN is neither, or above all: so it is compared with both ends
        stands = [
            (every([column(ALONE), between(column(name), -LARGEST, low)]), number(low)),
            (every([column(ALONE), between(column(name), high, LARGEST)]), number(high)),
        ]
        columns[raw[name]] = case([(is_there(column(seen[name])), column(seen[name])), *stands])
    making.chain.add("such a row stands at the limits", columns)
    return raw


def _is_complete(making: _Making, seen: dict[str, str], numbers: Sequence[str], codes: Sequence[str]) -> Node | None:
    if not making.features or making.model.missing == "impute":
        return None
    if making.is_auto:
        return some([is_there(column(name)) for name in (*numbers, *codes)])
    return every([is_there(column(seen[name])) for one in making.features for name in making.columns(one)[:1]])


def _add_coordinates(making: _Making, raw: dict[str, str]) -> tuple[list[str], list[str]]:
    numbers: dict[str, Node] = {}
    codes: dict[str, Node] = {}
    sizes: dict[str, Node] = {}
    for feature in making.features:
        names = [raw[name] for name in making.columns(feature)]
        if feature.codes:
            codes[f"ppp_code_{len(codes)}"] = _code(making, feature, names[0])
        for position in range(len(feature.center)):
            name = f"ppp_x_{len(numbers)}"
            if feature.kind == "text":
                numbers[name] = _indicator(making, feature, position, names[0])
                continue
            if feature.log_unit:
                sizes[f"ppp_size_{len(numbers)}"] = _size(making.dialect, feature, names[position])
            numbers[name] = _coordinate(making, feature, position, names[position], f"ppp_size_{len(numbers)}")
    if not making.features:  # all rows are alike: one number
        numbers["ppp_x_0"] = number(0.0)
    making.chain.add("the sizes of which logarithms are taken", sizes)
    making.chain.add("points: scaled numbers (ppp_x), and the codes of categories (ppp_code)", {**numbers, **codes})
    return list(numbers), list(codes)


def _divided(dialect: Dialect, node: Node, by: float, tiny: float) -> Node:
    """A quotient; 0 where it would be too small for a double and that is an error. ``tiny``: values so small are 0."""
    if by == 1 or not dialect.underflow_raises:
        return over(node, by)
    return case([(between(node.copy(), -tiny, tiny), number(0.0))], over(node, by))


def _size(dialect: Dialect, feature: Feature, name: str) -> Node:
    """``|value| / log_unit``"""
    size: Node = exp.Abs(this=_in_units(dialect, feature, name))
    size = _divided(dialect, size, feature.log_unit, feature.log_unit * 2.0**-1000)
    top = _first(lambda value: abs(value) / unit_of(feature) / feature.log_unit >= LARGEST)
    if dialect.underflow_raises and top is not None:  # from there on it is infinite, or an error
        return case([(exp.GTE(this=exp.Abs(this=column(name)), expression=number(top)), number(LARGEST))], size)
    return size


def _in_units(dialect: Dialect, feature: Feature, name: str) -> Node:
    unit = unit_of(feature)
    return _divided(dialect, column(name), unit, unit * 2.0**-1000)


def _first(reached: Callable[[float], bool]) -> float | None:
    """The smallest double above 0 that is so, of a condition that holds for all larger ones then; None: of none."""
    with np.errstate(all="ignore"):
        if not reached(np.float64(LARGEST)):
            return None
        low, high = 0, int(np.float64(LARGEST).view(np.int64))
        while high - low > 1:  # doubles above 0 are in the order of their bits
            middle = (low + high) // 2
            value = np.int64(middle).view(np.float64)
            low, high = (low, middle) if reached(value) else (middle, high)
        return float(np.int64(high).view(np.float64))


def _coordinate(making: _Making, feature: Feature, position: int, name: str, size: str) -> Node:
    """A number of a point, clipped at ``FARTHEST``; a missing one is what stands in for it, or NULL."""
    unit = unit_of(feature)
    center, scale = (float(side[position]) for side in center_and_scale(feature))

    def exact(value: float) -> float:
        with np.errstate(all="ignore"):
            inner = np.asarray(forward(np.asarray(np.float64(value) / unit), feature.log_unit))
            return float((inner - center) / scale)

    node = _logarithm(name, size) if feature.log_unit else _in_units(making.dialect, feature, name)
    node = minus(node, center)
    branches: list[tuple[Node, Node]] = []
    if making.model.missing == "impute":
        fill = number(float(feature.fill[position]))
        is_spike = 0.0 in feature.apart  # which a missing value is taken for
        branches.append((is_null(column(name)), exp.Null() if is_spike else fill))
    branches += [(equal(column(name), number(one)), exp.Null()) for one in feature.apart]
    limits = making.limits(feature)
    top = None if limits and exact(limits[1]) < FARTHEST else _first(lambda value: exact(value) >= FARTHEST)
    bottom = None if limits and exact(limits[0]) > -FARTHEST else _first(lambda value: exact(-value) <= -FARTHEST)
    if top is not None:
        branches.append((exp.GTE(this=column(name), expression=number(top)), number(FARTHEST)))
    if bottom is not None:
        branches.append((exp.LTE(this=column(name), expression=number(-bottom)), number(-FARTHEST)))
    tiny = scale * NEGLIGIBLE
    if making.dialect.underflow_raises and abs(center) < tiny * 1e20:
        branches.append((between(node.copy(), -tiny, tiny), number(0.0)))
    value = over(node, scale)
    return case(branches, value) if branches else value


def _logarithm(name: str, size: str) -> Node:
    """sign(value) log(1 + size), as exact for small sizes as for large ones (Kahan): no engine need know log1p."""
    more = added([number(1.0), column(size)])
    log = exp.Ln(this=more)
    exact = product(log, divided(column(size), minus(more.copy(), 1.0)))
    found = case([(equal(more.copy(), number(1.0)), column(size))], exact)
    return case([(below(column(name), number(0.0)), exp.Neg(this=exp.Paren(this=found)))], found.copy())


def _indicator(making: _Making, feature: Feature, position: int, name: str) -> Node:
    """A number that says whether a text is a category."""
    center, scale = (float(side[position]) for side in center_and_scale(feature))
    yes, no = (number(float((value - center) / scale)) for value in (1.0, 0.0))
    is_other = position >= len(feature.categories)
    branches: list[tuple[Node, Node]] = [(is_null(column(name)), _missing(making, float(feature.fill[position])))]
    if is_other:
        known = [text(one) for one in feature.categories]
        branches.append((exp.In(this=column(name), expressions=known), no))
        return typed(making.dialect, branches, yes)
    branches.append((equal(column(name), text(feature.categories[position])), yes))
    return typed(making.dialect, branches, no)


def _missing(making: _Making, fill: float) -> Node:
    return number(fill) if making.model.missing == "impute" else exp.Null()


def typed(dialect: Dialect, branches: Sequence[tuple[Node, Node]], default: Node | None) -> Node:
    """A choice of constants, all doubles also where literals are decimals."""
    if not dialect.literals_are_decimals:
        return case(branches, default)
    return case([(condition, cast(value, "DOUBLE")) for condition, value in branches[:1]] + list(branches[1:]), default)


def constant(dialect: Dialect, value: float) -> float:
    """A mean, a centre or a factor. Where an underflow is an error, one that makes no difference is 0."""
    return 0.0 if dialect.underflow_raises and abs(value) < NEGLIGIBLE else float(value)


def _code(making: _Making, feature: Feature, name: str) -> Node:
    """The category of a value: a whole number, UNSEEN where it is none, NULL where it is missing."""
    missing = whole(feature.fill_code) if making.model.missing == "impute" else exp.Null()
    branches: list[tuple[Node, Node]] = [(is_null(column(name)), missing)]
    if feature.kind == "text":
        branches += [(equal(column(name), text(one)), whole(at)) for at, one in enumerate(feature.categories)]
        return case(branches, whole(len(feature.categories) if feature.other else UNSEEN))
    if feature.apart:
        branches += [(equal(column(name), number(one)), whole(at)) for at, one in enumerate(feature.apart, start=1)]
        return case(branches, whole(0))
    levels = np.array(feature.levels)
    middles = ((levels[1:] + levels[:-1]) / 2).tolist()
    branches += [
        (exp.LTE(this=column(name), expression=number(middle)), whole(at)) for at, middle in enumerate(middles)
    ]
    return case(branches, whole(len(middles)))
