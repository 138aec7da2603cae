"""The one place that changes a connection: Python functions and SQL macros in, nothing left in the user's file."""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ppp_duck import rewrite, sources
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import PPPError
from ppp_duck.features import Points, encode, reasons
from ppp_duck.fitting import fit_model, model_key
from ppp_duck.model import SCORE_COLUMNS, Model
from ppp_duck.options import check_options
from ppp_duck.stepping import SteppedFit

MODELS_KEPT = 64  # scored by statements that run now; a model is a few kilobytes

_lock = threading.Lock()
_numbers = itertools.count(1)
_connections: dict[int, weakref.ref[duckdb.DuckDBPyConnection]] = {}
_fits: dict[str, SteppedFit[Model | None]] = {}
_scorers: OrderedDict[str, tuple[Model, Scorer | None]] = OrderedDict()


def register(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Make every ``ppp_`` function available in the SQL of ``con``; returns ``con``.

    The macros are temporary and belong to this connection; call it for each connection or cursor that needs them, as
    often as you like. The Python functions behind them are shared by all connections to the same database.

    >>> con = register(duckdb.connect())
    >>> con.execute("CREATE TABLE t AS SELECT i // 50 * 10.0 + i % 7 * 0.1e0 AS x FROM range(100) r(i)").fetchall()
    [(100,)]
    >>> con.execute("SELECT cluster_id, count(*) FROM ppp_cluster('t', k := 2) GROUP BY ALL ORDER BY ALL").fetchall()
    [(0, 50), (1, 50)]
    """
    with _lock:
        _create_functions(con)
        number = next((n for n, known in _connections.items() if known() is con), None)
        if number is None:
            number = next(_numbers)
            _connections[number] = weakref.ref(con, functools.partial(_forget, number))
    con.execute(f"CREATE OR REPLACE TEMP MACRO ppp__connection() AS {number}").fetchall()
    for path in sorted(sql_directory().glob("*.sql")):
        con.execute(path.read_text(encoding="utf-8")).fetchall()
    return con


def connect(database: str | Path = ":memory:", **arguments: Any) -> duckdb.DuckDBPyConnection:
    """``duckdb.connect`` and ``register`` in one: a plain DuckDB connection that knows the ``ppp_`` functions."""
    return register(duckdb.connect(str(database), **arguments))


def sql_directory() -> Path:
    """Where the ``.sql`` files are: inside an installed package, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "sql" if (here / "sql").is_dir() else here.parent / "sql"


def _forget(number: int, gone: object) -> None:
    _connections.pop(number, None)


def _create_functions(con: duckdb.DuckDBPyConnection) -> None:
    # On a cursor, so that a rollback of the caller's transaction does not take them away from other connections.
    cursor = con.cursor()
    try:
        known = {row[0] for row in cursor.execute(
            "SELECT function_name FROM duckdb_functions() WHERE starts_with(function_name, 'ppp__')"
        ).fetchall()}  # fmt: skip
        for name, (function, returns, volatile) in FUNCTIONS.items():
            if name not in known:
                cursor.create_function(  # type: ignore[call-overload, unused-ignore]
                    name, function, None, returns, type="arrow", null_handling="special", side_effects=volatile
                )
    finally:
        cursor.close()


def _rewrite(*arguments: pa.ChunkedArray) -> pa.Array:
    """Bind time: the call's arguments in, the statement's text out. Folded by DuckDB, so called with one row."""
    number, search_path, function, src, given = (argument[0].as_py() for argument in arguments)
    con = _connections[number]()
    if con is None:
        raise PPPError("call ppp_duck.register(con) again: the connection that registered these functions is gone")
    options = check_options(function, given)
    cursor = con.cursor()
    try:
        if search_path:
            cursor.execute(f"SET search_path = {sources.literal(search_path)}").fetchall()
        source = sources.find_source(function, src, cursor)
        if source.columns is None and options.columns is None:
            raise sources.unseen(function, source, cursor)
    finally:
        cursor.close()
    call = rewrite.plan_call(function, source, options)
    rewrite.check_sampling(call)
    return pa.array([rewrite.statement(call, source)])


def _fit(call_json: pa.ChunkedArray, summary: pa.ChunkedArray, sample: pa.ChunkedArray) -> pa.Array:
    """Begin to fit: one row in, 'fit:<number>' out. The work is done by ``_step``."""
    call = rewrite.Call.from_json(call_json[0].as_py())
    counts = summary[0].as_py()
    rows = sample[0].values  # None where the list is NULL: no rows
    begun = SteppedFit(functools.partial(fit_model, call, counts, rows))
    with _lock:
        for gone in [state for state, fit in _fits.items() if fit.abandoned]:
            del _fits[gone]
        state = f"fit:{next(_numbers)}"
        _fits[state] = begun
    return pa.array([state])


def _step(states: pa.ChunkedArray) -> pa.Array:
    """Go on for a slice of time: the same state again, or 'model:<key>' when done."""
    state = states[0].as_py()
    fit = _fits[state]
    try:
        done = fit.step()
    except BaseException:
        _fits.pop(state, None)
        raise
    if not done:
        return pa.array([state])
    del _fits[state]
    model = fit.result()
    if model is None:
        return pa.array(["model:none"])
    key = f"model:{model_key(model)}"
    with _lock:
        _scorers[key] = (model, None if model.clustering is None else Scorer(model.clustering))
        _scorers.move_to_end(key)
        while len(_scorers) > MODELS_KEPT:
            _scorers.popitem(last=False)
    return pa.array([key])


def _assign(models: pa.ChunkedArray, *columns: pa.ChunkedArray) -> pa.Array:
    """Cluster ids of one chunk of rows."""
    model, scorer = _scorer(models)
    points = encode(model.features, columns, model.impute) if model.features else _alike(len(models))
    if scorer is None:
        return pa.nulls(len(models), pa.int32())
    return pa.array(scorer.assign(points.values).astype(np.int32), mask=~points.complete)


def _score(models: pa.ChunkedArray, *columns: pa.ChunkedArray) -> pa.Array:
    """Every new column of one chunk of rows, as a struct."""
    model, scorer = _scorer(models)
    points = encode(model.features, columns, model.impute) if model.features else _alike(len(models))
    fields: list[pa.Array] = [pa.nulls(len(models), SCORE_TYPES[kind]) for kind in SCORE_COLUMNS.values()]
    if scorer is not None:
        scores, missing = scorer.score(points.values), ~points.complete
        separable = (scores.cluster_id == scores.kmeans_id) & (scores.probability >= model.separable_at)
        alone = missing | (scores.second_cluster_id < 0)
        fields = [
            pa.array(scores.cluster_id.astype(np.int32), mask=missing),
            pa.array(scores.probability, mask=missing),
            pa.array(scores.second_cluster_id.astype(np.int32), mask=alone),
            pa.array(scores.second_probability, mask=alone),
            pa.array(scores.distance, mask=missing),
            pa.array(scores.kmeans_id.astype(np.int32), mask=missing),
            pa.array(separable, mask=missing),
            None,
        ]
    fields[-1] = pa.array(reasons(model.features, points), pa.string())
    return pa.StructArray.from_arrays(fields, names=list(SCORE_COLUMNS))


def _scorer(models: pa.ChunkedArray) -> tuple[Model, Scorer | None]:
    key = models[0].as_py()
    if key not in _scorers:
        raise PPPError(f"run the statement again: {key} is no longer in memory, {MODELS_KEPT} later fits pushed it out")
    return _scorers[key]


def _alike(n: int) -> Points:
    """Where no feature varies, every row is the same point."""
    return Points(np.zeros((n, 1)), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64))


SCORE_TYPES = {"INTEGER": pa.int32(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string()}

# name -> (function, what it returns, volatile). The rewrite must be folded while binding, so it is not volatile; the
# others are, so that the optimizer never evaluates one twice for the same row.
FUNCTIONS: dict[str, tuple[Callable[..., pa.Array], str, bool]] = {
    "ppp__rewrite": (_rewrite, "VARCHAR", False),
    "ppp__fit": (_fit, "VARCHAR", True),
    "ppp__step": (_step, "VARCHAR", True),
    "ppp__assign": (_assign, "INTEGER", True),
    "ppp__score": (_score, "STRUCT(" + ", ".join(f"{name} {kind}" for name, kind in SCORE_COLUMNS.items()) + ")", True),
}
