"""What the SQL functions ``ppp__…`` do when a statement runs: Arrow columns in, one Arrow column out.

Fits in progress live longer than a call, as do the models of statements that run now (loaded.py).
"""

from __future__ import annotations

import functools
import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck import describe, measuring, stored
from ppp_duck.calls import Call
from ppp_duck.engine import plain
from ppp_duck.engine.evaluate import METRICS, Evaluation
from ppp_duck.errors import ModelError
from ppp_duck.features import reasons
from ppp_duck.fitting import fit_groups, model_key
from ppp_duck.loaded import fields_of, ids_by_model, keep, kept, kept_as, names_of, points_by_model
from ppp_duck.model import SCORE_COLUMNS, SET_COLUMNS, Ints, Model, ModelSet
from ppp_duck.progress import Watch
from ppp_duck.stepping import SteppedFit

_lock = threading.Lock()
_numbers = itertools.count(1)
_fits: dict[str, tuple[Watch, SteppedFit[ModelSet]]] = {}


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
    return pa.array([keep(fit.result() or ModelSet((), ()), watch.function)])


def load(functions: pa.ChunkedArray, names: pa.ChunkedArray, by: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """The rows of a model table in, the key of its models out. ``by`` is what they must be grouped by; None: as is."""
    function, name, wanted = functions[0].as_py(), names[0].as_py(), by[0].as_py()
    try:
        models = stored.from_rows(name, rows[0].as_py() or [])
    except ModelError as error:
        raise ModelError(f"{function}: {error}") from None
    if wanted is not None and [one.casefold() for one in wanted] != [one.casefold() for one in models.by]:
        again = f"fit {name} again by {', '.join(wanted)}" if wanted else f"fit {name} again without by"
        advice = f"{again}, as the old model was" if function == "ppp_match" else f"leave by out, or {again}"
        fitted = f"it was fitted by {', '.join(models.by)}" if models.by else "it was fitted without groups"
        raise ModelError(f"{function}: {advice}: {fitted}")
    return pa.array([keep(models, function)])


def screen(models: pa.ChunkedArray, *arguments: pa.ChunkedArray) -> pa.Array:
    """What SQL needs to tell the cluster of most rows; NULL where ``assign`` is to see them all: one row in, one out.

    Arguments: the names of the source's columns, components and products of features provided for, DuckDB's threads.
    """
    names, most, paired, threads = (argument[0].as_py() for argument in arguments)
    ready, found = kept(models).ready.get(()), None
    if ready is not None and ready.scorer is not None and ready.shortcut is not None:
        column = {f"n {name}".casefold(): place for place, name in enumerate(names)}
        places = [column[name] for name in ready.columns]
        found = plain.terms(ready.scorer, ready.shortcut, places, len(names), most, paired, threads)
    return pa.array([found], pa.list_(pa.list_(pa.float64())))


def assign(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Cluster ids of one chunk of rows."""
    ids = np.full(len(models), -1, dtype=np.int32)
    for at, _, found, _ in ids_by_model(kept(models), groups, rows):
        ids[at] = found
    if ids.min() < 0:
        return pa.array(ids, mask=ids < 0)
    return pa.Array.from_buffers(pa.int32(), len(ids), [None, pa.py_buffer(ids)])  # sooner than pa.array


def locate(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Group and cluster id of one chunk of rows, as a struct."""
    return _where(
        len(models), [(at, ready.model, ids) for at, ready, ids, _ in ids_by_model(kept(models), groups, rows)]
    )


def score(models: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Every new column of one chunk of rows, as a struct."""
    loaded, n = kept(models), len(models)
    ids = {name: np.full(n, -1, dtype=np.int32) for name in ("cluster_id", "second_cluster_id", "kmeans_id")}
    shares = {name: np.zeros(n) for name in ("probability", "second_probability", "distance")}
    separable = np.zeros(n, dtype=bool)
    why: list[str | None] = [None] * n
    known = np.zeros(n, dtype=bool)
    for at, ready, points in points_by_model(loaded, groups, rows):
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
    loaded, n = kept(models), len(models)
    found, known = np.zeros(n), np.zeros(n, dtype=bool)
    for at, ready, points in points_by_model(loaded, groups, rows):
        if ready.scorer is not None:
            found[at] = -ready.scorer.log_density(points.values)
            known[at] = points.complete
    return pa.array(found, mask=~known)


def _where(n: int, found: Sequence[tuple[slice | Ints, Model, Ints]]) -> pa.Array:
    """Group and cluster id of ``n`` rows, from the places, the model and the ids of those that have a model."""
    number, ids = np.full(n, len(found)), np.full(n, -1)
    for one, (at, _, own) in enumerate(found):
        number[at], ids[at] = one, own
    groups = pa.array([*(model.group for _, model, _ in found), None], pa.list_(pa.string()))
    fields = [groups.take(pa.array(number)), pa.array(ids.astype(np.int32), mask=ids < 0)]
    return pa.StructArray.from_arrays(fields, names=list(WHERE))


def grouped_by(models: pa.ChunkedArray) -> pa.Array:
    """The names of the columns that models are grouped by."""
    return pa.array([list(kept(models).set.by)], pa.list_(pa.string()))


def measure(models: pa.ChunkedArray) -> pa.Array:
    """Begin to measure: the key of the models in, that of the measurement out."""
    return pa.array([measuring.begin(models[0].as_py(), kept(models).function)])


def first_pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Add a chunk of rows to the evaluations; returns 1 for each, to be counted."""
    return _pass(keys, groups, rows, second=False)


def second_pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Add the same rows again."""
    return _pass(keys, groups, rows, second=True)


def _pass(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray, second: bool) -> pa.Array:
    measurement = measuring.running(keys[0].as_py().partition(" ")[0])
    loaded = kept_as(measurement.models)
    for _, ready, points in points_by_model(loaded, groups, rows):
        measuring.evaluate(measurement, ready.model, ready.scorer, points, second)
    return pa.array(np.ones(len(keys), dtype=np.int32))


def tally(keys: pa.ChunkedArray, groups: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
    """Group and cluster of each row, whose numbers are added to the sums of its cluster."""
    measurement = measuring.running(keys[0].as_py())
    numbers = {name.casefold(): name[2:] for name in names_of(rows.type) if name.startswith("n ")}
    found = []
    for at, ready, ids, part in ids_by_model(kept_as(measurement.models), groups, rows):
        columns = fields_of(part)
        measuring.tally(measurement, ready.model, ids, {shown: columns[name] for name, shown in numbers.items()})
        found.append((at, ready.model, ids))
    return _where(len(keys), found)


def evaluated(keys: pa.ChunkedArray, texts: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """The metrics of the model of each row; ``counts`` is what makes DuckDB do the passes first."""
    key = keys[0].as_py().partition(" ")[0]
    measurement = measuring.running(key)
    found = []
    loaded = kept_as(measurement.models)
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
    measuring.tell(key, len(texts), len(kept_as(measurement.models).set.models))
    return pa.array(found, pa.list_(_struct(measuring.TALLY)))


def _group_of(text: str) -> tuple[str | None, ...]:
    return tuple(json.loads(text)["group"])


def rows(models: pa.ChunkedArray) -> pa.Array:
    """The models as the rows of a table."""
    found = kept(models).set
    return pa.array([stored.to_rows(found, model_key(found))], ROWS)


def clusterability(models: pa.ChunkedArray) -> pa.Array:
    """The sets of rows of each group, as ``ppp_clusterability`` shows them."""
    found = [
        {"g": list(model.group), **vars(one), "rows": round(one.rows)}
        for model in kept(models).set.models
        for one in model.sets
    ]
    return pa.array([found], pa.list_(_struct(SETS)))


def _described(tell: Callable[..., list[dict[str, Any]]], kind: pa.DataType) -> Callable[..., pa.Array]:
    """A function of (key of the models, a row's model text, arguments): what ``tell`` says of that row's model."""

    def function(*columns: pa.ChunkedArray) -> pa.Array:
        models, texts, *arguments = columns  # DuckDB takes a signature with names and a star for one argument more
        loaded = kept(models)
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
    "ppp__by": (grouped_by, "VARCHAR[]"),
    "ppp__screen": (screen, "DOUBLE[][]"),
    "ppp__assign": (assign, "INTEGER"),
    "ppp__locate": (locate, _list(WHERE)[:-2]),
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
