"""The functions of refine: each chunk of rows adds to the sums of a pass; after the last pass models are refined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from ppp_duck.binding.interface import MEASUREMENT
from ppp_duck.engine.refine import Refinement
from ppp_duck.models.model import Floats, Model, ModelSet
from ppp_duck.running import memory
from ppp_duck.running.chunks import parts
from ppp_duck.running.points import Points, units_of


def begin(models: pa.ChunkedArray, passes: pa.ChunkedArray) -> pa.Array:
    """The key of the models in, that of a measurement of its own out; the same again where nothing is to be refined."""
    loaded, wanted = memory.kept(models), passes[0].as_py()

    def key(given: str) -> str:
        refinements = {
            model.group: Refinement(model.clustering, model.beyond, wanted)
            for model in loaded.set.models
            if model.clustering is not None and model.beyond is not None
        }
        return memory.begin(loaded, refinements) if refinements else given

    return pa.array([key(given) for given in models.to_pylist()])


@memory.for_each_measurement
def add(key: str, groups: pa.ChunkedArray, rows: pa.ChunkedArray, weights: pa.ChunkedArray) -> pa.Array:
    """Add a chunk of rows to the refinements. Returns 1 for each row, to be counted."""
    measurement = memory.running(key)
    given = None if pa.types.is_null(weights.type) else weights.to_numpy().astype(np.float64)
    for part in parts(measurement.loaded, groups, rows):
        points, refinement = part.points(), measurement.sums.get(part.ready.model.group)
        if refinement is not None:
            refine(measurement, refinement, points, None if given is None else given[part.places])
    return pa.array(np.ones(len(rows), dtype=np.int32))


def refine(
    measurement: memory.Measurement[Refinement], refinement: Refinement, points: Points, weights: Floats | None
) -> None:
    """Add rows of one group. A row counts if it has all features and a weight that is finite and above 0."""
    usable = points.complete
    if weights is not None:
        usable = usable & (weights > 0) & np.isfinite(weights)
    rows = points.values
    if not usable.all():
        rows = rows.T[:, usable].T  # each feature stays contiguous
        weights = None if weights is None else weights[usable]
    if len(rows):
        sums = refinement.sums(rows, weights)
        with measurement.lock:
            refinement.add(sums)


def close(keys: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """End a pass: the same key out, or after the last pass that of the models. ``counts`` makes DuckDB finish it."""
    key = keys[0].as_py()
    if not key.startswith(MEASUREMENT):
        return pa.array([key])
    measurement = memory.running(key)
    for group, refinement in list(measurement.sums.items()):
        if not refinement.close():
            measurement.ended[group] = measurement.sums.pop(group)
    if measurement.sums:
        return pa.array([key])
    loaded, ended = measurement.loaded, measurement.ended
    models = tuple(refined(one, ended[one.group]) if one.group in ended else one for one in loaded.set.models)
    memory.read(key, len(models))
    return pa.array([memory.keep(ModelSet(loaded.set.by, models), loaded.function, loaded.statement)])


def refined(model: Model, refinement: Refinement) -> Model:
    """The model with the clustering of all rows, and their means and spreads."""
    result, wanted = refinement.refined, refinement.wanted
    passes = 0 if result is None else result.passes
    count = "1 pass" if passes == 1 else f"{passes} passes"
    words = f"{count} over all rows"
    if passes < wanted:
        words = f"{count} of {wanted} over all rows; one more leaves a cluster without rows"
    report = tuple((name, words if name == "refined" else value) for name, value in model.report)
    model = replace(model, beyond=None, report=report)
    if result is None:
        return model
    model = replace(model, clustering=result.clustering)
    if model.means is None or not model.features or any(one.codes or one.log_unit for one in model.features):
        return model  # means of logarithms and of codes are none of the columns': those of the sample stay
    unit = units_of(model.features)
    center = np.concatenate([feature.center for feature in model.features])
    scale = np.concatenate([feature.scale for feature in model.features])
    means = (result.clustering.centers * scale + center) * unit
    return replace(model, means=means, spreads=result.spreads * scale * unit)
