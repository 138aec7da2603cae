"""Probabilistic Partitive Partitioning: k-means partitions, a Gaussian mixture validates, nothing is random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppp_duck.engine import blas, canonical, certificate, modality, select
from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.kmeans import lloyd, moves
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.select import Candidate
from ppp_duck.models.model import Clustering, Floats, Ints, Mixture, Trial

DEAREST = 1.0  # of all rows, moves of centers are tried that lose no more at first than a mean cell's inertia
REFIT_NUMBERS = 20_000_000  # entries of the largest feature matrix (160 MB) with which the last fit sees all rows


def fit(
    rows: Floats,
    weights: Floats | None = None,
    *,
    k: int | None = None,
    k_max: int | None = None,
    covariance: str = "auto",
    report: bool = True,
    progress: Progress = canonical.silent,
) -> Clustering:
    """Cluster weighted rows ``(n, d)``; the result is a function of the multiset of rows and of nothing else.

    ``report``: whether the result lists the candidates as ``trials``, which takes about a tenth of the time.
    """
    with blas.one_thread:
        rows, weights = canonical.canonical_rows(rows, weights)
        if k is not None and not 1 <= k <= len(rows):
            raise ValueError(f"k must lie between 1 and {len(rows)}, the number of distinct rows, not {k}")
        if covariance not in ("auto", *gaussian.FORMS):
            raise ValueError(f"covariance must be one of auto, {', '.join(gaussian.FORMS)}, not {covariance}")
        every, middle, unit = _centered(rows, weights)
        size = max(modality.SAMPLED, 4 * (k or 1))
        sample = every if len(every.x) <= size else every.sample(size)[0]
        begin = select.starts(sample, k or 1, progress)
        found = select.search(sample, begin, covariance, k, k_max, progress)

        def rows_for(form: str, m: int) -> Rows:
            return every if _in_memory(every, form, m) else sample

        at = select.choose(found, rows_for, k, k_max, progress)
        told = enumerate(found) if report else ()
        trials = tuple(_trial(sample, one, unit, i == at, k, k_max, covariance) for i, one in told)
        winner = _refit(every, sample, begin, found[at], covariance == "spherical", k, progress)
        result = _certified(rows, every, winner, middle, unit, trials, progress)
        if k is not None and len(result.sizes) != k:  # a component won no row: keep the form, take k-means' borders
            cells = _as_cells(every, sample, begin, k, winner, progress)
            result = _certified(rows, every, cells, middle, unit, trials, progress)
        return result


def _centered(rows: Floats, weights: Floats) -> tuple[Rows, Floats, float]:
    """Rows around their mean, in units of their root mean variance: products of features then lose no digits."""
    total = float(weights.sum())
    middle = weights @ rows / total
    x = rows - middle
    unit = float(np.sqrt(sum(weights @ column**2 for column in x.T) / (total * rows.shape[1])))
    if not unit > 1e-12 * max(1.0, float(np.abs(middle).max())):  # all rows equal
        unit = 1.0
    x /= unit
    return Rows.of(x, weights), middle, unit


def covariance_prior(rows: Floats, weights: Floats, mixture: Mixture) -> Floats:
    """The prior covariance ``(d, d)`` with which ``fit`` would fit a mixture of that form and size to these rows."""
    with blas.one_thread:
        rows, weights = canonical.canonical_rows(rows, weights)
        every, _, unit = _centered(rows, weights)
        return gaussian.covariance_prior(every, mixture.covariance, len(mixture.means)).covariance * unit**2


def _in_memory(every: Rows, form: str, m: int) -> bool:
    """Whether features and posteriors of all rows are few enough numbers to keep."""
    d = every.x.shape[1]
    width = 1 + d * (d + 3) // 2 if form == "full" and d <= gaussian.NARROW else 1 + 2 * d
    return bool(len(every.x) * max(width, m) <= REFIT_NUMBERS)


def _refit(
    every: Rows, sample: Rows, begin: select.Starts, found: Candidate, kmeans: bool, k: int | None, progress: Progress
) -> Candidate:
    """The winner, run to convergence on all rows (on the sample, where all rows are too many numbers)."""
    m = found.m
    if kmeans:
        firsts = [lloyd.nearest(sample.x, found.mixture.means), begin.round.labels(m), begin.full.labels(m)]
        centers, labels = _best_kmeans(every, sample, firsts, m, progress)
        fitted = replace(found, mixture=select.kmeans_mixture(every, centers, labels))
        if k is not None:
            return replace(fitted, component_cluster=np.arange(m, dtype=np.int64))
        return select.look(sample, fitted)
    rows = every if _in_memory(every, found.form, m) else sample
    prior = gaussian.covariance_prior(rows, found.form, m)
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(found.mixture, rows))
    mixture, _, _ = gaussian.em(rows, posterior, found.form, prior, select.FINAL_ITERATIONS, select.TOLERANCE, progress)
    return replace(found, mixture=mixture)


def _best_kmeans(every: Rows, sample: Rows, firsts: list[Ints], k: int, progress: Progress) -> tuple[Floats, Ints]:
    """The best k-means partition of the sample, and from there, with few moves of centers, of all rows."""
    centers, labels = moves.best_kmeans(sample.x, sample.weights, firsts, k, progress)
    if len(every.x) == len(sample.x):
        return centers, labels
    firsts = [lloyd.nearest(every.x, centers)]
    return moves.best_kmeans(every.x, every.weights, firsts, k, progress, DEAREST, slack=0.0)


def _as_cells(
    every: Rows, sample: Rows, begin: select.Starts, k: int, found: Candidate, progress: Progress
) -> Candidate:
    """Exactly k clusters in the asked form: the best k-means partition, one shared round covariance."""
    centers, labels = _best_kmeans(every, sample, [begin.round.labels(k), begin.full.labels(k)], k, progress)
    round_one = select.kmeans_mixture(every, centers, labels)
    d, scale = centers.shape[1], float(round_one.factors[0])
    factors = {
        "spherical": round_one.factors,
        "diag": np.full((k, d), scale),
        "tied": scale * np.eye(d),
        "full": np.repeat(scale * np.eye(d)[None], k, axis=0),
    }[found.form]
    mixture = Mixture(found.form, round_one.weights, centers, factors)
    return replace(found, mixture=mixture, component_cluster=np.arange(k, dtype=np.int64))


def _trial(
    rows: Rows, one: Candidate, unit: float, chosen: bool, k: int | None, k_max: int | None, covariance: str
) -> Trial:
    """A candidate as the report shows it; likelihoods and inertia in the units of the caller."""
    total, d = float(rows.weights.sum()), rows.x.shape[1]
    posterior, per_row = gaussian.responsibilities(gaussian.log_densities(one.mixture, rows))
    log_likelihood = float(rows.weights @ per_row) - total * d * float(np.log(unit))
    bic = -2 * log_likelihood + gaussian.parameter_count(one.form, one.m, d, covariance == "spherical") * float(
        np.log(total)
    )
    labels = np.argmax(posterior, axis=1)
    centers = lloyd.group_means(rows.x, rows.weights, labels, one.m)
    cells = lloyd.nearest(rows.x, centers)
    group = np.arange(one.m) if one.component_cluster is None else one.component_cluster
    share = posterior @ np.eye(one.k)[group]
    entropy = -float(rows.weights @ np.einsum("nk,nk->n", share, np.log(np.maximum(share, 1e-300))))
    return Trial(
        one.form,
        one.k,
        log_likelihood,
        bic,
        bic + 2 * max(0.0, entropy),
        certificate.agreement(rows.weights, group[cells], group[labels], one.k)[1],
        lloyd.inertia(rows.x, rows.weights, centers, cells) * unit**2,
        chosen,
        select.why(one, chosen, k, k_max),
    )


def _certified(
    rows: Floats,
    every: Rows,
    one: Candidate,
    middle: Floats,
    unit: float,
    trials: tuple[Trial, ...],
    progress: Progress,
) -> Clustering:
    """The result: canonical ids, sizes and centres of the rows that scoring gives each cluster, and the agreement."""
    assert one.component_cluster is not None
    own = one.mixture
    factors = own.factors / unit
    mixture = Mixture(own.covariance, np.maximum(own.weights, 1e-300), own.means * unit + middle, factors)
    group, cells = one.component_cluster, mixture.means
    labels = _assign(rows, mixture, group)
    progress("certificate", int(group.max()) + 1)
    kept = np.unique(labels)  # a cluster that wins no row is none
    if len(kept) < int(group.max()) + 1:
        inside = np.isin(group, kept)
        tied = mixture.covariance == "tied"
        share = mixture.weights[inside] / mixture.weights[inside].sum()
        mixture = Mixture(mixture.covariance, share, mixture.means[inside], factors if tied else factors[inside])
        group, cells = np.searchsorted(kept, group[inside]), mixture.means
        labels = _assign(rows, mixture, group)
    k = int(group.max()) + 1
    sizes = np.bincount(labels, every.weights, k).astype(np.float64)
    centers = lloyd.group_means(every.x, every.weights, labels, k)
    order = certificate.canonical_order(centers, sizes)
    rank = np.argsort(order).astype(np.int64)
    group, labels, sizes, centers = rank[group], rank[labels], sizes[order], centers[order]
    first = centers if len(group) == k else (cells - middle) / unit
    cells, owner = lloyd.lloyd(every.x, every.weights, first, progress)
    if len(group) == k:
        cell_cluster: Ints = np.arange(k, dtype=np.int64)
    else:
        cell_cluster = certificate.majority(every.weights, owner, labels, len(cells), k)
    per_cluster, overall = certificate.agreement(every.weights, cell_cluster[owner], labels, k)
    return Clustering(
        mixture,
        group,
        cells * unit + middle,
        cell_cluster,
        centers * unit + middle,
        sizes,
        per_cluster,
        overall,
        trials,
    )


def _assign(rows: Floats, mixture: Mixture, group: Ints) -> Ints:
    """Labels by the one definition of scoring."""
    k = int(group.max()) + 1
    nothing = np.zeros(k)
    places = np.zeros((k, rows.shape[1]))
    return Scorer(Clustering(mixture, group, mixture.means, group, places, nothing, nothing, 0.0, ())).assign(rows)
