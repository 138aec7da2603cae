"""The functions that score a chunk of rows: Arrow columns in, one Arrow column out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ppp_duck.binding.interface import ARROW_TYPES, LOCATION, NUMBER, field
from ppp_duck.binding.quoting import folded
from ppp_duck.engine import plain
from ppp_duck.models.model import SCORE_COLUMNS
from ppp_duck.running.chunks import parts
from ppp_duck.running.memory import kept
from ppp_duck.running.points import reasons


def screen(models: pa.ChunkedArray, *arguments: pa.ChunkedArray) -> pa.Array:
    """The numbers by which SQL finds the cluster of most rows; NULL where ``assign`` is to see every row.

    One row in, one out. Arguments: the names of the source's columns, the components and products of features that
    the statement provides for, DuckDB's threads.
    """
    names, most, paired, threads = (argument[0].as_py() for argument in arguments)
    ready, terms = kept(models).ready.get(()), None
    if ready is not None and ready.scorer is not None and ready.shortcut is not None:
        column = {folded(field(NUMBER, name)): place for place, name in enumerate(names)}
        places = [column[name] for name in ready.columns if name in column]
        if len(places) == len(ready.columns):
            terms = plain.terms(ready.scorer, ready.shortcut, places, len(names), most, paired, threads)
    return pa.array([terms], pa.list_(pa.list_(pa.float64())))


def assign(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Cluster ids of one chunk of rows."""
    ids = np.full(len(models), -1, dtype=np.int32)
    for part in parts(kept(models), groups, rows):
        ids[part.places] = part.ids()
    if ids.min() < 0:
        return pa.array(ids, mask=ids < 0)
    return pa.Array.from_buffers(pa.int32(), len(ids), [None, pa.py_buffer(ids)])  # faster than pa.array


def locate(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Group and cluster id of one chunk of rows, as a struct."""
    n = len(models)
    scored = [(part, part.ids()) for part in parts(kept(models), groups, rows)]
    owner, ids = np.full(n, len(scored)), np.full(n, -1)
    for number, (part, own) in enumerate(scored):
        owner[part.places], ids[part.places] = number, own
    given = pa.array([*(part.ready.model.group for part, _ in scored), None], pa.list_(pa.string()))
    fields = [given.take(pa.array(owner)), pa.array(ids.astype(np.int32), mask=ids < 0)]
    return pa.StructArray.from_arrays(fields, names=list(LOCATION))


def score(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Every new column of one chunk of rows, as a struct."""
    n, (*numbers, reason) = len(models), SCORE_COLUMNS
    figures = {name: np.zeros(n, dtype=ARROW_TYPES[SCORE_COLUMNS[name]].to_pandas_dtype()) for name in numbers}
    scored = np.zeros(n, dtype=bool)
    why: list[str | None] = ["no model for this group"] * n
    for part in parts(kept(models), groups, rows):
        model, scorer, points = part.ready.model, part.ready.scorer, part.points()
        words = reasons(model.features, points)
        if scorer is None:
            words = [missing or model.note for missing in words]
        else:
            scored[part.places] = points.complete
            scores = scorer.score(points.values)
            for name, figure in figures.items():
                separable = name == "is_separable"
                figure[part.places] = scores.separable(model.separable_at) if separable else getattr(scores, name)
        if isinstance(part.places, slice):
            why = words
        else:
            for place, word in zip(part.places.tolist(), words, strict=True):
                why[place] = word
    alone = ~scored | (figures["second_cluster_id"] < 0)  # one cluster has no second
    lacking = {name: alone if name.startswith("second_") else ~scored for name in numbers}
    columns = [
        pa.array(figure, mask=lacking[name] if lacking[name].any() else None) for name, figure in figures.items()
    ]
    return pa.StructArray.from_arrays([*columns, pa.array(why, pa.string())], names=[*numbers, reason])


def surprise(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Minus the log density of one chunk of rows in the mixture, in scaled units. Values far out are at their limit."""
    surprises, known = np.zeros(len(models)), np.zeros(len(models), dtype=bool)
    for part in parts(kept(models), groups, rows):
        points = part.points(far=False)
        if part.ready.scorer is not None:
            surprises[part.places] = -part.ready.scorer.log_density(points.values)
            known[part.places] = points.complete
    return pa.array(surprises, mask=~known)
