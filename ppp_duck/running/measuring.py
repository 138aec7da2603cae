"""The functions of ppp_evaluate and ppp_profile: each chunk of rows adds to sums, which the last call reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.binding.interface import LOCATION, NUMBER, TALLY, arrow_struct, column_of
from ppp_duck.binding.quoting import folded
from ppp_duck.engine.evaluate import METRICS, Evaluation
from ppp_duck.engine.exact import ExactSums
from ppp_duck.models.model import Floats, Ints
from ppp_duck.models.table import group_of
from ppp_duck.running.chunks import fields_of, names_of, parts
from ppp_duck.running.memory import Ready, begin, for_each_measurement, kept, read, running

CLUSTERS = 1 << 32  # the place of a row is the number of its group times this, and its cluster id + 1


class NoEvaluation:
    """Stands for the evaluation of a group without clusters: all its rows are skipped."""

    def __init__(self) -> None:
        self._skipped = 0

    def skip(self, count: int) -> None:
        self._skipped += count

    def metrics(self) -> dict[str, float | int | None]:
        return {**dict.fromkeys(METRICS), "k": 0, "rows": 0, "skipped": self._skipped}


class Tally:
    """Counts and sums of the numeric columns of a group: for each cluster, and for rows without one (the last)."""

    def __init__(self, k: int, columns: Iterable[str]) -> None:
        self._columns, self._k = list(columns), k
        shape = k + 1, len(self._columns)
        self._counts, self._sums = np.zeros(shape, dtype=np.int64), ExactSums(*shape, squared=shape[1])

    def add(self, ids: Ints, values: Floats) -> None:
        """Add rows of clusters ``ids`` (n,), -1 for none. ``values`` (columns, n), NaN for no value."""
        places = np.where(ids < 0, self._k, ids)
        finite = np.isfinite(values)
        if finite.all():
            self._counts += np.bincount(places, minlength=self._k + 1)[:, None]
        else:
            values = np.where(finite, values, 0.0)
            for counts, own in zip(self._counts.T, finite, strict=True):
                counts += np.bincount(places[own], minlength=self._k + 1)
        self._sums.add(places, values)

    def rows(self) -> list[dict[str, Any]]:
        """Mean and standard deviation of each column, by cluster and (``cluster_id`` -2) over all rows."""
        sums = [self._counts.ravel().astype(object), self._sums.exact(), self._sums.exact_squares()]
        figures = np.array(sums, dtype=object).reshape(3, self._k + 1, len(self._columns))
        figures = np.concatenate([figures, figures.sum(axis=1, keepdims=True)], axis=1)
        return [
            {"cluster_id": cluster, "column": name, **_moments(*figures[:, place, column])}
            for column, name in enumerate(self._columns)
            for place, cluster in enumerate([*range(self._k), None, -2])
        ]


def _moments(count: int, total: Fraction, squares: Fraction) -> dict[str, float | None]:
    """Mean and (population) standard deviation, from exact sums."""
    if not count:
        return {"mean": None, "stddev": None}
    variance = squares / count - (total / count) ** 2
    half = (variance.numerator.bit_length() - variance.denominator.bit_length()) // 2
    # The variance itself may be beyond the range of doubles where its root is not.
    stddev = math.ldexp(math.sqrt(variance / Fraction(4) ** half), half)
    return {"mean": float(total / count), "stddev": stddev}


def measure(models: pa.ChunkedArray) -> pa.Array:
    """Begin to measure: the key of the models in, that of a measurement of its own for each row out."""
    return pa.array([begin(kept(models), {}) for _ in range(len(models))])


def _pass(second: bool) -> Callable[..., pa.Array]:
    """A function that adds a chunk of rows to the evaluations and returns 1 for each row, to be counted."""

    @for_each_measurement
    def function(key: str, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
        measurement = running(key)
        for part in parts(measurement.loaded, groups, rows):
            points = part.points()
            usable = points.whole() if part.ready.scorer is not None else points.values[:0]
            with measurement.lock:
                evaluation = measurement.of(part.ready, _evaluation)
                if not second:
                    evaluation.skip(len(points.values) - len(usable))
                if isinstance(evaluation, Evaluation):
                    (evaluation.second if second else evaluation.first)(usable)
        return pa.array(np.ones(len(rows), dtype=np.int32))

    return function


first_pass, second_pass = _pass(second=False), _pass(second=True)


def _evaluation(ready: Ready) -> Evaluation | NoEvaluation:
    return NoEvaluation() if ready.scorer is None else Evaluation(ready.scorer, ready.model.separable_at)


@for_each_measurement
def evaluated(key: str, texts: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """The metrics of the model of each row. ``counts`` makes DuckDB finish the passes first."""
    measurement = running(key)
    models = [measurement.loaded.ready[group_of(text)] for text in texts.to_pylist()]
    metrics = [[measurement.of(ready, _evaluation).metrics()] for ready in models]
    read(key, len(models))
    return pa.array(metrics, pa.list_(arrow_struct(METRICS)))


@for_each_measurement
def tally(key: str, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """The place of each row: group and cluster. The numbers of the row are added to the sums of its cluster."""
    measurement = running(key)
    names = {folded(name): column_of(name)[1] for name in names_of(rows.type) if column_of(name)[0] == NUMBER}

    def new_tally(ready: Ready) -> Tally:
        clustering = ready.model.clustering
        return Tally(0 if clustering is None else len(clustering.sizes), names.values())

    places = np.full(len(rows), -1)
    for part in parts(measurement.loaded, groups, rows):
        ids, columns = part.ids(), fields_of(part.rows)
        values = np.empty((len(names), len(ids)))
        for line, name in zip(values, names, strict=True):
            line[:] = columns[name].to_numpy(zero_copy_only=False)
        with measurement.lock:
            measurement.of(part.ready, new_tally).add(ids, values)
        places[part.places] = measurement.loaded.numbers[part.ready.model.group] * CLUSTERS + ids + 1
    return pa.array(places, mask=places < 0)


def place(models: pa.ChunkedArray, places: pa.ChunkedArray) -> pa.Array:
    """Group and cluster id of each place, as a struct."""
    groups = list(kept(models).numbers) if len(models) else []
    found = [None if one is None else divmod(one, CLUSTERS) for one in places.to_pylist()]
    return pa.array(
        [
            {"g": None, "cluster_id": None}
            if one is None
            else {"g": list(groups[one[0]]), "cluster_id": one[1] - 1 if one[1] else None}
            for one in found
        ],
        arrow_struct(LOCATION),
    )


@for_each_measurement
def tallied(key: str, texts: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """Means and standard deviations by cluster and column, of the model of each row."""
    measurement = running(key)
    groups = [group_of(text) for text in texts.to_pylist()]
    rows = [
        [{"g": group, **row} for row in measurement.sums[group].rows()] if group in measurement.sums else []
        for group in groups
    ]
    read(key, len(groups))
    return pa.array(rows, pa.list_(arrow_struct(TALLY)))
