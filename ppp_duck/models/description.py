"""What is known of a model, in the units of its columns: centres, trials, properties, differences of clusters."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ppp_duck.errors import ModelError
from ppp_duck.models.model import Feature, Floats, Model

CENTERS = {
    "cluster_id": "INTEGER", "feature": "VARCHAR", "value": "DOUBLE", "kind": "VARCHAR", "stddev": "DOUBLE",
    "category": "VARCHAR", "share": "DOUBLE",
}  # fmt: skip
TRIALS = {
    "covariance": "VARCHAR", "k": "INTEGER", "log_likelihood": "DOUBLE", "bic": "DOUBLE", "icl": "DOUBLE",
    "agreement": "DOUBLE", "inertia": "DOUBLE", "chosen": "BOOLEAN", "why": "VARCHAR",
}  # fmt: skip
INFO = {"property": "VARCHAR", "value": "VARCHAR"}
COMPARE = {"feature": "VARCHAR", "a": "DOUBLE", "b": "DOUBLE", "kind": "VARCHAR", "score": "DOUBLE"}

DAY = 86_400.0  # seconds; standard deviations of dates are in days, of times, timestamps and intervals in seconds
EPOCH = datetime.datetime(1970, 1, 1)


def named_positions(model: Model) -> Iterator[tuple[Feature, str, str | None]]:
    """The feature, the name and the category (None but for texts) of each of the d positions of a point."""
    for feature in model.features:
        for position in range(feature.shown):
            name = f"{feature.name}[{position + 1}]" if feature.kind == "vector" else feature.name
            yield feature, name, feature.category_names[position] if feature.kind == "text" else None


def centers(model: Model) -> list[dict[str, Any]]:
    """Mean and standard deviation by cluster and feature: by position of a vector, by category of a text (a share)."""
    if model.means is None or model.spreads is None:
        return []
    rows = []
    for cluster, (means, spreads) in enumerate(zip(model.means.tolist(), model.spreads.tolist(), strict=True)):
        for (feature, name, category), mean, spread in zip(named_positions(model), means, spreads, strict=False):
            row: dict[str, Any] = {"cluster_id": cluster, "feature": name, "category": category}
            if category is not None:
                row["share"] = mean
            else:
                kind = member(feature.type)
                row |= {"value": mean, "kind": kind, "stddev": spread / DAY if kind == "date" else spread}
            rows.append(row)
    return rows


def readable_center(model: Model, cluster: int) -> dict[str, Any]:
    """The centre of a cluster in the units of the columns: texts by their most frequent category, dates as dates."""
    assert model.means is not None
    center: dict[str, Any] = {}
    at = 0
    for feature in model.features:
        values = model.means[cluster, at : at + feature.shown]
        at += len(values)
        if feature.kind == "text":
            names = feature.category_names
            center[feature.name] = names[int(np.argmax(values))] if names else None
        elif feature.kind == "vector":
            center[feature.name] = values.tolist()
        else:
            value = original(feature.type, float(values[0]))
            center[feature.name] = value if isinstance(value, float) else str(value)
    return center


def trials(model: Model) -> list[dict[str, Any]]:
    """Every candidate that the search weighed."""
    return [] if model.clustering is None else [asdict(trial) for trial in model.clustering.trials]


def info(model: Model) -> list[dict[str, Any]]:
    """Properties: of the clustering, the data, the options, the versions."""
    clustering = model.clustering
    if clustering is None:
        lines = [("k", "0"), ("reason", model.note)]
    else:
        lines = [
            ("k", str(len(clustering.sizes))),
            ("covariance", clustering.mixture.covariance),
            ("components", str(len(clustering.mixture.means))),
            ("agreement", repr(clustering.overall_agreement)),
            *(("chosen_because", trial.why) for trial in clustering.trials if trial.chosen),
        ]
    return [{"property": name, "value": value} for name, value in (*lines, *model.report)]


def compare(model: Model, a: int, b: int | None) -> list[dict[str, Any]]:
    """Means of cluster ``a`` and of ``b`` (None: all the others together), the strongest difference first."""
    rows: list[dict[str, Any]] = []
    for feature, name, category, figures in differences(model, a, b):
        kind = "number" if category is not None else member(feature.type)
        rows.append({"feature": name if category is None else f"{name} = {category}", "kind": kind, **figures})
    return sorted(rows, key=lambda row: (-row["score"], row["feature"]))


def differences(
    model: Model, a: int, b: int | None
) -> Iterator[tuple[Feature, str, str | None, dict[str, float]]]:  # fmt: skip
    """Of each position (its feature, name and category): the means ``a`` and ``b`` of clusters, and their ``score``.

    ``score`` is the absolute value of Cohen's d: the difference of the means in units of the root of the mean of both
    variances (Cohen, Statistical Power Analysis, 1988, §2.2). The mean of a category is its share p, its variance
    p (1 - p).
    """
    clustering = model.clustering
    if clustering is None:
        raise ModelError(f"ppp_compare: compare clusters of another model, this one has none ({model.note})")
    k = len(clustering.sizes)
    for name, cluster in (("a", a), ("b", b)):
        if cluster is not None and cluster >= k:
            raise ModelError(f"ppp_compare: set {name} to a cluster from 0 to {k - 1}, not {cluster}")
    assert model.means is not None
    assert model.spreads is not None
    others = np.array([j for j in range(k) if (j == b if b is not None else j != a)], dtype=np.int64)
    if not len(others):
        return  # the only cluster has no others
    # In units of a power of two, which costs no digit: so squares stay in range.
    exponent = np.frexp(np.maximum(np.abs(model.means), model.spreads).max(axis=0))[1]
    means, spreads = np.ldexp(model.means, -exponent), np.ldexp(model.spreads, -exponent)
    mean_a, variance_a = means[a], spreads[a] ** 2
    mean_b, variance_b = together(clustering.sizes[others], means[others], spreads[others])
    gap, pooled = np.abs(mean_a - mean_b), np.sqrt((variance_a + variance_b) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(gap > 0, gap / pooled, 0.0)  # infinite where neither varies
    shown_a, shown_b = np.ldexp(mean_a, exponent), np.ldexp(mean_b, exponent)
    for place, position in enumerate(named_positions(model)):
        yield *position, {"a": float(shown_a[place]), "b": float(shown_b[place]), "score": float(score[place])}


def together(sizes: Floats, means: Floats, spreads: Floats) -> tuple[Floats, Floats]:
    """Mean and variance ``(d,)`` of the union of clusters ``(c,)``, ``(c, d)``; of empty ones of their own means."""
    share = (sizes / sizes.sum() if sizes.any() else np.full(len(sizes), 1 / len(sizes)))[:, None]
    mean = (share * means).sum(axis=0)
    return mean, (share * (spreads**2 + (means - mean) ** 2)).sum(axis=0)


def member(type_name: str) -> str:
    """The member of the UNION of sql/values.sql for a number from a column of this type.

    >>> [member(t) for t in ("DECIMAL(9,2)", "DATE", "TIMESTAMP WITH TIME ZONE", "TIME", "INTERVAL", "BOOLEAN")]
    ['number', 'date', 'timestamp', 'time', 'interval', 'number']
    """
    name = re.split(r"[\s_(]", type_name.upper())[0]
    return {"DATE": "date", "TIMESTAMP": "timestamp", "TIME": "time", "INTERVAL": "interval"}.get(name, "number")


def use(feature: Feature) -> str:
    """A feature with its type and its use, as ``ppp_info`` lists it."""
    return f"{feature.name} ({feature.type}, as {treatment(feature)})"


def treatment(feature: Feature) -> str:
    """As what a feature is used, in a word or two."""
    if feature.kind == "text":
        return "category" if feature.codes else "text"
    if feature.codes and not feature.apart:
        return "category" if len(feature.levels) == 2 else "levels"
    words = "logarithm" if feature.log_unit else feature.kind
    if not feature.apart:
        return words
    apart = [original(feature.type, one) for one in feature.apart]
    *first, last = (f"{one:g}" if isinstance(one, float) else str(one) for one in apart)
    return f"{words}, with {', '.join(first)}{' and ' if first else ''}{last} apart"


def original(type_name: str, value: float) -> float | datetime.date | datetime.time | datetime.timedelta:
    """A feature's value as a value of its column's type: the inverse of sql/feature_types.sql.

    Dates are rounded to days, times to microseconds. A mean of booleans is a share and stays a number, and so does a
    date beyond Python's calendar.

    >>> original("DATE", 86400.0 * 365), original("INTEGER", 2.5), original("TIME", 3600.5)
    (datetime.date(1971, 1, 1), 2.5, datetime.time(1, 0, 0, 500000))
    """
    kind = member(type_name)
    if kind == "number" or not math.isfinite(value):
        return value
    try:
        if kind == "date":
            return (EPOCH + datetime.timedelta(days=round(value / DAY))).date()
        if kind == "timestamp":
            return EPOCH + datetime.timedelta(microseconds=round(value * 1e6))
        if kind == "time":
            return (EPOCH + datetime.timedelta(microseconds=min(max(round(value * 1e6), 0), 86_399_999_999))).time()
        return datetime.timedelta(microseconds=round(value * 1e6))
    except OverflowError:
        return value
