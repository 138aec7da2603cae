"""The Gaussian mixture side: EM over weighted rows, with a prior on the covariances that keeps them regular.

The penalised log likelihood that EM climbs is ``sum_i w_i log p(x_i) - s/2 sum_j [log|C_j| + tr(C_j^-1 P)]``: each
covariance sees ``s`` more observations of covariance ``P`` (``Prior``); j runs over the covariances, so tied has one.
Forms as in ``ppp_duck.model.Mixture``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.canonical import Progress, content_sample
from ppp_duck.models.model import Floats, Ints, Mixture

FORMS = ("spherical", "diag", "tied", "full")
LOG_TAU = float(np.log(2 * np.pi))
NARROW = 8  # up to so many features a full covariance is a linear function of the products of features
TINY = 1e-300
REPEATS = 100.0  # as so many observations, at most, all repeats of rows together count
SHARE = 0.1  # of the evidence, at most, is that of one distinct row, where there are twenty or more
HOPELESS = 0.25  # nats per row and feature that EM does not climb from a partition by k-means or agglomeration
EFFECTIVE = 4000.0  # n observations are worth 4000 n / (4000 + n): no real cluster is quite Gaussian


@dataclass(frozen=True)
class Prior:
    """``strength`` pseudo-observations of covariance ``covariance`` (d, d) for each covariance that is fitted."""

    strength: float
    covariance: Floats

    @property
    def variance(self) -> Floats:
        """Of each feature, ``(d,)``."""
        return np.asarray(np.diag(self.covariance))


@dataclass(frozen=True)
class Rows:
    """Weighted rows, near the origin and of unit spread, with what every fit to them shares."""

    x: Floats  # (n, d)
    weights: Floats  # (n,)
    observations: float  # as how many these rows, or those that they are a sample of, count
    products: dict[str, Floats]  # products of features by kind, and the covariance of all rows

    @staticmethod
    def of(x: Floats, weights: Floats, observations: float | None = None) -> Rows:
        return Rows(x, weights, count(weights) if observations is None else observations, {})

    def sample(self, size: int) -> tuple[Rows, Ints]:
        """So many of the rows, by content, weighted to stand for all of them; and which."""
        keep, weights = content_sample(self.x, self.weights, size)
        return Rows.of(np.ascontiguousarray(self.x[keep]), weights, self.observations), keep

    @property
    def unit(self) -> float:
        """The weight of one observation."""
        return float(self.weights.sum()) / self.observations

    @property
    def evidence(self) -> Floats:
        """What each row ``(n,)`` counts in a choice between mixtures: its weight, but no more than ``SHARE`` of all.

        The density at one point has no bound: a mixture of many components, whose prior is narrow, would win by the
        zeros of a column that is mostly zero.
        """
        if "evidence" not in self.products:
            share = max(SHARE, 2 / len(self.weights))
            ascending = np.sort(self.weights)
            largest, rest = ascending[::-1], np.cumsum(ascending)[::-1]
            capped = 0  # the largest weights, which count as share of all: of rest / (1 - capped share)
            while largest[capped] * (1 - capped * share) > share * rest[capped] * (1 + 1e-9):
                capped += 1
            evidence = self.weights
            if capped:
                evidence = np.minimum(evidence, share * rest[capped] / (1 - capped * share))
                evidence *= self.weights.sum() / evidence.sum()
            self.products["evidence"] = evidence
        return self.products["evidence"]

    def features(self, form: str) -> Floats:
        """``[1, x, second-order terms]``: every log density is one product with this matrix, and so is every moment.

        The terms are all products of two features for 'full', squares for 'diag', the sum of squares for 'spherical'.

        Only for rows near the origin: the products lose digits where the mean is large beside the spread.
        """
        if form not in self.products:
            x, one = self.x, np.ones((len(self.x), 1))
            if form == "full":
                i, j = np.triu_indices(x.shape[1])
                second = x[:, i] * x[:, j]
            else:
                second = x * x if form == "diag" else np.einsum("nd,nd->n", x, x)[:, None]
            self.products[form] = np.ascontiguousarray(np.concatenate([one, x, second], axis=1))
        return self.products[form]

    def scatter(self) -> Floats:
        """``(d, d)`` weighted sum of the products of all pairs of features."""
        if "scatter" not in self.products:
            self.products["scatter"] = (self.x * self.weights[:, None]).T @ self.x
        return self.products["scatter"]


def count(weights: Floats) -> float:
    """Observations that distinct rows of such weights are: one each, and ``REPEATS`` for the repeats at most.

    Weights say where the mass is, not how sure it is: a row given a thousand times tells no more of the density beside
    it than a row given once, be it copied or rounded. But a few rows given often are categories, and known.
    """
    extra = max(0.0, float(weights.sum()) - len(weights))
    return len(weights) + REPEATS * extra / (REPEATS + extra)


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
    if "covariance" not in rows.products:
        share = rows.weights / rows.weights.sum()
        gap = rows.x - share @ rows.x
        covariance = (gap * share[:, None]).T @ gap
        variance = np.diag(covariance)
        variance = np.maximum(variance, 1e-8 * max(float(variance.mean()), 1e-8))
        covariance *= n / (n + d + 2.0)
        covariance[np.diag_indices(d)] = variance
        rows.products["covariance"] = covariance
    covariance = rows.products["covariance"]
    return Prior((d + 2) * rows.unit, covariance if form == "tied" else covariance / m ** (2.0 / d))


def log_densities(mixture: Mixture, rows: Rows, out: Floats | None = None) -> Floats:
    """``log(weight_j) + log N(x_i; mean_j, covariance_j)``, shape ``(n, m)``. The E-step's one definition.

    A component is contiguous in memory, not a row: what is taken over components (largest, sum) runs along all rows.
    ``out`` of that shape and layout is overwritten and returned.
    """
    x, means, factors = rows.x, mixture.means, mixture.factors
    n, d = x.shape
    m = len(means)
    result: Floats = np.empty((m, n)).T if out is None else out
    constant = np.log(np.maximum(mixture.weights, TINY)) - 0.5 * d * LOG_TAU
    if mixture.covariance == "tied":
        white, centers = x @ factors, means @ factors
        constant = constant + np.log(np.diag(factors)).sum() - 0.5 * np.einsum("kd,kd->k", centers, centers)
        np.matmul(centers, white.T, out=result.T)
        result += constant
        result -= 0.5 * np.einsum("nd,nd->n", white, white)[:, None]
        return result
    if mixture.covariance == "full" and d > NARROW:
        for j in range(m):
            white = x @ factors[j]
            white -= means[j] @ factors[j]
            result[:, j] = np.einsum("nd,nd->n", white, white)
        result *= -0.5
        result += constant + np.log(np.einsum("kdd->kd", factors)).sum(axis=1)
        return result
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
    theta = np.concatenate([constant[:, None], linear, second], axis=1)
    np.matmul(theta, rows.features(mixture.covariance).T, out=result.T)
    return result


def responsibilities(log_density: Floats) -> tuple[Floats, Floats]:
    """Posterior of each component ``(n, m)`` and log density of each row ``(n,)``. Overwrites its argument."""
    top = log_density.max(axis=1, keepdims=True)
    log_density -= top
    np.exp(log_density, out=log_density)
    total = log_density.sum(axis=1, keepdims=True)
    log_density *= 1.0 / total
    return log_density, (top + np.log(total))[:, 0]


def m_step(rows: Rows, posterior: Floats, form: str, prior: Prior) -> Mixture:
    """The mixture that maximises the penalised expected likelihood, given posteriors ``(n, m)``; overwrites them."""
    x, d, s = rows.x, rows.x.shape[1], prior.strength
    m = posterior.shape[1]
    soft = np.multiply(posterior, rows.weights[:, None], out=posterior)
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
        moments = soft.T @ rows.features(form)
        mass = np.maximum(moments[:, 0], TINY)
        means = moments[:, 1 : d + 1] / mass[:, None]
        second = moments[:, d + 1 :]
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
    return Mixture(form, mass / mass.sum(), means, precision_factors(form, covariance))


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
    return bool(log_likelihood < wanted - HOPELESS * float(rows.weights.sum()) * rows.x.shape[1])


def em(
    rows: Rows,
    posterior: Floats,
    form: str,
    prior: Prior,
    iterations: int,
    tolerance: float,
    progress: Progress,
    wanted: float = -np.inf,
) -> tuple[Mixture, float, Floats]:
    """EM from posteriors ``(n, m)``, until the penalised log likelihood per row gains less than ``tolerance``.

    It gives up, too, where it is ``hopeless`` to come to the log likelihood ``wanted``, or would not if it went on to
    climb three times as fast as in its last step: it hardly ever climbs faster.

    Returns the mixture, its log likelihood (without the penalty, rows counted as evidence) and the posteriors under it,
    in the memory of those given: fresh memory for each step would cost a quarter of the time.
    """
    total, before, likely = rows.weights.sum(), -np.inf, -np.inf
    m = posterior.shape[1]
    for step in range(iterations + 1):
        progress(form, m)
        mixture = m_step(rows, posterior, form, prior)
        posterior, per_row = responsibilities(log_densities(mixture, rows, posterior))
        log_likelihood = float(rows.evidence @ per_row)
        climbed = float(rows.weights @ per_row) + penalty(mixture, prior)
        gain = climbed - before
        if gain <= tolerance * total or step == iterations:
            break
        if hopeless(rows, log_likelihood, wanted):
            break
        if step > 0 and log_likelihood + 3 * (iterations - step) * max(gain, log_likelihood - likely) < wanted:
            break
        before, likely = climbed, log_likelihood
    return mixture, log_likelihood, posterior


def one_hot(labels: Ints, m: int) -> Floats:
    """Posteriors of a partition: 1 in the column of each row's label. In the layout of ``log_densities``."""
    return np.asarray((labels == np.arange(m)[:, None]).astype(np.float64).T)


def parameter_count(form: str, m: int, d: int, kmeans: bool = False) -> int:
    """Free parameters of a mixture: weights, means and covariances; of k-means as a mixture: centers, one variance."""
    if kmeans:
        return m * d + 1
    shape = {"spherical": m, "diag": m * d, "tied": d * (d + 1) // 2, "full": m * d * (d + 1) // 2}[form]
    return m - 1 + m * d + shape
