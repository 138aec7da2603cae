"""The Gaussian mixture side: EM over weighted rows, with a prior on the covariances that keeps them regular.

The penalised log likelihood that EM climbs is ``sum_i w_i log p(x_i) - s/2 sum_j [log|C_j| + tr(C_j^-1 P)]``: each
covariance sees ``s`` more observations of covariance ``P`` (``Prior``); j runs over the covariances, so tied has one.
Forms as in ``ppp_duck.models.model.Mixture``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine import categories, grain, holes, holes_by_row
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.rows import LOG_2PI, TINY
from ppp_duck.engine.rows import Rows as Rows
from ppp_duck.models.model import FORMS as FORMS
from ppp_duck.models.model import Floats, Ints, Mixture

# Features up to which a full covariance is a linear function of the products of features: 45 columns for 8, one
# product. Also those up to which the automatic choice tries full covariances: beyond, their BIC falls to one component.
NARROW = 8
# Features up to which a shared covariance is tried: beyond, its d (d + 1) / 2 parameters cost more than 4,000 rows, as
# which all rows count at most, can gain by it unless the others tell three quarters of each feature's variance. Also
# those beyond which no matrix of d x d is made where variances alone are wanted: 4,096 features are 134 MB.
WIDE = 512
# Patterns of holes a row, from which a shared covariance is fitted row by row: 5,000 x 30 with 10 % holes took 29 s by
# pattern and 12 s by row (busy machine); 5,000 x 6, of 64 patterns, are a third faster by pattern.
MANY_PATTERNS = 0.1
# Nats per row and feature that EM does not climb from a partition by k-means or agglomeration. No set changes by it;
# with 1 nat per row, however many features, three of 47 do.
HOPELESS = 0.25
# n observations are worth 4000 n / (4000 + n): no real cluster is quite Gaussian. On 47 labelled sets ARI 0.746, 0.760,
# 0.759 with 2000, 4000, 8000; the middle of all rules within one standard error of the best is 8000.
EFFECTIVE = 4000.0


@dataclass(frozen=True)
class Prior:
    """``strength`` pseudo-observations of covariance ``covariance`` (d, d) for each covariance that is fitted."""

    strength: float
    covariance: Floats  # or ``(d,)``, of very many features without correlations

    @property
    def variance(self) -> Floats:
        """Of each feature, ``(d,)``."""
        return np.asarray(self.covariance if self.covariance.ndim == 1 else np.diag(self.covariance))


def tempered(observations: float) -> float:
    """As how many observations the evidence of so many counts."""
    return EFFECTIVE * observations / (EFFECTIVE + observations)


def covariance_prior(rows: Rows, form: str, m: int) -> Prior:
    """The covariance of all rows, shrunk to an m-th of their volume (Fraley & Raftery 2007), as ``d + 2`` observations.

    A tied covariance keeps the whole volume: chains of ever smaller components would win otherwise. As many
    observations of uncorrelated features keep the matrix regular where rows are few; a constant feature gets the
    variance of rounding, not zero.
    """
    n, d = rows.x.shape
    if d > WIDE and form in ("spherical", "diag"):
        if "variance" not in rows.products:
            variance = rows.each_number[1]
            rows.products["variance"] = np.maximum(variance, 1e-8 * max(float(variance.mean()), 1e-8))
        return Prior((d + 2) * rows.unit, rows.products["variance"] / m ** (2.0 / d))
    if "covariance" not in rows.products:
        if rows.seen is None:
            share = rows.weights / rows.weights.sum()
            gap = rows.x - share @ rows.x
            covariance = (gap * share[:, None]).T @ gap
        else:
            covariance = holes.moments_of_what_is_there(rows.x, rows.seen.astype(np.float64), rows.weights)[1]
        variance = np.diag(covariance)
        if d:
            variance = np.maximum(variance, 1e-8 * max(float(variance.mean()), 1e-8))
        covariance *= n / (n + d + 2.0)
        covariance[np.diag_indices(d)] = variance
        rows.products["covariance"] = covariance
    covariance = rows.products["covariance"]
    return Prior((d + 2) * rows.unit, covariance if form == "tied" or not d else covariance / m ** (2.0 / d))


def log_densities(mixture: Mixture, rows: Rows, out: Floats | None = None) -> Floats:
    """``log(weight_j) + log N(x_i; mean_j, covariance_j)``, shape ``(n, m)``. The E-step's one definition.

    A component is contiguous in memory, not a row: what is taken over components (largest, sum) runs along all rows.
    ``out`` of that shape and layout is overwritten and returned.
    """
    result: Floats = np.empty((len(mixture.means), len(rows.x))).T if out is None else out
    if not rows.x.shape[1]:
        result[:] = np.log(np.maximum(mixture.weights, TINY))
    elif rows.seen is None:
        _of_complete_numbers(mixture, rows, result)
    elif mixture.covariance in ("spherical", "diag"):
        holes.log_densities_apart(mixture, rows, result)
    elif mixture.covariance == "tied" and many_patterns(rows):
        holes_by_row.log_densities(mixture, rows, result)
    else:
        holes.log_densities_together(mixture, dense(mixture), rows, result)
    if mixture.shares:
        result += rows.indicators @ categories.log_shares(mixture.shares).T
    return result


def _of_complete_numbers(mixture: Mixture, rows: Rows, result: Floats) -> None:
    """``log(weight_j) + log N(x_i)`` into ``(n, m)``."""
    x, means, factors = rows.x, mixture.means, mixture.factors
    d = x.shape[1]
    m = len(means)
    constant = np.log(np.maximum(mixture.weights, TINY)) - 0.5 * d * LOG_2PI
    if mixture.covariance == "tied":
        white, centers = x @ factors, means @ factors
        constant = constant + np.log(np.diag(factors)).sum() - 0.5 * np.einsum("kd,kd->k", centers, centers)
        np.matmul(centers, white.T, out=result.T)
        result += constant
        result -= 0.5 * np.einsum("nd,nd->n", white, white)[:, None]
        return
    if mixture.covariance == "full" and d > NARROW:
        for j in range(m):
            white = x @ factors[j]
            white -= means[j] @ factors[j]
            result[:, j] = np.einsum("nd,nd->n", white, white)
        result *= -0.5
        result += constant + np.log(np.einsum("kdd->kd", factors)).sum(axis=1)
        return
    if mixture.covariance == "full":
        precision = factors @ factors.transpose(0, 2, 1)
        linear = np.einsum("kij,kj->ki", precision, means)
        constant = constant + np.log(np.einsum("kdd->kd", factors)).sum(axis=1)
        constant = constant - 0.5 * np.einsum("ki,ki->k", linear, means)
        row, col = np.triu_indices(d)
        second = -precision[:, row, col] * np.where(row == col, 0.5, 1.0)
    else:
        scale = factors if mixture.covariance == "diag" else factors[:, None]
        precision = scale**2
        linear = precision * means
        log_det = np.log(scale).sum(axis=1) * (d // scale.shape[1])
        constant = constant + log_det - 0.5 * np.einsum("ki,ki->k", linear, means)
        second = -0.5 * precision
    if d > WIDE:
        np.matmul(linear, x.T, out=result.T)
        result += constant + rows.squares(mixture.covariance) @ second.T
        return
    theta = np.concatenate([constant[:, None], linear, second], axis=1)
    np.matmul(theta, rows.features(mixture.covariance).T, out=result.T)


def responsibilities(log_density: Floats) -> tuple[Floats, Floats]:
    """Posterior of each component ``(n, m)`` and log density of each row ``(n,)``. Overwrites its argument."""
    top = log_density.max(axis=1, keepdims=True)
    log_density -= top
    np.exp(log_density, out=log_density)
    total = log_density.sum(axis=1, keepdims=True)
    log_density *= 1.0 / total
    return log_density, (top + np.log(total))[:, 0]


def m_step(
    rows: Rows,
    posterior: Floats,
    form: str,
    prior: Prior,
    before: Mixture | None = None,
    tied: tuple[bool, ...] = (),
) -> Mixture:
    """The mixture that maximises the penalised expected likelihood, given posteriors ``(n, m)``; overwrites them.

    ``before`` tells what to expect of missing numbers where a covariance is shared or full. ``tied`` features (numbers,
    of 'diag' only, then categories) have in every component what all rows have.
    """
    soft = np.multiply(posterior, rows.weights[:, None], out=posterior)
    d = rows.x.shape[1]
    if rows.mixed is None:
        mass, means, covariance = _moments(rows, soft, form, prior)
        _tie(rows, prior, means, covariance, tied[:d])
        return _on_grids(form, mass, means, covariance, ())
    if rows.seen is None and d:
        mass, means, covariance = _moments(rows, soft, form, prior)
    else:
        mass = np.maximum(soft.sum(axis=0), TINY)
        means, covariance = _moments_with_holes(rows, soft, form, prior, before)
    _tie(rows, prior, means, covariance, tied[:d])
    covariance = with_floors(form, covariance, rows.layout.floors)
    shares: tuple[Floats, ...] = ()
    if rows.layout.levels:
        counts = soft.T @ rows.indicators
        shares = categories.fitted_shares(counts, rows.common_shares, rows.layout.levels, rows.unit, tied[d:])
    return _on_grids(form, mass, means, covariance, shares)


def _on_grids(form: str, mass: Floats, means: Floats, covariance: Floats, shares: tuple[Floats, ...]) -> Mixture:
    """A mixture whose parameters are rounded: so no step of EM hands on what BLAS rounds in another way elsewhere."""
    mixture = Mixture(form, mass / mass.sum(), means, precision_factors(form, covariance), shares)
    m, d = means.shape
    variance = np.einsum("...ii->...i", covariance) if form in ("tied", "full") else covariance.reshape(m, -1)
    return grain.rounded(mixture, np.broadcast_to(variance, (m, d)))


def _tie(rows: Rows, prior: Prior, means: Floats, variances: Floats, tied: tuple[bool, ...]) -> None:
    """Gives the tied numbers of 'diag' the mean and variance of all rows in every component."""
    if any(tied):
        at = np.flatnonzero(tied)
        mean, spread, mass = rows.each_number
        means[:, at] = mean[at]
        variances[:, at] = ((spread * mass + prior.strength * prior.variance) / (mass + prior.strength))[at]


def _moments_with_holes(
    rows: Rows, soft: Floats, form: str, prior: Prior, before: Mixture | None
) -> tuple[Floats, Floats]:
    """Means and covariances; without a mixture ``before``, features are independent in it."""
    m, d = soft.shape[1], rows.x.shape[1]
    if not d:
        empty = {"spherical": np.ones(m), "diag": np.ones((m, 0)), "tied": np.ones((0, 0)), "full": np.ones((m, 0, 0))}
        return np.zeros((m, 0)), empty[form]
    if form in ("spherical", "diag"):
        return holes.moments_apart(rows, soft, form, prior.strength, prior.variance)
    if before is not None:
        means, covariance = before.means, dense(before)
    else:
        means, variance = holes.moments_apart(rows, soft, "diag", prior.strength, prior.variance)
        covariance = np.eye(d) * variance[:, None, :]
        if form == "tied":
            covariance = np.einsum("m,mij->ij", soft.sum(axis=0), covariance) / soft.sum()
    if form == "tied" and many_patterns(rows):
        factors = precision_factors(form, covariance) if before is None else before.factors
        return holes_by_row.moments(rows, soft, means, factors, prior.strength, prior.covariance)
    return holes.moments_together(rows, soft, means, covariance, prior.strength, prior.covariance)


def many_patterns(rows: Rows) -> bool:
    """Whether few rows lack the same, so that they are better taken one by one."""
    return len(rows.patterns.seen) > MANY_PATTERNS * len(rows.x)


def with_floors(form: str, covariance: Floats, floors: tuple[float, ...]) -> Floats:
    """Covariances raised, by as little as can be, until no feature has a standard deviation below its floor.

    A matrix ``C`` gets what ``C - diag(floors^2)`` lacks to be positive semidefinite.
    """
    least = np.array(floors) ** 2
    if not least.any():
        return covariance
    if form == "spherical":
        return np.asarray(np.maximum(covariance, least.max()))
    if form == "diag":
        return np.asarray(np.maximum(covariance, least))
    value, vector = np.linalg.eigh(covariance - np.diag(least))
    if not (value < 0).any():
        return covariance
    lack = (vector * np.maximum(-value, 0.0)[..., None, :]) @ np.swapaxes(vector, -1, -2)
    return np.asarray(covariance + 0.5 * (lack + np.swapaxes(lack, -1, -2)))


def dense(mixture: Mixture) -> Floats:
    """Covariances ``(m, d, d)`` of a mixture of 'full' ones, ``(d, d)`` of a 'tied' one."""
    inverse = np.linalg.inv(mixture.factors)
    return np.asarray(np.swapaxes(inverse, -1, -2) @ inverse)


def _moments(rows: Rows, soft: Floats, form: str, prior: Prior) -> tuple[Floats, Floats, Floats]:
    """Mass, means and covariances of complete numbers, with the prior, from weighted posteriors ``(n, m)``."""
    x, d, s = rows.x, rows.x.shape[1], prior.strength
    m = soft.shape[1]
    if (form == "full" and d > NARROW) or form == "tied":
        mass = np.maximum(soft.sum(axis=0), TINY)
        means = (soft.T @ x) / mass[:, None]
        if form == "tied":
            scatter = rows.scatter() - (means * mass[:, None]).T @ means
            covariance = (scatter + s * prior.covariance) / (mass.sum() + s)
        else:
            covariance = np.empty((m, d, d))
            for j in range(m):
                gap = x - means[j]
                covariance[j] = (gap * soft[:, j : j + 1]).T @ gap
                covariance[j] += s * prior.covariance
                covariance[j] /= mass[j] + s
    else:
        if d > WIDE:
            mass, first, second = soft.sum(axis=0), soft.T @ x, soft.T @ rows.squares(form)
        else:
            moments = soft.T @ rows.features(form)
            mass, first, second = moments[:, 0], moments[:, 1 : d + 1], moments[:, d + 1 :]
        mass = np.maximum(mass, TINY)
        means = first / mass[:, None]
        if form == "full":
            row, col = np.triu_indices(d)
            covariance = np.empty((m, d, d))
            covariance[:, row, col] = second - mass[:, None] * means[:, row] * means[:, col]
            covariance[:, col, row] = covariance[:, row, col]
            covariance += s * prior.covariance
            covariance /= (mass + s)[:, None, None]
        elif form == "diag":
            covariance = np.maximum(second - mass[:, None] * means**2, 0.0) + s * prior.variance
            covariance /= (mass + s)[:, None]
        else:
            spread = np.maximum(second[:, 0] - mass * np.einsum("kd,kd->k", means, means), 0.0)
            covariance = (spread + s * prior.variance.sum()) / ((mass + s) * d)
    return mass, means, covariance


def precision_factors(form: str, covariance: Floats) -> Floats:
    """The factor ``L`` of ``model.Mixture`` for covariances: ``inv(covariance) == L @ L.T``, upper triangular."""
    if form in ("spherical", "diag"):
        return np.asarray(1.0 / np.sqrt(covariance))
    lower = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(lower)
    return np.ascontiguousarray(np.triu(np.swapaxes(inverse, -1, -2)))


def penalty(mixture: Mixture, prior: Prior) -> float:
    """What the covariance prior adds to the log likelihood: ``-s/2 sum_j [log|C_j| + tr(C_j^-1 P)]``."""
    factors, d = mixture.factors, mixture.means.shape[1]
    if not d:
        return 0.0
    if mixture.covariance == "spherical":
        logdet, trace = -2 * d * np.log(factors).sum(), (factors**2).sum() * prior.variance.sum()
    elif mixture.covariance == "diag":
        logdet, trace = -2 * np.log(factors).sum(), (factors**2 @ prior.variance).sum()
    elif mixture.covariance == "tied":
        logdet, trace = -2 * np.log(np.diag(factors)).sum(), np.sum(factors * (prior.covariance @ factors))
    else:
        logdet = -2 * np.log(np.einsum("kdd->kd", factors)).sum()
        trace = np.sum(factors * (prior.covariance @ factors))
    return -0.5 * prior.strength * float(logdet + trace)


def hopeless(rows: Rows, log_likelihood: float, wanted: float) -> bool:
    """Whether EM is too far behind to climb to a log likelihood: by ``HOPELESS`` for each row and feature."""
    return bool(log_likelihood < wanted - HOPELESS * float(rows.weights.sum()) * rows.layout.width)


def em(
    rows: Rows,
    posterior: Floats,
    form: str,
    prior: Prior,
    iterations: int,
    tolerance: float,
    progress: Progress,
    wanted: float = -np.inf,
    tied: tuple[bool, ...] = (),
) -> tuple[Mixture, float, Floats]:
    """EM from posteriors ``(n, m)``, until the penalised log likelihood per row gains less than ``tolerance``.

    It gives up, too, where it is ``hopeless`` to come to the log likelihood ``wanted``, or would not if it went on to
    climb three times as fast as in its last step: it hardly ever climbs faster.

    Returns the mixture, its log likelihood (without the penalty, rows counted as evidence) and the posteriors under it,
    in the memory of those given: fresh memory for each step would cost a quarter of the time.
    """
    total, before, likely = rows.weights.sum(), -np.inf, -np.inf
    m, mixture = posterior.shape[1], None
    for step in range(iterations + 1):
        progress(form, m)
        mixture = m_step(rows, posterior, form, prior, mixture, tied)
        posterior, per_row = responsibilities(log_densities(mixture, rows, posterior))
        log_likelihood = float(rows.evidence @ per_row)
        climbed = float(rows.weights @ per_row) + penalty(mixture, prior)
        if mixture.shares:
            climbed += categories.penalty(mixture.shares, rows.common_shares, rows.unit)
        gain = climbed - before
        if gain <= tolerance * total or step == iterations:
            break
        if hopeless(rows, log_likelihood, wanted):
            break
        if step > 0 and log_likelihood + 3 * (iterations - step) * max(gain, log_likelihood - likely) < wanted:
            break
        before, likely = climbed, log_likelihood
    assert mixture is not None
    return mixture, log_likelihood, posterior


def one_hot(labels: Ints, m: int) -> Floats:
    """Posteriors of a partition: 1 in the column of each row's label. In the layout of ``log_densities``."""
    return np.asarray((labels == np.arange(m)[:, None]).astype(np.float64).T)


def parameter_count(
    form: str, m: int, d: int, kmeans: bool = False, levels: tuple[int, ...] = (), tied: tuple[bool, ...] = ()
) -> int:
    """Free parameters of a mixture: weights, means, covariances, shares; of k-means: centers, one variance."""
    if kmeans:
        return m * d + 1
    shape = {"spherical": m, "diag": m * d, "tied": d * (d + 1) // 2, "full": m * d * (d + 1) // 2}[form] if d else 0
    saved = 2 * (m - 1) * sum(tied[:d])
    return m - 1 + m * d + shape - saved + categories.parameter_count(m, levels, tied[d:])
