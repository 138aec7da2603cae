"""What k-means sees of a mixed row: its numbers, and its categories as coordinates on a few axes.

The axes are those of a factor analysis of all features (numbers, and indicators of levels divided by the root of their
share: multiple correspondence analysis). Only axes are kept on which features vary together more than independent ones
would by chance, and a coordinate has the variance that it has beyond independence (Benzecri's correction), so that a
category of pure noise is not seen, and one that all others follow weighs about as much as a number.

Distances are over the coordinates that a row has, scaled up to all of them (``nan_euclidean`` in scikit-learn).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine import categories, fixed
from ppp_duck.engine.canonical import Progress, content_sample, silent
from ppp_duck.engine.kmeans import lloyd as complete
from ppp_duck.engine.patterns import Patterns
from ppp_duck.models.model import Bools, Floats, Ints, Spot

DONORS = 2048  # rows among which a row with holes looks for its like: the starts need no more, and time is linear in it
# Of 180 rows of 13 correlated numbers, one neighbour gives starts from which EM does not find the three groups.
NEIGHBOURS = 5  # rows like it, whose mean fills a hole
TOLD = 4  # coordinates that a row must have for that: in two, the mean of some rows lies between groups
MANY_DONORS = 20  # rows that have all of what a row lacks, from which on these fill it all at once
EQUAL = 1e-10  # of the largest score: centers whose scores differ by less are equally near
ITERATIONS = 300  # of Lloyd, at most


@dataclass(frozen=True)
class View:
    """The coordinates of rows ``(n, v)``, 0 where there is none."""

    x: Floats
    seen: Bools | None  # None: all are there

    @staticmethod
    def of(x: Floats, seen: Bools | None, codes: Ints, axes: tuple[Floats, ...], spots: tuple[Spot, ...] = ()) -> View:
        """Of numbers ``(n, d)`` and codes ``(n, c)``; coordinate by coordinate, category by category."""
        x, seen = _with_spots(x, seen, codes, spots)
        if not axes or not axes[0].shape[1]:
            return View(x, seen)
        places, there = coordinates(codes, axes)
        if seen is None and there.all():
            return View(np.concatenate([x, places], axis=1), None)
        seen = np.ones(x.shape, dtype=bool) if seen is None else seen
        return View(np.concatenate([x, places], axis=1), np.concatenate([seen, there], axis=1))

    def nearest(self, centers: Floats) -> Ints:
        """Index of the nearest center ``(k, v)`` of each row."""
        if self.seen is None:
            return complete.nearest(self.x, centers)
        score = centers @ self.x.T
        score -= 0.5 * (centers**2 @ self.seen.T)
        return fixed.first_largest(score, EQUAL * max(1.0, float(np.abs(score).max(initial=0.0))))

    def group_means(self, weights: Floats, labels: Ints, k: int) -> Floats:
        """Mean ``(k, v)`` of the coordinates that the rows of each label have; 0 where none has it."""
        if self.seen is None:
            return complete.group_means(self.x, weights, labels, k)
        total = complete.group_sums(self.x, weights, labels, k)[1]
        mass = complete.group_sums(self.seen.astype(np.float64), weights, labels, k)[1]
        return np.asarray(total / np.where(mass > 0, mass, 1.0))

    def inertia(self, weights: Floats, centers: Floats, labels: Ints) -> float:
        """Weighted sum of squared distances of rows to their own center."""
        if self.seen is None:
            return complete.inertia(self.x, weights, centers, labels)
        gap = (self.x - centers[labels]) * self.seen
        count = self.seen.sum(axis=1)
        scale = np.where(count > 0, self.x.shape[1] / np.maximum(count, 1), 0.0)
        return float((weights * (scale * np.einsum("nv,nv->n", gap, gap))).sum())

    def lloyd(
        self, weights: Floats, centers: Floats, progress: Progress = silent, iterations: int = ITERATIONS
    ) -> tuple[Floats, Ints]:
        """Lloyd's iterations; a cell that loses its last row keeps its center. Returns centers and labels."""
        if self.seen is None:
            return complete.lloyd(self.x, weights, centers, progress, iterations)
        labels: Ints = np.full(len(self.x), -1, dtype=np.int64)
        for _ in range(iterations):
            progress("k-means", len(centers))
            found = self.nearest(centers)
            if np.array_equal(found, labels):
                break
            labels = found
            present = np.bincount(labels, minlength=len(centers)) > 0
            centers = np.where(present[:, None], self.group_means(weights, labels, len(centers)), centers)
        return centers, labels

    def filled(self, weights: Floats) -> Floats:
        """The coordinates, holes filled from the rows that are nearest in what both have and have what is missing.

        They are sought among ``DONORS`` rows, chosen by content: one, so that a row with a hole lies where rows are;
        the mean of ``NEIGHBOURS`` where ``TOLD`` coordinates tell them.
        """
        if self.seen is None:
            return self.x
        x, seen = self.x.copy(), self.seen
        donors = np.arange(len(x))
        if len(x) > DONORS:
            donors = content_sample(np.concatenate([self.x, seen], axis=1), weights, DONORS)[0]
        given, has = self.x[donors], seen[donors]
        numbers = has.astype(np.float64)
        squares = given**2
        for pattern, rows in Patterns.of(seen):
            missing = np.flatnonzero(~pattern)
            if not len(missing):
                continue
            common = numbers @ pattern
            distance = (squares @ pattern)[None] - 2 * x[rows] @ given.T + self.x[rows] ** 2 @ numbers.T
            distance = fixed.settled(np.maximum(distance, 0.0) / np.maximum(common, 1e-9))
            distance[:, common == 0] = np.inf
            everything = has[:, missing].all(axis=1)
            if np.count_nonzero(everything & (common > 0)) >= MANY_DONORS:
                distance = np.where(everything, distance, np.inf)
                if np.count_nonzero(pattern) >= TOLD:
                    at = first_smallest(distance, NEIGHBOURS)
                else:
                    at = np.argmin(distance, axis=1)[:, None]
                x[np.ix_(rows, missing)] = given[at][:, :, missing].mean(axis=1)
                continue
            for feature in missing.tolist():
                own = np.where(has[:, feature], distance, np.inf)
                at = np.argmin(own, axis=1)
                known = np.isfinite(own[np.arange(len(rows)), at])
                x[rows[known], feature] = given[at[known], feature]
        return np.asarray(x)


