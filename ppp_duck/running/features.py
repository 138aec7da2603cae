"""Arrow columns in, scaled points out: types, categories, missing values and scaling live here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ppp_duck.models.model import Feature, Floats, Ints

PRESENT, IS_NULL, IS_NAN, IS_INFINITE = 0, 1, 2, 3
REASONS = {IS_NULL: "is NULL", IS_NAN: "is NaN", IS_INFINITE: "is infinite"}

FARTHEST = 1e60  # coordinates end here: double arithmetic tells no centres apart from so far, and squares are finite
MODERATE = 2.0**900  # values of this size can be subtracted and divided as they are


@dataclass(frozen=True)
class Points:
    """Scaled rows, and what they lack."""

    values: Floats  # (n, d), each feature contiguous
    missing_slot: Ints  # (n,) the first feature that the row lacks, -1 for none
    missing_cause: Ints  # (n,) why it lacks it

    @property
    def complete(self) -> NDArray[np.bool_]:
        return self.missing_slot < 0


def learn_feature(
    name: str, column: pa.Array, kind: str, type_name: str, positions: int, weights: Floats, scale: str,
    max_categories: int,
) -> Feature:  # fmt: skip
    """Learn how to scale a column from weighted sample rows in canonical order. Missing values do not count.

    A number, or a position of a vector, gets mean 0 and standard deviation 1 (``'standard'``), median 0 and
    interquartile range 1 (``'robust'``), or stays as it is (``'none'``). A text column becomes indicators of its
    ``max_categories`` most frequent values, scaled together so that the column weighs as much as one number.
    """
    if kind == "text":
        return _learn_text(name, type_name, column, weights, scale, max_categories)
    raw, cause = _raw(column, kind, positions)
    present = cause == PRESENT
    raw, weights = raw[present], weights[present]
    if not len(raw):
        zeros = np.zeros(positions)
        return Feature(name, kind, type_name, 1.0, zeros, np.ones(positions), (), False, zeros)
    unit = float(2.0 ** min(int(np.frexp(np.abs(raw).max())[1]), 1023))
    raw = raw / unit
    share = (weights / weights.sum())[:, None]
    mean = (share * raw).sum(axis=0)
    if scale == "standard":
        center, spread = mean, np.sqrt((share * (raw - mean) ** 2).sum(axis=0))
    elif scale == "robust":
        quartiles = np.array([_quartiles(raw[:, j], weights) for j in range(positions)]).T
        center, spread = quartiles[1], quartiles[2] - quartiles[0]
    else:
        center, spread = np.zeros(positions), np.full(positions, 1.0 / unit)
    # A constant position (spread of rounding errors only) must not be blown up to look like a feature.
    constant = spread <= 1e-13 * np.abs(raw).max(axis=0)
    spread = np.where(constant & (scale != "none"), 1.0, spread)
    return Feature(name, kind, type_name, unit, center, spread, (), False, (mean - center) / spread)


def _learn_text(
    name: str, type_name: str, column: pa.Array, weights: Floats, scale: str, max_categories: int
) -> Feature:
    encoded = pc.dictionary_encode(column)
    values: list[str] = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    frequency = np.bincount(codes[codes >= 0], weights=weights[codes >= 0], minlength=len(values))
    ranked = sorted(range(len(values)), key=lambda i: (-frequency[i], values[i]))
    kept = tuple(values[i] for i in ranked[:max_categories])
    other = len(values) > max_categories
    shares = frequency[ranked] / frequency.sum() if len(values) else np.zeros(0)
    if other:
        shares = np.append(shares[:max_categories], shares[max_categories:].sum())
    spread = float(np.sqrt((shares * (1 - shares)).sum())) or 1.0
    center, spread = (np.zeros(len(shares)), 1.0) if scale == "none" else (shares, spread)
    size, most_frequent = np.full(len(shares), spread), np.arange(len(shares)) == 0
    return Feature(name, "text", type_name, 1.0, center, size, kept, other, (most_frequent - center) / size)


@dataclass(frozen=True)
class Encoder:
    """Features with what encoding derives from them once."""

    features: tuple[Feature, ...]
    impute: bool

    @cached_property
    def blocks(self) -> list[int]:
        """Where each feature's positions begin, and where the last one's end."""
        return [0, *accumulate(len(feature.center) for feature in self.features)]

    @cached_property
    def _units(self) -> list[float]:
        """Powers of two to divide by first. Only extreme values need it: elsewhere it changes no bit."""
        return [1.0 if 1 / MODERATE < feature.unit < MODERATE else feature.unit for feature in self.features]

    @cached_property
    def _scaling(self) -> tuple[Floats, Floats]:
        """Center and scale (d, 1) of values that are divided by their ``_units``."""
        parts = [(feature, feature.unit / unit) for feature, unit in zip(self.features, self._units, strict=True)]
        center = np.concatenate([feature.center * unit for feature, unit in parts])
        return center[:, None], np.concatenate([feature.scale * unit for feature, unit in parts])[:, None]

    @cached_property
    def plain(self) -> tuple[Floats, Floats] | None:
        """Center and scale (d, 1), where a point is (value - center) / scale of the columns as they are; else None."""
        numbers = all(feature.kind == "number" for feature in self.features)
        return self._scaling if numbers and set(self._units) == {1.0} else None

    def encode(self, columns: Sequence[pa.Array]) -> Points:
        """Scaled points of rows; ``columns`` has one column for each feature."""
        n = len(columns[0])
        values = np.empty((self.blocks[-1], n))  # a feature is a contiguous row of it
        with np.errstate(over="ignore", invalid="ignore"):
            missing = self._fill(values, columns, plain=True)
            if not np.einsum("dn,dn->", values, values) < FARTHEST:  # something is infinite, NaN or very far out
                missing = self._fill(values, columns, plain=False)
                np.clip(values, -FARTHEST, FARTHEST, out=values)
        slot, cause = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
        for index, causes in missing:
            where = causes != PRESENT
            values[self.blocks[index] : self.blocks[index + 1], where] = self.features[index].fill[:, None]
            if not self.impute:
                first = where & (slot < 0)
                slot[first], cause[first] = index, causes[first]
        return Points(values.T, slot, cause)

    def _fill(self, values: Floats, columns: Sequence[pa.Array], plain: bool) -> list[tuple[int, Ints]]:
        """Fill in scaled values. Returns the features with missing ones, and why. ``plain``: all but NULL is finite."""
        missing = []
        for index, (feature, column) in enumerate(zip(self.features, columns, strict=True)):
            block = values[self.blocks[index] : self.blocks[index + 1]]
            causes = None
            if feature.kind == "text":
                causes = _fill_text(feature, column, block)
            elif plain and feature.kind == "number" and not column.null_count:
                block[0] = column.to_numpy()
            else:
                raw, causes = _raw(column, feature.kind, len(block))
                block[:] = raw.T
            if self._units[index] != 1.0:
                block /= self._units[index]
            if causes is not None and causes.any():
                missing.append((index, causes))
        center, scale = self._scaling
        values -= center
        values /= scale
        return missing


def reasons(features: Sequence[Feature], points: Points) -> list[str | None]:
    """Why a row could not be assigned, in words; None where it could."""
    return [
        None if slot < 0 else f"{features[slot].name} {REASONS[cause]}"
        for slot, cause in zip(points.missing_slot.tolist(), points.missing_cause.tolist(), strict=True)
    ]


def _fill_text(feature: Feature, column: pa.Array, block: Floats) -> Ints | None:
    codes = pc.index_in(column, value_set=pa.array(feature.categories, pa.string()))
    codes = pc.fill_null(codes, len(feature.categories)).to_numpy().astype(np.int64)
    block[:] = codes == np.arange(len(block))[:, None]  # without *other*, an unseen category has no position
    if not column.null_count:
        return None
    return np.where(pc.is_null(column).to_numpy(zero_copy_only=False), IS_NULL, PRESENT)


def unscaled(features: Sequence[Feature], columns: Sequence[pa.Array]) -> tuple[Floats, Floats]:
    """Values (n, d), texts as indicators, missing ones imputed; and their units (d,), those of the columns."""
    plain = []
    for feature in features:
        fill = feature.fill * feature.scale + feature.center
        fill = np.rint(fill) if feature.kind == "text" else fill
        plain.append(replace(feature, center=np.zeros(len(fill)), scale=np.ones(len(fill)), fill=fill))
    return Encoder(tuple(plain), impute=True).encode(columns).values, units_of(features)


def units_of(features: Sequence[Feature]) -> Floats:
    """The unit (d,) of each position of the points: that of its feature."""
    return np.concatenate([np.full(len(feature.center), feature.unit) for feature in features])


def _raw(column: pa.Array, kind: str, positions: int) -> tuple[Floats, Ints]:
    """Unscaled values (n, p), 0 for a row that is missing, and why it is."""
    null = np.asarray(pc.is_null(column)) if column.null_count else np.zeros(len(column), dtype=bool)
    if kind == "number":
        flat = column.to_numpy(zero_copy_only=False)[:, None]
    else:
        flat = np.full((len(column), positions), np.nan)
        items = column.drop_null().flatten()
        flat[~null] = items.to_numpy(zero_copy_only=False).reshape(-1, positions)
        holes = np.zeros((len(column), positions), dtype=bool)
        if items.null_count:
            holes[~null] = np.asarray(pc.is_null(items)).reshape(-1, positions)
            null = null | holes.any(axis=1)
    finite = np.isfinite(flat).all(axis=1)
    if finite.all() and not null.any():
        return flat, np.zeros(len(column), dtype=np.int64)
    cause = np.where(np.isnan(flat).any(axis=1), IS_NAN, IS_INFINITE)
    cause[null] = IS_NULL
    cause[finite & ~null] = PRESENT
    return np.where(finite[:, None], flat, 0.0), cause


def _quartiles(values: Floats, weights: Floats) -> Floats:
    """Weighted quartiles (3,): the smallest value with at least that share of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    places = np.searchsorted(cumulated, cumulated[-1] * np.array([0.25, 0.5, 0.75]))
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])
