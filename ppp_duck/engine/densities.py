"""Log densities and distances of many points at once, each summed in one order: a row's are those of the row alone."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Bools, Floats, Ints, Mixture


def log_densities(mixture: Mixture, log_norms: Floats, x: Floats, wanted: Bools) -> Floats:
    """Log densities (m, n) of points (d, n) where ``wanted``, -inf elsewhere.

    A component that most points want is computed for all of them; the others for pairs of a point and a component.
    """
    m, n = wanted.shape
    found = np.full((m, n), -np.inf)
    often = 2 * np.count_nonzero(wanted, axis=1) >= n
    for j in np.flatnonzero(often).tolist():
        np.copyto(found[j], log_norms[j] - 0.5 * _squared(mixture, j, x - mixture.means[j][:, None]), where=wanted[j])
    pairs = np.flatnonzero(wanted if not often.any() else wanted & ~often[:, None])
    if len(pairs):
        component = pairs // n
        gap = np.take(x, pairs - component * n, axis=1)
        gap -= np.take(mixture.means.T, component, axis=1)
        found.ravel()[pairs] = log_norms[component] - 0.5 * _squared(mixture, component, gap)
    return found


def _squared(mixture: Mixture, component: int | Ints, gap: Floats) -> Floats:
    """Squared length (n,) of gaps (d, n) in units of a component, or of one each, feature by feature."""
    form, factors = mixture.covariance, mixture.factors
    if form == "spherical":
        gap *= factors[component]
    elif form == "diag":
        gap *= factors[component][:, None] if isinstance(component, int) else np.take(factors.T, component, axis=1)
    elif len(gap):  # else there are categories only
        upper = not np.tril(factors, -1).any()
        gap = np.stack([_along(mixture, component, gap, at, at + 1 if upper else len(gap)) for at in range(len(gap))])
    gap *= gap
    return total(gap)


def _along(mixture: Mixture, component: int | Ints, gap: Floats, column: int, last: int) -> Floats:
    """The coordinate (n,) of gaps (d, n) along a column of the factors, of which the first ``last`` entries count."""

    def entry(feature: int) -> Floats:
        one = mixture.factors[..., feature, column]
        return np.asarray(one) if mixture.covariance == "tied" else np.asarray(one[component])

    z: Floats = gap[0] * entry(0)
    for feature in range(1, last):
        z += gap[feature] * entry(feature)
    return z


def total(values: Floats) -> Floats:
    """Sum (n,) of (k, n) over k, one after the other: a row's sum does not depend on how many rows there are."""
    found = np.zeros(values.shape[1])
    for one in values:
        found += one
    return found


def distances(points: Floats, center: Floats) -> Floats:
    """Of points (n, d) to a point (d,) or to one each (n, d), summed feature by feature."""
    center = center.T if center.ndim == 2 else center[:, None]
    gap = points.T - center
    gap *= gap
    squared = total(gap)
    return np.sqrt(squared) if np.isfinite(squared).all() else _over_what_is_there(points.T, center)


def _over_what_is_there(x: Floats, center: Floats) -> Floats:
    """The same over the features that a point has, scaled up to all (``nan_euclidean`` in scikit-learn); 0 without."""
    holes = np.isnan(x)
    gap = np.where(holes, 0.0, x - center)
    squared = total(gap * gap)
    count = len(x) - holes.sum(axis=0)
    return np.sqrt(np.where(count == len(x), squared, squared * (len(x) / np.maximum(count, 1))))
