"""How a column of numbers becomes scaled numbers for a Gaussian mixture, learnt from a weighted sample of its rows.

``learn`` looks at the sample once; ``encode`` repeats what it found on any values. A number is taken as it is or as a
signed logarithm, sign(x) log(1 + |x| / unit). Values far out become holes. The few values that hold much of an
otherwise continuous column, such as zero, become a category beside the number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from ppp_duck.engine.far import UNKNOWN_FAR, far_out, quantile, quantiles
from ppp_duck.engine.grain import centre_and_spread
from ppp_duck.engine.grid import step_of
from ppp_duck.engine.mixture import EFFECTIVE, tempered
from ppp_duck.engine.rows import TINY
from ppp_duck.features.apart import heaps_of, is_apart, spikes_of
from ppp_duck.features.length import STEPS, cells_of, description_length
from ppp_duck.features.logarithm import expm1, log1p
from ppp_duck.models.model import Bools, Floats, Ints

RAW, LOG, LEVELS = "raw", "log", "levels"
PRESENT, IS_NULL, IS_NAN, IS_INFINITE, IS_FAR, IS_SPIKE = range(6)

MODERATE = 2.0**400  # sizes whose squares and sums of squares are finite
# Distinct values on a grid up to which a number is a category of them; of more, only where they leave gaps (12, 24, 36,
# 60 months). A number, with components no narrower than the grid, sees that ratings of 1 to 5 rise and fall together,
# and groups in two of them that go together; a category sees neither.
FEW_LEVELS, MOST_LEVELS = 4, 12
GAPS = 1.5  # points of the grid for each value, from which it has gaps
HEAPS = 2.0  # times the width of the widest heap, from which few values that lie in heaps are a number all the same
COMMON_LEVEL = 4.0  # rows that share a typical row's value, from which levels are levels
SEARCHED = 8192  # rows of which the scale is chosen, every n-th in their canonical order; its limits are those of all
QUICK = 2  # steps of EM that tell whether a logarithm may be worth more of them
UNITS = 1.0, 0.125, 1 / 64  # of the median size, tried as unit of the logarithm
UNITS_BOTH = 8.0, 2.0, 0.125, 1 / 64  # the same where values have both signs: a small one makes a valley at zero
BOTH_SIGNS = 0.02  # share of the rows from which a sign is a side of the column and not an exception
# Rows near zero, as a share of those in as wide a window beside it, below which a column has a valley there itself.
DEEP = 0.75
NEAR = 0.25, 0.5  # of the unit of a logarithm: how near to zero
SURE = 3.0  # standard errors
FARTHEST_WINDOW = 4096.0
TIE = 2.0  # nats
MARGIN, MARGIN_ROW = 3.0, 0.01  # nats, and nats per effective row, by which the logarithm must be shorter


@dataclass(frozen=True)
class Scale:
    """All that encoding needs. ``low`` and ``high``: values outside are far out.

    ``base`` is a power of two that every value is divided by first, 1 unless they are extreme; all lengths but
    ``floor`` are of values so divided.
    ``floor`` is the smallest standard deviation of a component, in scaled units: half a step, 0 without a grid.
    ``levels`` (kind ``levels``) are the values, ascending; their codes are the places.
    """

    kind: str
    unit: float
    center: float
    spread: float
    floor: float
    step: float
    spikes: tuple[float, ...]
    low: float
    high: float
    levels: tuple[float, ...]
    why: str
    base: float = 1.0
    places: tuple[float | None, ...] = ()  # of each spike, in scaled units; None: apart from all other values
    heaps: float = 0.0  # how far apart the heaps are that much of the column lies in


@dataclass(frozen=True)
class Encoded:
    """``scaled`` (n,), NaN where missing; ``codes`` (n,) of the category; ``reasons`` (n,) why the number is missing.

    A code is 1, 2, … for a spike and 0 for others, or the place of the level; -1 where the value is missing.
    """

    scaled: Floats
    codes: Ints
    reasons: Ints


def learn(
    values: Floats, weights: Floats, scale: str = "auto", codes: bool = False, one_of_many: bool = False
) -> Scale:
    """Learn a scale from sample values (NaN: missing) with weights. ``scale``: auto, standard, robust, log or none.

    ``codes``: every value is a level. ``one_of_many``: a logarithm must be shorter with one component to be looked at.
    """
    present = np.isfinite(values) & (weights > 0)
    values, weights = values[present], weights[present]
    base = _base(values)
    if base != 1.0 and scale == "auto":  # that of values that are not far out
        x, w = _ascending(values / base, weights)
        base = _base(x[far_out(x, w)[0]] * base)
        values = np.clip(values, -MODERATE * base, MODERATE * base)
    every = 1 if scale != "auto" else max(1, -(-len(values) // SEARCHED))
    scale_of_some = _learnt(values[::every] / base, weights[::every], scale, codes, one_of_many)
    if every > 1 and scale_of_some.kind != LEVELS:
        scale_of_some = _of_all(scale_of_some, values / base, weights)
    elif every > 1:
        scale_of_some = _learnt(values / base, weights, scale, codes, one_of_many)
    return replace(scale_of_some, base=base)


def _of_all(found: Scale, values: Floats, weights: Floats) -> Scale:
    """A scale chosen for some of the rows, with limits, centre and spread of all of them."""
    inside = ~np.isin(values, found.spikes)
    x, w = _ascending(values[inside], weights[inside])
    unit = found.unit if found.kind == LOG else 0.0
    limits = far_out(forward(x, unit), w, unit > 0)
    step = found.step
    if step:  # of more values it may be finer
        step = step_of(x[np.append(True, np.diff(x) > 0) & limits[0]])
    low, high = (_backward(limit, unit) for limit in limits[1:])
    chosen = _Candidate(unit, limits[0], low, high, step, found.heaps)
    return _scale_of(x, w, chosen, found.spikes, found.why)


def _ascending(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Values in order, with their weights. Where all weigh the same, as most samples do, it takes half of the time."""
    if (weights == weights[:1]).all():
        return np.sort(values) + 0.0, weights
    order = np.argsort(values, kind="stable")
    return values[order] + 0.0, weights[order]


