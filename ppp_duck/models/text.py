"""What the text of a model row holds: written from a model, and read back with every part of it checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from ppp_duck.models.model import (
    FORMS,
    MISSING,
    Clustering,
    Feature,
    Floats,
    Ints,
    Layout,
    Mixture,
    Model,
    Trial,
    spots_of,
)
from ppp_duck.models.parts import LARGEST, POSITIVE, Part, Unfit, packed

FORMAT = 3
# 1: features had no codes, floors and limits, and rows with holes were skipped or imputed. 2: all numbers were written
# one by one, and factors with the zeros below their diagonal.
READABLE = (1, 2, FORMAT)
KINDS = ("number", "text", "vector")
FARTHEST = 1e61  # points end at 1e60: no mean and no center is farther out
STEEPEST = 1e80  # precision factors: squares of distances in units of them are finite, and so are sums of squares
MOST_ROWS = 2**31 - 1  # clusters, components, groups: an id is an INTEGER
COUNTS = ("rows", "rows_used", "rows_skipped")  # of the report
WHOLE = 1 + 1e-9  # a share of all, rounded
ROUNDING = 1e-6  # by which shares of all may miss 1 together


def header(model: Model) -> dict[str, Any]:
    """The part of a model that belongs to no cluster."""
    features = [
        {name: packed(value) if isinstance(value, np.ndarray) else value for name, value in vars(feature).items()}
        for feature in model.features
    ]
    for feature in features:
        feature["floors"] = packed(np.array(feature["floors"]))
    found: dict[str, Any] = {"features": features, "missing": model.missing, "separable_at": model.separable_at,
                             "note": model.note, "report": model.report}  # fmt: skip
    clustering = model.clustering
    if clustering is not None:
        mixture, layout = clustering.mixture, clustering.layout
        found["covariance"] = mixture.covariance
        found["tied_factor"] = packed(_triangle(mixture.factors)) if mixture.covariance == "tied" else None
        found["overall_agreement"] = clustering.overall_agreement
        found["trials"] = [astuple(trial) for trial in clustering.trials]
        if layout is not None:  # models of numbers only have none
            found["layout"] = {"numbers": layout.numbers, "levels": layout.levels,
                               "floors": packed(np.array(layout.floors))}  # fmt: skip
            found["axes"] = [packed(axes) for axes in clustering.axes]
    return found


def cluster(model: Model, clustering: Clustering, j: int) -> dict[str, Any]:
    """The part of a model that belongs to cluster ``j``."""
    mixture = clustering.mixture
    components = [_component(mixture, i) for i in np.flatnonzero(clustering.component_cluster == j).tolist()]
    cells = [
        {"index": i, "center": packed(clustering.kmeans_centers[i])}
        for i in np.flatnonzero(clustering.kmeans_cluster == j).tolist()
    ]
    assert model.means is not None
    assert model.spreads is not None
    return {"components": components, "cells": cells, "scaled_center": packed(clustering.centers[j]),
            "mean": packed(model.means[j]), "spread": packed(model.spreads[j])}  # fmt: skip


def _component(mixture: Mixture, i: int) -> dict[str, Any]:
    factor = None
    if mixture.covariance != "tied":
        factor = packed(_triangle(mixture.factors[i]) if mixture.covariance == "full" else mixture.factors[i])
    found = {"index": i, "weight": float(mixture.weights[i]), "mean": packed(mixture.means[i]), "factor": factor}
    if mixture.shares:
        found["shares"] = [packed(share[i]) for share in mixture.shares]
    return found


def _triangle(factor: Floats) -> Floats:
    """What a factor has on its diagonal and above, line by line."""
    return factor[np.triu_indices(len(factor))]


@dataclass(frozen=True)
class Row:
    """The text of one row: whose it is, checked, and the rest, which is read with the other rows of its group."""

    format: int
    fit: str
    by: tuple[str, ...]
    groups: int
    group: tuple[str | None, ...]
    clusters: int
    cluster_id: int | None
    size: float
    agreement: float
    rest: Part

    @staticmethod
    def of(text: Part) -> Row:
        by = tuple(one.text() for one in text["by"].items())
        clusters = text["clusters"].whole(0, MOST_ROWS)
        cluster_id = text["cluster_id"].whole(0, clusters - 1) if clusters else None
        for name in () if clusters else ("cluster_id", "agreement", "center"):
            if text[name].value is not None:
                raise text[name].unfit("null, as there are no clusters")
        text["share"].number(0, WHOLE)
        text["center"].text_or_null()
        return Row(
            text["format"].whole(1, FORMAT), text["fit"].text(), by, text["groups"].whole(1, MOST_ROWS),
            tuple(one.text_or_null() for one in text["group"].items(len(by))), clusters, cluster_id,
            text["size"].number(0), text["agreement"].number(0, WHOLE) if clusters else 0.0, text,
        )  # fmt: skip

    @property
    def head(self) -> tuple[Any, ...]:
        """What all rows of a fit have in common."""
        return self.format, self.by, self.groups


@dataclass(frozen=True)
class Shape:
    """How many numbers the parts of a model have, as its features say."""

    format: int
    covariance: str
    d: int  # numbers of a point
    levels: tuple[int, ...]
    shown: int  # means that tell what a cluster is like
    view: int  # numbers that k-means sees

    def factor(self, part: Part) -> Floats:
        """A precision factor: one number, one for each feature, or a triangle."""
        if self.covariance in ("spherical", "diag"):
            return part.numbers((self.d,) if self.covariance == "diag" else (), 1 / STEEPEST, STEEPEST)
        found = np.zeros((self.d, self.d))
        upper = np.triu_indices(self.d)
        if self.format < 3:
            found[upper] = part.numbers((self.d, self.d), -STEEPEST, STEEPEST)[upper]
        else:
            found[upper] = part.numbers((len(upper[0]),), -STEEPEST, STEEPEST)
        if not (np.diagonal(found) >= 1 / STEEPEST).all():
            raise part.unfit("a triangle with a diagonal above 0")
        return found


def model_of(rows: Sequence[Row]) -> Model:
    """The model in the rows of one group: of cluster 0, 1 and so on. Raises Unfit where a part is not as it must be."""
    first = rows[0]
    head = first.rest["model"]
    features = tuple(_feature(one) for one in head["features"].items())
    report = _report(head["report"])
    missing = _missing(head, first.format)
    separable_at, note = head["separable_at"].number(POSITIVE, 1), head["note"].text()
    if not first.clusters:
        return Model(features, missing, separable_at, None, note, first.group, report=report)
    layout, axes = _layout(head, features)
    if layout is None and features and missing == "auto":
        raise Unfit(f"{head.place}.layout is missing")
    shape = _shape(first.format, head, features, layout, axes)
    means = np.array([row.rest["mean"].numbers((shape.shown,)) for row in rows])
    spreads = np.array([row.rest["spread"].numbers((shape.shown,), 0) for row in rows])
    clustering = _clustering(rows, head, shape, layout, axes)
    return Model(features, missing, separable_at, clustering, note, first.group, means, spreads, report=report)


def _missing(head: Part, version: int) -> str:
    if version == 1:
        return "impute" if head["impute"].flag() else "skip"
    return head["missing"].one_of(MISSING)


def _feature(part: Part) -> Feature:
    kind = part["kind"].one_of(KINDS)
    center = part["center"].numbers((-1,))
    p = (len(center),)
    categories = tuple(one.text() for one in part["categories"].items())
    floors = part["floors"].numbers((-1,), 0) if part.has("floors") else np.zeros(0)
    levels = part["levels"].numbers((-1,)) if part.has("levels") else np.zeros(0)
    low, high = (part[name].limit() if part.has(name) else None for name in ("low", "high"))
    found = Feature(
        part["name"].text(), kind, part["type"].text(), part["unit"].number(POSITIVE), center,
        part["scale"].numbers(p, POSITIVE), categories, part["other"].flag(),
        part["fill"].numbers(p, -FARTHEST, FARTHEST), tuple(floors.tolist()),
        part["log_unit"].number(0) if part.has("log_unit") else 0.0, tuple(levels.tolist()), low, high,
    )  # fmt: skip
    fill_code = part["fill_code"].whole(0, max(found.codes - 1, 0)) if part.has("fill_code") else 0
    of_number = (0, 1) if len(levels) > 1 else (1,)
    positions = {"number": of_number, "text": (0, len(found.category_names))}.get(kind, p)
    if p[0] not in positions:
        raise part["center"].unfit(f"{positions[-1]} numbers")
    if len(floors) not in (0, *p):
        raise part["floors"].unfit(f"{p[0]} numbers, or none")
    if (len(levels) and kind != "number") or not (levels[1:] > levels[:-1]).all():
        raise part["levels"].unfit("ascending, and of a number")
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise part["high"].unfit("the upper one of two limits, or null as the lower one")
    places = [one.limit() for one in part["places"].items()] if part.has("places") else []
    if len(places) not in (0, len(found.apart)):
        raise part["places"].unfit(f"{len(found.apart)} numbers or nulls, or none")
    return replace(found, fill_code=fill_code, places=tuple(places))


def _report(part: Part) -> tuple[tuple[str, str], ...]:
    pairs = [one.items(2) for one in part.items()]
    found = tuple((name.text(), value.text()) for name, value in pairs)
    if "fingerprint" not in dict(found):
        raise part.unfit("pairs, of which one is the fingerprint")
    for name, value in pairs:
        if name.value in COUNTS and not (value.text().isascii() and value.text().isdigit()):
            raise value.unfit("a whole number")
    return found


def _layout(head: Part, features: Sequence[Feature]) -> tuple[Layout | None, tuple[Floats, ...]]:
    """The layout of the rows, and the places of categories in the view; a model of numbers only has none."""
    levels = [feature.codes for feature in features if feature.codes]
    if not head.has("layout"):
        if levels:
            raise Unfit(f"{head.place}.layout is missing")
        return None, ()
    given, d = head["layout"], _numbers_of(features)
    found = Layout(given["numbers"].whole(d, d), tuple(
        one.whole(count, count) for one, count in zip(given["levels"].items(len(levels)), levels, strict=True)
    ), tuple(given["floors"].numbers((-1,), 0).tolist()), spots_of(features))  # fmt: skip
    if len(found.floors) not in (0, d):
        raise given["floors"].unfit(f"{d} numbers, or none")
    parts = head["axes"].items(len(levels))
    axes = tuple(one.numbers((count, -1), -FARTHEST, FARTHEST) for one, count in zip(parts, levels, strict=True))
    for one, part in zip(axes, parts, strict=True):
        if one.shape[1] != axes[0].shape[1]:
            raise part.unfit(f"{axes[0].shape[1]} numbers for each level")
    return found, axes


def _numbers_of(features: Sequence[Feature]) -> int:
    """Numbers of a point. Rows that are alike in all that they have are points of one number."""
    return sum(len(feature.center) for feature in features) if features else 1


def _shape(
    version: int, head: Part, features: Sequence[Feature], layout: Layout | None, axes: tuple[Floats, ...]
) -> Shape:
    d = _numbers_of(features)
    shown = sum(feature.shown for feature in features) if features else 1
    levels = () if layout is None else layout.levels
    return Shape(
        version, head["covariance"].one_of(FORMS), d, levels, shown, d + (axes[0].shape[1] if len(axes) else 0)
    )


def _clustering(
    rows: Sequence[Row], head: Part, shape: Shape, layout: Layout | None, axes: tuple[Floats, ...]
) -> Clustering:
    component_cluster, components = _indexed(rows, "components")
    kmeans_cluster, cells = _indexed(rows, "cells")
    if len(np.unique(component_cluster)) < len(rows):
        raise Unfit("components must be there for each cluster")
    view, far = (shape.view,), (-FARTHEST, FARTHEST)
    sizes = np.array([row.size for row in rows])
    if not 0 < sizes.sum() <= LARGEST:
        raise rows[0].rest["size"].unfit("above 0, as the sum of the sizes")
    return Clustering(
        mixture=_mixture(head, shape, components),
        component_cluster=component_cluster,
        kmeans_centers=np.array([one["center"].numbers(view, *far) for one in cells]),
        kmeans_cluster=kmeans_cluster,
        centers=np.array([row.rest["scaled_center"].numbers(view, *far) for row in rows]),
        sizes=sizes, agreement=np.array([row.agreement for row in rows]),
        overall_agreement=head["overall_agreement"].number(0, WHOLE),
        trials=tuple(_trial(trial) for trial in head["trials"].items()),
        layout=layout, axes=axes,
    )  # fmt: skip


def _indexed(rows: Sequence[Row], name: str) -> tuple[Ints, list[Part]]:
    """The parts of a kind from all clusters in the order of their indices, and the cluster of each."""
    found = [(j, part) for j, row in enumerate(rows) for part in row.rest[name].items()]
    ordered = sorted(found, key=lambda one: one[1]["index"].whole(0, len(found) - 1))
    for i, (_, part) in enumerate(ordered):
        if part["index"].value != i:
            raise part["index"].unfit(f"{i}, as each from 0 to {len(found) - 1} is there once")
    if not found:
        raise rows[0].rest[name].unfit("a list of one at least")
    return np.array([j for j, _ in ordered], dtype=np.int64), [part for _, part in ordered]


def _mixture(head: Part, shape: Shape, components: Sequence[Part]) -> Mixture:
    weights = np.array([one["weight"].number(POSITIVE, WHOLE) for one in components])
    if abs(weights.sum() - 1) > ROUNDING:
        raise components[0]["weight"].unfit("1 together with all other weights")
    means = np.array([one["mean"].numbers((shape.d,), -FARTHEST, FARTHEST) for one in components])
    if shape.covariance == "tied":
        factors = shape.factor(head["tied_factor"])
    else:
        factors = np.array([shape.factor(one["factor"]) for one in components])
    by_component = [_shares(one, shape.levels) for one in components] if shape.levels else []
    shares = tuple(np.array(one) for one in zip(*by_component, strict=True))
    return Mixture(shape.covariance, weights, means, factors, shares)


def _shares(component: Part, levels: tuple[int, ...]) -> list[Floats]:
    """The probabilities of the levels of each category in a component."""
    found = []
    for part, count in zip(component["shares"].items(len(levels)), levels, strict=True):
        found.append(part.numbers((count,), POSITIVE, WHOLE))
        if abs(found[-1].sum() - 1) > ROUNDING:
            raise part.unfit("numbers that sum to 1")
    return found


def _trial(part: Part) -> Trial:
    covariance, k, *figures, chosen, why = part.items(9)
    likelihood, bic, icl, agreement, inertia = (one.figure() for one in figures)
    return Trial(
        covariance.one_of(FORMS), k.whole(1, MOST_ROWS), likelihood, bic, icl, agreement, inertia, chosen.flag(),
        why.text(),
    )  # fmt: skip