def first_smallest(values: Floats, count: int) -> Ints:
    """Columns ``(n, count)`` of the smallest of each line ``(n, p)``, ascending; of equals the first."""
    bound = np.partition(values, count - 1, axis=1)[:, count - 1 : count]
    below, at_bound = values < bound, values == bound
    room = count - np.count_nonzero(below, axis=1)[:, None]
    taken = below | (at_bound & (np.cumsum(at_bound, axis=1) <= room))
    return np.nonzero(taken)[1].reshape(-1, count)


def _with_spots(x: Floats, seen: Bools | None, codes: Ints, spots: tuple[Spot, ...]) -> tuple[Floats, Bools | None]:
    """Numbers, and which are there, with those that categories stand for at their places."""
    if seen is None or not spots:
        return x, seen
    x, seen = x.copy(), seen.copy()
    for spot in spots:
        for code, place in enumerate(spot.places):
            if place is not None:
                at = codes[:, spot.category] == code
                x[at, spot.number], seen[at, spot.number] = place, True
    return x, None if seen.all() else seen


def coordinates(codes: Ints, axes: tuple[Floats, ...]) -> tuple[Floats, Bools]:
    """``(n, a)`` sum of the coordinates of a row's categories on each axis, and whether it has one that is seen there.

    A sum over some of the categories is scaled up by the spans that the others have on the axis.
    """
    spans = np.array([one.max(axis=0) - one.min(axis=0) for one in axes])
    found, span = np.zeros((len(codes), axes[0].shape[1])), np.zeros((len(codes), axes[0].shape[1]))
    for column, places, own in zip(codes.T, axes, spans, strict=True):
        there = column >= 0
        found += np.where(there[:, None], places[np.maximum(column, 0)], 0.0)
        span += np.where(there[:, None], own, 0.0)
    partly = (codes < 0).any(axis=1)
    if partly.any():
        total = np.zeros(spans.shape[1])
        for own in spans:
            total += own
        found[partly] *= np.where(span[partly] > 0, total / np.where(span[partly] > 0, span[partly], 1.0), 0.0)
    return found, span > 0