def _base(values: Floats) -> float:
    """A power of two that brings extreme values to where squares are finite; 1 for all others."""
    most = float(np.abs(values).max(initial=0.0))
    return 1.0 if most == 0 or 1 / MODERATE < most < MODERATE else power_above(most)


def power_above(size: float) -> float:
    """The power of two above a size, or the largest there is: to divide by it loses no digit."""
    return float(2.0 ** min(int(np.frexp(size)[1]), 1023))


def _learnt(values: Floats, weights: Floats, scale: str, codes: bool, one_of_many: bool) -> Scale:
    x, where = np.unique(values + 0.0, return_inverse=True)
    w = np.bincount(where, weights, minlength=len(x)).astype(np.float64)
    if len(x) < 2:
        center = float(x[0]) if len(x) else 0.0
        return Scale(RAW, 1.0, center, 1.0, 0.0, 0.0, (), -np.inf, np.inf, (), "it has one value only")
    if scale != "auto":
        return _asked(x, w, scale)
    if codes:
        return _levels(x)
    if _is_levels(x, w):
        return _heaps_or_levels(x, w)
    spikes = spikes_of(x, w)
    inside = ~np.isin(x, spikes)
    return _chosen(x[inside], w[inside], spikes, one_of_many)


def _chosen(x: Floats, w: Floats, spikes: tuple[float, ...], one_of_many: bool) -> Scale:
    """The number as it is, or the logarithm with the best unit if that is shorter by more than chance makes it."""
    raw = _candidate(x, w, 0.0)
    raw = replace(raw, heaps=heaps_of(x[raw.kept], w[raw.kept]))
    if one_of_many and not _is_skewed(x[raw.kept], w[raw.kept], raw.step):
        return _scale_of(x, w, raw, spikes, "a logarithm would make one Gaussian of it no shorter")
    units = list(takewhile(lambda unit: not _parts_signs(x, w, unit), _units(x, w, raw.step)))  # they fall
    if not units:
        return _scale_of(x, w, raw, spikes, "a logarithm would part what is above zero from what is below")
    logs = [_candidate(x, w, unit, raw.heaps) for unit in units]
    core = np.all([one.kept for one in (raw, *logs)], axis=0)  # not compared: what is far out in one way
    least = MARGIN + MARGIN_ROW * tempered(float(w[core].sum()))
    shorter, best = _gain(x[core], w[core], logs, raw, QUICK)
    if shorter > least / 2:  # else it is not worth more time
        shorter, best = _gain(x[core], w[core], logs, raw, STEPS)
    words = f"a logarithm would make it {abs(shorter):.0f} nats {'shorter' if shorter > 0 else 'longer'}"
    return _scale_of(x, w, logs[best] if shorter > least else raw, spikes, words)


