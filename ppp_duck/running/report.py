"""What ppp_info says of the data and the options; fingerprints of both, and of models."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import ROW_GROUP, TEXT, numbered
from ppp_duck.errors import show
from ppp_duck.models.description import use
from ppp_duck.models.model import Model, ModelSet
from ppp_duck.names import folded
from ppp_duck.running.group import Group
from ppp_duck.version import VERSION


def report(group: Group, model: Model, duckdb_version: str) -> tuple[tuple[str, str], ...]:
    """What ``ppp_info`` says of the data and the options, and nothing for a function but ``ppp_fit``."""
    call, content = group.call, group.content
    if content is None:
        return ()
    used = content["used_rows"] or 0
    sampled = 0 if group.sample is None else len(group.sample)
    all_distinct = sampled <= call.options.sample_size
    lines = [("source", call.source), ("fingerprint", _fingerprint(group))]
    lines += [("rows", str(group.rows)), ("rows_used", str(used)), ("rows_skipped", str(group.rows - used))]
    for index, feature in enumerate(call.features):
        missing = group.missing(index)
        if missing and feature.name not in group.dropped:
            fate = {"impute": "imputed", "auto": "incomplete"}.get(model.missing, "skipped")
            lines.append((f"rows_{fate}: {feature.name}", f"{missing} NULL, NaN or infinite"))
    lines.append(("sample", f"all {sampled} distinct rows" if all_distinct else f"{sampled - 1} distinct rows"))
    if call.options.refine:  # a refinement writes here what it did
        lines.append(("refined", "not needed: the fit saw all distinct rows" if all_distinct else "nothing to refine"))
    lines.append(("columns_used", ", ".join(use(feature) for feature in model.features)))
    lines += [(f"column_dropped: {name}", why) for name, why in (*call.dropped, *group.dropped.items())]
    lines += [(f"option: {name}", show(value)) for name, value in _options(call).items()]
    return (*lines, ("ppp_duck_version", VERSION), ("duckdb_version", duckdb_version))


def _options(call: Call) -> dict[str, object]:
    """The options that decide a fit, as given."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(call.options).items()}
    return {name: value for name, value in given.items() if name not in ("output", "prefix")}


def _fingerprint(group: Group) -> str:
    """A hash of the data and the options: counts, extremes and content keys of all rows, and the sample's values.

    The order of rows or columns, names of sources, storage and versions do not change it.
    """
    columns = []
    for index, feature in enumerate(group.call.features):
        form = group.form(index)
        name = numbered(form, index)
        figures = {key[len(name) :]: value for key, value in group.summary.items() if key.startswith(f"{name}_")}
        if form != TEXT:
            figures = {_first_name(key): value for key, value in figures.items()}
        columns.append([folded(feature.name), form[0], figures])
    options = {**_options(group.call), "columns": None}  # ``columns`` has them
    rows = {"g" if name == ROW_GROUP else name: value for name, value in (group.content or {}).items()}
    digest = hashlib.sha256(json.dumps([options, columns, rows], sort_keys=True, default=str).encode())
    weights, sampled = group.weighted
    digest.update(weights.tobytes())
    for column in sampled.values():
        if column.null_count < len(column):
            digest.update(_content(column))
    return digest.hexdigest()[:32]


def _first_name(figure: str) -> str:
    """What a figure of a number was called when the first fingerprints were made."""
    return figure.replace("_half_low", "_first").replace("_factor", "_per")


def _content(column: pa.Array) -> bytes:
    """The values of a column: texts as JSON; numbers and lists of them bit by bit, with what is NULL."""
    listed = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not listed and not pa.types.is_floating(column.type):
        return json.dumps(column.to_pylist()).encode()
    numbers = column.flatten() if listed else column
    bits = numbers.fill_null(0.0).to_numpy(zero_copy_only=False).astype("<f8")
    return b"".join(part.tobytes() for part in (np.asarray(column.is_null()), np.asarray(numbers.is_null()), bits))


def model_key(models: ModelSet) -> str:
    """A hash of everything in the models: equal models have equal keys."""
    digest = hashlib.sha256()
    _feed(digest, models)
    return digest.hexdigest()[:32]


def _feed(digest: Any, value: object) -> None:
    if is_dataclass(value):
        for field in fields(value):
            _feed(digest, getattr(value, field.name))
    elif isinstance(value, tuple):
        digest.update(b"(%d" % len(value))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    else:
        digest.update(repr(value).encode() + b";")
