"""A chunk of rows by the models that score it: structs of forms in, points or cluster ids out."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ppp_duck.binding.quoting import folded
from ppp_duck.errors import FeatureError, ModelError
from ppp_duck.models.model import Ints
from ppp_duck.running.memory import By, Loaded, Ready
from ppp_duck.running.points import Points


@dataclass(frozen=True)
class Part:
    """The rows of a chunk that one model scores."""

    function: str
    places: slice | Ints  # of the rows in the chunk
    ready: Ready
    rows: pa.StructArray

    @staticmethod
    def of(function: str, ready: Ready, columns: Sequence[pa.Array]) -> Part:
        """Of a column for each feature."""
        return Part(function, slice(None), ready, pa.StructArray.from_arrays(columns, names=list(ready.columns)))

    def ids(self) -> Ints:
        """Cluster ids of the rows, -1 for none. Where the columns as they are tell the cluster, no point is made."""
        scorer, shortcut, places = self.ready.scorer, self.ready.shortcut, _places(self.rows.type)
        if scorer is None:
            return np.full(len(self.rows), -1)
        if shortcut is None or any(name not in places for name in self.ready.columns):
            points = self.points()
            return np.where(points.complete, scorer.assign(points.values), -1)
        columns = pa.RecordBatch.from_struct_array(self.rows).select([places[name] for name in self.ready.columns])
        values = columns.to_tensor(null_to_nan=True, row_major=False).to_numpy().T
        with np.errstate(over="ignore", invalid="ignore"):
            screened, doubtful, _ = scorer.screened(shortcut, values)
        ids = screened.astype(np.int64)
        if len(doubtful):
            points = replace(self, rows=self.rows.take(pa.array(doubtful))).points()
            ids[doubtful] = np.where(points.complete, scorer.assign(points.values), -1)
        return ids

    def points(self, far: bool = True) -> Points:
        """The rows as points, values ``far`` out as holes. Raises ModelError where a column of the model is missing."""
        ready, n = self.ready, len(self.rows)
        if not ready.columns:  # where no feature varies, every row is the same point
            nothing = np.zeros(n, dtype=np.int64)
            return Points(np.zeros((n, 1)), nothing - 1, nothing, np.ones(n, dtype=bool))
        places = _places(self.rows.type)
        columns = [self.rows.field(places[name]) for name in ready.columns if name in places]
        if len(columns) < len(ready.columns):
            features = zip(ready.model.features, ready.columns, strict=True)
            lacking = [feature.name for feature, name in features if name not in places]
            raise ModelError.columns(self.function, "to", lacking, ", or of another kind of type")
        for place in ready.vectors:
            feature, column = ready.model.features[place], columns[place]
            if (wrong := _other_length(column, len(feature.center))) is not None:
                raise FeatureError(f"{self.function}: give every list in {feature.name} the length that those of the "
                                   f"model have, {len(feature.center)}: one has {wrong}")  # fmt: skip
        return ready.encoder.encode(columns, far=far)


def parts(loaded: Loaded, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> Iterator[Part]:
    """A part for each model that has rows in the chunk. Rows of a group without a model are left out."""
    columns = _whole(rows)
    if not loaded.set.by:
        if loaded.set.models:  # else the fit saw no row
            yield Part(loaded.function, slice(None), loaded.ready[()], columns)
        return
    known = _texts(_whole(groups), {folded(name) for name in loaded.set.by})
    lacking = [name for name in loaded.set.by if folded(name) not in known]
    if lacking:
        raise ModelError.columns(loaded.function, "by", lacking)
    places: dict[By, list[int]] = {}
    for place, group in enumerate(zip(*(known[folded(name)].to_pylist() for name in loaded.set.by), strict=True)):
        places.setdefault(group, []).append(place)
    for group, members in places.items():
        if group in loaded.ready:
            at = np.array(members, dtype=np.int64)
            yield Part(loaded.function, at, loaded.ready[group], columns.take(pa.array(at)))


def _texts(groups: pa.Array, wanted: set[str]) -> dict[str, pa.Array]:
    """The wanted columns by their names in lower case: each row has the names of all, then their values."""
    if pa.types.is_null(groups.type):
        return {}
    texts, width = groups.flatten(), len(groups[0])
    names = map(folded, texts.slice(0, width // 2).to_pylist())
    every = {name: np.arange(at, len(texts), width) for at, name in enumerate(names, start=width // 2)}
    return {name: texts.take(pa.array(own)) for name, own in every.items() if name in wanted}


def _other_length(lists: pa.Array, length: int) -> int | None:
    """The shortest or longest list, where it has not this length."""
    lengths = lists.drop_null().value_lengths().to_numpy()
    ends = (int(lengths.min()), int(lengths.max())) if len(lengths) else ()
    return next((end for end in ends if end != length), None)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def names_of(kind: pa.DataType) -> list[str]:
    """The fields of a struct, with columns as the source spells them: 'number Income'."""
    return [column.name for column in kind] if pa.types.is_struct(kind) else []


@functools.lru_cache(maxsize=64)
def _places(kind: pa.DataType) -> Mapping[str, int]:
    """Where in a struct each field is, by its name in lower case."""
    return {folded(name): place for place, name in enumerate(names_of(kind))}


def fields_of(struct: pa.Array) -> dict[str, pa.Array]:
    """The fields of a struct by their names in lower case."""
    return {name: struct.field(place) for name, place in _places(struct.type).items()}
