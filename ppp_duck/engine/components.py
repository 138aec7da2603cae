"""The components of a mixture, with what every two of them are compared by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ppp_duck.engine import categories, pair, ratio
from ppp_duck.engine.mixture import dense, log_densities, responsibilities, tempered
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Bools, Floats, Mixture

# Share of a component's rows (by posterior) in doubt with another that makes them neighbours: ARI 0.765 with 1e-8,
# 0.701 where all pairs are compared.
NEIGHBOURS = 1e-3
# Standard deviations between two means up to which components of equal mass share about as much as NEIGHBOURS.
APART = 6.0
SAMPLED = 8192  # rows that the search looks at; fewer are always all of them


@dataclass(frozen=True)
class Components:
    """Components, their rows and the posteriors ``(n, m)`` of these."""

    mixture: Mixture
    rows: Rows
    posterior: Floats

    @property
    def count(self) -> int:
        return len(self.mixture.means)

    @property
    def of_numbers(self) -> bool:
        """Whether rows are complete numbers."""
        return self.rows.seen is None and not self.mixture.shares

    @cached_property
    def shared(self) -> Floats:
        """``(m, m)`` weight of the rows that two components share, by posteriors.

        In a mixed table it is what they share without the category that tells them best: no single category makes a
        cluster.
        """
        shared = _together(self.rows, self.posterior)
        if not self.mixture.shares:
            return shared
        joint, every = log_densities(self.mixture, self.rows), range(self.count)
        strongest = np.array([[int(np.argmax(ratio.divergences(self.mixture, a, b))) for b in every] for a in every])
        for c, block in enumerate(categories.blocks(self.rows.layout.levels)):
            pairs = (strongest == c) & ~np.eye(self.count, dtype=bool)
            if pairs.any():
                of_category = self.rows.indicators[:, block] @ np.log(self.mixture.shares[c]).T
                shared[pairs] = _together(self.rows, responsibilities(joint - of_category)[0])[pairs]
        return shared

    @cached_property
    def mass(self) -> Floats:
        """``(m,)`` weight of the rows of each component."""
        return np.asarray(np.maximum(self.shared.sum(axis=1), 1e-300))

    @cached_property
    def near(self) -> Bools:
        """``(m, m)`` which are neighbours: in a mixed table those whose numbers are.

        No number of few values (a rating) keeps two apart: they are neighbours if they were with it telling no more
        than all others.
        """
        shared = self.shared
        if self.mixture.shares and not self.rows.x.shape[1]:
            return np.ones(shared.shape, dtype=bool)
        if self.mixture.shares:
            by_numbers, _ = responsibilities(log_densities(replace(self.mixture, shares=()), self.rows))
            shared = _together(self.rows, by_numbers)
        mass = np.maximum(shared.sum(axis=1), 1e-300)
        found = shared > NEIGHBOURS * np.minimum(mass[:, None], mass)
        if self.rows.of_few_values.any():
            for a, b in np.argwhere(np.triu(~found, 1)).tolist():
                gap, full = self.gap(a, b), self._full_axis(a, b)
                balanced = pair.without_dominance(self.rows, full, gap)
                found[a, b] = found[b, a] = balanced is not full and 2 * balanced @ gap < APART**2
        return np.asarray(found)

    @cached_property
    def unit(self) -> float:
        """The weight of one observation. A row of a sample stands for several; of fewer rows all are there."""
        weights = self.rows.weights
        return max(self.rows.unit, float(weights.min())) if len(weights) >= SAMPLED else self.rows.unit

    @cached_property
    def evidence(self) -> Floats:
        """``(n, m)`` what a row counts in each component, in observations."""
        weights = self.rows.weights
        observations = float(weights.sum()) / self.unit
        return self.posterior * (weights * (tempered(observations) / observations / self.unit))[:, None]

    @cached_property
    def look_gaussian(self) -> bool:
        return pair.looks_gaussian(self.mixture, self.rows, self.posterior)

    @cached_property
    def covariances(self) -> Floats | None:
        """``(m, d, d)``, where they are not diagonal."""
        m, d = self.mixture.means.shape
        if self.mixture.covariance not in ("tied", "full"):
            return None
        return np.asarray(np.broadcast_to(dense(self.mixture), (m, d, d)))

    def gap(self, a: int, b: int) -> Floats:
        """``(d,)`` from the mean of one to that of the other."""
        return np.asarray(self.mixture.means[b] - self.mixture.means[a])

    def axis(self, a: int, b: int) -> Floats:
        """``(d,)`` that two are compared on. No number of few values tells more there than all others."""
        return pair.without_dominance(self.rows, self._full_axis(a, b), self.gap(a, b))

    def _full_axis(self, a: int, b: int) -> Floats:
        return pair.axis(self.mixture, a, b, self.covariances)

    def spreads(self, a: int, b: int, v: Floats) -> tuple[float, float]:
        """Standard deviations of both along an axis."""
        dense_ones = self.covariances
        return pair.spread(self.mixture, a, v, dense_ones), pair.spread(self.mixture, b, v, dense_ones)

    def distance(self, a: int, b: int) -> float:
        """Squared distance of two means in units of both covariances."""
        return float(self._full_axis(a, b) @ self.gap(a, b))


def _together(rows: Rows, posterior: Floats) -> Floats:
    """``(m, m)`` weight of the rows that two components share."""
    return np.asarray((posterior * rows.weights[:, None]).T @ posterior)
