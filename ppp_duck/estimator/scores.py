"""What a fitted model says of rows: one number or one for each cluster, by the engine's one definition of scoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ppp_duck.engine.densities import distances
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import FeatureError
from ppp_duck.models.model import Bools, Floats
from ppp_duck.running.chunks import Part
from ppp_duck.running.memory import Ready
from ppp_duck.running.points import reasons

Blocks = Iterator[pa.StructArray]  # rows as structs of forms

NOBODY = -1  # the label of a row without a cluster, as in scikit-learn's DBSCAN


def labels(ready: Ready, blocks: Blocks) -> NDArray[np.int32]:
    """Cluster ids (n,)."""
    return np.concatenate([np.zeros(0, np.int32), *(_ids(ready, rows) for rows in blocks)])


def _ids(ready: Ready, rows: pa.StructArray) -> NDArray[np.int32]:
    part = _part(ready, rows)
    ids = part.ids().astype(np.int32)
    if ready.model.missing == "error" and (ids == NOBODY).any():
        _refuse_holes(part)
    return ids


def labels_and_separable(ready: Ready, blocks: Blocks) -> tuple[NDArray[np.int32], Bools]:
    """The same ids, and whether k-means and the mixture agree on each row (n,) with enough probability."""

    def told(scorer: Scorer, points: Floats) -> NDArray[np.int32]:
        found = scorer.score(points)
        both = [found.cluster_id, found.separable(ready.model.separable_at)]
        return np.stack(both, axis=1).astype(np.int32)

    found = [_of_points(ready, rows, told, NOBODY) for rows in blocks]
    ids, separable = np.concatenate([np.zeros((0, 2), np.int32), *found]).T
    return np.ascontiguousarray(ids), separable == 1


def probabilities(ready: Ready, blocks: Blocks) -> Floats:
    """Posteriors (n, k); NaN for a row without a cluster."""
    return _matrix(ready, blocks, lambda scorer, points: scorer.posteriors(points).T)


def distances_to_centers(ready: Ready, blocks: Blocks) -> Floats:
    """Distances (n, k) to the centres, in scaled units; NaN for a row without a cluster."""

    def told(scorer: Scorer, points: Floats) -> Floats:
        view = scorer.view(points)
        return np.stack([distances(view, center) for center in scorer.clustering.centers], axis=1)

    return _matrix(ready, blocks, told)


def log_densities(ready: Ready, blocks: Blocks) -> Floats:
    """Log densities (n,) in the mixture, in scaled units, values far out at their limit; NaN without a cluster."""
    found = (_of_points(ready, rows, Scorer.log_density, np.nan, far=False) for rows in blocks)
    return np.concatenate([np.zeros(0), *found])


def _matrix(ready: Ready, blocks: Blocks, told: Callable[[Scorer, Floats], Floats]) -> Floats:
    assert ready.scorer is not None
    nothing = np.zeros((0, len(ready.scorer.clustering.centers)))
    return np.concatenate([nothing, *(_of_points(ready, rows, told, np.nan) for rows in blocks)])


def _of_points(
    ready: Ready, rows: pa.StructArray, told: Callable[[Scorer, Floats], NDArray[np.generic]], else_: object,
    far: bool = True,
) -> NDArray[np.generic]:  # fmt: skip
    """What is told of rows that can be assigned, and for each other one ``else_``."""
    assert ready.scorer is not None
    part = _part(ready, rows)
    points = part.points(far=far)
    if points.complete.all():
        return told(ready.scorer, points.values)
    if ready.model.missing == "error":
        _refuse_holes(part)
    some = told(ready.scorer, points.values[points.complete])
    found = np.full((len(rows), *some.shape[1:]), else_, dtype=some.dtype)
    found[points.complete] = some
    return found


def _part(ready: Ready, rows: pa.StructArray) -> Part:
    return Part("PPP", slice(None), ready, rows)


def _refuse_holes(part: Part) -> None:
    points = part.points()
    row = int(np.flatnonzero(~points.complete)[0])
    why = reasons(part.ready.model.features, points)[row]
    raise FeatureError(f"PPP: set missing to 'auto', 'skip' or 'impute', or fill it in: {why} in a row of X")
