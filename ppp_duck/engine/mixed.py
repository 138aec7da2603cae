"""Scoring of rows with categories or holes: the same sums element by element, over what a row has."""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.densities import has_holes
from ppp_duck.engine.rows import LOG_2PI
from ppp_duck.models.model import Bools, Floats, Ints, Layout, Mixture

ROUNDING = 2.0**-52  # of a number, that a sum may leave where it would be 0
MATRICES = 1 << 18  # numbers of the matrices that are worked on at once: 2 MB


def split_columns(rows: Floats, layout: Layout) -> tuple[Floats, Ints]:
    """Numbers ``(n, d)`` and codes ``(n, c)`` of rows; -1 is a missing category, or one that the layout lacks."""
    given = rows[:, layout.numbers :]
    known = (given >= 0) & (given < np.array(layout.levels))
    return rows[:, : layout.numbers], np.where(known, np.where(known, given, 0.0), -1.0).astype(np.int64)


def add_log_shares(found: Floats, shares: tuple[Floats, ...], codes: Ints) -> None:
    """Add the log probabilities of categories ``(n, c)``, one after the other, to log densities ``(m, n)``."""
    for share, column in zip(shares, codes.T, strict=True):
        table = np.concatenate([np.log(share), np.zeros((len(share), 1))], axis=1)  # the last one is that of -1
        found += np.take(table, column, axis=1)


def fill_in_holes(found: Floats, mixture: Mixture, x: Floats) -> None:
    """Put the log densities of points ``(d, n)`` that lack a number, over what they have, into ``found (m, n)``."""
    some = np.flatnonzero(np.isnan(x).any(axis=0)) if has_holes(x) else np.empty(0, dtype=np.int64)
    if len(some):
        apart = mixture.covariance in ("spherical", "diag")
        found[:, some] = (_of_independent if apart else _of_dependent)(mixture, x[:, some])


def _of_independent(mixture: Mixture, x: Floats) -> Floats:
    """``(m, n)`` log weight + log density of points ``(d, n)`` with holes, feature by feature."""
    seen = ~np.isnan(x)
    found = np.empty((len(mixture.weights), x.shape[1]))
    for j, weight in enumerate(np.log(mixture.weights).tolist()):
        squared, norm = np.zeros(x.shape[1]), np.full(x.shape[1], weight)
        for f in range(len(x)):
            factor = mixture.factors[j] if mixture.covariance == "spherical" else mixture.factors[j, f]
            z = np.where(seen[f], (x[f] - mixture.means[j, f]) * factor, 0.0)
            squared += z * z
            norm += np.where(seen[f], np.log(factor) - 0.5 * LOG_2PI, 0.0)
        found[j] = norm - 0.5 * squared
    return found


def _of_dependent(mixture: Mixture, x: Floats) -> Floats:
    """The same of shared or full covariances: each point by what it has, in one order of operations."""
    seen, d = ~np.isnan(x), len(x)
    patterns, owner = np.unique(seen.T, axis=0, return_inverse=True)
    owner = owner.ravel()
    order = np.argsort(patterns, axis=1, kind="stable")  # what is missing comes first
    precision = _precisions(mixture.factors).reshape(-1, d, d)
    found = np.empty((len(mixture.weights), x.shape[1]))
    size = max(1, MATRICES // precision.size)
    for lo in range(0, len(patterns), size):
        at = np.flatnonzero((owner >= lo) & (owner < lo + size))
        own = owner[at] - lo
        factors, norms = _marginals(precision, patterns[lo : lo + size], order[lo : lo + size])
        turned = order[owner[at]].T
        there = np.take_along_axis(seen[:, at], turned, axis=0)
        for j, weight in enumerate(np.log(mixture.weights).tolist()):
            k = j if len(precision) > 1 else 0
            gap = np.where(seen[:, at], x[:, at] - mixture.means[j][:, None], 0.0)
            gap, squared = np.take_along_axis(gap, turned, axis=0), np.zeros(len(at))
            for f in np.flatnonzero(there.any(axis=1)).tolist():
                z = gap[f] * factors[k, f, f][own]
                for g in range(f + 1, d):
                    z += gap[g] * factors[k, f, g][own]
                squared += np.where(there[f], z * z, 0.0)
            found[j, at] = weight + norms[k][own] - 0.5 * squared
    return found


def _marginals(precision: Floats, patterns: Bools, order: Ints) -> tuple[Floats, Floats]:
    """Of precisions ``(m, d, d)`` and patterns ``(p, d)``: factors ``(m, d, d, p)`` and log normalisers ``(m, p)``.

    Features are eliminated in the ``order (p, d)`` of a pattern, missing ones first: what is left of the row of one
    that is there, over the root of its pivot, is a line of the factor of the marginal precision. A pivot is not smaller
    than what rounding leaves where everything cancels.
    """
    least = np.einsum("mdd->md", precision)[:, order] * ROUNDING
    left = precision[:, order[:, :, None], order[:, None, :]]
    m, p, d, _ = left.shape
    factors, norms = np.zeros((m, d, d, p)), np.zeros((m, p))
    there = np.take_along_axis(patterns, order, axis=1)
    for at in range(d):
        pivot, row = np.maximum(left[:, :, at, at], least[:, :, at]), left[:, :, at, at:].copy()
        factors[:, at, at:] = (row / np.sqrt(pivot)[..., None]).transpose(0, 2, 1)
        norms += np.where(there[:, at], 0.5 * np.log(pivot) - 0.5 * LOG_2PI, 0.0)
        left[:, :, at:, at:] -= row[..., :, None] * (row / pivot[..., None])[..., None, :]
    return factors, norms


def _precisions(factors: Floats) -> Floats:
    """``L L^T`` of factors ``(..., d, d)``, summed column by column."""
    found = np.zeros_like(factors)
    for column in range(factors.shape[-1]):
        one = factors[..., :, column]
        found += one[..., :, None] * one[..., None, :]
    return found