def _is_skewed(x: Floats, w: Floats, step: float) -> bool:
    """Whether a logarithm makes the description by one Gaussian shorter, whatever its unit."""
    share = w / w.sum()

    def spread(z: Floats) -> float:
        return 0.5 * float(np.log(max(float(share @ (z - share @ z) ** 2), TINY)))

    raw = spread(x)
    raw -= MARGIN_ROW
    return any(spread(forward(x, u)) + float(share @ np.log(u + np.abs(x))) < raw for u in _units(x, w, step))


def _gain(x: Floats, w: Floats, logs: list[_Candidate], raw: _Candidate, steps: int) -> tuple[float, int]:
    """By how much the best logarithm makes the description shorter, its unit paid for; and which that is."""
    lengths = [_length(x, w, one.unit, raw, steps) for one in logs]
    shortest = min(lengths)
    best = next(i for i, length in enumerate(lengths) if length <= shortest + TIE)  # the one most like the number
    return _length(x, w, 0.0, raw, steps) - lengths[best] - 0.5 * float(np.log(tempered(float(w.sum())))), best


def _units(x: Floats, w: Floats, step: float) -> list[float]:
    """Units of the logarithm to try, falling: powers of two near parts of the median size."""
    size = float(quantile(np.abs(x[x != 0]), w[x != 0], 0.5))
    both = min(float(w[x < 0].sum()), float(w[x > 0].sum())) > BOTH_SIGNS * float(w.sum())
    least = step if float(np.abs(x).min()) <= step else 0.0  # small counts: log(1 + x) is as steep as it gets
    units = {
        max(2.0 ** round(float(np.log2(max(size * part, 1 / MODERATE)))), least)
        for part in (UNITS_BOTH if both else UNITS)
    }
    return sorted(units, reverse=True)


def _parts_signs(x: Floats, w: Floats, unit: float) -> bool:
    """Whether a logarithm makes a valley at zero that a column of both signs does not have.

    Balances of which some are overdrawn are spread evenly over zero; a small unit pulls both signs apart. Rows near
    zero are compared with those of the fullest window as wide on either side.
    """
    if not x.min() < 0 < x.max():
        return False
    z = forward(x, unit)
    for part in NEAR:
        at = part * unit
        near, wide = float(w[np.abs(x) < at].sum()), float(forward(np.array(at), unit))
        high = _beside_zero(z, w, wide)
        if high - near > SURE * float(np.sqrt(high + near)) and near >= DEEP * _beside_zero(x, w, at):
            return True
    return False


