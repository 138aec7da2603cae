"""Probabilistic Partitive Partitioning: k-means partitions, a Gaussian mixture validates, nothing is random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ppp_duck.engine import blas, canonical, certificate, fixed, grain, select, view
from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.components import SAMPLED
from ppp_duck.engine.kmeans import basins, lloyd, moves
from ppp_duck.engine.observed import far_rows, observed_layout
from ppp_duck.engine.prepared import prepared
from ppp_duck.engine.rows import Rows
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.select import Candidate
from ppp_duck.engine.starts import Starts, starts
from ppp_duck.models.model import Clustering, Floats, Ints, Layout, Mixture, Trial

# Mean cell's inertias that a move of a center may lose at first, among all rows: birch1, birch2 and worms_2 come to
# 0.975, 1.000 and 0.9995 of the best of 100 k-means++ starts, in 5 s; without moves worms_2 had 1.0035.
DEAREST = 1.0
PURE = 0.01  # share of all levels but one's own in a component around one row: that row is its own, whatever the others
REFIT_NUMBERS = 20_000_000  # numbers in the largest feature matrix with which the last fit sees all rows: 160 MB


def fit(
    rows: Floats,
    weights: Floats | None = None,
    *,
    layout: Layout | None = None,
    k: int | None = None,
    k_max: int | None = None,
    covariance: str = "auto",
    observations: float = np.inf,
    report: bool = True,
    progress: Progress = canonical.silent,
) -> Clustering:
    """Cluster weighted rows ``(n, d)``; the result is a function of the multiset of rows and of nothing else.

    ``layout`` says which columns are numbers and which categories, and that NaN is a missing value. Without it all are
    complete numbers. Then the rows themselves show coarse grids, which components are no narrower than, and rows far
    out, which take no part. Where a layout makes a difference, 'spherical' is a mixture of round components, not
    k-means.
    ``observations``: as how many the rows count at most, where they are not independent of each other.
    ``report``: whether the result lists the candidates as ``trials``, which takes about a third of the time.
    """
    again = partial(
        fit, layout=layout, k=k, k_max=k_max, covariance=covariance, observations=observations, report=report,
        progress=progress,
    )  # fmt: skip
    if weights is not None:
        weights, power = canonical.moderate(np.asarray(weights, dtype=np.float64))
        if power != 1.0:
            one = again(rows, weights)
            return replace(one, sizes=one.sizes * power)
    if covariance != "spherical" and layout is None:
        rows, weights = canonical.canonical_rows(rows, weights)
        far = far_rows(rows, weights)
        if far.any() and np.count_nonzero(~far) > (k or 1):
            return _with_rows(again(rows[~far], weights[~far]), rows[far], weights[far])
        layout = observed_layout(rows, weights)
    with blas.one_thread:
        rows, weights = canonical.canonical_rows(rows, weights, layout is not None)
        if k is not None and not 1 <= k <= len(rows):
            raise ValueError(f"k must lie between 1 and {len(rows)}, the number of distinct rows, not {k}")
        if covariance not in ("auto", *gaussian.FORMS):
            raise ValueError(f"covariance must be one of auto, {', '.join(gaussian.FORMS)}, not {covariance}")
        return _fitted(rows, weights, layout, k, k_max, covariance, observations, report, progress)


def _fitted(
    rows: Floats, weights: Floats, layout: Layout | None, k: int | None, k_max: int | None, covariance: str,
    observations: float, report: bool, progress: Progress,
) -> Clustering:  # fmt: skip
    """The same of canonical rows."""
    every, middle, unit = prepared(rows, canonical.distinguishable(weights), layout, k or 1, observations)
    size = max(SAMPLED, 4 * (k or 1))
    sample = every if len(every.x) <= size else every.sample(size)[0]
    begin = starts(sample, k or 1, progress, covariance != "spherical" and (k or 1) <= select.MANY_ASKED)
    found = select.search(sample, begin, covariance, k, k_max, progress)

    def rows_for(form: str, m: int) -> Rows:
        return every if _in_memory(every, form, m) else sample

    at = select.choose(found, rows_for, k, k_max, progress)
    told = enumerate(found) if report else ()
    trials = tuple(_trial(sample, one, unit, i == at, k, k_max, covariance) for i, one in told)
    winner = _refit(every, sample, begin, found[at], select.is_kmeans(every, covariance), k, progress)
    result = _certified(rows, weights, every, winner, layout, middle, unit, trials, k, progress)
    if k is not None and len(result.sizes) != k:  # a component won no row: keep the form, take k-means' borders
        as_cells = _as_cells if every.mixed is None else _as_mixed_cells
        for cells in as_cells(every, sample, begin, k, winner, progress):
            result = _certified(rows, weights, every, cells, layout, middle, unit, trials, k, progress)
            if len(result.sizes) == k:
                break
    return _with_as_many(result, k)


def _with_as_many(found: Clustering, k: int | None) -> Clustering:
    if k is not None and len(found.sizes) != k:
        raise select.TooManyClustersError(len(found.sizes))
    return found


def _with_rows(found: Clustering, rows: Floats, weights: Floats) -> Clustering:
    """The clustering with sizes that count these rows, too."""
    return _resized(found, found.sizes + _counted(found, rows, weights))


def with_sizes(found: Clustering, rows: Floats, weights: Floats) -> Clustering:
    """The clustering with sizes that count these rows, and no others."""
    return _resized(found, _counted(found, rows, weights))


def _counted(found: Clustering, rows: Floats, weights: Floats) -> Floats:
    return np.bincount(Scorer(found).assign(rows), weights, len(found.sizes)).astype(np.float64)


def _resized(found: Clustering, sizes: Floats) -> Clustering:
    return certificate.in_canonical_order(replace(found, sizes=sizes))[0]


def covariance_prior(rows: Floats, weights: Floats, mixture: Mixture, layout: Layout | None = None) -> Floats:
    """The prior covariance ``(d, d)`` with which ``fit`` would fit a mixture of that form and size to these rows."""
    with blas.one_thread:
        weights, _ = canonical.moderate(weights)
        rows, weights = canonical.canonical_rows(rows, weights, layout is not None)
        every, _, unit = prepared(rows, canonical.distinguishable(weights), layout)
        found = gaussian.covariance_prior(every, mixture.covariance, len(mixture.means)).covariance * unit**2
        return np.diag(found) if found.ndim == 1 else found


def _in_memory(every: Rows, form: str, m: int) -> bool:
    """Whether features and posteriors of all rows are few enough numbers to keep."""
    d = every.x.shape[1]
    width = 1 + d * (d + 3) // 2 if form == "full" and d <= gaussian.NARROW else 1 + 2 * d
    if every.mixed is not None:
        width += d + sum(every.layout.levels)
    return bool(len(every.x) * max(width, m) <= REFIT_NUMBERS)


def _refit(
    every: Rows, sample: Rows, begin: Starts, found: Candidate, kmeans: bool, k: int | None, progress: Progress
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
    mixture, _, _ = gaussian.em(
        rows, posterior, found.form, prior, select.steps(select.FINAL_ITERATIONS, k), select.TOLERANCE, progress,
        tied=found.tied,
    )  # fmt: skip
    return replace(found, mixture=mixture)


def _best_kmeans(every: Rows, sample: Rows, firsts: list[Ints], k: int, progress: Progress) -> tuple[Floats, Ints]:
    """The best k-means partition of the sample, and from there, with few moves of centers, of all rows."""
    found = moves.best_kmeans(sample.x, sample.weights, firsts, k, progress)
    centers, labels = basins.deepest(sample.x, sample.weights, found, k, progress)
    if len(every.x) == len(sample.x):
        return centers, labels
    firsts = [lloyd.nearest(every.x, centers)]
    return moves.best_kmeans(every.x, every.weights, firsts, k, progress, DEAREST, slack=0.0)


def _as_cells(
    every: Rows, sample: Rows, begin: Starts, k: int, found: Candidate, progress: Progress
) -> Iterator[Candidate]:
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
    yield replace(found, mixture=mixture, component_cluster=np.arange(k, dtype=np.int64))


def _as_mixed_cells(
    every: Rows, sample: Rows, begin: Starts, k: int, found: Candidate, progress: Progress
) -> Iterator[Candidate]:
    """Exactly k clusters of mixed rows: of the k-means partitions of the view, then around k rows far apart."""
    own = np.arange(k, dtype=np.int64)
    prior = gaussian.covariance_prior(sample, found.form, k)
    for family in (begin.round, begin.full):
        centers = lloyd.group_means(sample.complete_view, sample.weights, family.labels(k), k)
        labels = lloyd.lloyd(sample.complete_view, sample.weights, centers, progress)[1]
        mixture = gaussian.m_step(sample, gaussian.one_hot(labels, k), found.form, prior)
        for _ in range(2):
            yield replace(found, mixture=mixture, component_cluster=own)
            mixture = _alike(mixture)
    yield replace(found, mixture=_around_rows(sample, found.form, k), component_cluster=own)


def _alike(mixture: Mixture) -> Mixture:
    """The same with equal weights, and one covariance for all components."""
    factors = mixture.factors
    if mixture.covariance != "tied":
        factors = np.repeat(np.median(factors, axis=0)[None], len(factors), axis=0)
    return replace(mixture, weights=np.full(len(mixture.weights), 1 / len(mixture.weights)), factors=factors)


def _around_rows(rows: Rows, form: str, k: int) -> Mixture:
    """Components around k rows, each the farthest from those before it: each of these rows is its own."""
    assert rows.mixed is not None
    x, codes, d = rows.complete_view, rows.mixed.codes, rows.x.shape[1]
    chosen = [int(np.argmax(np.einsum("nv,nv->n", x, x)))]
    while len(chosen) < k:
        gaps = [np.einsum("nv,nv->n", x - x[at], x - x[at]) for at in chosen]
        chosen.append(int(np.argmax(np.min(gaps, axis=0))))
    shares = []
    for column, count in zip(codes[chosen].T, rows.layout.levels, strict=True):
        likely = np.full((k, count), PURE / count)
        likely[np.arange(k), np.maximum(column, 0)] += 1 - PURE
        shares.append(likely)
    one = {"spherical": np.ones(k), "diag": np.ones((k, d)), "tied": np.eye(d)}
    factors = one[form] if form in one else np.repeat(np.eye(d)[None], k, axis=0)
    return Mixture(form, np.full(k, 1.0 / k), x[chosen][:, :d], factors, tuple(shares))


def _trial(
    rows: Rows, one: Candidate, unit: float, chosen: bool, k: int | None, k_max: int | None, covariance: str
) -> Trial:
    """A candidate as the report shows it; likelihoods and inertia in the units of the caller."""
    total, d = float(rows.weights.sum()), rows.x.shape[1]
    posterior, per_row = gaussian.responsibilities(gaussian.log_densities(one.mixture, rows))
    values = total * d if rows.seen is None else float((rows.weights @ rows.seen).sum())
    log_likelihood = float(rows.weights @ per_row) - values * float(np.log(unit))
    kmeans = select.is_kmeans(rows, covariance)
    bic = -2 * log_likelihood + gaussian.parameter_count(
        one.form, one.m, d, kmeans, rows.layout.levels, one.tied
    ) * float(np.log(total))
    labels = fixed.first_largest(posterior.T, select.EQUAL)
    centers = rows.view.group_means(rows.weights, labels, one.m)
    cells = rows.view.nearest(centers)
    group = np.arange(one.m) if one.component_cluster is None else one.component_cluster
    share = posterior if one.k == one.m else posterior @ np.eye(one.k)[group]
    entropy = -float(rows.weights @ (share * np.log(np.maximum(share, 1e-300))).sum(axis=1))
    return Trial(
        one.form,
        one.k,
        grain.told(log_likelihood),
        grain.told(bic),
        grain.told(bic + 2 * max(0.0, entropy)),
        grain.told(certificate.agreement(rows.weights, group[cells], group[labels], one.k)[1]),
        grain.told(rows.view.inertia(rows.weights, centers, cells) * unit**2),
        chosen,
        select.why(one, chosen, k, k_max),
    )


def _certified(
    rows: Floats,
    weights: Floats,
    every: Rows,
    one: Candidate,
    layout: Layout | None,
    middle: Floats,
    unit: float,
    trials: tuple[Trial, ...],
    asked: int | None,
    progress: Progress,
) -> Clustering:
    """The result: canonical ids, sizes and centres of the rows that scoring gives each cluster, and the agreement."""
    assert one.component_cluster is not None
    own = one.mixture
    axes: tuple[Floats, ...] = ()
    if every.mixed is not None:
        axes = tuple(places * unit for places in every.mixed.axes)
        middle = np.concatenate([middle, np.zeros(every.view.x.shape[1] - len(middle))])
    d = own.means.shape[1]
    factors = own.factors / unit
    mixture = grain.rounded(
        Mixture(own.covariance, np.maximum(own.weights, 1e-300), own.means * unit + middle[:d], factors, own.shares)
    )
    group = one.component_cluster
    progress("certificate", int(group.max()) + 1)
    mixture, group, labels = _without_empty(rows, mixture, group, layout)
    k = int(group.max()) + 1
    sizes = np.bincount(labels, weights, k).astype(np.float64)
    centers = every.view.group_means(weights, labels, k)
    order = certificate.canonical_order(centers, sizes)
    rank = np.argsort(order).astype(np.int64)
    group, labels, sizes, centers = rank[group], rank[labels], sizes[order], centers[order]
    first = centers
    if len(group) != k:
        first = (view.places_of(mixture.means, mixture.shares, axes) - middle) / unit
    cells, owner = every.view.lloyd(every.weights, first, progress, select.steps(view.ITERATIONS, asked))
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
        layout,
        axes,
    )


def _without_empty(rows: Floats, mixture: Mixture, group: Ints, layout: Layout | None) -> tuple[Mixture, Ints, Ints]:
    """The mixture, the cluster of each component and the labels: a cluster that wins no row is none."""
    labels = _assign(rows, mixture, group, layout)
    kept = np.unique(labels)
    if len(kept) == int(group.max()) + 1:
        return mixture, group, labels
    inside = np.isin(group, kept)
    share = mixture.weights[inside] / mixture.weights[inside].sum()
    factors = mixture.factors if mixture.covariance == "tied" else mixture.factors[inside]
    shares = tuple(one[inside] for one in mixture.shares)
    mixture = Mixture(mixture.covariance, share, mixture.means[inside], factors, shares)
    group = np.searchsorted(kept, group[inside])
    return mixture, group, _assign(rows, mixture, group, layout)


def _assign(rows: Floats, mixture: Mixture, group: Ints, layout: Layout | None) -> Ints:
    """Labels by the one definition of scoring."""
    k = int(group.max()) + 1
    nothing = np.zeros(k)
    places = np.zeros((k, rows.shape[1]))
    found = Clustering(mixture, group, mixture.means, group, places, nothing, nothing, 0.0, (), layout)
    return Scorer(found).assign(rows)
