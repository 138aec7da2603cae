"""What a model says of itself, in the units of its columns: centres, trials, properties, differences of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ppp_duck.errors import ModelError
from ppp_duck.model import Feature, Floats, Model
from ppp_duck.values import member

CENTERS = {
    "cluster_id": "INTEGER",
    "feature": "VARCHAR",
    "value": "DOUBLE",
    "kind": "VARCHAR",
    "stddev": "DOUBLE",
    "category": "VARCHAR",
    "share": "DOUBLE",
}
TRIALS = {
    "covariance": "VARCHAR",
    "k": "INTEGER",
    "log_likelihood": "DOUBLE",
    "bic": "DOUBLE",
    "icl": "DOUBLE",
    "agreement": "DOUBLE",
    "inertia": "DOUBLE",
    "chosen": "BOOLEAN",
    "why": "VARCHAR",
}
INFO = {"property": "VARCHAR", "value": "VARCHAR"}
COMPARE = {"feature": "VARCHAR", "a": "DOUBLE", "b": "DOUBLE", "kind": "VARCHAR", "score": "DOUBLE"}

DAY = 86_400.0  # standard deviations of dates are in days, of times, timestamps and intervals in seconds


def _positions(model: Model) -> Iterator[tuple[Feature, str, str | None]]:
    """Of each of the d positions: its feature, its name, its category (texts only)."""
    for feature in model.features:
        for position in range(len(feature.center)):
            name = f"{feature.name}[{position + 1}]" if feature.kind == "vector" else feature.name
            yield feature, name, feature.category_names[position] if feature.kind == "text" else None


def centers(model: Model) -> list[dict[str, Any]]:
    """Per cluster and feature (per position of a vector, per category of a text) the mean and standard deviation."""
    found: list[dict[str, Any]] = []
    if model.means is None or model.spreads is None:
        return found
    for cluster, (means, spreads) in enumerate(zip(model.means, model.spreads, strict=True)):
        for place, (feature, name, category) in enumerate(_positions(model)):
            row: dict[str, Any] = {"cluster_id": cluster, "feature": name, "category": category}
            if category is not None:
                row["share"] = float(means[place])
            else:
                kind, spread = member(feature.type), float(spreads[place])
                row |= {
                    "value": float(means[place]),
                    "kind": kind,
                    "stddev": spread / DAY if kind == "date" else spread,
                }
            found.append(row)
    return found


def trials(model: Model) -> list[dict[str, Any]]:
    """Every candidate that the search weighed."""
    return [] if model.clustering is None else [asdict(trial) for trial in model.clustering.trials]


def info(model: Model) -> list[dict[str, Any]]:
    """Properties: of the clustering, the data, the options, the versions."""
    found: list[tuple[str, str]] = []
    clustering = model.clustering
    if clustering is None:
        found.append(("k", "0"))
        found.append(("reason", model.note))
    else:
        found.append(("k", str(len(clustering.sizes))))
        found.append(("covariance", clustering.mixture.covariance))
        found.append(("components", str(len(clustering.mixture.means))))
        found.append(("agreement", repr(clustering.overall_agreement)))
        chosen = [trial.why for trial in clustering.trials if trial.chosen]
        found += [("chosen_because", why) for why in chosen]
    return [{"property": name, "value": value} for name, value in (*found, *model.report)]


def compare(model: Model, a: int, b: int | None) -> list[dict[str, Any]]:
    """Means of cluster ``a`` and of ``b`` (None: all the others together), the strongest difference first.

    ``score`` is Cohen's d, the difference of the means in units of the pooled within-cluster standard deviation
    (Cohen, Statistical Power Analysis, 1988, §2.2: the root of the mean of both variances), always positive; for a
    category the means are its shares p, of variance p (1 - p).
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
        return []  # the only cluster has no others
    mean_a, variance_a = model.means[a], model.spreads[a] ** 2
    mean_b, variance_b = _together(clustering.sizes[others], model.means[others], model.spreads[others])
    gap, pooled = np.abs(mean_a - mean_b), np.sqrt((variance_a + variance_b) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(gap > 0, gap / pooled, 0.0)  # infinite where neither varies
    found: list[dict[str, Any]] = []
    for place, (feature, name, category) in enumerate(_positions(model)):
        kind = "number" if category is not None else member(feature.type)
        named = name if category is None else f"{name} = {category}"
        row = {"feature": named, "a": float(mean_a[place]), "b": float(mean_b[place]), "kind": kind}
        found.append({**row, "score": float(score[place])})
    return sorted(found, key=lambda row: (-row["score"], row["feature"]))


def _together(sizes: Floats, means: Floats, spreads: Floats) -> tuple[Floats, Floats]:
    """Mean and variance ``(d,)`` of several clusters taken as one."""
    share = (sizes / sizes.sum())[:, None]
    mean = (share * means).sum(axis=0)
    return mean, (share * (spreads**2 + (means - mean) ** 2)).sum(axis=0)
