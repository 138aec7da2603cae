"""How far each cluster is from the whole, feature by feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.models.description import named_positions, together
from ppp_duck.models.model import Floats
from ppp_duck.models.model import Model as Fitted
from ppp_duck.plot.group import parts_of


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
    return Differences(places, means, overall, apart)
