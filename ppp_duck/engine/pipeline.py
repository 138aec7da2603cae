"""Probabilistic Partitive Partitioning: k-means partitions, a Gaussian mixture validates, nothing is random."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import partition, select, validate
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.partition import Progress
from ppp_duck.model import Clustering, Floats, Ints, Mixture, Trial

_lock = threading.Lock()
_fits = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Sums in one order: BLAS runs on one thread while any fit runs (the limit is global to the process)."""
    global _fits, _limit
    with _lock:
        if _fits == 0:
            _limit = threadpool_limits(limits=1, user_api="blas")
        _fits += 1
    try:
        yield
    finally:
        with _lock:
            _fits -= 1
            if _fits == 0:
                _limit.restore_original_limits()
                _limit = None


def fit(
    rows: Floats,
    weights: Floats | None = None,
    *,
    k: int | None = None,
    k_max: int | None = None,
    covariance: str = "auto",
    progress: Progress = lambda stage, k: None,
) -> Clustering:
    """Cluster weighted rows ``(n, d)``; the result is a function of the multiset of rows and of nothing else."""
    with one_blas_thread():
        return _fit(rows, weights, k, k_max, covariance, progress)


def _fit(
    rows: Floats, weights: Floats | None, k: int | None, k_max: int | None, covariance: str, progress: Progress
) -> Clustering:
    rows, weights = partition.canonical_rows(rows, weights)
    n, d = rows.shape
    if k is not None and not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and {n}, the number of distinct rows, not {k}")
    total = float(weights.sum())
    middle = weights @ rows / total
    x = rows - middle
    unit = float(np.sqrt(weights @ np.einsum("nd,nd->n", x, x) / (total * d))) or 1.0
    x /= unit
    every = Rows.of(x, weights)

    begin = select.starts(x, weights, k or 1, progress)
    forms = gaussian.FORMS if covariance == "auto" else (covariance,)
    if k is not None:
        ks = range(k, k + 1)
    else:
        ks = range(1, 1 + min(n, begin.most, k_max or n))
    found = select.screen(every, begin, forms, ks, progress)
    values = [select.criterion(one, every) for one in found]
    order = sorted(range(len(found)), key=lambda i: values[i])
    best = order[0]
    if k is None:
        best = _first_replicated(every, found, order, progress)
    one = found[best]
    winner = select.candidate(
        every, np.argmax(one.posterior, axis=1), one.k, one.form, select.FINAL_ITERATIONS, select.TOLERANCE, progress
    )
    trials = tuple(
        _trial(every, c, unit, i == best, "lowest tempered BIC + entropy" if i == best else "higher criterion")
        for i, c in enumerate(found)
    )
    return _finish(every, winner, middle, unit, trials, k is not None, progress)


def _first_replicated(every: Rows, found: list[select.Candidate], order: list[int], progress: Progress) -> int:
    """The best candidate whose clusters the other half of the rows finds again."""
    n, d = every.x.shape
    half = validate.content_half(every.x)
    sides = [Rows.of(every.x[side], every.weights[side]) for side in (half, ~half)]
    if min(len(side.x) for side in sides) < 10:
        return order[0]
    begins = [select.starts(side.x, side.weights, 1, progress) for side in sides]
    for i in order:
        one = found[i]
        if one.k == 1 or n / (one.k * d) < 10:
            return i
        if one.k > min(begin.most for begin in begins):
            continue
        fits = [
            select.screen(side, begin, (one.form,), range(one.k, one.k + 1), progress)
            for side, begin in zip(sides, begins, strict=True)
        ]
        strength = 0.0
        for a, b in ((0, 1), (1, 0)):
            here = np.argmax(fits[a][0].posterior, axis=1)
            there = np.argmax(gaussian.log_densities(fits[b][0].mixture, sides[a]), axis=1)
            strength += 0.5 * validate.prediction_strength(sides[a].weights, here, there)
        if strength >= 0.88:
            return i
    return order[0]


def _trial(every: Rows, one: select.Candidate, unit: float, chosen: bool, why: str) -> Trial:
    total, d = float(every.weights.sum()), every.x.shape[1]
    shift = total * d * float(np.log(unit))
    value = select.bic(one, d, total)
    labels = np.argmax(one.posterior, axis=1)
    centers = partition.group_means(every.x, every.weights, labels, one.k)
    nearest = partition.nearest(every.x, centers)
    return Trial(
        one.form,
        one.k,
        one.log_likelihood - shift,
        value + 2 * shift,
        value + 2 * shift + 2 * select.entropy(every.weights, one.posterior),
        validate.agreement(every.weights, nearest, labels, one.k)[1],
        partition.inertia(every.x, every.weights, centers, nearest) * unit**2,
        chosen,
        why,
    )


def _finish(
    every: Rows, one: select.Candidate, middle: Floats, unit: float, trials: tuple[Trial, ...], exact: bool,
    progress: Progress,
) -> Clustering:
    fitted = one.mixture
    labels = np.argmax(one.posterior, axis=1)
    present = np.unique(labels)
    fitted = Mixture(
        fitted.covariance,
        fitted.weights[present] / fitted.weights[present].sum(),
        fitted.means[present],
        fitted.factors if fitted.covariance == "tied" else fitted.factors[present],
    )
    log_density = gaussian.log_densities(fitted, every)
    labels = np.argmax(log_density, axis=1)
    k = len(present)
    sizes = np.bincount(labels, every.weights, k)
    centers = partition.group_means(every.x, every.weights, labels, k)
    order: Ints = np.lexsort((*centers.T[::-1], -sizes))
    rank = np.argsort(order)
    labels = rank[labels]
    fitted = Mixture(
        fitted.covariance,
        fitted.weights[order],
        fitted.means[order] * unit + middle,
        (fitted.factors if fitted.covariance == "tied" else fitted.factors[order]) / unit,
    )
    centers, sizes = centers[order], sizes[order]
    cells, nearest = partition.lloyd(every.x, every.weights, centers, progress)
    per_cluster, overall = validate.agreement(every.weights, nearest, labels, k)
    return Clustering(
        fitted, np.arange(k), cells * unit + middle, np.arange(k), centers * unit + middle, sizes, per_cluster,
        overall, trials,
    )
