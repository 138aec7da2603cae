"""Arrow columns in, points out: scaled numbers, then the codes of categories, NaN for what a row lacks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from ppp_duck.features import scaling
from ppp_duck.features.scale import IS_FAR, IS_INFINITE, IS_NAN, IS_NULL, IS_SPIKE, PRESENT, forward
from ppp_duck.features.scaling import FARTHEST
from ppp_duck.models.model import Bools, Feature, Floats, Ints, Layout, spots_of

STANDS = IS_SPIKE + 1  # one reason more: far out, and all that the row has
REASONS = {IS_NULL: "is NULL", IS_NAN: "is NaN", IS_INFINITE: "is infinite", IS_FAR: "is far out", STANDS: "is far out"}

Lacking: TypeAlias = "list[tuple[int, Ints]]"  # features by number, and why rows lack them


@dataclass(frozen=True)
class Points:
    """Rows as the engine takes them, and what they lack."""

    values: Floats  # (n, d + c), each column contiguous
    missing_slot: Ints  # (n,) the first feature that the row lacks, -1 for none
    missing_cause: Ints  # (n,) why it lacks it
    complete: Bools  # (n,) whether the row can be assigned
    flawless: bool = False  # nothing is missing or far out, as far as that is known

    def whole(self) -> Floats:
        """The values of the rows that can be assigned, each column contiguous."""
        if self.flawless or self.complete.all():
            return self.values
        return np.asarray(np.compress(self.complete, self.values.T, axis=1).T)


@dataclass(frozen=True)
class Encoder:
    """Features with what encoding derives from them once. ``missing``: the option of that name."""

    features: tuple[Feature, ...]
    missing: str

    @cached_property
    def blocks(self) -> list[int]:
        """Where the numbers of each feature begin, and where the last one's end."""
        return [0, *accumulate(len(feature.center) for feature in self.features)]

    @cached_property
    def layout(self) -> Layout:
        """What the columns of the points are."""
        floors = tuple(floor for one in self.features for floor in one.floors or (0.0,) * len(one.center))
        levels = tuple(one.codes for one in self.features if one.codes)
        return Layout(self.blocks[-1], levels, floors, spots_of(self.features))

    @cached_property
    def _units(self) -> list[float]:
        """Powers of two to divide by first."""
        return [scaling.unit_of(feature) for feature in self.features]

    @cached_property
    def _scaling(self) -> tuple[Floats, Floats]:
        """Center and scale (d, 1) of values that are divided by their ``_units``."""
        parts = [scaling.center_and_scale(feature) for feature in self.features]
        center, scale = ([part[side] for part in parts] for side in (0, 1))
        return np.concatenate([np.zeros(0), *center])[:, None], np.concatenate([np.zeros(0), *scale])[:, None]

    @cached_property
    def plain(self) -> tuple[Floats, Floats, Floats, Floats] | None:
        """Center, scale, lowest and highest value (d, 1) of columns of which a point is (value - center) / scale."""
        if any(one.kind != "number" or one.codes or one.log_unit for one in self.features) or set(self._units) != {1.0}:
            return None
        low = [-np.inf if one.low is None else one.low for one in self.features]
        high = [np.inf if one.high is None else one.high for one in self.features]
        return *self._scaling, np.array(low)[:, None], np.array(high)[:, None]

    def encode(self, columns: Sequence[pa.Array], lonely: bool = True, far: bool = True) -> Points:
        """Points of rows; ``columns`` has one column for each feature.

        A value far out is missing, or (not ``far``) stands at the limit. ``lonely``: or where a row has no other.
        """
        n = len(columns[0])
        with np.errstate(over="ignore", invalid="ignore"):
            whole = self._whole(columns)
        if whole is not None:
            nothing = np.zeros(n, dtype=np.int64)
            return Points(whole.T, nothing - 1, nothing, np.ones(n, dtype=bool), flawless=True)
        values = np.empty((self.layout.width, n))  # a column of points is a contiguous row of it
        numbers = values[: self.layout.numbers]
        with np.errstate(over="ignore", invalid="ignore"):
            lacking, spikes = self._fill(values, columns, plain=True, far=far)
            if not np.einsum("dn,dn->", numbers, numbers) < FARTHEST:  # something is infinite, NaN or very far out
                lacking, spikes = self._fill(values, columns, plain=False, far=far)
                np.clip(numbers, -FARTHEST, FARTHEST, out=numbers)
        has = np.full(n, len(self.features))  # features that a row has
        for _, causes in lacking:
            has -= causes != PRESENT
        alone = np.equal(has, 0)
        if lonely and self.missing == "auto" and alone.any():
            lacking = [(index, np.where(alone & (causes == IS_FAR), STANDS, causes)) for index, causes in lacking]
        self._leave_holes(values, lacking, spikes)
        slot, cause = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
        for index, causes in lacking:
            first = (causes != PRESENT) & (slot < 0)
            slot[first], cause[first] = index, causes[first]
        complete: Bools = slot < 0
        if self.missing == "impute":
            slot[:], complete = -1, np.ones(n, dtype=bool)
        elif self.missing == "auto":
            complete = np.asarray(~np.isnan(values).all(axis=0))
        return Points(values.T, slot, cause, complete)

    def _whole(self, columns: Sequence[pa.Array]) -> Floats | None:
        """Values (d + c, n) as ``encode`` gives them, sooner: of rows that lack nothing, nothing far out; or None."""
        if self._limits is None or not len(columns[0]) or any(column.null_count for column in columns):
            return None
        low, high = self._limits
        values, number, code = np.empty((self.layout.width, len(columns[0]))), 0, self.layout.numbers
        for feature, column in zip(self.features, columns, strict=True):
            if feature.kind == "text":
                values[code] = _text_codes(feature, column)[0]
                code += 1
            else:
                values[number] = column.to_numpy()
                number += 1
        numbers, (center, scale) = values[:number], self._scaling
        if not ((np.minimum.reduce(numbers, axis=1) >= low) & (np.maximum.reduce(numbers, axis=1) <= high)).all():
            return None  # or NaN
        for line, feature in zip(numbers, (one for one in self.features if one.kind != "text"), strict=True):
            if feature.log_unit:
                line[:] = forward(line, feature.log_unit)
        numbers -= center
        numbers /= scale
        return values if np.einsum("dn,dn->", numbers, numbers) < FARTHEST else None

    @cached_property
    def _limits(self) -> tuple[Floats, Floats] | None:
        """Lowest and highest value (d,) of numbers, where the other features are categories of texts; or None."""
        numbers = [one for one in self.features if one.kind != "text"]
        texts = [one for one in self.features if one.kind == "text"]
        if any(one.kind != "number" or one.codes for one in numbers) or not all(one.codes for one in texts):
            return None
        if not numbers or set(self._units) != {1.0}:
            return None
        low = [-np.inf if one.low is None else one.low for one in numbers]
        return np.array(low), np.array([np.inf if one.high is None else one.high for one in numbers])

    def _fill(self, values: Floats, columns: Sequence[pa.Array], plain: bool, far: bool) -> tuple[Lacking, Lacking]:
        """Fill in points. Returns the features with missing values, and why; and those with a spike, 1 where it is.

        ``plain``: all but NULL is finite.
        """
        lacking, spikes, code = [], [], self.layout.numbers
        numbers = values[: self.layout.numbers]
        for index, (feature, column) in enumerate(zip(self.features, columns, strict=True)):
            block, causes = numbers[self.blocks[index] : self.blocks[index + 1]], None
            if feature.kind == "text":
                codes, causes = _text_codes(feature, column)
                if feature.codes:
                    values[code] = codes
                else:
                    block[:] = codes == np.arange(len(block))[:, None]  # without *other*, an unseen one has no position
            elif plain and feature.kind == "number" and not column.null_count and _is_linear(feature):
                block[0] = column.to_numpy()
            else:
                raw, causes = _raw(column, feature, max(len(block), 1), far=far and self.missing == "auto")
                block[:] = raw.T[: len(block)]
                if feature.codes:
                    values[code] = _level_codes(feature, raw[:, 0])
                if feature.apart:
                    spikes.append((index, values[code].astype(np.int64)))
            if self._units[index] != 1.0:
                block /= self._units[index]
            if feature.log_unit:
                block[:] = forward(block, feature.log_unit)
            if causes is not None and causes.any():
                lacking.append((index, causes))
            code += feature.codes > 0
        center, scale = self._scaling
        numbers -= center
        numbers /= scale
        return lacking, spikes

    def _leave_holes(self, values: Floats, lacking: Lacking, spikes: Lacking) -> None:
        """What is missing becomes NaN, or what stands in for it; so does a number where it has its spike's value."""
        auto = self.missing == "auto"
        codes = [0, *accumulate(int(feature.codes > 0) for feature in self.features)]
        for index, causes in lacking:
            feature, where = self.features[index], (causes != PRESENT) & (causes != STANDS)
            block = values[self.blocks[index] : self.blocks[index + 1]]
            block[:, where] = np.nan if auto else feature.fill[:, None]
            if feature.codes:
                values[self.layout.numbers + codes[index], where] = np.nan if auto else feature.fill_code
        for index, spike in spikes:
            values[self.blocks[index], spike > 0] = np.nan


