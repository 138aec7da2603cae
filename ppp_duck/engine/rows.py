"""Weighted rows as a fit sees them: numbers around the origin, categories, holes, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ppp_duck.engine import categories
from ppp_duck.engine.canonical import content_sample
from ppp_duck.engine.patterns import Lacking, Patterns
from ppp_duck.engine.view import View
from ppp_duck.models.model import Bools, Floats, Ints, Layout

LOG_2PI = float(np.log(2 * np.pi))
BLOCK = 512  # numbers whose squares are made at once
TINY = 1e-300  # the smallest weight or mass: its logarithm is finite

# Observations that all repeats of rows together count as, at most. 25 to 400 give the same on rounded and copied tables
# (docs/method.md, repeated rows); at 400 sixty distinct rows given 20,000 times fall into 14 clusters for 9.
REPEATS = 100.0
# Share of the evidence, at most, of one distinct row, where there are twenty or more: the density at one point has no
# bound. A point with most of the mass takes 53 to 71 components without it, 3 to 5 with it.
SHARE = 0.1
MOST_COUNTED = 1e12  # no table has more rows: a larger sum of weights counts none
FEW_VALUES = 7  # of a rating: one number of so few makes no cluster by itself
ATOMS = 100  # of so many rows the heaviest one may be a point with mass of its own: it makes the others no less sure


@dataclass(frozen=True)
class Mixed:
    """What rows have beside complete numbers."""

    layout: Layout  # with floors and spots in the units of the rows
    seen: Bools | None  # (n, d) where a number is there, the others are 0; None: everywhere
    codes: Ints  # (n, c), -1 where a category is missing
    axes: tuple[Floats, ...]  # of each category (levels, a): the coordinates of its levels in the view

    @property
    def discrete(self) -> bool:
        """Whether all values are categories or lie on grids: then no density is without bound, and repeats are rows."""
        floors = self.layout.floors
        return not self.layout.numbers or (len(floors) > 0 and min(floors) > 0)

    def take(self, keep: Ints) -> Mixed:
        """The same of some of the rows."""
        return replace(self, seen=None if self.seen is None else self.seen[keep], codes=self.codes[keep])

    def content(self, x: Floats) -> Floats:
        """All that a row is, as numbers ``(n, q)``."""
        parts = [x, self.codes.astype(np.float64)]
        if self.seen is not None:
            parts.append(self.seen.astype(np.float64))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Rows:
    """Weighted rows, near the origin and of unit spread, with what every fit to them shares."""

    x: Floats  # (n, d)
    weights: Floats  # (n,)
    observations: float  # as how many these rows, or those that they are a sample of, count
    products: dict[str, Floats]  # products of features by kind, and the covariance of all rows
    mixed: Mixed | None = None  # categories, holes and grids; None: complete numbers
    kept: list[Any] = field(default_factory=list, init=False)  # what a step of EM leaves for the next (holes_by_row)

    @staticmethod
    def of(x: Floats, weights: Floats, observations: float | None = None, mixed: Mixed | None = None) -> Rows:
        if observations is None:
            are_rows = mixed is not None and mixed.discrete and are_counts(weights)
            observations = float(weights.sum()) if are_rows else count(weights)
        return Rows(x, weights, observations, {}, mixed)

    def sample(self, size: int) -> tuple[Rows, Ints]:
        """So many of the rows, by content, weighted to stand for all of them; and which."""
        mixed = self.mixed
        keep, weights = content_sample(self.x if mixed is None else mixed.content(self.x), self.weights, size)
        some = None if mixed is None else mixed.take(keep)
        return Rows.of(np.ascontiguousarray(self.x[keep]), weights, self.observations, some), keep

    @property
    def layout(self) -> Layout:
        return Layout(self.x.shape[1]) if self.mixed is None else self.mixed.layout

    @cached_property
    def seen(self) -> Bools | None:
        """``(n, d)`` where a number is there; None: everywhere."""
        return None if self.mixed is None else self.mixed.seen

    @cached_property
    def view(self) -> View:
        """What k-means sees of the rows."""
        if self.mixed is None:
            return View(self.x, None)
        return View.of(self.x, self.mixed.seen, self.mixed.codes, self.mixed.axes, self.layout.spots)

    @cached_property
    def complete_view(self) -> Floats:
        """``(n, v)`` the view with its holes filled from rows that are like it."""
        return self.view.filled(self.weights)

    @cached_property
    def indicators(self) -> Floats:
        """``(n, sum of levels)`` 1 in the column of each category of a row."""
        assert self.mixed is not None
        return categories.indicators(self.mixed.codes, self.mixed.layout.levels)

    @cached_property
    def common_shares(self) -> Floats:
        """``(sum of levels,)`` share of each level in all rows that have the category; none is quite 0."""
        return categories.common_shares(self.indicators, self.weights, self.layout.levels, self.unit)

    @cached_property
    def each_number(self) -> tuple[Floats, Floats, Floats]:
        """``(d,)`` mean and variance of each number in all rows that have it, and their weight."""
        found = []
        for at in range(0, max(self.x.shape[1], 1), BLOCK):
            x = self.x[:, at : at + BLOCK]
            has = np.ones(x.shape) if self.seen is None else self.seen[:, at : at + BLOCK]
            mass = np.maximum(self.weights @ has, TINY)
            mean = self.weights @ x / mass
            found.append((mean, self.weights @ ((x - mean) ** 2 * has) / mass, mass))
        mean, variance, mass = (np.concatenate(part) for part in zip(*found, strict=True))
        return mean, variance, mass

    @cached_property
    def of_few_values(self) -> Bools:
        """``(d,)`` which numbers have a few values next to each other on a grid, as ratings have."""
        found = np.zeros(self.x.shape[1], dtype=bool)
        for f in np.flatnonzero(self.layout.floors).tolist():
            values = self.x[:, f] if self.seen is None else self.x[self.seen[:, f], f]
            steps = float(np.ptp(values)) / (2 * self.layout.floors[f]) if len(values) else 0.0
            found[f] = steps < FEW_VALUES - 0.5 and len(np.unique(values)) <= FEW_VALUES
        return found

    @cached_property
    def patterns(self) -> Patterns:
        """The rows by what they lack."""
        assert self.seen is not None
        return Patterns.of(self.seen)

    @cached_property
    def lacking(self) -> list[Lacking]:
        """The rows with what each lacks, those that lack as many together."""
        assert self.seen is not None
        return Lacking.of(self.seen)

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
        if self.mixed is not None and self.mixed.discrete:
            return self.weights
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

        Holes are zeros in all of these; where there are some, 'diag' and 'spherical' end with ``(d,)``: 1 where a
        number is there.

        Only for rows near the origin: the products lose digits where the mean is large beside the spread.
        """
        if form not in self.products:
            x, one = self.x, np.ones((len(self.x), 1))
            more = [] if self.seen is None or form == "full" else [self.seen.astype(np.float64)]
            if form == "full":
                i, j = np.triu_indices(x.shape[1])
                second = x[:, i] * x[:, j]
            else:
                second = x * x if form == "diag" else np.einsum("nd,nd->n", x, x)[:, None]
            self.products[form] = np.ascontiguousarray(np.concatenate([one, x, second, *more], axis=1))
        return self.products[form]

    def squares(self, form: str) -> Floats:
        """The second-order terms alone, of 'diag' ``(n, d)`` or 'spherical' ``(n, 1)``: wide rows keep no more."""
        name = f"squares {form}"
        if name not in self.products:
            x = self.x
            self.products[name] = x * x if form == "diag" else np.einsum("nd,nd->n", x, x)[:, None]
        return self.products[name]

    def scatter(self) -> Floats:
        """``(d, d)`` weighted sum of the products of all pairs of features."""
        if "scatter" not in self.products:
            self.products["scatter"] = (self.x * self.weights[:, None]).T @ self.x
        return self.products["scatter"]


