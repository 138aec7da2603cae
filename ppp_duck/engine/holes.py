"""EM where numbers are missing, exactly: log densities are those of what a row has, moments those expected of the rest.

Round and diagonal covariances need nothing but which numbers are there: features are independent in a component. For
shared and full ones, rows are taken by what they lack (Little & Rubin, Statistical Analysis with Missing Data, ch. 11):
with ``K`` the inverse of the covariance of what is there (0 elsewhere), the missing numbers are expected at
``mean + C K (x - mean)``, with the covariance ``C - C K C``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ppp_duck.engine.patterns import Patterns
from ppp_duck.engine.rows import LOG_2PI, TINY, Rows
from ppp_duck.models.model import Floats, Ints, Mixture

MATRICES = 1 << 21  # numbers of the matrices of the patterns that are worked on at once: 16 MB


def log_densities_apart(mixture: Mixture, rows: Rows, result: Floats) -> None:
    """For 'spherical' and 'diag': ``log(weight_j) + log N(what is there of x_i)`` into ``(n, m)``."""
    scale = mixture.factors if mixture.covariance == "diag" else mixture.factors[:, None]
    precision = scale**2
    linear = precision * mixture.means
    of_each = np.log(scale) - 0.5 * LOG_2PI - 0.5 * linear * mixture.means
    weight = np.log(np.maximum(mixture.weights, TINY))[:, None]
    theta = np.concatenate([weight, linear, -0.5 * precision, of_each], axis=1)
    np.matmul(theta, rows.features(mixture.covariance).T, out=result.T)


def moments_apart(rows: Rows, soft: Floats, form: str, strength: float, variance: Floats) -> tuple[Floats, Floats]:
    """Means ``(m, d)`` and covariances of 'spherical' and 'diag', with the prior, from weighted posteriors."""
    d = rows.x.shape[1]
    sums = soft.T @ rows.features(form)
    mass = sums[:, -d:]
    means = sums[:, 1 : d + 1] / np.maximum(mass, TINY)
    if form == "diag":
        spread = np.maximum(sums[:, d + 1 : -d] - mass * means**2, 0.0)
        return means, (spread + strength * variance) / (mass + strength)
    total = np.maximum(sums[:, d + 1] - np.einsum("kd,kd->k", mass, means**2), 0.0)
    return means, (total + strength * variance.sum()) / (mass.sum(axis=1) + strength * d)


def portions(patterns: Patterns, matrices: int) -> Iterator[slice]:
    """Patterns, so many at once that ``matrices`` numbers for each of them fit."""
    size = max(1, MATRICES // max(matrices, 1))
    for lo in range(0, len(patterns.seen), size):
        yield slice(lo, lo + size)


def inverses(covariance: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """``K (p, ..., d, d)`` of each pattern ``seen (p, d)`` and covariance ``(..., d, d)``, and log determinants."""
    d = seen.shape[1]
    shape = (len(seen), *[1] * (covariance.ndim - 2), d, d)
    both = (seen[:, :, None] * seen[:, None, :]).reshape(shape)
    lower = np.linalg.cholesky(covariance * both + np.eye(d) * (1 - both))
    log_det = 2 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)
    inverse = np.linalg.inv(lower)
    return np.swapaxes(inverse, -1, -2) @ inverse * both, log_det


def log_densities_together(mixture: Mixture, covariance: Floats, rows: Rows, result: Floats) -> None:
    """For 'tied' (covariance ``(d, d)``) and 'full' (``(m, d, d)``): the same, by patterns."""
    x, means, patterns = rows.x, mixture.means, rows.patterns
    d = x.shape[1]
    weight = np.log(np.maximum(mixture.weights, TINY))
    tied = covariance.ndim == 2
    for portion in portions(patterns, covariance.size):
        seen = patterns.seen[portion].astype(np.float64)
        inverse, log_det = inverses(covariance, seen)
        linear = means @ inverse if tied else (inverse @ means[:, :, None])[..., 0]
        constant = -0.5 * (seen.sum(axis=1)[:, None] * LOG_2PI + log_det.reshape(len(seen), -1)) + weight
        constant = constant - 0.5 * np.einsum("pmd,md->pm", linear, means)
        for own, at in enumerate(range(portion.start, portion.start + len(seen))):
            which = patterns.rows(at)
            some = x[which]
            found = some @ linear[own].T
            if tied:
                found -= 0.5 * np.einsum("nd,nd->n", some @ inverse[own], some)[:, None]
            else:
                row, col = np.triu_indices(d)
                second = inverse[own][:, row, col] * np.where(row == col, 0.5, 1.0)
                found -= _pairs(some, row, col) @ second.T
            found += constant[own]
            result[which] = found


def _pairs(x: Floats, row: Ints, col: Ints) -> Floats:
    return np.asarray(x[:, row] * x[:, col])


def moments_together(
    rows: Rows, soft: Floats, means: Floats, covariance: Floats, strength: float, prior: Floats
) -> tuple[Floats, Floats]:
    """Means and covariances of 'tied' or 'full', with the prior: expected moments under those before."""
    x, patterns, (m, d) = rows.x, rows.patterns, means.shape
    tied = covariance.ndim == 2
    row, col = np.triu_indices(d)
    shift, scatter = np.zeros((m, d)), np.zeros_like(covariance)
    for portion in portions(patterns, m * d * d):
        seen = patterns.seen[portion].astype(np.float64)
        mass, first = np.empty((len(seen), m)), np.empty((len(seen), m, d))
        second = np.empty((len(seen), d, d) if tied else (len(seen), m, d, d))
        for own, at in enumerate(range(portion.start, portion.start + len(seen))):
            which = patterns.rows(at)
            some, weight = x[which], soft[which]
            mass[own], first[own] = weight.sum(axis=0), weight.T @ some
            if tied:
                second[own] = (some * weight.sum(axis=1)[:, None]).T @ some
            else:
                second[own][:, row, col] = second[own][:, col, row] = weight.T @ _pairs(some, row, col)
        middle = seen[:, None, :] * means  # (p, m, d)
        gap = first - mass[:, :, None] * middle
        cross = np.einsum("pmi,pmj->pij", first, middle) if tied else first[..., None] * middle[:, :, None, :]
        own_mean = (
            (mass[:, :, None] * middle).transpose(0, 2, 1) @ middle
            if tied
            else (mass[:, :, None, None] * middle[..., None] * middle[:, :, None, :])
        )
        second = second - cross - np.swapaxes(cross, -1, -2) + own_mean
        inverse, _ = inverses(covariance, seen)
        to_all = covariance @ inverse  # from what is there to everything
        rest = covariance - to_all @ covariance
        if tied:
            shift += np.einsum("pij,pmj->mi", to_all, gap)
            scatter += np.einsum("pij->ij", to_all @ second @ np.swapaxes(to_all, -1, -2))
            scatter += np.einsum("p,pij->ij", mass.sum(axis=1), rest)
        else:
            shift += np.einsum("pmij,pmj->mi", to_all, gap)
            scatter += np.einsum("pmij->mij", to_all @ second @ np.swapaxes(to_all, -1, -2))
            scatter += np.einsum("pm,pmij->mij", mass, rest)
    total = np.maximum(soft.sum(axis=0), TINY)
    shift /= total[:, None]
    if tied:
        scatter -= (shift * total[:, None]).T @ shift
        found = (scatter + strength * prior) / (total.sum() + strength)
    else:
        scatter -= total[:, None, None] * shift[:, :, None] * shift[:, None, :]
        found = (scatter + strength * prior) / (total + strength)[:, None, None]
    return means + shift, 0.5 * (found + np.swapaxes(found, -1, -2))


def moments_of_what_is_there(x: Floats, seen: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean ``(d,)`` of the numbers that are there, and covariance ``(d, d)`` over the rows that have both.

    The latter is made positive definite: no axis, in units of the features, has less than ``1e-3`` of the variance of
    an uncorrelated feature.
    """
    mass = weights @ seen
    mean = (weights @ x) / np.maximum(mass, TINY)
    gap = (x - mean) * seen
    both = (seen * weights[:, None]).T @ seen
    covariance = (gap * weights[:, None]).T @ gap / np.maximum(both, TINY)
    scale = np.sqrt(np.maximum(np.diag(covariance), TINY))
    value, vector = np.linalg.eigh(covariance / np.outer(scale, scale))
    if value.min(initial=1.0) < 1e-3:
        covariance = (vector * np.maximum(value, 1e-3)) @ vector.T * np.outer(scale, scale)
    return mean, covariance
