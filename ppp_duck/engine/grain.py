"""Figures as they are kept and told: on grids that are fine beside what they mean, and far coarser than rounding.

EM's matrix products round as the processor's BLAS does. What is stored, and all that is derived from it (scores, SQL
text, refinement), sees parameters on these grids, so that processors agree.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppp_duck.models.model import Floats, Mixture

BITS = 20  # after the point of a parameter, in standard deviations of its component: 1e-6 of one
SHARE_BITS = 24  # of a weight, or of the share of a level: sums of them miss 1 by less than 1e-7
ODD = 1.2345  # a spread of exactly 1 is common: where the grid changes its step must be where no spread is
# Of the centre and spread of a feature, and of the unit of all: sums of another numpy differ by a thousandth of that.
SCALE_BITS = 40
PLACE_BITS = 30  # after the point of a scaled value: 1e-9 of a spread
DIGITS = 7  # significant ones of a figure that is only told


def rounded(mixture: Mixture, variance: Floats | None = None) -> Mixture:
    """The mixture with means, factors, weights and shares on their grids. ``variance`` (m, d) need not be worked out.

    A factor's line belongs to one feature, so its grid is one by the standard deviation of that feature: a point that
    is one standard deviation off moves by 1e-6 at most.
    """
    weights, shares = to_bits(mixture.weights), tuple(to_bits(one) for one in mixture.shares)
    mixture = replace(mixture, weights=weights, shares=shares)
    if not mixture.means.shape[1]:
        return mixture
    spread = np.sqrt(variances(mixture) if variance is None else variance)
    step = _power(spread)
    means = np.rint(mixture.means / step) * step
    if mixture.covariance in ("spherical", "diag"):
        return replace(mixture, means=means, factors=to_bits(mixture.factors, BITS))
    per = 1.0 / (spread[0] if mixture.covariance == "tied" else spread)
    grid = _power(per)[..., None]
    return replace(mixture, means=means, factors=np.rint(mixture.factors / grid) * grid)


def variances(mixture: Mixture) -> Floats:
    """Variance of each feature in each component, ``(m, d)``."""
    m, d = mixture.means.shape
    factors = mixture.factors
    if mixture.covariance == "spherical":
        return np.repeat(1.0 / factors[:, None] ** 2, d, axis=1)
    if mixture.covariance == "diag":
        return np.asarray(1.0 / factors**2)
    own = (np.linalg.inv(factors) ** 2).sum(axis=-2)
    return np.broadcast_to(own, (m, d))


def centre_and_spread(center: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """What features are scaled by, in so many bits that the order of sums does not matter: so points are equal."""
    spread = to_bits(spread, SCALE_BITS)
    step = np.ldexp(1.0, np.frexp(spread)[1] - SCALE_BITS)
    return np.asarray(np.rint(center / step) * step), spread


def places(scaled: Floats) -> Floats:
    """Scaled values, as fine as sums of another numpy allow: what stands in for a missing one."""
    return np.asarray(np.ldexp(np.rint(np.ldexp(scaled, PLACE_BITS)), -PLACE_BITS) + 0.0)  # no zero is negative


def told(figure: float) -> float:
    """A figure of the report, which nothing is derived from."""
    return float(f"{figure:.{DIGITS}g}")


def _power(size: Floats) -> Floats:
    """Powers of two that are ``BITS`` bits below these sizes, or one more."""
    return np.asarray(np.ldexp(1.0, np.frexp(size * ODD)[1] - 2 - BITS))


def to_bits(x: Floats, bits: int = SHARE_BITS) -> Floats:
    """Each number rounded to so many bits of its own."""
    mantissa, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits))
