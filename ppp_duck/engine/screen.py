"""Log densities of a mixture, nearly: they tell which components can matter to a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppp_duck.engine import blas
from ppp_duck.models.model import Floats, Mixture

# Far above the relative error of a BLAS product in up to thousands of dimensions, far below what separates clusters.
BLAS_ERROR = 1e-6
FARTHEST = 1e4  # nats below the densest point of the flattest component, a hundred standard deviations: not screened
PAIRED = 16  # up to so many features a full covariance is screened as a linear function of the products of features


@dataclass(frozen=True)
class Screen:
    """Log densities of a mixture, nearly: one matrix product with ``[1, z, second-order terms of z]``.

    ``z`` are the points around ``middle``, where the means are, so that little cancels; for one shared covariance they
    are turned so that it is round.
    """

    form: str
    middle: Floats  # (d,)
    turn: Floats | None  # (d, d), tied: z = (x - middle) @ turn
    theta: Floats  # (m, p); empty where there are too many pairs of features: then component by component
    mixture: Mixture
    log_norms: Floats
    reach: float  # the largest squared distance of a mean to the middle, in units of its component
    bounds: tuple[Floats, Floats] | None = None  # (d,) values of the points beyond which the screen may not be sure

    @staticmethod
    def of(mixture: Mixture, log_norms: Floats) -> Screen:
        form, factors = mixture.covariance, mixture.factors
        m, d = mixture.means.shape
        middle = mixture.means.mean(axis=0)
        means, turn = mixture.means - middle, None
        square: Floats
        if form == "tied":
            means, turn = means @ factors, factors
            linear, square = means, np.full((m, 1), 1.0)
        elif form == "full":
            precision = factors @ factors.transpose(0, 2, 1)
            linear = np.einsum("kij,kj->ki", precision, means)
            row, col = np.triu_indices(d)
            square = precision[:, row, col] * np.where(row == col, 1.0, 2.0)
        else:
            square = factors[:, None] ** 2 if form == "spherical" else factors**2
            linear = square * means
        distance = (linear * means).sum(axis=1)
        theta = np.concatenate([(log_norms - 0.5 * distance)[:, None], linear, -0.5 * square], axis=1)
        if form == "full" and d > PAIRED:
            theta = np.empty((m, 0))
        return Screen(form, middle, turn, theta, mixture, log_norms, float(distance.max()))

    @cached_property
    def highest(self) -> float:
        """The largest log density that any point can have, or as much below zero."""
        return float(np.abs(self.log_norms).max())

    @cached_property
    def farthest(self) -> float:
        """The log density below which rows are too far out for all to bear their error, or beyond bounds."""
        nearly = float(self.log_norms.min()) - FARTHEST - len(self.middle)
        return nearly if self.bounds is None else max(nearly, self._beyond_bounds(*self.bounds))

    def _beyond_bounds(self, low: Floats, high: Floats) -> float:
        """The highest log density of a point beyond a bound: that of the Gaussian's margin in the one feature."""
        h, precision = self._quadratic()
        with np.errstate(all="ignore"):
            if precision.ndim == 2:
                variance = 1.0 / precision
                center = variance * h
            else:
                try:
                    covariance = np.linalg.inv(precision)
                except np.linalg.LinAlgError:  # rounding has left it no inverse: every row is in doubt
                    return np.inf
                variance, center = np.einsum("mii->mi", covariance), np.einsum("mij,mj->mi", covariance, h)
            peak = self.theta[:, 0] + 0.5 * np.einsum("mi,mi->m", h, center)
            gap = np.minimum(center + self.middle - low, high - self.middle - center)  # to the nearer bound
            least = np.maximum(gap, 0.0) ** 2 / variance
            found = float((peak[:, None] - 0.5 * least).max())
        return np.inf if np.isnan(found) else found

    def _quadratic(self) -> tuple[Floats, Floats]:
        """h ``(m, d)`` and P of log densities ``constant + h z - z P z / 2`` around the middle.

        P is ``(m, d, d)``, or ``(m, d)`` where it is diagonal.
        """
        d, m = len(self.middle), len(self.theta)
        linear, second = self.theta[:, 1 : d + 1], self.theta[:, d + 1 :]
        if self.turn is not None:
            return linear @ self.turn.T, np.broadcast_to(self.turn @ self.turn.T, (m, d, d))
        if self.form != "full":
            return linear, np.broadcast_to(-2.0 * second, (m, d))
        precision = np.zeros((m, d, d))
        row, col = np.triu_indices(d)
        precision[:, row, col] = precision[:, col, row] = -second * np.where(row == col, 2.0, 1.0)
        return linear, precision

    def log_densities(self, x: Floats) -> Floats:
        """(m, n) from points (d, n)."""
        d, n = x.shape
        p = self.theta.shape[1]
        if not p:
            return self._by_component(x)
        z = np.empty((p, n))
        z[0] = 1.0
        around = z[1 : d + 1]
        np.subtract(x, self.middle[:, None], out=around)
        if self.turn is not None:
            around[:] = blas.product(self.turn.T, around)
        if self.form == "full":
            at = d + 1
            for i in range(d):
                np.multiply(around[i], around[i:], out=z[at : at + d - i])
                at += d - i
        elif self.form == "diag":
            np.multiply(around, around, out=z[d + 1 :])
        else:
            np.einsum("dn,dn->n", around, around, out=z[d + 1])
        return blas.product(self.theta, z)

    def _by_component(self, x: Floats) -> Floats:
        found = np.empty((len(self.log_norms), x.shape[1]))
        for j, (mean, factor) in enumerate(zip(self.mixture.means, self.mixture.factors, strict=True)):
            z = blas.product(factor.T, x - mean[:, None])
            np.einsum("dn,dn->n", z, z, out=found[j])
        found *= -0.5
        found += self.log_norms[:, None]
        return found

    def error(self, best: Floats | float) -> Floats:
        """How far a row's log densities may be off, given its best one (n,)."""
        return np.asarray(BLAS_ERROR * (np.abs(best) + (1 + BLAS_ERROR * self.reach)))
