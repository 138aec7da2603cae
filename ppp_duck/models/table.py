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
from dataclasses import asdict, astuple, replace
from typing import Any

import numpy as np

from ppp_duck.errors import ModelError
from ppp_duck.models.description import readable_center
from ppp_duck.models.model import Clustering, Feature, Floats, Layout, Mixture, Model, ModelSet, Trial

FORMAT = 2
READABLE = (1, FORMAT)  # 1: features had no codes, floors and limits, and rows with holes were skipped or imputed
COLUMNS = {
    "cluster_id": "INTEGER", "size": "DOUBLE", "share": "DOUBLE", "agreement": "DOUBLE", "center": "VARCHAR",
    "model": "VARCHAR",
}  # fmt: skip
ARRAYS = ("center", "scale", "fill")
TUPLES = ("categories", "floors", "levels")


def to_rows(models: ModelSet, fit: str) -> list[dict[str, Any]]:
    """One dict per cluster with ``COLUMNS`` and ``g``, the values of the group. ``fit`` identifies the fit.

    A model without clusters is one row whose ``cluster_id`` is None.
    """
    head = {"format": FORMAT, "fit": fit, "by": models.by, "groups": len(models.models)}
    return [row for model in models.models for row in _model_rows(model, head)]


def _model_rows(model: Model, head: dict[str, Any]) -> list[dict[str, Any]]:
    clustering = model.clustering
    k = 0 if clustering is None else len(clustering.sizes)
    rows = []
    for j in range(max(k, 1)):
        shown: dict[str, Any] = {"cluster_id": None, "size": 0.0, "share": 0.0, "agreement": None, "center": None}
        text: dict[str, Any] = {**head, "group": model.group, "clusters": k}
        if j == 0:
            text["model"] = _header(model)
        if clustering is not None:
            size, total = float(clustering.sizes[j]), float(clustering.sizes.sum())
            shown = {"cluster_id": j, "size": size, "share": size / total, "agreement": float(clustering.agreement[j]),
                     "center": _json(readable_center(model, j))}  # fmt: skip
            text |= _cluster(model, clustering, j)
        text |= shown
        text["check"] = _check(text)
        rows.append({"g": model.group, **shown, "model": _json(text)})
    return rows


def _header(model: Model) -> dict[str, Any]:
    """The part of a model that belongs to no cluster."""
    features = [
        {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(feature).items()}
        for feature in model.features
    ]
    header: dict[str, Any] = {"features": features, "missing": model.missing, "separable_at": model.separable_at,
                              "note": model.note, "report": model.report}  # fmt: skip
    if model.clustering is not None:
        mixture = model.clustering.mixture
        header["covariance"] = mixture.covariance
        header["tied_factor"] = mixture.factors.tolist() if mixture.covariance == "tied" else None
        header["overall_agreement"] = model.clustering.overall_agreement
        header["trials"] = [astuple(trial) for trial in model.clustering.trials]
        if model.clustering.layout is not None:  # models of numbers only have the text that they always had
            header["layout"] = asdict(model.clustering.layout)
            header["axes"] = [axes.tolist() for axes in model.clustering.axes]
    return header


def _cluster(model: Model, clustering: Clustering, j: int) -> dict[str, Any]:
    """The part of a model that belongs to cluster ``j``."""
    mixture = clustering.mixture
    shared = mixture.covariance == "tied"
    components = [
        {"index": i, "weight": float(mixture.weights[i]), "mean": mixture.means[i].tolist(),
         "factor": None if shared else mixture.factors[i].tolist()}
        for i in np.flatnonzero(clustering.component_cluster == j).tolist()
    ]  # fmt: skip
    if mixture.shares:
        for one in components:
            one["shares"] = [share[one["index"]].tolist() for share in mixture.shares]
    cells = [
        {"index": i, "center": clustering.kmeans_centers[i].tolist()}
        for i in np.flatnonzero(clustering.kmeans_cluster == j).tolist()
    ]
    assert model.means is not None
    assert model.spreads is not None
    return {"components": components, "cells": cells, "scaled_center": clustering.centers[j].tolist(),
            "mean": model.means[j].tolist(), "spread": model.spreads[j].tolist()}  # fmt: skip


def group_of(text: str) -> tuple[str | None, ...]:
    """The group of a model text."""
    return tuple(json.loads(text)["group"])


def from_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> ModelSet:
    """The models in the rows of ``name``, a table that ``ppp_fit`` made. Raises ModelError, saying what is wrong."""
    if not rows:
        raise ModelError(f"fit again, or name another model: {name} has no rows")
    columns = {column.casefold(): column for column in rows[0]}
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise ModelError(f'name a model that ppp_fit made: {name} has no column "{missing[0]}"')
    texts = [_parsed(name, place, row[columns["model"]]) for place, row in enumerate(rows, 1)]
    for row, text in zip(rows, texts, strict=True):
        _compare(name, {column: row[columns[column]] for column in COLUMNS}, text)
    fits = sorted({text["fit"] for text in texts})
    if len(fits) > 1:
        raise ModelError(f"keep one model in {name}, or choose one with model := 'FROM {name} WHERE ...': it has rows "
                         f"of {len(fits)} fits ({', '.join(fit[:8] for fit in fits)})")  # fmt: skip
    groups: dict[tuple[str | None, ...], dict[int | None, dict[str, Any]]] = {}
    for text in texts:
        clusters = groups.setdefault(tuple(text["group"]), {})
        if text["cluster_id"] in clusters:
            raise ModelError(f"keep each row of {name} once: {_which(text)} is there twice")
        clusters[text["cluster_id"]] = text
    if len(groups) != texts[0]["groups"]:
        raise ModelError(f"restore {name}, or fit again: {texts[0]['groups'] - len(groups)} of its "
                         f"{texts[0]['groups']} groups are missing")  # fmt: skip
    order = sorted(groups, key=lambda values: [(value is None, value or "") for value in values])
    models = [_model(name, values, groups[values]) for values in order]
    return ModelSet(tuple(texts[0]["by"]), tuple(models))


