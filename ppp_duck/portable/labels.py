"""Log densities become what ``ppp_predict`` returns: ids, posteriors, distance, the label of k-means, the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from ppp_duck.engine.score import NEGLIGIBLE as NO_MATTER
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.screen import BLAS_ERROR, Screen
from ppp_duck.features.scale import IS_FAR, IS_INFINITE, IS_NAN, IS_NULL
from ppp_duck.models.model import Feature, Floats, Model
from ppp_duck.portable.densities import WHOLE, log_p
from ppp_duck.portable.dialects import Dialect
from ppp_duck.portable.nodes import (
    Node,
    above,
    added,
    case,
    cast,
    coalesce,
    column,
    difference,
    divided,
    equal,
    every,
    is_there,
    minus,
    number,
    product,
    text,
    whole,
)
from ppp_duck.portable.points import COMPLETE, Points, constant, typed
from ppp_duck.portable.stages import Chain

LEAST = 700.0  # nats below the best from which a density is 0: exp(-746) is an error where an underflow is one
WORDS = {IS_NULL: "is NULL", IS_NAN: "is NaN", IS_INFINITE: "is infinite", IS_FAR: "is far out"}
ID, BEST, REACH, TOTAL, SECOND, CELL, DISTANCE = (
    "ppp_id", "ppp_best", "ppp_reach", "ppp_total", "ppp_second", "ppp_cell", "ppp_distance",
)  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """A model whose points and log densities are there."""

    model: Model
    scorer: Scorer
    points: Points
    dialect: Dialect
    chain: Chain

    def largest(self, nodes: Sequence[Node]) -> Node:
        return extreme(exp.Greatest, self.dialect, nodes)

    def smallest(self, nodes: Sequence[Node]) -> Node:
        return extreme(exp.Least, self.dialect, nodes)


def extreme(kind: type[exp.Func], dialect: Dialect, nodes: Sequence[Node]) -> Node:
    """Of numbers that are all there, or all missing."""
    if len(nodes) == 1:
        return nodes[0]
    # or else sqlglot asks for NULL before, which nobody needs; in DuckDB it does so unless told
    return kind(this=nodes[0], expressions=list(nodes[1:]), ignore_nulls=dialect.name == "duckdb")


def cluster(c: int) -> str:
    return f"ppp_cluster_{c}"


def add_ids(labels: Labels, full: bool) -> None:
    """Add the stages of the most probable cluster: of equally probable ones the first."""
    clustering, chain = labels.scorer.clustering, labels.chain
    m, k = len(clustering.component_cluster), len(clustering.centers)
    chain.add("the most probable component", {BEST: labels.largest([column(log_p(j)) for j in range(m)])})
    reach, wide = number(-LEAST), _reach(labels) if full else None
    if wide is not None:
        chain.add("nats below it from which a component does not matter", {REACH: wide})
        reach = column(REACH)
    chain.add(
        "densities of the components, in units of it", {f"ppp_p_{j}": _density(j, reach.copy()) for j in range(m)}
    )
    members = [np.flatnonzero(clustering.component_cluster == c).tolist() for c in range(k)]
    chain.add(
        "densities of the clusters",
        {cluster(c): added([column(f"ppp_p_{j}") for j in own]) for c, own in enumerate(members)},
    )
    chain.add("the largest", {"ppp_first": labels.largest([column(cluster(c)) for c in range(k)])})
    chain.add("its cluster", {ID: _first(labels, cluster, "ppp_first")})


def _density(j: int, reach: Node) -> Node:
    below = difference(column(log_p(j)), column(BEST))
    return case([(above(below, reach), exp.Exp(this=below.copy()))], number(0.0))


def _reach(labels: Labels) -> Node | None:
    """How far below the best a component matters, where that says which is second; None: LEAST.

    The engine screens rows that are numbers without holes, with some error.
    """
    if labels.scorer.clustering.mixture.shares:
        return None
    screen = Screen.of(labels.scorer.clustering.mixture, labels.scorer.log_norms)
    error = product(number(BLAS_ERROR), added([exp.Abs(this=column(BEST)), number(1 + BLAS_ERROR * screen.reach)]))
    matters = exp.Neg(this=labels.smallest([number(LEAST), added([number(NO_MATTER), error])]))
    return case([(column(WHOLE), matters)], number(-LEAST)) if labels.points.holes else matters


def _first(labels: Labels, name: Callable[[int], str], largest: str) -> Node:
    """The first cluster, in the order in which equals are chosen, whose column is the largest."""
    order = labels.scorer._precedence
    clusters = range(len(labels.scorer.clustering.centers)) if order is None else order.tolist()
    return case([(equal(column(name(c)), column(largest)), whole(c)) for c in clusters])


def add_details(labels: Labels) -> None:
    """Add the stages of everything but the id."""
    k = len(labels.scorer.clustering.centers)
    total = added([column(cluster(c)) for c in range(k)])
    labels.chain.add("all densities together", {TOTAL: total})
    if k > 1:
        others = {
            f"ppp_other_{c}": case([(equal(column(ID), whole(c)), number(-1.0))], column(cluster(c))) for c in range(k)
        }
        labels.chain.add("densities of the clusters but the first", others)
        labels.chain.add("the second", {"ppp_next": labels.largest([column(name) for name in others])})
        labels.chain.add("its cluster", {SECOND: _first(labels, lambda c: f"ppp_other_{c}", "ppp_next")})
    view = _add_view(labels)
    _add_cells(labels, view)
    _add_distance(labels, view)


@dataclass(frozen=True)
class _View:
    """What k-means sees of a row: columns, and those of them that a row may lack."""

    columns: tuple[str, ...]
    holes: frozenset[str]

    @property
    def count(self) -> Node:
        """How many of them a row has."""
        sure = len(self.columns) - len(self.holes)
        terms = [case([(is_there(column(name)), number(1.0))], number(0.0)) for name in self.columns
                 if name in self.holes]  # fmt: skip
        return added([*([number(float(sure))] if sure else []), *terms])


def _add_view(labels: Labels) -> _View:
    clustering, points, chain = labels.scorer.clustering, labels.points, labels.chain
    numbers, holes = _add_spots(labels)
    axes = clustering.axes
    if clustering.layout is None or not clustering.layout.levels or not axes or not axes[0].shape[1]:
        return _View(numbers, frozenset(holes))
    spans = np.array([one.max(axis=0) - one.min(axis=0) for one in axes])
    total = np.zeros(spans.shape[1])
    for own in spans:
        total = total + own
    known = [exp.GTE(this=column(code), expression=whole(0)) for code in points.codes]
    columns: dict[str, Node] = {"ppp_known": every([exp.Paren(this=one) for one in known])}
    for a in range(len(total)):
        columns[f"ppp_place_{a}"] = added([_place(labels, c, axes[c][:, a]) for c in range(len(axes))])
        columns[f"ppp_span_{a}"] = added(
            [typed(labels.dialect, [(known[c].copy(), number(float(spans[c, a])))], number(0.0))
             for c in range(len(axes)) if spans[c, a]]
        )  # fmt: skip
    chain.add("categories as places on axes (ppp_place), and how much of each axis is known", columns)
    seen = {f"ppp_axis_{a}": _axis(a, float(total[a])) for a in range(len(total))}
    chain.add("places on axes, as if all were known", seen)
    return _View((*numbers, *seen), frozenset(holes | set(seen)))


def _add_spots(labels: Labels) -> tuple[tuple[str, ...], set[str]]:
    """The numbers as k-means sees them, some of which a category places; and those that a row may lack."""
    points, layout, dialect = labels.points, labels.scorer.clustering.layout, labels.dialect
    names, columns = list(points.numbers), {}
    for spot in () if layout is None else layout.spots:
        code, name = points.codes[spot.category], names[spot.number]
        names[spot.number] = spot_name = f"ppp_spot_{spot.number}"
        branches: list[tuple[Node, Node]] = [
            (equal(column(code), whole(level)), number(constant(dialect, place)))
            for level, place in enumerate(spot.places) if place is not None
        ]  # fmt: skip
        columns[spot_name] = typed(dialect, branches, column(name))
    if columns:
        labels.chain.add("numbers, with the places of values that are set apart", columns)
    return tuple(names), {names[f] for f in points.holes}


def _place(labels: Labels, category: int, places: Floats) -> Node:
    code = labels.points.codes[category]
    branches = [(equal(column(code), whole(level)), number(float(one))) for level, one in enumerate(places)]
    return typed(labels.dialect, branches, number(0.0))


def _axis(a: int, total: float) -> Node:
    if total == 0:
        return cast(exp.Null(), "DOUBLE")
    scaled = product(column(f"ppp_place_{a}"), divided(number(total), column(f"ppp_span_{a}")))
    return case(
        [(every([column("ppp_known")]), column(f"ppp_place_{a}")),
         (above(column(f"ppp_span_{a}"), number(0.0)), scaled)]
    )  # fmt: skip


def _square(view: _View, name: str, gap: Node) -> Node:
    square = product(gap, gap.copy())
    return coalesce(square, number(0.0)) if name in view.holes else square


def _add_cells(labels: Labels, view: _View) -> None:
    """The nearest cell of k-means, the first of equally near ones."""
    clustering, chain = labels.scorer.clustering, labels.chain
    sums = {
        f"ppp_cell_square_{i}": [
            _square(view, name, minus(column(name), constant(labels.dialect, center[v])))
            for v, name in enumerate(view.columns)
        ]
        for i, center in enumerate(clustering.kmeans_centers)
    }
    chain.add_sums("squared distances to the centres of k-means", sums)
    names = list(sums)
    if view.holes:
        chain.add("what a row has of what k-means sees", {"ppp_count": view.count})
        scaled = {f"ppp_cell_distance_{i}": _scaled(view, name, root=False) for i, name in enumerate(names)}
        chain.add("distances, as if a row had all of it", scaled)
        names = list(scaled)
    chain.add("the smallest", {"ppp_nearest": labels.smallest([column(name) for name in names])})
    own = clustering.kmeans_cluster.tolist()
    chain.add(
        "the cluster of that centre",
        {
            CELL: case(
                [(equal(column(name), column("ppp_nearest")), whole(c)) for name, c in zip(names, own, strict=True)]
            )
        },
    )


def _scaled(view: _View, square: str, root: bool) -> Node:
    """A distance over what a row has, scaled up to all. Of a row that has all the square will do, unless ``root``."""
    every_one = number(float(len(view.columns)))
    complete = equal(column("ppp_count"), every_one)
    own: Node = column(square)
    partly = product(
        column(square),
        divided(every_one.copy(), case([(above(column("ppp_count"), number(0.0)), column("ppp_count"))], number(1.0))),
    )
    return case([(complete, exp.Sqrt(this=own) if root else own)], exp.Sqrt(this=partly))


def _add_distance(labels: Labels, view: _View) -> None:
    centers = labels.scorer.clustering.centers
    gaps = {}
    for v, name in enumerate(view.columns):
        branches = [(equal(column(ID), whole(c)), number(constant(labels.dialect, center[v]))) for c, center in
                    enumerate(centers[:-1])]  # fmt: skip
        last = number(constant(labels.dialect, centers[-1, v]))
        own = typed(labels.dialect, branches, last)
        gaps[f"ppp_from_center_{v}"] = difference(column(name), own)
    labels.chain.add("differences from the centre of the cluster", gaps)
    terms = [_square(view, name, column(f"ppp_from_center_{v}")) for v, name in enumerate(view.columns)]
    labels.chain.add_sums("squared distance to it", {"ppp_center_square": terms})
    distance = (
        _scaled(view, "ppp_center_square", root=True) if view.holes else exp.Sqrt(this=column("ppp_center_square"))
    )
    labels.chain.add("distance to it", {DISTANCE: distance})


def reason(model: Model, points: Points) -> Node:
    """Why a row lacks what it lacks, where that keeps it from a cluster or is a value far out; of its first such."""
    if model.missing == "impute" or not points.causes:
        return exp.Null()
    branches: list[tuple[Node, Node]] = []
    for name, feature in points.causes:
        for cause, words in _words(model, feature).items():
            condition: Node = equal(column(name), whole(cause))
            if cause != IS_FAR and not points.complete and model.missing == "auto":
                condition = every([condition, exp.Not(this=column(COMPLETE))])
            branches.append((condition, text(f"{feature.name} {words}")))
        branches.append((exp.NEQ(this=column(name), expression=whole(0)), exp.Null()))
    return case(branches)


def _words(model: Model, feature: Feature) -> dict[int, str]:
    """What a feature can be."""
    if feature.kind == "text":
        return {IS_NULL: WORDS[IS_NULL]}
    far = model.missing == "auto" and feature.low is not None
    return {cause: words for cause, words in WORDS.items() if far or cause != IS_FAR}
