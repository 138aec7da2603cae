"""Log densities and distances of many points at once, each summed in one order: a row's are those of the row alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppp_duck.models.model import Bools, Floats, Ints, Mixture


def log_densities(mixture: Mixture, log_norms: Floats, x: Floats, wanted: Bools) -> tuple[Floats, Ints]:
    """Log densities (m, n) of points (d, n) where ``wanted``, -inf elsewhere; and where, in the raveled matrix.

    A component that most points want is computed for all of them; the others for pairs of a point and a component.
    """
    m, n = wanted.shape
    found = np.full((m, n), -np.inf)
    starts = np.arange(0, m * n, n)
    pairs = every = np.flatnonzero(wanted)  # component by component
    counts = np.diff(np.searchsorted(pairs, starts), append=len(pairs))
    often = 2 * counts >= n
    if often.any():
        for j in np.flatnonzero(often).tolist():
            own = log_norms[j] - 0.5 * _squared(mixture, j, x - mixture.means[j][:, None])
            np.copyto(found[j], own, where=wanted[j])
        pairs = pairs[np.repeat(~often, counts)]
        counts[often] = 0
    if len(pairs):
        gap = np.take(x, pairs - np.repeat(starts, counts), axis=1)
        gap -= np.repeat(mixture.means.T, counts, axis=1)
        found.ravel()[pairs] = np.repeat(log_norms, counts) - 0.5 * _squared(mixture, counts, gap)
    return found, every


def _squared(mixture: Mixture, component: int | Ints, gap: Floats) -> Floats:
    """Squared length (n,) of gaps (d, n) in units of a component, feature by feature.

    In place of one component it can be told how many gaps each component has (m,), one after the other.
    """

    def of_gaps(per_component: Floats) -> Floats:  # (m, ...), or (...) for a component
        if isinstance(component, int):
            return np.asarray(per_component[component])
        return np.repeat(per_component, component, axis=0)

    form, factors = mixture.covariance, mixture.factors
    if form == "spherical":
        gap *= of_gaps(factors)
    elif form == "diag":
        gap *= factors[component][:, None] if isinstance(component, int) else np.repeat(factors.T, component, axis=1)
    elif len(gap):  # else there are categories only
        entry = np.asarray if form == "tied" else of_gaps
        upper = not np.tril(factors, -1).any()
        gap = np.stack([_along(factors, entry, gap, at, at + 1 if upper else len(gap)) for at in range(len(gap))])
    gap *= gap
    return total(gap)


def _along(factors: Floats, entry: Callable[[Floats], Floats], gap: Floats, column: int, last: int) -> Floats:
    """The coordinate (n,) of gaps (d, n) along a column of the factors, of which the first ``last`` entries count."""
    z: Floats = gap[0] * entry(factors[..., 0, column])
    for feature in range(1, last):
        z += gap[feature] * entry(factors[..., feature, column])
    return z


def total(values: Floats) -> Floats:
    """Sum (n,) of (k, n) over k, one after the other: a row's sum does not depend on how many rows there are."""
    if values.flags.c_contiguous and values.shape[1] > 1:  # then numpy adds line by line, too
        return np.asarray(np.add.reduce(values, axis=0, initial=0.0))
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


def has_holes(points: Floats) -> bool:
    """Whether a coordinate of points is NaN. All others are finite, and so is their sum."""
    return bool(np.isnan(points.sum()))


def _over_what_is_there(x: Floats, center: Floats) -> Floats:
    """The same over the features that a point has, scaled up to all (``nan_euclidean`` in scikit-learn); 0 without."""
    holes = np.isnan(x)
    gap = np.where(holes, 0.0, x - center)
    squared = total(gap * gap)
    count = len(x) - holes.sum(axis=0)
    return np.sqrt(np.where(count == len(x), squared, squared * (len(x) / np.maximum(count, 1))))