def _parsed(name: str, place: int, given: object) -> dict[str, Any]:
    """The checked text of one row. A database or a JSON file may have parsed it already."""
    wrong = f"restore {name}, or fit again: the model text in row {place}"
    try:
        text = given if isinstance(given, dict) else json.loads(str(given))
    except ValueError:
        raise ModelError(f"{wrong} is cut off or is not JSON") from None
    if not isinstance(text, dict) or "format" not in text:
        raise ModelError(f"{wrong} is not one that ppp_fit wrote")
    if text["format"] not in READABLE:
        raise ModelError(f"use the ppp_duck that wrote {name}, or fit again: it has format {text['format']}, "
                         f"this version reads {FORMAT}")  # fmt: skip
    if text.get("check") != _check(text):
        raise ModelError(f"{wrong} was changed after the fit")
    return text


def _compare(name: str, row: Mapping[str, Any], text: Mapping[str, Any]) -> None:
    """Raises ModelError where a readable column differs from the text. A CSV may bring numbers back as texts."""
    for column in ("cluster_id", "size", "share", "agreement", "center"):
        found, written = row[column], text[column]
        if isinstance(found, str) and isinstance(written, int | float):
            with suppress(ValueError):
                found = float(found)
        if found != written:
            raise ModelError(f"restore {name}, or fit again: {column} of {_which(text)} was changed after the fit, "
                             f"from {written} to {found}")  # fmt: skip


def _which(text: Mapping[str, Any]) -> str:
    of = f" of group {text['group']}" if text["group"] else ""
    return f"cluster {text['cluster_id']}{of}"


def _model(name: str, group: tuple[str | None, ...], texts: dict[int | None, dict[str, Any]]) -> Model:
    k = next(iter(texts.values()))["clusters"]
    wanted: list[int | None] = list(range(k)) if k else [None]
    missing = [cluster for cluster in wanted if cluster not in texts]
    if missing:
        where = f" of group {list(group)}" if group else ""
        raise ModelError(f"restore {name}, or fit again: cluster {missing[0]}{where} is missing, of {k}")
    header = texts[wanted[0]]["model"]
    features = tuple(
        Feature(
            **{**one, **{key: np.array(one[key]) for key in ARRAYS}, **{key: tuple(one.get(key, ())) for key in TUPLES}}
        )
        for one in header["features"]
    )
    report = tuple((key, value) for key, value in header["report"])
    missing_rows = header["missing"] if "missing" in header else "impute" if header["impute"] else "skip"
    model = Model(features, missing_rows, header["separable_at"], None, header["note"], group, report=report)
    if not k:
        return model
    rows = [texts[cluster] for cluster in wanted]
    components = sorted((one["index"], j, one) for j, row in enumerate(rows) for one in row["components"])
    cells = sorted((one["index"], j, one["center"]) for j, row in enumerate(rows) for one in row["cells"])
    parts = [component for _, _, component in components]
    shared, (layout, axes) = header["tied_factor"], _layout(header)
    factors = [part["factor"] for part in parts] if shared is None else shared
    mixture = Mixture(header["covariance"], _stack(parts, "weight"), _stack(parts, "mean"), np.array(factors))
    if layout is not None:
        mixture = _with_shares(mixture, layout, [part.get("shares", []) for part in parts])
    clustering = Clustering(
        mixture=mixture,
        component_cluster=np.array([j for _, j, _ in components], dtype=np.int64),
        kmeans_centers=np.array([center for _, _, center in cells]),
        kmeans_cluster=np.array([j for _, j, _ in cells], dtype=np.int64),
        centers=_stack(rows, "scaled_center"), sizes=_stack(rows, "size"), agreement=_stack(rows, "agreement"),
        overall_agreement=header["overall_agreement"], trials=tuple(Trial(*trial) for trial in header["trials"]),
        layout=layout, axes=axes,
    )  # fmt: skip
    return replace(model, clustering=clustering, means=_stack(rows, "mean"), spreads=_stack(rows, "spread"))


def _layout(header: Mapping[str, Any]) -> tuple[Layout | None, tuple[Floats, ...]]:
    """The layout of the rows, and the places of categories in the view; a model of numbers only has none."""
    if "layout" not in header:
        return None, ()
    given = header["layout"]
    layout = Layout(given["numbers"], tuple(given["levels"]), tuple(given["floors"]))
    shapes = [(levels, -1) for levels in layout.levels]
    return layout, tuple(np.array(one).reshape(shape) for one, shape in zip(header["axes"], shapes, strict=True))


def _with_shares(mixture: Mixture, layout: Layout, shares: list[list[list[float]]]) -> Mixture:
    """The mixture with the shares of each component's categories. Without numbers arrays have lost their shape."""
    m, d = len(mixture.weights), layout.numbers
    shapes = {"spherical": (m,), "diag": (m, d), "tied": (d, d), "full": (m, d, d)}
    by_category = tuple(np.array([one[c] for one in shares]) for c in range(len(layout.levels)))
    factors = mixture.factors.reshape(shapes[mixture.covariance])
    return replace(mixture, means=mixture.means.reshape(m, d), factors=factors, shares=by_category)


def _stack(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _check(text: Mapping[str, Any]) -> str:
    """The hash of a row's text, but for the hash itself."""
    return hashlib.sha256(_json({name: value for name, value in text.items() if name != "check"}).encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
