"""Two components of a mixture on a line: is there a valley of rows between them?

1. Does the mixture itself have a valley there? Where the density of the pair hardly dips, the lower component is no
   mode but a 'shoulder' of the other.
2. Do the rows of both speak for two clusters, a 'valley', or not? ``line.gain`` and ``line.fit`` say how much.

One axis cannot tell two Gaussians 2.4 standard deviations apart from a plateau. Where all components look Gaussian, by
their kurtosis and skewness, two Gaussians that fit better at all are believed. Else their own density must have a
valley: tails fit better by two Gaussians than by one shape, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppp_duck.engine import line, ratio
from ppp_duck.engine.rows import TINY, Rows
from ppp_duck.models.model import Bools, Floats, Mixture

SHOULDER = 0.95  # density at the valley as a share of that at the lower mode, from which there is no valley
# Nats of ``line.fit`` that count, as a shape that ``line`` does not know may look like two Gaussians; and nats from
# which on no shape does.
CAP, CERTAIN = 4.0, 15.0
# What fits two Gaussians that have no valley themselves speaks for no valley: ``fit`` counts as WORTH times the *gain*
# that they promise at most, and is certain where they promise one nat.
WORTH, PROMISED = 10.0, 1.0
GAUSSIAN = 4.0  # nats more for two Gaussians that fit better at all, where all components look Gaussian
KURTOSIS, SKEWNESS = 0.1, 0.3  # up to which they do; the kurtosis may be a standard error more
# Mean square per direction of a component's own kurtoses, up to which they do; it may be two standard errors more. Of
# more than FEW numbers too many rows are needed.
CUMULANTS, FEW = 0.1, 8
BETWEEN = 1.0  # standard deviations up to which a component overlaps the way between two means
DOMINANT = 0.5  # share of what all categories tell two components apart by, from which one is left out
SPREAD = 0.25  # of the gap between the means: the width of the steps that a line of categories may have
NARROW = 0.02  # of that gap: the least spread. Rows that agree in all categories are at one place, and have none
GRID = 101  # points between the means at which the pair's density is looked at: a hundredth of the gap
NOTHING = 1e-6  # of the row that counts most, in a pair or a component: what one counts at least


@dataclass(frozen=True)
class Line:
    """Two components as Gaussians on a line, the first below the second, and the rows there."""

    means: Floats  # (2,)
    spreads: Floats  # (2,) standard deviations
    shares: Floats  # (2,) of the pair: 1 together
    along: Floats  # (n,), or (r, n): the r places over which each row is spread
    weights: Floats  # (n,) what each row counts in the pair, in observations

    @cached_property
    def density(self) -> tuple[Floats, Floats]:
        """The places ``(GRID,)`` from mean to mean, and the density of the pair there."""
        t = np.linspace(self.means[0], self.means[1], GRID)
        z = (t[:, None] - self.means) / self.spreads
        return t, np.exp(-0.5 * z**2) @ (self.shares / self.spreads)

    def verdict(self, bar: float, gaussian: Callable[[], bool]) -> str:
        """'shoulder', 'none' or 'valley'. ``bar``: nats that must speak for two clusters.

        ``gaussian``: whether all components look Gaussian; it is asked only where that decides.
        """
        if self._is_one_place:
            return "shoulder"
        t, density = self.density
        left = np.maximum.accumulate(density)
        right = np.maximum.accumulate(density[::-1])[::-1]
        dip = density / np.maximum(np.minimum(left, right), 1e-300)
        at = int(np.argmin(dip))
        if dip[at] >= SHOULDER or at in (0, GRID - 1):
            return "shoulder"
        return "valley" if self._are_two(float(t[at]), bar, gaussian) else "none"

    def _are_two(self, valley: float, bar: float, gaussian: Callable[[], bool]) -> bool:
        low = float((self.means - line.REACH * self.spreads).min())
        width = (float((self.means + line.REACH * self.spreads).max()) - low) / line.BINS
        counts, within = self._counted(low, width)
        first, last, at = (int(np.clip((one - low) / width, 0, line.BINS - 1)) for one in (*self.means, valley))
        wanted = bar - line.gain(within, first, last, at)
        alike = np.inf  # nats of fit that are enough for clouds that look Gaussian
        if 0 < wanted < CAP + GAUSSIAN and gaussian():
            alike = max(wanted - GAUSSIAN, 0.0)
        matters = min(alike, wanted if wanted < CAP else CERTAIN)
        two = (self.means - low) / width, self.spreads / width, self.shares
        fit = line.fit(counts, *two, matters)
        if fit <= matters or wanted < 0 or fit > alike:
            return fit > matters
        promised = line.promised(counts, *two)
        return bool((fit > CERTAIN and promised > PROMISED) or wanted < min(fit, CAP, WORTH * promised))

    def _counted(self, low: float, width: float) -> tuple[Floats, Floats]:
        """Counts ``(BINS,)`` whose ends collect what is farther out, and without that: a tail is no mode at an end."""
        place = np.floor((self.along - low) / width)
        weights = np.broadcast_to(self.weights / (place.size / len(self.weights)), place.shape)
        at = np.clip(place, 0, line.BINS - 1).astype(np.int64)
        counts = np.bincount(at.ravel(), weights.ravel(), line.BINS).astype(np.float64)
        beyond = np.zeros(line.BINS)
        for end, out in ((0, place < 0), (-1, place >= line.BINS)):
            beyond[end] = weights[out].sum()
        return counts, np.maximum(counts - beyond, 0.0)

    @property
    def _is_one_place(self) -> bool:
        """Whether there is no line from the first to the second."""
        return not (self.means[1] > self.means[0] and self.spreads.min() > 0)

    @property
    def first_is_higher(self) -> bool:
        """Whether the density of the pair is higher at the first mean than at the second."""
        if self._is_one_place:
            return bool(self.shares[0] > self.shares[1])
        _, density = self.density
        return bool(density[0] > density[-1])


def axis(mixture: Mixture, a: int, b: int, dense: Floats | None) -> Floats:
    """Discriminant axis ``(d,)`` of two components. ``dense (m, d, d)``: the covariances, where not diagonal."""
    gap, factors = mixture.means[b] - mixture.means[a], mixture.factors
    if dense is not None:
        return np.linalg.solve(dense[a] + dense[b], gap)
    return np.asarray(gap / (1 / factors[a] ** 2 + 1 / factors[b] ** 2))


def spread(mixture: Mixture, of: int, v: Floats, dense: Floats | None) -> float:
    """Standard deviation of a component along an axis ``v (d,)``."""
    if dense is not None:
        return float(np.sqrt(v @ dense[of] @ v))
    return float(np.sqrt((1 / mixture.factors[of] ** 2 + np.zeros(len(v))) @ v**2))


def without_dominance(rows: Rows, v: Floats, gap: Floats) -> Floats:
    """The axis ``v (d,)``, on which a number of few values tells no more of the gap than all others together.

    A rating has as few values as a category, and often a peak at either end. So it makes no cluster by itself; but it
    is one of two witnesses.
    """
    if not rows.of_few_values.any():
        return v
    apart = v * gap
    strongest = int(np.argmax(apart))
    rest = max(float(apart.sum() - apart[strongest]), 0.0)
    if not rows.of_few_values[strongest] or apart[strongest] <= rest:
        return v
    return np.where(np.arange(len(v)) == strongest, v * (rest / apart[strongest]), v)


def log_peaks(mixture: Mixture) -> Floats:
    """Log density ``(m,)`` of each component at its mean, but for what all have. A tied covariance is not asked."""
    factors, (m, d) = mixture.factors, mixture.means.shape
    own = np.einsum("...ii->...i", factors) if mixture.covariance == "full" else factors.reshape(m, -1)
    return np.asarray(np.log(np.maximum(mixture.weights, TINY)) + np.log(own).sum(axis=1) * (d // own.shape[1]))


def of_numbers(
    mixture: Mixture, a: int, b: int, v: Floats, spreads: tuple[float, float], rows: Rows, counted: Floats
) -> Line:
    """The pair of complete numbers on its axis ``v``. ``counted (n,)``: what rows count in the pair.

    Values on grids are spread over their steps.
    """
    there = counted > NOTHING * counted.max()
    shares, along = mixture.weights[[a, b]], rows.x[there] @ v
    if rows.mixed is not None:
        along = along + ratio.spread_numbers(rows, v)
    return Line(mixture.means[[a, b]] @ v, np.array(spreads), shares / shares.sum(), along, counted[there])


def of_mixed(mixture: Mixture, a: int, b: int, v: Floats, rows: Rows, own: Floats, counted: Floats) -> list[Line]:
    """The pair of a mixed table: on its axis of numbers, and along all features but a dominant category, too.

    ``own (n, 2)``: what rows count in either component, ``counted (n,)`` in the pair. A line on which no row can be
    placed is left out.
    """
    which = np.flatnonzero(counted > NOTHING * counted.max())
    own, counted = own[which], counted[which]
    gap, middle = mixture.means[b] - mixture.means[a], 0.5 * (mixture.means[a] + mixture.means[b])
    along, has = ratio.along_numbers(rows, which, 2 * v, gap, middle)
    along, whole = along + ratio.spread_numbers(rows, 2 * v), float(2 * v @ gap)
    found = [_placed(along, has, whole, own, counted)] if whole > 0 else []
    apart = ratio.divergences(mixture, a, b)
    if apart.any():
        strongest = int(np.argmax(apart))
        left_out = strongest if apart[strongest] > DOMINANT * float(apart.sum()) else None
        more = ratio.spread_out(rows, which, own.sum(axis=1), mixture, a, b, left_out, whole, SPREAD)
        found.append(_placed(along + more[0], has + more[1], whole + more[2], own, counted))
    return [one for one in found if one is not None]


def _placed(along: Floats, has: Floats, whole: float, own: Floats, counted: Floats) -> Line | None:
    """Rows at the points ``along (r, n)``, by what they have of the gap, and two Gaussians of their moments."""
    places, can = ratio.placed(along, has, whole)
    if not can.any():
        return None
    places, own = places[:, can], own[can]
    mass = np.maximum(own.sum(axis=0), 1e-300)
    means = places.mean(axis=0) @ own / mass
    spreads = np.sqrt(np.maximum((places**2).mean(axis=0) @ own / mass - means**2, 0.0))
    spreads = np.maximum(spreads, NARROW * float(np.ptp(means)))
    return Line(means, spreads, mass / mass.sum(), places, counted[can])


def between(mixture: Mixture, a: int, b: int) -> Bools:
    """``(m,)`` which components of one number lie on the way from a to b, or overlap it: their rows fill the valley.

    In more numbers they may lie beside the way.
    """
    mean = mixture.means[:, 0]
    reach = BETWEEN / np.broadcast_to(mixture.factors.reshape(-1)[: len(mean)], mean.shape)
    return np.asarray((mean + reach >= min(mean[a], mean[b])) & (mean - reach <= max(mean[a], mean[b])))


def looks_gaussian(mixture: Mixture, rows: Rows, posterior: Floats) -> bool:
    """Whether the rows of the components have the kurtosis and the skewness of Gaussians, all components together.

    One number has no direction beside that of the valley. Holes and categories are not looked into.
    """
    d, total = rows.x.shape[1], float(rows.weights.sum())
    if d < 2 or rows.seen is not None or mixture.shares:
        return False
    kurtosis, skewness = np.zeros(d), np.zeros(d)
    for j, mean in enumerate(mixture.means):
        x, own = _rows_of(posterior[:, j] * rows.weights, rows)
        mass = max(float(own.sum()), 1e-300)
        factor = mixture.factors if mixture.covariance == "tied" else mixture.factors[j]
        z = (x - mean) @ factor if factor.ndim == 2 else (x - mean) * factor
        z -= own @ z / mass
        squares = z * z
        variance = np.maximum(own @ squares / mass, 1e-12)
        skewness += own @ (squares * z) / variance**1.5 / total
        kurtosis += (own @ (squares * squares) / variance**2 - 3 * mass) / total
    error = np.sqrt(24 / (rows.observations * d))
    if abs(kurtosis.mean()) >= KURTOSIS + error or np.abs(skewness).max() >= SKEWNESS:
        return False
    return d > FEW or not _shaped(rows, posterior)


def _rows_of(own: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """The rows that count in a component, and what: of many, most do not."""
    there = own > NOTHING * own.max()
    return rows.x[there], own[there]


def _shaped(rows: Rows, posterior: Floats) -> bool:
    """Whether components, each by itself, have larger fourth cumulants than chance gives Gaussians of as many rows.

    A piece of a ring is flat along it and peaked across, so that the mean of both is that of a Gaussian. The matrix
    ``E |z|^2 z z' - (d + 2) I`` of whitened rows z has a squared norm that hangs on no axes, and of n rows of a
    Gaussian the mean ``chance / n``.
    """
    d, per = rows.x.shape[1], rows.observations / float(rows.weights.sum())
    chance = d * (20 + 4 * d) + d * (d - 1) * (8 + 2 * d)
    squares, observations, seen = 0.0, 0.0, 0
    for column in posterior.T:
        x, own = _rows_of(column * rows.weights, rows)
        mass = float(own.sum())
        if mass * per < 2 * (d + 2):  # too few to have a shape
            continue
        z = x - own @ x / mass
        covariance = (z * own[:, None]).T @ z / mass
        variance = float(np.trace(covariance))
        if not variance > 0:  # copies of one row
            continue
        z = np.linalg.solve(np.linalg.cholesky(covariance + 1e-9 * variance * np.eye(d)), z.T).T
        cumulants = (z * (own * (z * z).sum(axis=1))[:, None]).T @ z / mass - (d + 2) * np.eye(d)
        squares, observations, seen = squares + mass * per * (cumulants**2).sum(), observations + mass * per, seen + 1
    if not seen:
        return False
    error = chance * np.sqrt(4 * seen / (d * (d + 1)))
    return bool(squares - seen * chance - 2 * error > CUMULANTS * observations * d)
