"""What the SQL functions ``ppp__…`` do when a statement runs: Arrow columns in, one Arrow column out.

Two things live longer than a call: fits in progress, and the models of statements that run now. A statement refers to
them by a key, which is short, because DuckDB repeats it for every row.
"""

from __future__ import annotations

import functools
import itertools
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck import describe, measuring, stored
from ppp_duck.engine.evaluate import METRICS, Evaluation
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import ModelError, PPPError
from ppp_duck.features import Encoder, Points, reasons
from ppp_duck.fitting import fit_groups, model_key
from ppp_duck.model import SCORE_COLUMNS, SET_COLUMNS, Ints, Model, ModelSet
from ppp_duck.progress import Watch
from ppp_duck.rewrite import Call
from ppp_duck.statements import ROW
from ppp_duck.stepping import SteppedFit

MODELS_KEPT = 64  # used by statements that run now; a model is a few kilobytes
FORMS = {"number": "n", "text": "t", "vector": "v"}
Columns = Mapping[str, pa.Array]

_lock = threading.Lock()
_numbers = itertools.count(1)
_fits: dict[str, tuple[Watch, SteppedFit[ModelSet]]] = {}
_models: OrderedDict[str, Loaded] = OrderedDict()


@dataclass(frozen=True)
class Ready:
    """A model with what turns columns into its points and points into ids; None where there was nothing to cluster."""

    model: Model
    encoder: Encoder
    columns: tuple[str, ...]  # what it needs, as in 'n income'
    scorer: Scorer | None

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


def _keep(models: ModelSet, function: str) -> str:
    """Keep models for the statement that runs; returns their key, whose first word says if there are groups."""
    key = f"{'models' if models.by else 'model'}:{model_key(models)}:{function}"
    ready = {model.group: Ready.of(model) for model in models.models}
    with _lock:
        _models[key] = Loaded(function, models, ready)
        _models.move_to_end(key)
        while len(_models) > MODELS_KEPT:
            _models.popitem(last=False)
    return key


def _kept(keys: pa.ChunkedArray) -> Loaded:
    return _kept_as(keys[0].as_py())


def _kept_as(key: str) -> Loaded:
    if key not in _models:
        function = key.rpartition(":")[2]
        raise PPPError(f"{function}: run the statement again, {MODELS_KEPT} later ones pushed its model out of memory")
    return _models[key]


def begin_fit(
    call_json: pa.ChunkedArray, groups: pa.ChunkedArray, version: pa.ChunkedArray, connections: pa.ChunkedArray
) -> pa.Array:
    """Begin to fit: one row in, 'fit:<number>' out. The work is done by ``step``."""
    call = Call.from_json(call_json[0].as_py())
    given = groups[0].values  # None where there is no group, because there is no row
    given = [] if given is None else given
    watch = Watch(connections[0].as_py(), call.function, call.source, len(given), call.options.k)
    begun = SteppedFit(functools.partial(fit_groups, call, given, version[0].as_py()), watch.report)
    with _lock:
        for gone in [state for state, (_, fit) in _fits.items() if fit.abandoned]:
            del _fits[gone]
        state = f"fit:{next(_numbers)}"
        _fits[state] = watch, begun
    return pa.array([state])


def step(states: pa.ChunkedArray) -> pa.Array:
    """Go on for a slice of time: the same state again, or the key of the models when done."""
    state = states[0].as_py()
    watch, fit = _fits[state]
    try:
        done = fit.step()
        watch.show(done)
    except BaseException:
        _fits.pop(state, None)
        fit.stop()
        watch.end()
        raise
    if not done:
        return pa.array([state])
    del _fits[state]
    return pa.array([_keep(fit.result() or ModelSet((), ()), watch.function)])


