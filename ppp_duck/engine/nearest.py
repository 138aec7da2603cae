"""Which of some centers is nearest: a screen tells it of most points, sums in one order of those in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppp_duck.engine.densities import log_densities
from ppp_duck.engine.kmeans.lloyd import largest, with_largest
from ppp_duck.engine.screen import FARTHEST, Screen
from ppp_duck.models.model import Floats, Ints, Mixture


@dataclass(frozen=True)
class Centers:
    """Centers ``(c, d)``, as a mixture of unit balls: its most probable component is the nearest one."""

    at: Floats

    @cached_property
    def _balls(self) -> Mixture:
        c = len(self.at)
        return Mixture("spherical", np.full(c, 1.0 / c), self.at, np.ones(c))

    @cached_property
    def _norms(self) -> Floats:
        return np.zeros(len(self.at))

    @cached_property
    def _screen(self) -> Screen:
        return Screen.of(self._balls, self._norms)

    def nearest(self, points: Floats, other_than: Ints | None = None) -> Ints:
        """Index (n,) of the nearest center of points (n, d) without holes; of equally near ones the first.

        ``other_than``: of each point a center that is not to be it. There are two or more then.
        """
        x, log_p = points.T, self._screen.log_densities(points.T)
        if other_than is not None:
            log_p.ravel()[other_than * len(points) + np.arange(len(points))] = -np.inf
        found, best = with_largest(log_p)
        lowest = np.fmin.reduce(best, initial=0.0)  # the largest error of all rows will do where none is far out
        near = log_p >= best - self._screen.error(best if lowest < -FARTHEST else lowest)
        if np.count_nonzero(near) > len(points):
            unsure = np.flatnonzero(near.sum(axis=0) > 1)
            found[unsure] = largest(log_densities(self._balls, self._norms, x[:, unsure], near[:, unsure])[0])
        return found
