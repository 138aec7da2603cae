"""Models in memory, for the statements that run now, and the rows of a chunk on their way to them.

A statement refers to its models by a key, which is short, because DuckDB repeats it for every row.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from ppp_duck.engine.score import Scorer, Screen
from ppp_duck.errors import ModelError, PPPError
from ppp_duck.features import Encoder, Points
from ppp_duck.model import Ints, Model, ModelSet
from ppp_duck.statements import ROW

MODELS_KEPT = 64  # used by statements that run now; a model is a few kilobytes
FORMS = {"number": "n", "text": "t", "vector": "v"}
Columns = Mapping[str, pa.Array]

_lock = threading.Lock()
_models: OrderedDict[str, Loaded] = OrderedDict()
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ready:
    """A model with what turns columns into its points and points into ids; None where there was nothing to cluster."""

    model: Model
    encoder: Encoder
    columns: tuple[str, ...]  # what it needs, as in 'n income'
    scorer: Scorer | None

    @cached_property
    def shortcut(self) -> Screen | None:
        """What tells the cluster of most rows from their columns as they are; None where features are not numbers."""
        plain = self.encoder.plain if self.columns else None
        return None if plain is None or self.scorer is None else self.scorer.screen_of(*plain)

    @staticmethod
    def of(model: Model) -> Ready:
        columns = tuple(f"{FORMS[feature.kind]} {feature.name}".casefold() for feature in model.features)
        scorer = None if model.clustering is None else Scorer(model.clustering)
        return Ready(model, Encoder(model.features, model.impute), columns, scorer)


@dataclass(frozen=True)
class Loaded:
    """Models ready to score, by the values of their group, for the SQL function that asked for them."""

    function: str
    set: ModelSet
    ready: Mapping[tuple[str | None, ...], Ready]


def keep(models: ModelSet, function: str) -> str:
    """Keep models for the statement that runs; returns their key, whose first word says if there are groups.

    A key is short: DuckDB keeps texts of up to twelve letters in place, and copies it for every row that it passes on.
    """
    ready = {model.group: Ready.of(model) for model in models.models}
    with _lock:
        key = f"{'models' if models.by else 'model'}:{next(_numbers)}"
        _models[key] = Loaded(function, models, ready)
        while len(_models) > MODELS_KEPT:
            _models.popitem(last=False)
    return key


def kept(keys: pa.ChunkedArray) -> Loaded:
    return kept_as(keys[0].as_py())


def kept_as(key: str) -> Loaded:
    if key not in _models:
        raise PPPError(f"run the statement again: {MODELS_KEPT} later ones pushed its model out of memory")
    return _models[key]


def points_by_model(
    loaded: Loaded, groups: pa.ChunkedArray, rows: pa.ChunkedArray
) -> Iterator[tuple[slice | Ints, Ready, Points]]:
    """The rows of a chunk by the model that scores them: their places, the model and their points."""
    for at, ready, columns in by_model(loaded, groups, rows):
        yield at, ready, _points(loaded.function, ready, columns)


def ids_by_model(
    loaded: Loaded, groups: pa.ChunkedArray, rows: pa.ChunkedArray
) -> Iterator[tuple[slice | Ints, Ready, Ints, pa.Array]]:
    """The rows of a chunk by the model that scores them: their places, the model, their ids (-1: none), the columns."""
    for at, ready, columns in by_model(loaded, groups, rows):
        yield at, ready, _ids(loaded.function, ready, columns), columns


def by_model(
    loaded: Loaded, groups: pa.ChunkedArray, rows: pa.ChunkedArray
) -> Iterator[tuple[slice | Ints, Ready, pa.StructArray]]:
    """The rows of a chunk by the model that scores them: their places, the model and their columns.

    Rows of a group that has no model are left out.
    """
    columns = _whole(rows)
    if not loaded.set.by:
        if loaded.set.models:  # else the fit saw no row
            yield slice(None), loaded.ready[()], columns
        return
    given = _whole(groups)  # a list of one struct each, or nothing
    known = {**fields_of(columns), **(fields_of(given.flatten()) if pa.types.is_list(given.type) else {})}
    lacking = [name for name in loaded.set.by if f"g {name}".casefold() not in known]
    if lacking:
        raise ModelError(
            f"{loaded.function}: give the source the columns that the model was fitted by: {', '.join(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} missing"
        )
    places: dict[tuple[str | None, ...], list[int]] = {}
    values = [known[f"g {name}".casefold()].to_pylist() for name in loaded.set.by]
    for place, group in enumerate(zip(*values, strict=True)):
        places.setdefault(group, []).append(place)
    for group, members in places.items():
        if group in loaded.ready:
            at = np.array(members, dtype=np.int64)
            yield at, loaded.ready[group], columns.take(pa.array(at))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def names_of(kind: pa.DataType) -> list[str]:
    """The fields of a struct as they were written, as in 'n Income'."""
    return [field.name.removeprefix(ROW) for field in kind] if pa.types.is_struct(kind) else []


def fields_of(struct: pa.Array) -> Columns:
    """The columns of a struct by name, as in 'n income': the form (number, text, vector, group) and the column."""
    return {name.casefold(): struct.field(place) for place, name in enumerate(names_of(struct.type))}


@functools.lru_cache(maxsize=MODELS_KEPT)
def _places(kind: pa.DataType, wanted: tuple[str, ...]) -> tuple[int, ...] | None:
    """Where in a struct the columns are; None if one is not there."""
    found = {name.casefold(): place for place, name in enumerate(names_of(kind))}
    return tuple(found[name] for name in wanted) if all(name in found for name in wanted) else None


def _ids(function: str, ready: Ready, struct: pa.StructArray) -> Ints:
    """Cluster ids of rows, -1 for none. Where the columns as they are tell the cluster, no point is made."""
    if ready.scorer is None:
        return np.full(len(struct), -1)
    places = _places(struct.type, ready.columns)
    if ready.shortcut is None or places is None:
        return _ids_of_points(ready.scorer, _points(function, ready, struct))
    table = pa.RecordBatch.from_struct_array(struct).select(places)
    values = table.to_tensor(null_to_nan=True, row_major=False).to_numpy().T
    with np.errstate(over="ignore", invalid="ignore"):
        found, doubtful, _ = ready.scorer.screened(ready.shortcut, values)
    ids = found.astype(np.int64)
    if len(doubtful):
        ids[doubtful] = _ids_of_points(ready.scorer, _points(function, ready, struct.take(pa.array(doubtful))))
    return ids


def _ids_of_points(scorer: Scorer, points: Points) -> Ints:
    return np.where(points.complete, scorer.assign(points.values), -1)


def _points(function: str, ready: Ready, struct: pa.StructArray) -> Points:
    if not ready.columns:  # where no feature varies, every row is the same point
        n = len(struct)
        return Points(np.zeros((n, 1)), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64))
    places = _places(struct.type, ready.columns)
    columns = None if places is None else [struct.field(place) for place in places]
    if columns is None or any(column.null_count for column in columns):
        forms = fields_of(struct)
        features = zip(ready.model.features, ready.columns, strict=True)
        if lacking := [one.name for one, name in features if not _has(forms, name)]:
            raise ModelError(
                f"{function}: give the source the columns that the model was fitted to: {', '.join(lacking)} "
                f"{'is' if len(lacking) == 1 else 'are'} missing, or of another kind of type"
            )
        columns = [forms[name] for name in ready.columns]
    return ready.encoder.encode(columns)


def _has(columns: Columns, name: str) -> bool:
    """Whether a form of a column is there. One whose type could not be seen has all forms, NULL but for its own."""
    if name not in columns:
        return False
    others = (columns.get(form + name[1:]) for form in FORMS.values())
    return not columns[name].null_count or all(
        other is columns[name] or other is None or other.null_count == len(other) for other in others
    )
