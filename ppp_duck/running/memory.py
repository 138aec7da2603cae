"""What statements that run now keep between two calls, under short keys: models, and measurements over all rows.

A key stays within twelve letters where a row carries it: DuckDB keeps such texts in place and copies them for each row.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

import pyarrow as pa

from ppp_duck.binding import interface
from ppp_duck.binding.interface import MEASUREMENT, MODEL, MODELS
from ppp_duck.binding.quoting import folded
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.screen import Screen
from ppp_duck.errors import PPPError
from ppp_duck.models.model import Model, ModelSet
from ppp_duck.running.points import Encoder

T = TypeVar("T")
By: TypeAlias = tuple[str | None, ...]  # the values of a group's ``by`` columns, as text

KEPT = 64  # models, and as many measurements, of statements that run now; a model is a few kilobytes


class Memory(Generic[T]):
    """Values under keys. The oldest leaves when there are more than ``KEPT``."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, T] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def keep(self, value: T, begin: str, end: str = "") -> str:
        """Returns the key: ``begin``, a number, ``end``."""
        with self._lock:
            key = f"{begin}{next(self._numbers)}{end}"
            self._values[key] = value
            while len(self._values) > KEPT:
                self._values.popitem(last=False)
        return key

    def get(self, key: str, gone: str) -> T:
        """Raises PPPError with the message ``gone`` if the value has left."""
        try:
            return self._values[key]
        except KeyError:
            raise PPPError(gone) from None

    def drop(self, key: str) -> None:
        self._values.pop(key, None)


@dataclass(frozen=True)
class Ready:
    """A model, its encoder of columns into points and its scorer of points (None: the model has no cluster)."""

    model: Model
    encoder: Encoder
    columns: tuple[str, ...]  # the fields that it needs, as in 'number income'
    scorer: Scorer | None

    @cached_property
    def shortcut(self) -> Screen | None:
        """Finds the cluster of most rows from their columns as they are; None where a feature is not a number."""
        plain = self.encoder.plain if self.columns else None
        return None if plain is None or self.scorer is None else self.scorer.screen_of(*plain)

    @staticmethod
    def of(model: Model) -> Ready:
        columns = tuple(folded(interface.field(feature.kind, feature.name)) for feature in model.features)
        scorer = None if model.clustering is None else Scorer(model.clustering)
        return Ready(model, Encoder(model.features, model.missing), columns, scorer)


@dataclass(frozen=True)
class Loaded:
    """Models ready to score, by group, and the SQL function that asked for them."""

    function: str
    set: ModelSet
    ready: Mapping[By, Ready]


@dataclass
class Measurement(Generic[T]):
    """Sums over all rows of one statement: an evaluation, a tally or a refinement for each group.

    DuckDB has no Python aggregates. So a statement begins a measurement, each chunk of rows adds to it, and the last
    stage, which depends on the count of the rows, reads it. The sums are exact: their order decides nothing.
    """

    loaded: Loaded
    sums: dict[By, T]
    ended: dict[By, T] = field(default_factory=dict)  # refinements that take no more rows, and are no more in ``sums``
    read: int = 0  # groups whose sums were read
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, ready: Ready, begin: Callable[[Ready], T]) -> T:
        """The sums of a group. ``begin`` makes them for its first row."""
        group = ready.model.group
        if group not in self.sums:
            self.sums[group] = begin(ready)
        return self.sums[group]


_models: Memory[Loaded] = Memory()
_measurements: Memory[Measurement[Any]] = Memory()


def keep(models: ModelSet, function: str) -> str:
    """Keep models for the running statement. Returns their key, whose first word says whether there are groups."""
    ready = {model.group: Ready.of(model) for model in models.models}
    return _models.keep(Loaded(function, models, ready), MODELS if models.by else MODEL)


def kept(keys: pa.ChunkedArray) -> Loaded:
    """The models of a column of equal keys."""
    return _models.get(keys[0].as_py(), f"run the statement again: {KEPT} later ones pushed its model out of memory")


def begin(loaded: Loaded, sums: dict[By, Any]) -> pa.Array:
    """Begin a measurement. Returns its key, as a column of one row."""
    return pa.array([_measurements.keep(Measurement(loaded, sums), MEASUREMENT, f":{loaded.function}")])


def running(key: str) -> Measurement[Any]:
    function = key.rpartition(":")[2]
    gone = f"{function}: run the statement again, {KEPT} later ones pushed its rows out of memory"
    return _measurements.get(key, gone)


def read(key: str, groups: int) -> None:
    """So many more groups were read. After all of them the measurement is over."""
    measurement = running(key)
    with measurement.lock:
        measurement.read += groups
        if measurement.read >= len(measurement.loaded.set.models):
            _measurements.drop(key)
