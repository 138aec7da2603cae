"""How clusterable the rows are, and their most separable part: each clustered anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppp_duck.engine import canonical
from ppp_duck.engine.densities import distances
from ppp_duck.engine.dip import clusterability_p_value
from ppp_duck.engine.evaluate import silhouette_width
from ppp_duck.engine.score import Scorer, Scores
from ppp_duck.models.confidence import confidence
from ppp_duck.models.model import Clustering, Floats, Ints, RowSet

COARSE = 0.05  # half a step of a grid, in standard deviations, from which the dip test sees its points

Fit = Callable[[Floats, Floats], Clustering]


def row_sets(
    rows: Floats, weights: Floats, clustering: Clustering, separable_at: float, fit: Fit
) -> tuple[RowSet, ...]:
    """All of the weighted rows ``(n, d)``, the separable ones, and as many chosen by a hash of their content."""
    scores = Scorer(clustering).score(rows)
    separable = scores.separable(separable_at)
    by_hash = np.argsort(canonical.content_keys(rows), kind="stable")
    chosen = np.sort(by_hash[: int(separable.sum())])
    return (
        _judged("all", rows, weights, clustering, scores, separable_at),
        _part("separable", rows[separable], weights[separable], fit, separable_at),
        _part("random", rows[chosen], weights[chosen], fit, separable_at),
    )


def _part(name: str, rows: Floats, weights: Floats, fit: Fit, separable_at: float) -> RowSet:
    if not len(rows):
        return RowSet(name, 0.0, None, None, None, None, None)
    clustering = fit(rows, weights)
    return _judged(name, rows, weights, clustering, Scorer(clustering).score(rows), separable_at)


def _judged(
    name: str, rows: Floats, weights: Floats, clustering: Clustering, scores: Scores, separable_at: float
) -> RowSet:
    p_value = one_mode_p_value(rows, weights, clustering)
    return RowSet(
        name,
        float(weights.sum()),
        len(clustering.sizes),
        1.0 if p_value is None else p_value,
        clustering.overall_agreement,
        simplified_silhouette(Scorer(clustering).view(rows), weights, scores.cluster_id, clustering.centers),
        _in_words(weights, clustering, scores, separable_at, p_value),
    )


def how_sure(rows: Floats, weights: Floats, clustering: Clustering, scores: Scores, separable_at: float) -> str:
    """How sure the partition of weighted rows ``(n, d)``, whose scores are known, is, in words."""
    one = len(clustering.sizes) == 1
    p_value = one_mode_p_value(rows, weights, clustering) if one else 0.0  # several clusters have several modes
    return _in_words(weights, clustering, scores, separable_at, p_value)


def _in_words(
    weights: Floats, clustering: Clustering, scores: Scores, separable_at: float, p_value: float | None
) -> str:
    share = float(weights[scores.separable(separable_at)].sum() / weights.sum())
    return confidence(len(clustering.sizes), share, clustering.overall_agreement, separable_at, p_value)


def one_mode_p_value(rows: Floats, weights: Floats, clustering: Clustering) -> float | None:
    """The p-value of one mode in the numbers of rows ``(n, d)``, a missing one as the mean; None where there are none.

    Numbers on a coarse grid, and categories, are left out: the dip test takes each of their values for a mode.
    """
    layout = clustering.layout
    d = rows.shape[1] if layout is None else layout.numbers
    floors = np.zeros(d) if layout is None or not layout.floors else np.array(layout.floors)
    x = rows[:, :d][:, floors <= COARSE]
    seen = ~np.isnan(x)
    x = x[:, seen.any(axis=0)]
    if not x.shape[1]:
        return None
    seen = ~np.isnan(x)
    mean = (weights @ np.where(seen, x, 0.0)) / (weights @ seen)
    return clusterability_p_value(np.where(seen, x, mean), weights)


def simplified_silhouette(view: Floats, weights: Floats, labels: Ints, centers: Floats) -> float:
    """Weighted mean of the widths of rows as k-means sees them ``(n, v)``; 0 for one cluster."""
    k = len(centers)
    if k == 1:
        return 0.0
    distance = np.stack([distances(view, center) for center in centers])
    row = np.arange(len(view))
    own = distance[labels, row]
    distance[labels, row] = np.inf
    other = distance.min(axis=0)
    return float((weights * silhouette_width(own, other)).sum() / weights.sum())
