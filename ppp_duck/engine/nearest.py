"""Which of some centers is nearest: BLAS tells it of most points, sums in one order of those in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppp_duck.engine import blas
from ppp_duck.engine.densities import log_densities
from ppp_duck.engine.kmeans.lloyd import DOUBT, largest, with_largest
from ppp_duck.models.model import Floats, Ints, Mixture

FAR = 1e3  # from the origin, in scaled units


@dataclass(frozen=True)
class Centers:
    """Centers ``(c, d)``."""

    at: Floats

    @cached_property
    def _balls(self) -> Mixture:
        """A mixture of unit balls: its most probable component is the nearest center."""
        c = len(self.at)
        return Mixture("spherical", np.full(c, 1.0 / c), self.at, np.ones(c))

    @cached_property
    def _halves(self) -> Floats:
        """(c, 1) half the square of each center."""
        return np.asarray(0.5 * (self.at * self.at).sum(axis=1, keepdims=True))

    def _reach(self, x: Floats) -> Floats | float:
        """No less than the distance of a point (d, n) to a center: for all points one number, unless some are far out.

        The squared distance is rounded by a share of its square, and so are the scores.
        """
        longest = float(np.sqrt(2 * self._halves.max()))
        widest = float(max(x.max(initial=0.0), -x.min(initial=0.0)) * np.sqrt(len(x)))
        return (np.sqrt(np.einsum("dn,dn->n", x, x)) if widest > FAR else widest) + longest

    def nearest(self, points: Floats, other_than: Ints | None = None) -> Ints:
        """Index (n,) of the nearest center of points (n, d) without holes; of equally near ones the first.

        ``other_than``: of each point a center that is not to be it. There are two or more then.
        """
        x = points.T
        score = blas.product(self.at, x)
        score -= self._halves
        if other_than is not None:
            score.ravel()[other_than * len(points) + np.arange(len(points))] = -np.inf
        found, best = with_largest(score)
        near = score >= best - DOUBT * self._reach(x) ** 2
        if np.count_nonzero(near) > len(points):
            unsure = np.flatnonzero(np.count_nonzero(near, axis=0) > 1)
            exact, _ = log_densities(self._balls, np.zeros(len(self.at)), x[:, unsure], near[:, unsure])
            found[unsure] = largest(exact)
        return found
