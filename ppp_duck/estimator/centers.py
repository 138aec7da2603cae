"""The centres of a model in the units of the columns, as scikit-learn has them: a row for each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppp_duck.models.description import member, readable_center
from ppp_duck.models.model import Model


def centers_of(model: Model, names: Sequence[str]) -> NDArray[Any]:
    """Centres (k, d), a column for each name: numbers, or objects where one is a text, a moment or a vector.

    NaN, or None among objects, where a column is no feature.
    """
    assert model.means is not None
    features = model.features
    if all(feature.kind == "number" and member(feature.type) == "number" for feature in features):
        starts = accumulate((feature.shown for feature in features), initial=0)
        place = {feature.name: start for feature, start in zip(features, starts, strict=False)}
        numbers = np.full((len(model.means), len(names)), np.nan)
        for column, name in enumerate(names):
            if name in place:
                numbers[:, column] = model.means[:, place[name]]
        return numbers
    found = np.empty((len(model.means), len(names)), dtype=object)
    for cluster in range(len(found)):
        center = readable_center(model, cluster)
        found[cluster] = [center.get(name) for name in names]
    return found
