"""What statements that run now keep between two calls, under short keys: fits, models and measurements over all rows.

A key stays within twelve letters where a row carries it: DuckDB keeps such texts in place and copies them for each row.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
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
Statement: TypeAlias = tuple[int, ...]  # one execution: the number of its connection, and what that gave the execution

ORPHANS = 64  # connections without an object in Python whose last statements are kept: a reader may outlive its own
VISITORS = 64  # connections that nobody registered, and of which nothing says when they go: the same


# The arrays of a chunk have 100 KB and more, which glibc takes from the system and gives back each time: page by page
# that takes longer than to compute. It keeps what is no larger than the largest block that it has seen freed
# (mallopt(3): M_MMAP_THRESHOLD, up to 32 MB).
ROOM = 1 << 24

CLIENTS = 1 << 32  # more connections than a database ever has


def _nothing() -> None:
    pass


class Memory:
    """Values under keys, each kept for one statement.

    A connection runs one statement at a time. So what its earlier ones kept leaves when it keeps something for the
    next, and nothing that is still needed can leave.
    """

    def __init__(self) -> None:
        self._values: dict[str, tuple[Any, Callable[[], object]]] = {}
        self._statements: dict[int, tuple[Statement, list[str]]] = {}  # by connection: its last one, and the keys
        self._orphans: deque[list[str]] = deque()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()  # a connection may go while its own thread is in here

    def keep(
        self, value: object, statement: Statement, begin: str, end: str = "", leave: Callable[[], object] = _nothing
    ) -> str:
        """Returns the key: ``begin``, a number, ``end``. ``leave`` is called when the value leaves."""
        key = f"{begin}{next(self._numbers)}{end}"
        with self._lock:
            last, keys = self._statements.get(statement[0], (statement, []))
            if last != statement:
                self._drop(keys)
                keys = []
            keys.append(key)
            self._values[key] = value, leave
            self._statements.pop(statement[0], None)  # the last one is at the end
            self._statements[statement[0]] = statement, keys
            self._leave_visitors()
        return key

    def get(self, key: str, function: str = "") -> Any:
        """Raises PPPError if the value has left; ``function`` is what asks for it."""
        try:
            return self._values[key][0]
        except KeyError:
            prefix = f"{function}: " if function else ""
            raise PPPError(f"{prefix}run the statement again: its connection has begun another, or is gone") from None

    def drop(self, key: str) -> None:
        self._drop([key])

    def forget(self, connection: int) -> None:
        """A connection has no object in Python any more. A reader of its last statement may still be in use."""
        with self._lock:
            if connection in self._statements:
                self._orphans.append(self._statements.pop(connection)[1])
            while len(self._orphans) > ORPHANS:
                self._drop(self._orphans.popleft())

    def _leave_visitors(self) -> None:
        visitors = [connection for connection in self._statements if connection < 0]
        for connection in visitors[:-VISITORS]:
            self._drop(self._statements.pop(connection)[1])

    def keys(self, begin: str) -> set[str]:
        """The keys that begin so."""
        return {key for key in list(self._values) if key.startswith(begin)}

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            if key in self._values:
                self._values.pop(key)[1]()


MEMORY = Memory()


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

    @cached_property
    def vectors(self) -> list[int]:
        """Which features are lists."""
        return [place for place, feature in enumerate(self.model.features) if feature.kind == "vector"]

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
    statement: Statement

    @cached_property
    def numbers(self) -> Mapping[By, int]:
        """The groups in their order, and their numbers."""
        return {group: number for number, group in enumerate(self.ready)}


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


def statement_of(column: pa.ChunkedArray) -> Statement:
    """The statement that runs: what ``ppp__statement()`` gives to a function."""
    return tuple(column[0].as_py().values())


def chooser(statement: Statement) -> int:
    """The number whose choices a statement follows: of its connection, or, for one that nobody registered, the catalog.

    >>> chooser((7, 1, 1)), chooser((-(9 * CLIENTS + 3), 1, 1))
    (7, 9)
    """
    return statement[0] if statement[0] > 0 else -statement[0] // CLIENTS


def keep(models: ModelSet, function: str, statement: Statement) -> str:
    """Keep models for the running statement. Returns their key, whose first word says whether there are groups."""
    np.empty(ROOM, dtype=np.uint8)  # freed at once
    ready = {model.group: Ready.of(model) for model in models.models}
    return MEMORY.keep(Loaded(function, models, ready, statement), statement, MODELS if models.by else MODEL)


def kept(keys: pa.ChunkedArray) -> Loaded:
    """The models of a column of equal keys."""
    loaded: Loaded = MEMORY.get(keys[0].as_py())
    return loaded


def begin(loaded: Loaded, sums: dict[By, Any]) -> str:
    """Begin a measurement. Returns its key."""
    measurement: Measurement[Any] = Measurement(loaded, sums)
    return MEMORY.keep(measurement, loaded.statement, MEASUREMENT, f":{loaded.function}")


def for_each_measurement(function: Callable[..., pa.Array]) -> Callable[..., pa.Array]:
    """A function of a measurement's key and columns of its rows, for a column of keys instead.

    A chunk has one key, unless DuckDB runs a correlated subquery. Then each row outside it has its own measurement. A
    key may be followed by the count of a pass: ``measurement:9:ppp_evaluate 150``.
    """

    @functools.wraps(function)
    def chunk(keys: pa.ChunkedArray, *columns: pa.ChunkedArray) -> pa.Array:
        if keys.slice(1).equals(keys.slice(0, len(keys) - 1)):  # much sooner than a dictionary
            return function(_name(keys[0]), *columns)
        encoded = keys.combine_chunks().dictionary_encode()
        names = list(map(_name, encoded.dictionary))
        owner = encoded.indices.to_numpy()
        places = [pa.array(np.flatnonzero(owner == number)) for number in range(len(names))]
        results = [
            function(name, *(column.take(at) for column in columns)) for name, at in zip(names, places, strict=True)
        ]
        back = np.argsort(pa.concat_arrays(places).to_numpy(), kind="stable")
        return pa.concat_arrays(results).take(pa.array(back))

    return chunk


def _name(key: pa.Scalar) -> str:
    name: str = key.as_py().partition(" ")[0]
    return name


def running(key: str) -> Measurement[Any]:
    measurement: Measurement[Any] = MEMORY.get(key, key.rpartition(":")[2])
    return measurement


def read(key: str, groups: int) -> None:
    """So many more groups were read. After all of them the measurement is over."""
    measurement = running(key)
    with measurement.lock:
        measurement.read += groups
        if measurement.read >= len(measurement.loaded.set.models):
            MEMORY.drop(key)
