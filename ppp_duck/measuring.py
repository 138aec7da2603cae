"""What only a pass over all rows can tell: evaluations of a clustering, means by cluster, sums of a refinement.

DuckDB has no Python aggregates. So a statement begins a measurement, every chunk of rows adds to it, and the last
stage, which depends on a count of those rows, reads it. All sums are exact: their order decides nothing.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.engine.evaluate import Evaluation
from ppp_duck.engine.exact import ExactSums
from ppp_duck.engine.refine import Refinement
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import PPPError
from ppp_duck.features import Points
from ppp_duck.model import Floats, Ints, Model

Group = tuple[str | None, ...]
Columns = dict[str, pa.Array]
MEASURING = 64  # measurements of statements that run now

TALLY = {"g": "VARCHAR[]", "cluster_id": "INTEGER", "column": "VARCHAR", "mean": "DOUBLE", "stddev": "DOUBLE"}


class Measurement:
    """The evaluations, tallies or refinements of the groups of one statement."""

    def __init__(self, models: str) -> None:
        self.models = models
        self.told = 0  # groups whose results were read
        self.lock = threading.Lock()
        self.evaluations: dict[Group, Evaluation] = {}
        self.skipped: dict[Group, int] = {}  # rows of the groups that have nothing to evaluate
        self.tallies: dict[Group, Tally] = {}
        self.refinements: dict[Group, Refinement] = {}  # those that go on
        self.refined: dict[Group, Refinement] = {}  # those that have ended


class Tally:
    """Counts and sums of the numeric columns of a group, for each cluster and for rows without one (the last)."""

    def __init__(self, k: int, columns: Iterable[str]) -> None:
        self.columns = list(columns)
        self._k = k
        size = (k + 1) * len(self.columns)
        self._counts, self._sums, self._squares = np.zeros(size, dtype=np.int64), ExactSums(size), ExactSums(size)

    def add(self, ids: Ints, values: Iterable[Floats]) -> None:
        """Rows of clusters ``ids`` (n,), -1 for none; ``values``: an array (n,) for each column, NaN for no value."""
        places = np.where(ids < 0, self._k, ids)
        for column, numbers in enumerate(values):
            finite = np.isfinite(numbers)
            at = places[finite] * len(self.columns) + column
            self._counts += np.bincount(at, minlength=len(self._counts))
            self._sums.add(at, numbers[finite])
            self._squares.add_squares(at, numbers[finite])

    def rows(self) -> list[dict[str, Any]]:
        """Mean and standard deviation of each column, by cluster and (``cluster_id`` -2) over all rows."""
        width = len(self.columns)
        sums, squares = self._sums.exact(), self._squares.exact()
        found = []
        for column, name in enumerate(self.columns):
            parts = [
                (int(self._counts[at]), sums[at], squares[at]) for at in range(column, (self._k + 1) * width, width)
            ]
            everything = (
                sum(count for count, _, _ in parts), sum(one for _, one, _ in parts), sum(one for *_, one in parts)
            )  # fmt: skip
            ids: list[int | None] = [*range(self._k), None, -2]
            for cluster, (count, total, square) in zip(ids, [*parts, everything], strict=True):
                mean, stddev = _moments(count, Fraction(total), Fraction(square))
                found.append({"cluster_id": cluster, "column": name, "mean": mean, "stddev": stddev})
        return found


def _moments(count: int, total: Fraction, squares: Fraction) -> tuple[float | None, float | None]:
    """Mean and (population) standard deviation, from exact sums."""
    if not count:
        return None, None
    variance = squares / count - (total / count) ** 2
    half = (variance.numerator.bit_length() - variance.denominator.bit_length()) // 2
    # The variance itself may be beyond the range of doubles where its root is not.
    return float(total / count), math.ldexp(math.sqrt(variance / Fraction(4) ** half), half)


_lock = threading.Lock()
_running: OrderedDict[str, Measurement] = OrderedDict()
_count = 0


def begin(models: str, function: str) -> str:
    """Begin a measurement with these models, for a SQL function; returns its key."""
    global _count
    with _lock:
        _count += 1
        key = f"measurement:{_count}:{function}"
        _running[key] = Measurement(models)
        while len(_running) > MEASURING:
            _running.popitem(last=False)
    return key


def running(key: str) -> Measurement:
    if key not in _running:
        function = key.rpartition(":")[2]
        raise PPPError(f"{function}: run the statement again, {MEASURING} later ones pushed its rows out of memory")
    return _running[key]


def tell(key: str, groups: int, of: int) -> None:
    """So many more groups were read; after all of them the measurement is over."""
    with _lock:
        measurement = _running[key]
        measurement.told += groups
        if measurement.told >= of:
            del _running[key]


def evaluate(measurement: Measurement, model: Model, scorer: Scorer | None, points: Points, second: bool) -> None:
    """Add a chunk of one group's rows to its evaluation."""
    with measurement.lock:
        if scorer is None:
            if not second:
                measurement.skipped[model.group] = measurement.skipped.get(model.group, 0) + len(points.values)
            return
        if model.group not in measurement.evaluations:
            measurement.evaluations[model.group] = Evaluation(scorer, model.separable_at)
        evaluation = measurement.evaluations[model.group]
        rows = points.values[points.complete]
        if second:
            evaluation.second(rows)
        else:
            evaluation.first(rows)
            evaluation.skip(len(points.values) - len(rows))


def tally(measurement: Measurement, model: Model, ids: Ints, numbers: Columns) -> None:
    """Add a chunk of one group's rows, the numeric columns by name, to its tally."""
    k = 0 if model.clustering is None else len(model.clustering.sizes)
    with measurement.lock:
        if model.group not in measurement.tallies:
            measurement.tallies[model.group] = Tally(k, numbers)
        values = (column.to_numpy(zero_copy_only=False).astype(np.float64) for column in numbers.values())
        measurement.tallies[model.group].add(ids, values)


def refine(measurement: Measurement, model: Model, points: Points, weights: Floats | None) -> None:
    """Add a chunk of one group's rows to its refinement, if that goes on. Weights may be NaN: such a row is none."""
    refinement = measurement.refinements.get(model.group)
    if refinement is None:
        return
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


def close_pass(measurement: Measurement) -> bool:
    """End a pass over all rows; True if there is to be another."""
    for group, refinement in list(measurement.refinements.items()):
        if not refinement.close():
            measurement.refined[group] = measurement.refinements.pop(group)
    return bool(measurement.refinements)