def count(weights: Floats) -> float:
    """Observations that distinct rows of such weights are: one each, and ``REPEATS`` for the repeats at most.

    Weights say where the mass is, not how sure it is: a row given a thousand times tells no more of the density beside
    it than a row given once, be it copied or rounded. But a few rows given often are categories, and known. Where
    weights differ, all are as good as fewer rows of one weight.
    """
    extra = max(0.0, float(weights.sum()) - len(weights))
    return (len(weights) + REPEATS * extra / (REPEATS + extra)) * evenness(weights)


def are_counts(weights: Floats) -> bool:
    """Whether weights can tell how often each row is there: whole numbers. Others say where the mass is."""
    return bool((np.abs(weights - np.rint(weights)) <= 1e-6).all()) and float(weights.sum()) <= MOST_COUNTED


def evenness(weights: Floats) -> float:
    """As how many rows of one weight these are, as a share of them: (sum w)^2 / (n sum w^2) (Kish 1965).

    Of all but the heaviest hundredth: zeros of a column that is mostly zero are no other rows' weight.
    """
    some = np.sort(weights)[: len(weights) - len(weights) // ATOMS]
    if some[0] == some[-1]:
        return 1.0
    some = some / some[-1]
    return float(some.sum()) ** 2 / (len(some) * float((some * some).sum()))