def reasons(features: Sequence[Feature], points: Points) -> list[str | None]:
    """Why a row lacks what it lacks, in words, where that keeps it from a cluster or is a value far out; else None."""
    found: list[str | None] = [None] * len(points.complete)
    told = np.flatnonzero(~points.complete | (points.missing_cause >= IS_FAR))
    for row in told.tolist():
        slot, cause = int(points.missing_slot[row]), int(points.missing_cause[row])
        if slot >= 0:
            found[row] = f"{features[slot].name} {REASONS[cause]}"
    return found


def _is_linear(feature: Feature) -> bool:
    return not (feature.codes or feature.log_unit) and feature.low is None and feature.high is None


def _text_codes(feature: Feature, column: pa.Array) -> tuple[Ints, Ints | None]:
    """The category of each row; one that is none of them is the last one more, or missing where there is no *other*."""
    import pyarrow.compute as pc  # late: it takes as long to import as a fifth of all the package

    codes = pc.index_in(column, value_set=_values(feature.categories))
    codes = codes.fill_null(len(feature.categories)).to_numpy().astype(np.int64)
    causes = None
    if column.null_count:
        causes = np.where(column.is_null().to_numpy(zero_copy_only=False), IS_NULL, PRESENT)
    if feature.codes and not feature.other:  # a category that was never seen tells nothing
        return np.where(codes == len(feature.categories), -1, codes), causes
    return codes, causes