def places_of(means: Floats, shares: tuple[Floats, ...], axes: tuple[Floats, ...]) -> Floats:
    """``(m, v)`` where components are in the view."""
    if not axes or not axes[0].shape[1]:
        return means
    found = np.zeros((len(means), axes[0].shape[1]))
    for share, places in zip(shares, axes, strict=True):
        found += (share[:, :, None] * places).sum(axis=1)
    return np.concatenate([means, found], axis=1)


def category_axes(
    x: Floats, seen: Bools | None, indicator: Floats, levels: tuple[int, ...], weights: Floats, observations: float
) -> tuple[Floats, ...]:
    """Of each category ``(levels, a)``: the coordinates of its levels, on axes that independent features do not have.

    Without numbers, and without such axes, all levels have an axis of their own.
    """
    if not levels:
        return ()
    d, blocks = x.shape[1], categories.blocks(levels)
    there = np.stack([indicator[:, block].sum(axis=1) for block in blocks], axis=1)
    of_level = np.repeat(np.arange(len(levels)), levels)
    share = fixed.total(weights, indicator) / np.maximum(fixed.total(weights, there), 1e-300)[of_level]
    root = np.sqrt(np.maximum(share, 1e-12))
    z = (indicator - share * there[:, of_level]) / root
    mass = np.full(d, weights.sum()) if seen is None else fixed.total(weights, seen)
    spread = np.sqrt(np.maximum(fixed.total(weights, x**2) / np.maximum(mass, 1e-300), 1e-300))
    every = np.concatenate([x / spread, z], axis=1)
    variance, vectors = fixed.eigen(fixed.product((every * weights[:, None]).T, every) / weights.sum())
    free = d + sum(levels) - len(levels)
    # the largest variance of independent features with these observations (Marchenko & Pastur 1967)
    chance = (1 + np.sqrt(free / max(observations, 1.0))) ** 2
    keep = [j for j in np.argsort(-variance, kind="stable") if variance[j] > chance]
    vectors, variance = vectors[d:, keep], variance[keep]
    vectors = vectors * np.sign(vectors[fixed.first_largest(np.abs(vectors), 1e-6), np.arange(len(keep))])
    places: Floats = vectors * np.sqrt((variance - 1) / variance) / root[:, None]
    if not len(keep) and not d:
        places = np.diag(1 / (root * np.sqrt(np.maximum(np.array(levels) - 1, 1))[of_level]))
    # + 0.0: whether a level without a place has -0.0 is a matter of rounding, and a stored model is one text on all
    # processors.
    return tuple(places[block] - fixed.total(share[block], places[block]) + 0.0 for block in blocks)


def with_all_levels(axes: tuple[Floats, ...], part: float) -> tuple[Floats, ...]:
    """The same with a small axis for each level, so that rows of different categories are in different places."""
    total, at, found = sum(len(one) for one in axes), 0, []
    for one in axes:
        more = np.zeros((len(one), total))
        more[np.arange(len(one)), at + np.arange(len(one))] = part
        found.append(np.concatenate([one, more], axis=1))
        at += len(one)
    return tuple(found)
