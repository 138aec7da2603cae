"""Candidates (a mixture for every k and covariance form) and the criteria that compare them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine import partition
from ppp_duck.engine.mixture import Rows
from ppp_duck.engine.partition import Progress
from ppp_duck.model import Floats, Ints, Mixture

EFFECTIVE = 4000.0  # a likelihood of n rows counts as one of 4000 n / (4000 + n): real data are never quite Gaussian
SCREEN_ITERATIONS = 12
FINAL_ITERATIONS = 200
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Candidate:
    """One fitted mixture: ``k`` components of one form."""

    form: str
    k: int
    mixture: Mixture
    log_likelihood: float
    posterior: Floats  # (n, k)


@dataclass(frozen=True)
class Starts:
    """Two deterministic families of partitions, one for every k: of full Gaussians, and of round ones (Ward)."""

    full: partition.LabelsAt
    round: partition.LabelsAt
    most: int  # the largest k they offer


def starts(x: Floats, weights: Floats, smallest: int, progress: Progress) -> Starts:
    """Tree, leaves, Lloyd, agglomeration."""
    count = int(min(len(x), max(min(400, 3 * np.sqrt(len(x))), 2 * smallest)))
    view = x
    if x.shape[1] > 12:  # cuts and merges of wide rows look at the leading axes only
        view = x @ partition.principal_axes(x, weights, 12)
    leaves = partition.grow_tree(view, weights, count, progress)
    leaves_count = int(leaves.max()) + 1
    centers = partition.group_means(view, weights, leaves, leaves_count)
    _, leaves = partition.lloyd(view, weights, centers, progress, 10)
    leaves = np.unique(leaves, return_inverse=True)[1]
    full = partition.agglomerate(view, weights, leaves, 1, "full", progress)
    ward = partition.agglomerate(view, weights, leaves, 1, "spherical", progress)
    return Starts(full, ward, int(leaves.max()) + 1)


def candidate(
    rows: Rows, labels: Ints, k: int, form: str, iterations: int, tolerance: float, progress: Progress
) -> Candidate:
    """EM from a partition."""
    prior = gaussian.covariance_prior(rows.x, rows.weights, k)
    posterior = gaussian.one_hot(labels, k)
    fitted, log_likelihood, posterior = gaussian.em(rows, posterior, form, prior, iterations, tolerance, progress)
    return Candidate(form, k, fitted, log_likelihood, posterior)


def entropy(weights: Floats, posterior: Floats) -> float:
    """Weighted sum over rows of the entropy of their posterior, in nats."""
    return -float(weights @ np.einsum("nk,nk->n", posterior, np.log(np.maximum(posterior, 1e-300))))


def effective_size(total: float) -> float:
    return EFFECTIVE * total / (EFFECTIVE + total)


def bic(found: Candidate, d: int, total: float) -> float:
    """Schwarz's criterion, lower is better."""
    return -2 * found.log_likelihood + gaussian.parameter_count(found.form, found.k, d) * float(np.log(total))


def criterion(found: Candidate, rows: Rows) -> float:
    """Tempered BIC plus the entropy of the labels, lower is better."""
    total = float(rows.weights.sum())
    n_eff = effective_size(total)
    cost = -2 * found.log_likelihood + entropy(rows.weights, found.posterior)
    size = gaussian.parameter_count(found.form, found.k, rows.x.shape[1])
    return n_eff / total * cost + size * float(np.log(n_eff))


def screen(
    rows: Rows, begin: Starts, forms: tuple[str, ...], ks: range, progress: Progress
) -> list[Candidate]:
    """Short EM runs for every form and k, up from the smallest k until the criterion has long been rising."""
    found: list[Candidate] = []
    for form in forms:
        family = begin.round if form in ("spherical", "tied") else begin.full
        best, best_k = np.inf, ks.start
        for k in ks:
            if k > best_k + 5 + best_k // 4 or k > begin.most:
                break
            one = candidate(rows, family(k), k, form, SCREEN_ITERATIONS, TOLERANCE, progress)
            found.append(one)
            value = criterion(one, rows)
            if value < best:
                best, best_k = value, k
    return found
