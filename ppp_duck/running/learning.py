"""A column of the sample becomes a feature: what is learnt of its values alone decides how it is scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ppp_duck.binding.options import Options
from ppp_duck.engine.far import quantiles
from ppp_duck.engine.grain import centre_and_spread, places
from ppp_duck.engine.observed import floor
from ppp_duck.engine.rows import are_counts, evenness
from ppp_duck.features import scale as scales
from ppp_duck.features.determined import Values
from ppp_duck.features.precision import is_constant
from ppp_duck.features.scale import PRESENT, Scale
from ppp_duck.features.scaling import FARTHEST
from ppp_duck.models.model import Feature, Floats, Ints
from ppp_duck.running.points import values_of

BLOCK = 256  # positions of a vector that are summed at once: their squares need memory
NO_SPREAD = 2.0**60  # times the differences that are rounding: scaled by that, they are nothing beside any other number
LINEAR = ("standard", "robust", "none")  # scales that take numbers as they are, whatever they look like


def learn_feature(
    name: str, column: pa.Array, kind: str, type_name: str, positions: int, weights: Floats, options: Options,
    treatment: str | None, one_of_many: bool = False,
) -> Feature:  # fmt: skip
    """Learn how a column becomes points, from weighted sample rows in canonical order. Missing values do not count.

    ``treatment`` is what ``features.choice`` said of a column that was chosen automatically: 'category' for a number
    whose values are codes; else None will do.
    """
    if kind == "text":
        kept, other, shares = _ranked(column, weights, options.max_categories)
        if options.categorical == "onehot":
            return _onehot(name, type_name, kept, other, shares, options.scale)
        nothing = np.zeros(0)
        return Feature(name, kind, type_name, 1.0, nothing, nothing, kept, other, nothing)
    raw, cause = values_of(column, kind, positions)
    present = cause == PRESENT
    if not present.all():  # else no copy: a vector may be long
        raw, weights = raw[present], weights[present]
    if kind == "vector" or options.scale in LINEAR or not len(raw):
        scale = "standard" if options.scale in ("auto", "log") else options.scale
        learnt = _linear(name, kind, type_name, raw, weights, scale)
        has_grids = kind == "vector" and options.scale == "auto" and len(raw)
        return replace(learnt, floors=_floors(learnt, raw, weights)) if has_grids else learnt
    codes, noise = treatment == "category", 0.0
    if is_constant(raw.min(), raw.max(), type_name):
        raw, noise = np.full(raw.shape, raw.min()), float(raw.max() - raw.min())
    times = weights if options.weight is None else _observations(weights)
    found = scales.learn(raw[:, 0], times, options.scale, codes, one_of_many)
    found = replace(found, spread=max(found.spread, NO_SPREAD * noise / found.base))
    return _number(name, type_name, raw[:, 0], weights, found)


def _floors(learnt: Feature, raw: Floats, weights: Floats) -> tuple[float, ...]:
    """Of each position of a vector, the grid it lies on if that is coarse, no wider than the position itself."""
    floors = np.array([floor(column / learnt.unit, weights, fewest=2) for column in raw.T])
    floors = np.minimum(floors / learnt.scale, 1.0)
    return tuple(floors.tolist()) if floors.any() else ()


def values_in_rows(name: str, column: pa.Array) -> Values:
    """A column of texts or of numbers, in which NaN and infinity are missing like NULL, to be compared with others."""
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        known = np.isfinite(numbers)
        codes = np.full(len(numbers), -1)
        codes[known] = np.unique(numbers[known], return_inverse=True)[1]
        return Values(name, codes, np.where(known, numbers, np.nan))
    values, places = _encoded(column)
    rank = np.argsort(sorted(range(len(values)), key=values.__getitem__))
    return Values(name, np.append(rank, -1)[places].astype(np.int64))  # a missing one is at the end


def _observations(weights: Floats) -> Floats:
    """Weights that sum to as many observations as they are worth: whole ones count rows, others say where mass is."""
    return weights if are_counts(weights) else weights * (len(weights) * evenness(weights) / weights.sum())


def _number(name: str, type_name: str, values: Floats, weights: Floats, found: Scale) -> Feature:
    """A number by the scale that describes it best: as it is, as a logarithm, as levels, with values set apart."""
    unit = found.base
    levels = tuple(level * unit for level in found.levels if found.kind == scales.LEVELS)
    if found.spikes:
        levels = tuple(spike * unit for spike in found.spikes)
    limits = [None if not np.isfinite(limit) else limit * unit for limit in (found.low, found.high)]
    is_levels = found.kind == scales.LEVELS
    numbers = 0 if is_levels else 1
    return Feature(
        name, "number", type_name, unit, np.full(numbers, found.center), np.full(numbers, found.spread), (), False,
        _mean(values, weights, found, numbers), (found.floor,) * numbers, found.unit * (found.kind == scales.LOG),
        levels, *_both(limits), _most_frequent(values, weights, levels, is_levels), found.places,
    )  # fmt: skip


def _both(limits: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Limits on both sides, or on none: so a value is compared with numbers only."""
    low, high = limits
    return (None, None) if low is None or high is None else (low, high)


