"""Models as rows and back: one row per cluster, everything needed to score in its ``model`` text.

The text is JSON, so that Parquet, CSV, JSON and any database keep it; doubles are written so that they read back bit by
bit. Each row has its own check, each fit its own number and each group its count of clusters: a row that was edited,
lost, doubled or mixed with another model's is found, and named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ppp_duck.errors import ModelError
from ppp_duck.models.description import readable_center
from ppp_duck.models.model import Model, ModelSet
from ppp_duck.models.parts import SHOWN, Part, Unfit
from ppp_duck.models.text import FORMAT, READABLE, Row, cluster, header, model_of
from ppp_duck.names import folded

LONGEST = 200  # characters of a value in a message
COLUMNS = {
    "cluster_id": "INTEGER", "size": "DOUBLE", "share": "DOUBLE", "agreement": "DOUBLE", "center": "VARCHAR",
    "model": "VARCHAR",
}  # fmt: skip


def to_rows(models: ModelSet, fit: str) -> list[dict[str, Any]]:
    """One dict per cluster with ``COLUMNS`` and ``g``, the values of the group. ``fit`` identifies the fit.

    A model without clusters is one row whose ``cluster_id`` is None.
    """
    head = {"format": FORMAT, "fit": fit, "by": models.by, "groups": len(models.models)}
    return [row for model in models.models for row in _model_rows(model, head)]


def _model_rows(model: Model, head: dict[str, Any]) -> list[dict[str, Any]]:
    clustering = model.clustering
    rows = []
    for j in range(max(model.k, 1)):
        shown: dict[str, Any] = {"cluster_id": None, "size": 0.0, "share": 0.0, "agreement": None, "center": None}
        text: dict[str, Any] = {**head, "group": model.group, "clusters": model.k}
        if j == 0:
            text["model"] = header(model)
        if clustering is not None:
            size, total = float(clustering.sizes[j]), float(clustering.sizes.sum())
            shown = {"cluster_id": j, "size": size, "share": size / total, "agreement": float(clustering.agreement[j]),
                     "center": _json(readable_center(model, j))}  # fmt: skip
            text |= cluster(model, clustering, j)
        text |= shown
        text["check"] = _check(text)
        rows.append({"g": model.group, **shown, "model": _json(text)})
    return rows


def group_of(text: str) -> tuple[str | None, ...]:
    """The group of a model text."""
    return tuple(json.loads(text)["group"])


def from_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> ModelSet:
    """The models in the rows of ``name``, a table that ``ppp_fit`` made. Raises ModelError, saying what is wrong."""
    if not rows:
        raise ModelError(f"fit again, or name another model: {name} has no rows")
    columns = {folded(column): column for column in rows[0]}
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise ModelError(f'name a model that ppp_fit made: {name} has no column "{missing[0]}"')
    texts = [_parsed(name, place, row[columns["model"]]) for place, row in enumerate(rows, 1)]
    for row, text in zip(rows, texts, strict=True):
        _compare(name, {column: row[columns[column]] for column in COLUMNS}, text)
    fits = sorted({text.fit for text in texts})
    if len(fits) > 1:
        raise ModelError(f"keep one model in {name}, or choose one of them, 'FROM {name} WHERE ...': it has rows of "
                         f"{len(fits)} fits ({', '.join(fit[:8] for fit in fits)})")  # fmt: skip
    groups: dict[tuple[str | None, ...], dict[int | None, Row]] = {}
    for text in texts:
        clusters = groups.setdefault(text.group, {})
        if text.cluster_id in clusters:
            raise ModelError(f"keep each row of {name} once: {_which(text)} is there twice")
        clusters[text.cluster_id] = text
    if len(groups) != texts[0].groups:
        raise ModelError(f"restore {name}, or fit again: {texts[0].groups - len(groups)} of its "
                         f"{texts[0].groups} groups are missing")  # fmt: skip
    order = sorted(groups, key=lambda values: [(value is None, value or "") for value in values])
    return ModelSet(texts[0].by, tuple(_model(name, texts[0], groups[values]) for values in order))


def _parsed(name: str, place: int, given: object) -> Row:
    """The checked text of one row. A database or a JSON file may have parsed it already."""
    wrong = f"restore {name}, or fit again: the model text in row {place}"
    try:
        text = given if isinstance(given, dict) else json.loads(str(given))
        check = _check(text) if isinstance(text, dict) else ""
    except (ValueError, TypeError, RecursionError):  # nested deeper than any text of ours, or half of a letter
        raise ModelError(f"{wrong} is cut off or is not JSON") from None
    if not isinstance(text, dict) or "format" not in text:
        raise ModelError(f"{wrong} is not one that ppp_fit wrote")
    if text["format"] not in READABLE:
        raise ModelError(f"use the ppp_duck that wrote {name}, or fit again: it has format "
                         f"{SHOWN.repr(text['format'])}, this version reads {FORMAT}")  # fmt: skip
    if text.get("check") != check:
        raise ModelError(f"{wrong} was changed after the fit")
    try:
        return Row.of(Part(text, f"row {place}"))
    except Unfit as error:
        raise _unfit(name, error) from None


def _compare(name: str, row: Mapping[str, Any], text: Row) -> None:
    """Raises ModelError where a readable column differs from the text. A CSV may bring numbers back as texts."""
    for column in ("cluster_id", "size", "share", "agreement", "center"):
        found, written = row[column], text.rest[column].value
        if isinstance(found, str) and isinstance(written, int | float):
            with suppress(ValueError):
                found = float(found)
        if found != written:
            raise ModelError(f"restore {name}, or fit again: {column} of {_which(text)} was changed after the fit, "
                             f"from {_shown(written)} to {_shown(found)}")  # fmt: skip


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _which(text: Row) -> str:
    of = f" of group {list(text.group)}" if text.group else ""
    return f"cluster {text.cluster_id}{of}"


def _model(name: str, first: Row, texts: Mapping[int | None, Row]) -> Model:
    """The model of one group, whose rows must be complete and those of one fit."""
    one = next(iter(texts.values()))
    k = one.clusters
    missing = next((cluster for cluster in range(k) if cluster not in texts), None)
    if missing is not None:
        where = f" of group {list(one.group)}" if one.group else ""
        raise ModelError(f"restore {name}, or fit again: cluster {missing}{where} is missing, of {k}")
    rows = [texts[cluster] for cluster in (range(k) if k else (None,))]
    try:
        for text in texts.values():
            if text.head != first.head or text.clusters != k:
                raise Unfit(f"{text.rest.place} must have the head of the other rows")
        return model_of(rows)
    except Unfit as error:
        raise _unfit(name, error) from None


def _unfit(name: str, error: Unfit) -> ModelError:
    return ModelError(f"restore {name}, or fit again: no fit writes such a model text, {error}")


def _check(text: Mapping[str, Any]) -> str:
    """The hash of a row's text, but for the hash itself."""
    return hashlib.sha256(_json({name: value for name, value in text.items() if name != "check"}).encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
