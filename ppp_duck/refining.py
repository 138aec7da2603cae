"""The SQL functions of a refinement: passes over all rows between the fit to a sample and the scoring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from ppp_duck import measuring
from ppp_duck.engine.refine import Refinement
from ppp_duck.fitting import refined
from ppp_duck.loaded import keep, kept, kept_as, points_by_model
from ppp_duck.model import ModelSet


def begin(models: pa.ChunkedArray, passes: pa.ChunkedArray) -> pa.Array:
    """The key of the models in, that of a measurement out; where nothing is to be refined the same key again."""
    key = models[0].as_py()
    found = {
        model.group: Refinement(model.clustering, model.beyond, passes[0].as_py())
        for model in kept(models).set.models
        if model.clustering is not None and model.beyond is not None
    }
    if found:
        key = measuring.begin(key, kept(models).function)
        measuring.running(key).refinements = found
    return pa.array([key])


def add(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray, weights: pa.ChunkedArray) -> pa.Array:
    """Add a chunk of rows to the refinements; returns 1 for each, to be counted."""
    measurement = measuring.running(keys[0].as_py())
    loaded = kept_as(measurement.models)
    given = None if pa.types.is_null(weights.type) else weights.to_numpy().astype(np.float64)
    for at, ready, points in points_by_model(loaded, groups, rows):
        measuring.refine(measurement, ready.model, points, None if given is None else given[at])
    return pa.array(np.ones(len(keys), dtype=np.int32))


def close(keys: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """End a pass, of which ``counts`` tells DuckDB that it is done: the same key again, or that of the models."""
    key = keys[0].as_py()
    if not key.startswith("measurement:"):
        return pa.array([key])
    measurement = measuring.running(key)
    if measuring.close_pass(measurement):
        return pa.array([key])
    loaded, ended = kept_as(measurement.models), measurement.refined
    models = tuple(refined(one, ended[one.group]) if one.group in ended else one for one in loaded.set.models)
    measuring.tell(key, len(models), len(models))
    return pa.array([keep(ModelSet(loaded.set.by, models), loaded.function)])


FUNCTIONS: dict[str, tuple[Callable[..., pa.Array], str]] = {
    "ppp__refine": (begin, "VARCHAR"),
    "ppp__refine_pass": (add, "INTEGER"),
    "ppp__refined": (close, "VARCHAR"),
}