def _beside_zero(places: Floats, w: Floats, reach: float) -> float:
    """Rows in the fullest window from ``reach`` on and twice as wide, on the side where that has fewer."""
    window = np.minimum((np.abs(places) / reach - 1) / 2, FARTHEST_WINDOW).astype(np.int64)
    sides = (places <= -reach, places >= reach)
    return min(float(np.bincount(window[side], w[side], 1).max()) for side in sides)


@dataclass(frozen=True)
class _Candidate:
    unit: float  # 0: as it is
    kept: Bools
    low: float
    high: float
    step: float
    heaps: float = 0.0  # how far apart they are; 0: there are none

    @property
    def width(self) -> float:
        """Of the interval that a value stands for."""
        return max(self.step, self.heaps)


def _candidate(x: Floats, w: Floats, unit: float, heaps: float = 0.0) -> _Candidate:
    """A way to scale a column, and the values that are far out in it."""
    kept, low, high = far_out(forward(x, unit), w, unit > 0)
    return _Candidate(unit, kept, _backward(low, unit), _backward(high, unit), step_of(x[kept]), heaps)


def _length(x: Floats, w: Floats, unit: float, raw: _Candidate, steps: int = STEPS) -> float:
    """Description length of a column scaled in a way, the Jacobian counted: comparable between ways."""
    interval = _intervals(x, unit, raw.width)
    slope = interval / raw.width if raw.width else (1 / (unit + np.abs(x)) if unit else np.ones(len(x)))
    temper = EFFECTIVE / (EFFECTIVE + float(w.sum()))
    jacobian = temper * float(w @ np.log(np.maximum(slope, TINY)))  # 0: a step that is lost beside a huge value
    # As the mixture will have it: a logarithm of small counts takes from large ones what tells them apart.
    floor = float(interval.max()) / 2 if unit else 0.0
    return description_length(cells_of(forward(x, unit), w, interval), steps, floor) - jacobian


def _intervals(x: Floats, unit: float, step: float) -> Floats:
    """How wide the interval is, when scaled, that each value of a grid stands for."""
    return forward(x + step / 2, unit) - forward(x - step / 2, unit)


def _scale_of(x: Floats, w: Floats, chosen: _Candidate, spikes: tuple[float, ...], why: str) -> Scale:
    x, w, unit = x[chosen.kept], w[chosen.kept], chosen.unit
    z, share = forward(x, unit), w / w.sum()
    center = float((share * z).sum())
    spread = float(np.sqrt((share * (z - center) ** 2).sum())) or 1.0
    middle, width = centre_and_spread(np.array(center), np.array(spread))
    center, spread = float(middle), float(width)
    # Half of the widest interval: in logarithms the small values, of which there are most, have that.
    floor = float(_intervals(x, unit, chosen.width).max()) / 2 / spread
    at = forward(np.array(spikes), unit)
    places = tuple(None if is_apart(one, z, w) else (one - center) / spread for one in at.tolist())
    return Scale(
        LOG if unit else RAW, unit or 1.0, center, spread, floor, chosen.step, spikes, chosen.low, chosen.high, (), why,
        places=places, heaps=chosen.heaps,
    )  # fmt: skip


def _asked(x: Floats, w: Floats, scale: str) -> Scale:
    """A scale that the caller named: nothing is far out, nothing is split off."""
    step = step_of(x)
    plain = _Candidate(0.0, np.ones(len(x), dtype=bool), -np.inf, np.inf, step)
    if scale == "log":
        plain = replace(plain, unit=min(_units(x, w, step), key=lambda one: _length(x, w, one, plain)))
    learnt = _scale_of(x, w, plain, (), "asked for")
    if scale in ("standard", "log"):
        return learnt
    center, spread = 0.0, 1.0
    if scale == "robust":
        first, center, third = quantiles(x, w, (0.25, 0.5, 0.75)).tolist()
        spread = third - first or learnt.spread
    floor = learnt.step / 2 / spread
    return replace(learnt, center=center, spread=spread, floor=floor)


