"""The functions that score a chunk of rows: Arrow columns in, one Arrow column out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ppp_duck.binding.interface import ARROW_TYPES, LOCATION, NUMBER, field
from ppp_duck.binding.quoting import folded
from ppp_duck.engine import plain
from ppp_duck.models.model import SCORE_COLUMNS
from ppp_duck.running.chunks import Part, parts
from ppp_duck.running.memory import kept
from ppp_duck.running.points import reasons

NUMBERS = {name: ARROW_TYPES[kind] for name, kind in SCORE_COLUMNS.items() if name != "reason"}


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
    scored = [(part.places, _scored(part)) for part in parts(kept(models), groups, rows)]
    if scored and isinstance(scored[0][0], slice):
        return scored[0][1]
    found = [struct for _, struct in scored]
    found.append(_struct(_nothing(1), pa.array(["no model for this group"])))
    order, at = np.full(len(models), sum(map(len, found)) - 1), 0
    for places, struct in scored:
        order[places] = np.arange(at, at + len(struct))
        at += len(struct)
    return pa.concat_arrays(found).take(pa.array(order))


def _scored(part: Part) -> pa.StructArray:
    """The same of the rows of one model."""
    model, scorer, points = part.ready.model, part.ready.scorer, part.points()
    n = len(points.complete)
    if scorer is None:
        words = [missing or model.note for missing in reasons(model.features, points)]
        return _struct(_nothing(n), pa.array(words, pa.string()))
    scores = scorer.score(points.values)
    lacking = None if points.flawless or points.complete.all() else ~points.complete
    alone = np.ones(n, dtype=bool) if len(scorer.clustering.centers) == 1 else lacking  # one cluster has no second
    figures = {**vars(scores), "is_separable": scores.separable(model.separable_at)}
    columns = []
    for name, kind in NUMBERS.items():
        figure = figures[name].astype(np.int32) if kind == pa.int32() else figures[name]
        columns.append(pa.array(figure, kind, mask=alone if name.startswith("second_") else lacking))
    why = pa.nulls(n, pa.string()) if points.flawless else pa.array(reasons(model.features, points), pa.string())
    return _struct(columns, why)


def _nothing(n: int) -> list[pa.Array]:
    return [pa.nulls(n, kind) for kind in NUMBERS.values()]


def _struct(columns: list[pa.Array], why: pa.Array) -> pa.StructArray:
    return pa.StructArray.from_arrays([*columns, why], names=list(SCORE_COLUMNS))


def surprise(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Minus the log density of one chunk of rows in the mixture, in scaled units. Values far out are at their limit."""
    surprises, known = np.zeros(len(models)), np.zeros(len(models), dtype=bool)
    for part in parts(kept(models), groups, rows):
        points = part.points(far=False)
        if part.ready.scorer is not None:
            surprises[part.places] = -part.ready.scorer.log_density(points.values)
            known[part.places] = points.complete
    return pa.array(surprises, mask=None if known.all() else ~known)
