"""The first stage: the columns of the source as doubles and texts, and the group of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ppp_duck.binding.quoting import folded
from ppp_duck.errors import DialectError
from ppp_duck.models.model import Feature, Model
from ppp_duck.portable.dialects import Dialect, as_number, filled_in
from ppp_duck.portable.nodes import Node, case, equal, every, is_null, text, whole

GROUP = "ppp_group"  # the number of a row's model


@dataclass(frozen=True)
class Values:
    """The columns of the first stage, and which of them a feature has."""

    columns: Mapping[str, Node]
    places: Mapping[tuple[str, str], tuple[str, ...]]  # kind and folded name of a feature -> its columns

    def of(self, feature: Feature) -> tuple[str, ...]:
        return self.places[feature.kind, folded(feature.name)]


def values_of(models: Sequence[Model], dialect: Dialect, column: Mapping[str, Node]) -> Values:
    """Of the features of all models; ``column`` is how a source's column is written, by its folded name."""
    features: dict[tuple[str, str], Feature] = {}
    for model in models:
        for feature in model.features:
            key = feature.kind, folded(feature.name)
            if key not in features or not features[key].type:
                features[key] = feature
    columns: dict[str, Node] = {}
    places = {}
    for at, (key, feature) in enumerate(features.items()):
        made = _columns(feature, f"ppp_value_{at}", dialect, column[key[1]])
        columns |= made
        places[key] = tuple(made)
    return Values(columns, places)


def _columns(feature: Feature, name: str, dialect: Dialect, node: Node) -> dict[str, Node]:
    if feature.kind == "text":
        if not dialect.nul and any("\0" in one for one in feature.categories):
            raise DialectError.lacks(dialect.name, "texts with the character of number 0", feature.name)
        return {name: filled_in(dialect, dialect.text, node)}
    if feature.kind == "number":
        return {name: as_number(dialect, node, feature.type, feature.name)}
    positions = len(feature.center)
    found = {}
    for at in range(positions):
        item = exp.Bracket(this=node.copy(), expressions=[whole(at)], offset=0, safe=True)
        is_whole = equal(exp.ArraySize(this=node.copy()), whole(positions))
        found[f"{name}_{at}"] = case([(is_whole, as_number(dialect, item, "", feature.name))])
    return found


def group_number(
    by: Sequence[str], models: Sequence[Model], dialect: Dialect, column: Mapping[str, Node]
) -> dict[str, Node]:
    """The number of a row's model, by the texts of its groups; NULL where there is no model."""
    if not by:
        return {}
    branches = []
    for at, model in enumerate(models):
        same = []
        for name, value in zip(by, model.group, strict=True):
            own = column[folded(name)]
            if value is None:
                same.append(is_null(own.copy()))
            else:
                same.append(equal(filled_in(dialect, dialect.group, own), text(value)))
        branches.append((every(same), whole(at)))
    return {GROUP: case(branches)}
