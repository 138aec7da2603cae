"""Canonical rows as the engine sees them: numbers around their mean and of one unit, categories as codes and places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppp_duck.engine import fixed, grain, view
from ppp_duck.engine.rows import Mixed, Rows
from ppp_duck.models.model import Bools, Floats, Layout, Spot

# Coordinate of a level, in units of the rows, where more clusters are asked for than there are different views: small
# beside all that the view shows, so that it only settles what would be equal.
APART = 0.05


def _centered(rows: Floats, weights: Floats) -> tuple[Rows, Floats, float]:
    """Rows around their mean, in units of their root mean variance: products of features then lose no digits."""
    total = float(weights.sum())
    middle = fixed.total(weights, rows) / total
    x = rows - middle
    unit = _unit(sum(float((weights * column**2).sum()) for column in x.T) / (total * rows.shape[1]), middle)
    x /= unit
    return Rows.of(x, weights), middle, unit


def prepared(
    rows: Floats, weights: Floats, layout: Layout | None, k: int = 1, observations: float = np.inf
) -> tuple[Rows, Floats, float]:
    """Canonical rows as the engine sees them, their middle, and their unit; as many ``observations`` at most."""
    every, middle, unit = _prepared(rows, weights, layout, k)
    return replace(every, observations=min(every.observations, observations)), middle, unit


def _prepared(rows: Floats, weights: Floats, layout: Layout | None, k: int) -> tuple[Rows, Floats, float]:
    """Numbers as ``_centered``, categories as codes.

    ``k`` places at least, of as many distinct rows, differ in their view.
    """
    if layout is None:
        return _centered(rows, weights)
    d = layout.numbers
    if rows.shape[1] != layout.width:
        raise ValueError(f"rows must have {layout.width} columns, as the layout has, not {rows.shape[1]}")
    codes = np.where(np.isnan(rows[:, d:]), -1, rows[:, d:]).astype(np.int64)
    if (codes != np.nan_to_num(rows[:, d:], nan=-1)).any() or (codes.max(axis=0, initial=-1) >= layout.levels).any():
        raise ValueError("a category must be a whole number from 0 to below the number of its levels")
    numbers, seen = np.ascontiguousarray(rows[:, :d]), ~np.isnan(rows[:, :d])
    if seen.all() and not layout.levels and not any(layout.floors):
        return _centered(numbers, weights)
    if seen.all():
        plain, middle, unit = _centered(numbers, weights) if d else (Rows.of(numbers, weights), np.zeros(0), 1.0)
        x, there = plain.x, None
    else:
        x, middle, unit = _centered_with_holes(numbers, seen, weights)
        there = seen
    levels = tuple(max(count, 1) for count in layout.levels)
    floors = tuple(one / unit for one in layout.floors)
    spots = tuple(_moved(spot, float(middle[spot.number]), unit) for spot in layout.spots)
    mixed = Mixed(Layout(d, levels, floors, spots), there, codes, ())
    every = Rows.of(x, weights, None, mixed)
    axes = view.category_axes(x, there, every.indicators, levels, weights, every.observations) if levels else ()
    mixed = replace(mixed, axes=axes)
    every = replace(every, mixed=mixed)
    if levels and k > 1 and len(np.unique(every.view.x, axis=0)) < k:
        every = replace(every, mixed=replace(mixed, axes=view.with_all_levels(axes, APART)), products={})
    return every, middle, unit


def _moved(spot: Spot, middle: float, unit: float) -> Spot:
    return replace(spot, places=tuple(None if place is None else (place - middle) / unit for place in spot.places))


def _centered_with_holes(x: Floats, seen: Bools, weights: Floats) -> tuple[Floats, Floats, float]:
    """Numbers around the mean of those that are there, in units of their root mean variance, holes as 0."""
    mass = np.maximum(fixed.total(weights, seen), 1e-300)
    x = np.where(seen, x, 0.0)
    middle = fixed.total(weights, x) / mass
    x = np.where(seen, x - middle, 0.0)
    unit = _unit(float(fixed.total(weights, x**2).sum()) / max(float(mass.sum()), 1e-300), middle)
    return x / unit, middle, unit


def _unit(variance: float, middle: Floats) -> float:
    """The root of the mean variance of numbers around ``middle``; 1 where rounding could be all of it."""
    unit = float(grain.to_bits(np.array(np.sqrt(variance)), grain.SCALE_BITS))  # sums of another numpy differ
    return unit if unit > 16 * np.spacing(max(1.0, float(np.abs(middle).max()))) else 1.0