def _is_levels(x: Floats, w: Floats) -> bool:
    if len(x) > MOST_LEVELS or float((w * w).sum()) < COMMON_LEVEL * float(w.sum()):
        return False
    step = step_of(x)
    points = float(x[-1] - x[0]) / step + 1 if step else 0.0
    return len(x) == 2 or (step > 0 and (len(x) <= FEW_LEVELS or points > GAPS * len(x)))


def _heaps_or_levels(x: Floats, w: Floats) -> Scale:
    """Few values that lie in heaps far apart, as 1 to 5 and 30 to 34, are a number; else each of them is a level."""
    kept, low, high = far_out(x, w)
    step = _gap_in_heaps(x[kept])
    if not step:
        return _levels(x)
    return _scale_of(x, w, _Candidate(0.0, kept, low, high, step), (), "its values lie in heaps")


def _gap_in_heaps(x: Floats) -> float:
    """The widest gap inside of heaps of two values at least, which lie apart HEAPS times their width; 0: no heaps.

    Whole numbers whose heaps are no farther apart than the first is from zero may be codes of two parts: 101, 102, 201.

    >>> tables = [1.0, 2, 4, 30, 31], [1.0, 2, 3, 99], [101.0, 102, 201, 202], [1.1, 1.2, 9, 9.5]
    >>> [_gap_in_heaps(np.array(x)) for x in tables]
    [2.0, 0.0, 0.0, 0.5]
    """
    gaps = np.diff(x)
    least = float(np.abs(x).min()) if (x == np.rint(x)).all() else 0.0
    for cut in np.unique(gaps)[:0:-1].tolist():
        heaps = np.split(x, np.flatnonzero(gaps >= cut) + 1)
        apart = max(least, HEAPS * max(float(heap[-1] - heap[0]) for heap in heaps))
        if min(map(len, heaps)) > 1 and cut > apart:
            return float(gaps[gaps < cut].max())
    return 0.0


def _levels(x: Floats) -> Scale:
    reach = float(x[-1] - x[0])
    low, high = float(x[0]) - UNKNOWN_FAR * reach, float(x[-1]) + UNKNOWN_FAR * reach
    return Scale(LEVELS, 1.0, 0.0, 1.0, 0.0, step_of(x), (), low, high, tuple(x.tolist()), f"it has {len(x)} values")


def encode(scale: Scale, values: Floats) -> Encoded:
    """Scaled numbers, category codes and reasons of any values; NULL and NaN are NaN (the caller knows which)."""
    reasons = np.where(np.isnan(values), IS_NAN, PRESENT)
    reasons[np.isinf(values)] = IS_INFINITE
    values = values / scale.base
    with np.errstate(invalid="ignore"):
        reasons[np.isfinite(values) & ((values < scale.low) | (values > scale.high))] = IS_FAR
    codes = np.where((reasons == PRESENT) | (reasons == IS_FAR), 0, -1).astype(np.int64)
    for code, spike in enumerate(scale.spikes, start=1):
        reasons[values == spike] = IS_SPIKE
        codes[values == spike] = code
    plain = np.where(reasons == PRESENT, values, np.nan)
    if scale.kind == LEVELS:
        levels = np.array(scale.levels)
        middles = (levels[1:] + levels[:-1]) / 2
        codes = np.where(reasons == PRESENT, np.searchsorted(middles, plain, side="left"), -1)
        return Encoded(np.full(len(values), np.nan), codes.astype(np.int64), reasons)
    scaled = (forward(plain, scale.unit if scale.kind == LOG else 0.0) - scale.center) / scale.spread
    return Encoded(scaled, codes, reasons)


def forward(x: Floats, unit: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.sign(x) * log1p(np.abs(x) / unit)) if unit else x


def backward(z: Floats, unit: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.sign(z) * unit * expm1(np.abs(z))) if unit else z


def _backward(z: float, unit: float) -> float:
    return float(backward(np.array([z]), unit)[0])
