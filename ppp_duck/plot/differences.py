"""How far each cluster is from the whole, feature by feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppp_duck.models.description import named_positions, together
from ppp_duck.models.model import Floats
from ppp_duck.models.model import Model as Fitted
from ppp_duck.plot.group import parts_of
from ppp_duck.plot.looks import LONGEST, short


@dataclass(frozen=True)
class Place:
    """A position of the means of a model: a number, a position of a vector, or a category."""

    name: str
    category: str | None
    type: str  # of the column


@dataclass(frozen=True)
class Differences:
    """How far clusters are from all rows: ``spreads[j, i]`` is in standard deviations, of cluster j in place i."""

    places: tuple[Place, ...]
    means: Floats  # (k, d)
    overall: Floats  # (d,)
    spreads: Floats  # (k, d), 0 where no row differs
    own: Floats  # (k, d), the standard deviation in each cluster
    whole: Floats  # (d,), that of all rows

    def strongest(self) -> list[int]:
        """The places, the one first in which clusters differ most."""
        furthest = np.abs(self.spreads).max(axis=0).tolist()
        return sorted(range(len(self.places)), key=lambda i: (-furthest[i], i))


def differences(fitted: Fitted) -> Differences:
    clustering, means, spreads = parts_of(fitted)
    places = tuple(Place(name, category, feature.type) for feature, name, category in named_positions(fitted))
    means, spreads = means[:, : len(places)], spreads[:, : len(places)]
    overall, variance = together(clustering.sizes, means, spreads)
    root = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(root > 0, (means - overall) / root, 0.0)
    return Differences(places, means, overall, apart, spreads, root)


def labels(places: Sequence[Place], most: int = LONGEST) -> list[str]:
    """What a picture calls its places: short, and no two the same, or one would be drawn upon the other.

    >>> labels([Place("x", None, "DOUBLE"), Place("town of the order", "Oslo", "VARCHAR")], 20)
    ['x', 'town of the … = Oslo']
    >>> labels([Place("the length", None, "DOUBLE"), Place("the length of it", None, "DOUBLE")], 8)
    ['the len…', 'the len… (2)']
    """
    seen: Counter[str] = Counter()
    found = []
    for place in places:
        label = _label(place, most)
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found


def _label(place: Place, most: int) -> str:
    """Of a category both names are cut: the column's alone would leave nothing that tells it from the others."""
    if place.category is None:
        return short(place.name, most)
    name = short(place.name, max(most // 2 - 2, most - 3 - len(place.category)))
    return f"{name} = {short(place.category, most - 3 - len(name))}"
