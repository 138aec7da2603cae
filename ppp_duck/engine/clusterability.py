"""How clusterable the rows are, and their most separable part: each clustered anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppp_duck.engine import canonical
from ppp_duck.engine.dip import clusterability_p_value
from ppp_duck.engine.evaluate import silhouette_width
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Clustering, Floats, Ints, RowSet

Fit = Callable[[Floats, Floats], Clustering]


def row_sets(
    rows: Floats, weights: Floats, clustering: Clustering, separable_at: float, fit: Fit
) -> tuple[RowSet, ...]:
    """All of the weighted rows ``(n, d)``, the separable ones, and as many chosen by a hash of their content."""
    separable = Scorer(clustering).score(rows).separable(separable_at)
    by_hash = np.argsort(canonical.content_keys(rows), kind="stable")
    chosen = np.sort(by_hash[: int(separable.sum())])
    return (
        _judged("all", rows, weights, clustering),
        _part("separable", rows[separable], weights[separable], fit),
        _part("random", rows[chosen], weights[chosen], fit),
    )


def _part(name: str, rows: Floats, weights: Floats, fit: Fit) -> RowSet:
    if not len(rows):
        return RowSet(name, 0.0, None, None, None, None)
    return _judged(name, rows, weights, fit(rows, weights))


def _judged(name: str, rows: Floats, weights: Floats, clustering: Clustering) -> RowSet:
    labels = Scorer(clustering).assign(rows)
    return RowSet(
        name,
        float(weights.sum()),
        len(clustering.sizes),
        clusterability_p_value(rows, weights),
        clustering.overall_agreement,
        simplified_silhouette(rows, weights, labels, clustering.centers),
    )


def simplified_silhouette(rows: Floats, weights: Floats, labels: Ints, centers: Floats) -> float:
    """Weighted mean of the widths of rows ``(n, d)``; 0 for one cluster."""
    k = len(centers)
    if k == 1:
        return 0.0
    distance = np.stack([np.sqrt(((rows - center) ** 2).sum(axis=1)) for center in centers])
    row = np.arange(len(rows))
    own = distance[labels, row]
    distance[labels, row] = np.inf
    other = distance.min(axis=0)
    return float((weights * silhouette_width(own, other)).sum() / weights.sum())