@functools.lru_cache(maxsize=64)
def _values(categories: tuple[str, ...]) -> pa.Array:
    return pa.array(categories, pa.string())


def _level_codes(feature: Feature, values: Floats) -> Floats:
    """The nearest level of each value; of values set apart: which one a value is, 1 and on, or 0."""
    levels = np.array(feature.levels)
    if feature.apart:
        return np.asarray((values[:, None] == levels) @ np.arange(1.0, len(levels) + 1))
    return np.asarray(np.searchsorted((levels[1:] + levels[:-1]) / 2, values, side="left"), dtype=np.float64)


def raw_values(features: Sequence[Feature], columns: Sequence[pa.Array]) -> Floats:
    """Values (n, sum of ``shown``) in the units of the columns, texts as indicators; NaN where one is missing."""
    parts = []
    for feature, column in zip(features, columns, strict=True):
        if feature.kind == "text":
            codes, causes = _text_codes(feature, column)
            part = (codes[:, None] == np.arange(feature.shown)).astype(np.float64)
        else:
            part, causes = _raw(column, feature, feature.shown, far=True)
        parts.append(part if causes is None else np.where((causes != PRESENT)[:, None], np.nan, part))
    return np.concatenate(parts, axis=1)


def values_of(column: pa.Array, kind: str, positions: int) -> tuple[Floats, Ints]:
    """Unscaled values (n, p), 0 for a row that is missing, and why it is."""
    null = np.asarray(column.is_null()) if column.null_count else np.zeros(len(column), dtype=bool)
    if kind == "number":
        flat = column.to_numpy(zero_copy_only=False)[:, None]
    elif not (null.any() or column.flatten().null_count):
        flat = column.flatten().to_numpy().astype(np.float64, copy=False).reshape(-1, positions)  # of FLOAT or DOUBLE
    else:
        flat = np.full((len(column), positions), np.nan)
        items = column.drop_null().flatten()
        flat[~null] = items.to_numpy(zero_copy_only=False).reshape(-1, positions)
        holes = np.zeros((len(column), positions), dtype=bool)
        if items.null_count:
            holes[~null] = np.asarray(items.is_null()).reshape(-1, positions)
            null = null | holes.any(axis=1)
    finite = np.isfinite(flat).all(axis=1)
    if finite.all() and not null.any():
        return flat, np.zeros(len(column), dtype=np.int64)
    cause = np.where(np.isnan(flat).any(axis=1), IS_NAN, IS_INFINITE)
    cause[null] = IS_NULL
    cause[finite & ~null] = PRESENT
    return np.where(finite[:, None], flat, 0.0), cause


def _raw(column: pa.Array, feature: Feature, positions: int, far: bool) -> tuple[Floats, Ints]:
    """The same of a feature; a value far out is missing, too, or (not ``far``) moved to the limit."""
    flat, cause = values_of(column, feature.kind, positions)
    if feature.low is None or feature.high is None:
        return flat, cause
    beyond = (cause == PRESENT) & ((flat < feature.low) | (flat > feature.high)).any(axis=1)
    if not beyond.any():
        return flat, cause
    if not far:
        return np.where((cause == PRESENT)[:, None], np.clip(flat, feature.low, feature.high), flat), cause
    return np.clip(flat, feature.low, feature.high), np.where(beyond, IS_FAR, cause)


def units_of(features: Sequence[Feature]) -> Floats:
    """The unit (d,) of each number of the points: that of its feature."""
    return np.concatenate([np.full(len(feature.center), feature.unit) for feature in features])