def _mean(values: Floats, weights: Floats, found: Scale, numbers: int) -> Floats:
    """The mean scaled value ``(numbers,)``, which stands in for a missing one."""
    scaled = scales.encode(found, values).scaled
    there = np.isfinite(scaled)
    mean = float((weights[there] * scaled[there]).sum() / weights[there].sum()) if there.any() else 0.0
    return places(np.full(numbers, mean))


def _most_frequent(values: Floats, weights: Floats, levels: tuple[float, ...], is_levels: bool) -> int:
    """The code that most rows have."""
    if not levels:
        return 0
    of_level = [float(weights[values == level].sum()) for level in levels]
    return int(np.argmax(of_level if is_levels else [float(weights.sum()) - sum(of_level), *of_level]))


def _linear(name: str, kind: str, type_name: str, raw: Floats, weights: Floats, scale: str) -> Feature:
    """Numbers, or positions of a vector, less a center, in units of a spread.

    Mean 0 and standard deviation 1 (``'standard'``), median 0 and interquartile range 1 (``'robust'``), as they are
    (``'none'``).
    """
    positions = raw.shape[1]
    if not len(raw):
        zeros = np.zeros(positions)
        return Feature(name, kind, type_name, 1.0, zeros, np.ones(positions), (), False, zeros)
    unit = scales.power_above(max(float(raw.max()), -float(raw.min())))
    raw = raw / unit
    share = (weights / weights.sum())[:, None]
    blocks = [raw[:, at : at + BLOCK] for at in range(0, positions, BLOCK)]
    mean = np.concatenate([(share * block).sum(axis=0) for block in blocks])
    if scale == "standard":
        middles = (mean[at : at + BLOCK] for at in range(0, positions, BLOCK))
        squares = [(share * (block - own) ** 2).sum(axis=0) for block, own in zip(blocks, middles, strict=True)]
        center, spread = centre_and_spread(mean, np.sqrt(np.concatenate(squares)))
    elif scale == "robust":
        quartiles = np.array([quantiles(raw[:, j], weights, (0.25, 0.5, 0.75)) for j in range(positions)]).T
        center, spread = quartiles[1], quartiles[2] - quartiles[0]
    else:
        center, spread = np.zeros(positions), np.full(positions, 1.0 / unit)
    # A constant position (spread of rounding errors only) must not be blown up to look like a feature.
    low, high = raw.min(axis=0), raw.max(axis=0)
    constant = is_constant(low, high, type_name) & (scale != "none")
    spread = np.where(constant | (spread == 0), 1.0, spread)
    spread = np.where(constant, np.maximum(spread, NO_SPREAD * (high - low)), spread)
    fill = places(np.clip((mean - center) / spread, -FARTHEST, FARTHEST))  # of points, which end there
    return Feature(name, kind, type_name, unit, center, spread, (), False, fill)


def _ranked(column: pa.Array, weights: Floats, most: int) -> tuple[tuple[str, ...], bool, Floats]:
    """The most frequent texts, whether there are more, and the shares of them and of all others together."""
    values, codes = _encoded(column)
    frequency = np.bincount(codes[codes >= 0], weights=weights[codes >= 0], minlength=len(values))
    ranked = sorted(range(len(values)), key=lambda i: (-frequency[i], values[i]))
    kept, other = tuple(values[i] for i in ranked[:most]), len(values) > most
    shares = frequency[ranked] / frequency.sum() if len(values) else np.zeros(0)
    if other:
        shares = np.append(shares[:most], shares[most:].sum())
    return kept, other, shares


def _encoded(column: pa.Array) -> tuple[list[str], Ints]:
    """The different texts of a column, and the place among them (n,) of each row's, -1 for NULL."""
    encoded = column.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _onehot(name: str, type_name: str, kept: tuple[str, ...], other: bool, shares: Floats, scale: str) -> Feature:
    """Indicators, scaled together so that the column weighs as much as one number."""
    spread = float(np.sqrt((shares * (1 - shares)).sum())) or 1.0
    center, spread = (np.zeros(len(shares)), 1.0) if scale == "none" else (shares, spread)
    size, most_frequent = np.full(len(shares), spread), np.arange(len(shares)) == 0
    return Feature(name, "text", type_name, 1.0, center, size, kept, other, (most_frequent - center) / size)
