"""Candidates (a mixture for every form and number of components), what is a cluster in each, and which one is best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import modality, partition
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.partition import LabelsAt, Progress
from ppp_duck.model import Floats, Ints, Mixture

EFFECTIVE = 4000.0  # the likelihood of n rows counts as that of 4000 n / (4000 + n): real rows are not quite Gaussian
ENTROPY = 0.0
BOTH = 1
AG = 0.25
AGC = 0.0
LLOYD = 0
VIEW = 12  # leading axes that cuts and merges of wide rows look at
SCREEN_ITERATIONS = 12
FINAL_ITERATIONS = 200
TOLERANCE = 1e-6  # nats per row
SHORTLIST = 8  # per form: the candidates of lowest tempered BIC, whose components are looked at for valleys


@dataclass(frozen=True)
class Starts:
    """Two deterministic families of partitions, one for every k: of full Gaussians, and of round ones (Ward)."""

    full: LabelsAt
    round: LabelsAt
    most: int  # the largest k they offer


@dataclass(frozen=True)
class Candidate:
    """One fitted mixture, and which of its components are one cluster."""

    form: str
    mixture: Mixture
    log_likelihood: float
    tempered_bic: float
    component_cluster: Ints | None = None  # (m,); None: not shortlisted, so not looked at
    entropy: float = 0.0  # of the cluster posteriors, in nats, weighted sum over rows
    score: float = np.inf  # tempered BIC + tempered entropy, lower is better

    @property
    def m(self) -> int:
        return len(self.mixture.means)

    @property
    def k(self) -> int:
        return self.m if self.component_cluster is None else int(self.component_cluster.max()) + 1


def starts(rows: Rows, smallest: int, progress: Progress) -> Starts:
    """Tree, leaves, Lloyd over the leaves, agglomeration; 3 sqrt(n) leaves, 400 at most, 2 ``smallest`` at least."""
    x, weights = rows.x, rows.weights
    count = int(min(len(x), max(min(400, 3 * np.sqrt(len(x))), 2 * smallest)))
    view = x @ partition.principal_axes(x, weights, VIEW) if x.shape[1] > VIEW else x
    if not view.shape[1]:  # all rows are equal up to rounding
        view = x[:, :1]
    leaves = partition.grow_tree(view, weights, count, progress)
    centers = partition.group_means(view, weights, leaves, int(leaves.max()) + 1)
    _, leaves = partition.lloyd(view, weights, centers, progress, 10)
    leaves = np.unique(leaves, return_inverse=True)[1].astype(np.int64)
    full = partition.agglomerate(view, weights, leaves, 1, "full", progress)
    ward = partition.agglomerate(view, weights, leaves, 1, "spherical", progress)
    return Starts(full, ward, int(leaves.max()) + 1)


def kmeans_mixture(rows: Rows, centers: Floats, labels: Ints) -> Mixture:
    """K-means as a mixture: equal weights, one variance shared by all features and cells (inertia / (n d))."""
    k, d = centers.shape
    variance = partition.inertia(rows.x, rows.weights, centers, labels) / (float(rows.weights.sum()) * d)
    return Mixture("spherical", np.full(k, 1.0 / k), centers, np.full(k, 1.0 / np.sqrt(max(variance, 1e-12))))


def tempered(total: float) -> float:
    """The size that a likelihood of ``total`` weighted rows counts as."""
    return EFFECTIVE * total / (EFFECTIVE + total)


def parameters(found: Candidate, d: int, kmeans: bool) -> int:
    return found.m * d + 1 if kmeans else gaussian.parameter_count(found.form, found.m, d)


def weigh(rows: Rows, form: str, mixture: Mixture, log_likelihood: float, kmeans: bool) -> Candidate:
    """A candidate with its tempered BIC."""
    total = float(rows.weights.sum())
    size = tempered(total)
    found = Candidate(form, mixture, log_likelihood, 0.0)
    penalty = parameters(found, rows.x.shape[1], kmeans) * float(np.log(max(size, 2.0)))
    return replace(found, tempered_bic=-2 * log_likelihood * size / total + penalty)


def fit_candidate(rows: Rows, begin: Starts, form: str, m: int, kmeans: bool, progress: Progress) -> Candidate:
    """Lloyd (k-means) or a short EM, from the partition into m."""
    labels = (begin.round if form in ("spherical", "tied") else begin.full)(m)
    if kmeans:
        centers = partition.group_means(rows.x, rows.weights, labels, m)
        centers, labels = partition.lloyd(rows.x, rows.weights, centers, progress)
        mixture = kmeans_mixture(rows, centers, labels)
        per_row = gaussian.responsibilities(gaussian.log_densities(mixture, rows))[1]
        return weigh(rows, form, mixture, float(rows.weights @ per_row), True)
    prior = gaussian.covariance_prior(rows.x, rows.weights, form, m)
    starts = [begin.round(m)] if form in ("spherical", "tied") else [begin.full(m)]
    if BOTH == 1 and form not in ("spherical", "tied"):
        starts.append(begin.round(m))
    if BOTH == 2:
        starts = [begin.full(m), begin.round(m)]
    if BOTH == 3:
        starts = [begin.round(m)]
    found = []
    for labels in starts:
        start = gaussian.one_hot(labels, m)
        mixture, log_likelihood, _ = gaussian.em(rows, start, form, prior, SCREEN_ITERATIONS, TOLERANCE, progress)
        found.append(weigh(rows, form, mixture, log_likelihood, False))
    return min(found, key=lambda one: one.tempered_bic)


def ladder(fit: Callable[[int], Candidate], least: int, most: int) -> list[Candidate]:
    """Candidates over m: one by one at first, then in steps of a tenth, then the gaps beside the best filled."""
    found: dict[int, Candidate] = {}

    def best() -> int:
        return min(found, key=lambda m: (found[m].tempered_bic, m))

    m = least
    while m <= most and (not found or m <= best() + 5 + best() // 4):
        found[m] = fit(m)
        m += max(1, m // 10)
    known, at = sorted(found), best()
    below = max((m for m in known if m < at), default=at)
    above = min((m for m in known if m > at), default=at)
    for m in range(below + 1, above):
        if m not in found:
            found[m] = fit(m)
    return [found[m] for m in sorted(found)]


def look(rows: Rows, found: Candidate, merge: bool = True) -> Candidate:
    """The candidate with its clusters, the entropy of their posteriors, and its score."""
    posterior, _ = gaussian.responsibilities(gaussian.log_densities(found.mixture, rows))
    group = np.arange(found.m, dtype=np.int64)
    if merge:
        group = modality.clusters(found.mixture, rows.x, rows.weights, posterior)
    share = posterior @ np.eye(int(group.max()) + 1)[group]
    entropy = max(0.0, -float(rows.weights @ np.einsum("nk,nk->n", share, np.log(np.maximum(share, 1e-300)))))
    total = float(rows.weights.sum())
    labels = np.argmax(posterior, axis=1)
    if LLOYD:
        cells = partition.lloyd(rows.x, rows.weights, found.mixture.means, iterations=LLOYD)[1]
    else:
        cells = partition.nearest(rows.x, found.mixture.means)
    off = float(rows.weights @ (cells != labels))
    offc = float(rows.weights @ (group[cells] != group[labels]))
    size = tempered(total) / total
    score = found.tempered_bic + size * (AG * off + AGC * offc) + ENTROPY * tempered(total) / total * entropy
    return replace(found, component_cluster=group, entropy=entropy, score=score)


def forms_to_try(covariance: str, d: int) -> tuple[str, ...]:
    """'auto': every form; a full covariance has too many parameters to be found by its BIC in more than 8 features."""
    if covariance != "auto":
        return (covariance,)
    return tuple(form for form in gaussian.FORMS if form != "full" or d <= gaussian.NARROW)


def search(rows: Rows, begin: Starts, covariance: str, k: int | None, most: int, progress: Progress) -> list[Candidate]:
    """Every candidate weighed. With k given: k components as they are, and more components that merge to k clusters."""
    kmeans = covariance == "spherical"
    found: list[Candidate] = []
    for form in forms_to_try(covariance, rows.x.shape[1]):

        def fit(m: int, form: str = form) -> Candidate:
            return fit_candidate(rows, begin, form, m, kmeans, progress)

        if k is None:
            every = ladder(fit, 1, most)
        elif kmeans:
            every = [fit(k)]
        else:
            every = ladder(fit, k, min(begin.most, k + 8 + k // 2))
        ranked = sorted(every, key=lambda one: one.tempered_bic)
        for place, one in enumerate(ranked):
            if k is not None and one.m == k:
                found.append(look(rows, one, merge=False))
            elif place < SHORTLIST:
                progress("valleys", one.m)
                found.append(look(rows, one))
            else:
                found.append(one)
    return found


def choose(found: list[Candidate], k: int | None, k_max: int | None) -> int | None:
    """Index of the best candidate that has been looked at and keeps to the bounds; None if there is none."""
    fit_for = [
        i
        for i, one in enumerate(found)
        if one.component_cluster is not None and (k is None or one.k == k) and (k_max is None or one.k <= k_max)
    ]
    return min(fit_for, key=lambda i: (found[i].score, i), default=None)


def why(found: Candidate, chosen: bool, k: int | None, k_max: int | None) -> str:
    """A few words on what became of a candidate."""
    merged = "" if found.m == found.k else f"{found.m} components, no valley between some; "
    if chosen:
        return merged + "lowest tempered BIC + entropy"
    if found.component_cluster is None:
        return "tempered BIC too high to be looked at"
    if k is not None and found.k != k:
        return merged + f"not {k} clusters"
    if k_max is not None and found.k > k_max:
        return merged + f"more than {k_max} clusters"
    return merged + "higher tempered BIC + entropy"