def load(functions: pa.ChunkedArray, names: pa.ChunkedArray, by: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """The rows of a model table in, the key of its models out."""
    function, name, wanted = functions[0].as_py(), names[0].as_py(), by[0].as_py()
    try:
        models = stored.from_rows(name, rows[0].as_py() or [])
    except ModelError as error:
        raise ModelError(f"{function}: {error}") from None
    if function == "ppp_match" and models.by:
        raise ModelError(f"ppp_match: match models without groups, {name} was fitted by {', '.join(models.by)}")
    if wanted and [one.casefold() for one in wanted] != [one.casefold() for one in models.by]:
        fitted = f"it was fitted by {', '.join(models.by)}" if models.by else "it was fitted without groups"
        raise ModelError(f"{function}: leave by out, or fit {name} again by {', '.join(wanted)}: {fitted}")
    return pa.array([_keep(models, function)])


def assign(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Cluster ids of one chunk of rows."""
    loaded, n = _kept(models), len(models)
    ids = np.full(n, -1, dtype=np.int32)
    for at, ready, points, _ in _by_model(loaded, groups, rows):
        if ready.scorer is not None:
            ids[at] = np.where(points.complete, ready.scorer.assign(points.values), -1)
    return pa.array(ids, mask=ids < 0)


def score(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Every new column of one chunk of rows, as a struct."""
    loaded, n = _kept(models), len(models)
    ids = {name: np.full(n, -1, dtype=np.int32) for name in ("cluster_id", "second_cluster_id", "kmeans_id")}
    shares = {name: np.zeros(n) for name in ("probability", "second_probability", "distance")}
    separable = np.zeros(n, dtype=bool)
    why: list[str | None] = [None] * n
    known = np.zeros(n, dtype=bool)
    for at, ready, points, _ in _by_model(loaded, groups, rows):
        known[at] = True
        said = reasons(ready.model.features, points)
        if ready.scorer is None:
            said = [one or ready.model.note for one in said]
        for row, one in zip(np.arange(n)[at].tolist(), said, strict=True):
            why[row] = one
        if ready.scorer is None:
            continue
        scores, complete = ready.scorer.score(points.values), points.complete
        for name, found in ids.items():
            found[at] = np.where(complete, getattr(scores, name), -1)
        for name, share in shares.items():
            share[at] = getattr(scores, name)
        separable[at] = scores.separable(ready.model.separable_at)
    for row in np.flatnonzero(~known).tolist():
        why[row] = "no model for this group"
    missing, alone = ids["cluster_id"] < 0, ids["second_cluster_id"] < 0
    fields = [
        pa.array(ids["cluster_id"], mask=missing),
        pa.array(shares["probability"], mask=missing),
        pa.array(ids["second_cluster_id"], mask=alone),
        pa.array(shares["second_probability"], mask=alone),
        pa.array(shares["distance"], mask=missing),
        pa.array(ids["kmeans_id"], mask=missing),
        pa.array(separable, mask=missing),
        pa.array(why, pa.string()),
    ]
    return pa.StructArray.from_arrays(fields, names=list(SCORE_COLUMNS))


def surprise(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Minus the log density of one chunk of rows under the mixture, in scaled units."""
    loaded, n = _kept(models), len(models)
    found, known = np.zeros(n), np.zeros(n, dtype=bool)
    for at, ready, points, _ in _by_model(loaded, groups, rows):
        if ready.scorer is not None:
            found[at] = -ready.scorer.log_density(points.values)
            known[at] = points.complete
    return pa.array(found, mask=~known)


def _by_model(
    loaded: Loaded, groups: pa.ChunkedArray, rows: pa.ChunkedArray
) -> Iterator[tuple[slice | Ints, Ready, Points, pa.Array]]:
    """The rows of a chunk by the model that scores them: their places, the model, their points and their columns.

    Rows of a group that has no model are left out.
    """
    columns = _whole(rows)
    if not loaded.set.by:
        if loaded.set.models:  # else the fit saw no row
            ready = loaded.ready[()]
            yield slice(None), ready, _points(loaded.function, ready, columns), columns
        return
    known = {**_fields(columns), **_fields(_whole(groups))}
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
            at, ready = np.array(members, dtype=np.int64), loaded.ready[group]
            part = columns.take(pa.array(at))
            yield at, ready, _points(loaded.function, ready, part), part


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _names(kind: pa.DataType) -> list[str]:
    """The fields of a struct as they were written, as in 'n Income'."""
    return [field.name.removeprefix(ROW) for field in kind] if pa.types.is_struct(kind) else []


def _fields(struct: pa.Array) -> Columns:
    """The columns of a struct by name, as in 'n income': the form (number, text, vector, group) and the column."""
    return {name.casefold(): struct.field(place) for place, name in enumerate(_names(struct.type))}


@functools.lru_cache(maxsize=MODELS_KEPT)
def _places(kind: pa.DataType, wanted: tuple[str, ...]) -> tuple[int, ...] | None:
    """Where in a struct the columns are; None if one is not there."""
    found = {name.casefold(): place for place, name in enumerate(_names(kind))}
    return tuple(found[name] for name in wanted) if all(name in found for name in wanted) else None


def _points(function: str, ready: Ready, struct: pa.Array) -> Points:
    if not ready.columns:  # where no feature varies, every row is the same point
        n = len(struct)
        return Points(np.zeros((n, 1)), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64))
    places = _places(struct.type, ready.columns)
    columns = None if places is None else [struct.field(place) for place in places]
    if columns is None or any(column.null_count for column in columns):
        forms = _fields(struct)
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


def measure(models: pa.ChunkedArray) -> pa.Array:
    """Begin to measure: the key of the models in, that of the measurement out."""
    return pa.array([measuring.begin(models[0].as_py())])


def first_pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Add a chunk of rows to the evaluations; returns 1 for each, to be counted."""
    return _pass(keys, groups, rows, second=False)


def second_pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Add the same rows again."""
    return _pass(keys, groups, rows, second=True)


def _pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray, second: bool) -> pa.Array:
    measurement = measuring.running(keys[0].as_py().partition(" ")[0])
    loaded = _kept_as(measurement.models)
    for _, ready, points, _ in _by_model(loaded, groups, rows):
        measuring.evaluate(measurement, ready.model, ready.scorer, points, second)
    return pa.array(np.ones(len(keys), dtype=np.int32))


def tally(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Group and cluster of each row, whose numbers are added to the sums of its cluster."""
    measurement, n = measuring.running(keys[0].as_py()), len(keys)
    loaded = _kept_as(measurement.models)
    told: list[tuple[str | None, ...] | None] = [None] * n
    ids = np.full(n, -1, dtype=np.int64)
    numbers = {name.casefold(): name[2:] for name in _names(rows.type) if name.startswith("n ")}
    for at, ready, points, part in _by_model(loaded, groups, rows):
        columns = _fields(part)
        if ready.scorer is not None:
            ids[at] = np.where(points.complete, ready.scorer.assign(points.values), -1)
        measuring.tally(measurement, ready.model, ids[at], {shown: columns[name] for name, shown in numbers.items()})
        for row in np.arange(n)[at].tolist():
            told[row] = ready.model.group
    return pa.StructArray.from_arrays(
        [pa.array(told, pa.list_(pa.string())), pa.array(ids.astype(np.int32), mask=ids < 0)], names=list(WHERE)
    )


def evaluated(keys: pa.ChunkedArray, texts: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """The metrics of the model of each row; ``counts`` is what makes DuckDB do the passes first."""
    key = keys[0].as_py().partition(" ")[0]
    measurement = measuring.running(key)
    found = []
    loaded = _kept_as(measurement.models)
    for text in texts.to_pylist():
        group = _group_of(text)
        ready = loaded.ready[group]
        if ready.scorer is None:
            found.append([NO_METRICS | {"skipped": measurement.skipped.get(group, 0)}])
        else:
            evaluation = measurement.evaluations.get(group) or Evaluation(ready.scorer, ready.model.separable_at)
            found.append([evaluation.metrics()])
    measuring.tell(key, len(texts), len(loaded.set.models))
    return pa.array(found, pa.list_(_struct(METRICS)))


def tallied(keys: pa.ChunkedArray, texts: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """Means and standard deviations by cluster and column, of the model of each row."""
    key = keys[0].as_py()
    measurement = measuring.running(key)
    found = []
    for text in texts.to_pylist():
        group = _group_of(text)
        own = measurement.tallies[group].rows() if group in measurement.tallies else []
        found.append([{"g": group, **row} for row in own])
    measuring.tell(key, len(texts), len(_kept_as(measurement.models).set.models))
    return pa.array(found, pa.list_(_struct(measuring.TALLY)))


def _group_of(text: str) -> tuple[str | None, ...]:
    return tuple(json.loads(text)["group"])


def rows(models: pa.ChunkedArray) -> pa.Array:
    """The models as the rows of a table."""
    kept = _kept(models).set
    return pa.array([stored.to_rows(kept, model_key(kept))], ROWS)


def clusterability(models: pa.ChunkedArray) -> pa.Array:
    """The sets of rows of each group, as ``ppp_clusterability`` shows them."""
    found = [
        {"g": list(model.group), **vars(one), "rows": round(one.rows)}
        for model in _kept(models).set.models
        for one in model.sets
    ]
    return pa.array([found], pa.list_(_struct(SETS)))


def _described(tell: Callable[..., list[dict[str, Any]]], kind: pa.DataType) -> Callable[..., pa.Array]:
    """A function of (key of the models, a row's model text, arguments): what ``tell`` says of that row's model."""

    def function(*columns: pa.ChunkedArray) -> pa.Array:
        models, texts, *arguments = columns  # DuckDB takes a signature with names and a star for one argument more
        loaded = _kept(models)
        found = []
        for place, text in enumerate(texts.to_pylist()):
            given = (argument[place].as_py() for argument in arguments)
            found.append(tell(loaded.ready[_group_of(text)].model, *given))
        return pa.array(found, pa.list_(kind))

    return function


SQL_TYPES = {
    "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}  # fmt: skip


def _struct(columns: Mapping[str, str]) -> pa.DataType:
    return pa.struct([(name, SQL_TYPES[kind]) for name, kind in columns.items()])


def _list(columns: Mapping[str, str]) -> str:
    fields = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    return f"STRUCT({fields})[]"


NO_METRICS = {**dict.fromkeys(METRICS), "k": 0, "rows": 0}
WHERE = {"g": "VARCHAR[]", "cluster_id": "INTEGER"}
SETS = {"g": "VARCHAR[]", **SET_COLUMNS}
ROW_COLUMNS = {"g": "VARCHAR[]", **stored.COLUMNS}
ROWS = pa.list_(_struct(ROW_COLUMNS))
SCORE = _list(SCORE_COLUMNS)[:-2]

_centers = _described(describe.centers, _struct(describe.CENTERS))
_trials = _described(describe.trials, _struct(describe.TRIALS))
_info = _described(describe.info, _struct(describe.INFO))
_compare = _described(describe.compare, _struct(describe.COMPARE))

# name -> (function, what it returns). All are registered as volatile, so that none is evaluated twice for a row.
FUNCTIONS: dict[str, tuple[Callable[..., pa.Array], str]] = {
    "ppp__fit": (begin_fit, "VARCHAR"),
    "ppp__step": (step, "VARCHAR"),
    "ppp__load": (load, "VARCHAR"),
    "ppp__assign": (assign, "INTEGER"),
    "ppp__score": (score, SCORE),
    "ppp__surprise": (surprise, "DOUBLE"),
    "ppp__measure": (measure, "VARCHAR"),
    "ppp__first_pass": (first_pass, "INTEGER"),
    "ppp__second_pass": (second_pass, "INTEGER"),
    "ppp__evaluated": (evaluated, _list(METRICS)),
    "ppp__tally": (tally, _list(WHERE)[:-2]),
    "ppp__tallied": (tallied, _list(measuring.TALLY)),
    "ppp__rows": (rows, _list(ROW_COLUMNS)),
    "ppp__clusterability": (clusterability, _list(SETS)),
    "ppp__centers": (_centers, _list(describe.CENTERS)),
    "ppp__trials": (_trials, _list(describe.TRIALS)),
    "ppp__info": (_info, _list(describe.INFO)),
    "ppp__compare": (_compare, _list(describe.COMPARE)),
}
