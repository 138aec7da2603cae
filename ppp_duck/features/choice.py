"""What is a feature: decided from what a column holds; its name only breaks ties.

Input are statistics that SQL computes exactly and in any order (``binding/values.py``): nothing here sees a row. Each
decision comes with a sentence for ``ppp_info``. docs/method.md describes every rule, with its measurement.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ppp_duck.features.evenness import Bin, Evenness, evenness, rows_evenness
from ppp_duck.features.names import (
    may_be_amount,
    sounds_like_key,
    sounds_like_measure,
    sounds_like_year,
    sounds_written,
)
from ppp_duck.features.precision import is_constant

NUMBER, CATEGORY, ORDINAL, VECTOR = "number", "category", "ordinal", "vector"

MOSTLY_NULL = 0.4  # share of rows without a value from which a column is left out (the contract's two fifths)
NEARLY_CONSTANT = 1 / 200  # share of rows that differ from the most frequent value, below which nothing can be learnt
COVERED = 0.5  # share of rows that the most frequent 20 values must hold for a text to be a category: "most"
COMMON = 4.0  # rows that share a typical row's value, from which values count as common
PANEL = 10  # values from which "every value is equally frequent" is a design and not chance
PANEL_DISPERSION = 0.25  # chi-square per degree of freedom below which frequencies are that even: p < 0.01 from 9 df
ORDERED = 12  # distinct whole numbers up to which they may be levels: answers, counts of rooms, months
FEW = 20  # distinct whole numbers up to which a code is a category, as max_categories
MANY = 400  # distinct evenly spread whole numbers from which they are ids: days of a year and percentages are fewer
ENOUGH = 100  # rows from which evenness can be told from a bell
EVEN_P = 0.01  # p-value of the chi-square test from which a histogram is even
PLACED_P = 0.02  # p-value from which frequencies have no shape over the range
GRIDDED_P = 0.999  # p-value of the different values' evenness from which they fill a grid rather than lie at random
NEIGHBOURS = 100  # different values from which unequal neighbours tell: fewer have no two in a bin of 64
MORE_REPEATS = 2.5  # observed / expected repeats from which values come back
SMOOTH = 0.6  # effective share of 16 bins from which timed moments are only a log: an exponential of a year has 0.3
LONGEST = 2.0**53  # no measurement has more than 15 digits
UNEQUAL = 0.3  # excess relative variance of neighbouring values' frequencies: ids of more and less active ones
EXPECTED_REPEATS = 10.0  # repeats that chance would make, from which their absence tells
ALL_OVER = 0.55  # effective share of 16 bins of keys; a bell has 0.5, money 0.2
SURELY_REPEATS = 0.1  # expected repeats per row that nobody removes: money without its duplicates has 0.02
GAPLESS = 0.5  # share of the whole numbers near a value that are taken, from which it is one of a sequence
FEWER_REPEATS = 0.2  # observed / expected repeats below which values were given out so as not to repeat
DISPERSION = 0.8  # chi-square per degree of freedom below which values repeat too regularly for chance
ROUND_VALUES = 5  # most frequent values, all of them multiples of five: of ids three of ten thousand columns have that
NEARLY_ALL = 0.9  # distinct / rows from which "nearly all differ"

INTEGER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|BIGNUM|VARINT", re.IGNORECASE)
TEXT = re.compile(r"VARCHAR|UUID|ENUM\(.*\)", re.IGNORECASE | re.DOTALL)
MOMENT = re.compile(r"DATE|TIMESTAMP.*", re.IGNORECASE)


@dataclass(frozen=True)
class Counts:
    """What a GROUP BY of a column's values tells: exact, in any order.

    ``top`` are the rows of the most frequent values (20 at most), falling; ``squares`` is the sum of squared
    frequencies; ``bins`` (64, none for texts) are counted between the extremes, see ``evenness.py``; ``round_values``
    is how many of the most frequent values are multiples of five, before the first that is not.
    """

    distinct: int
    top: tuple[int, ...]
    squares: int
    bins: tuple[Bin, ...] = ()
    round_values: int = 0


@dataclass(frozen=True)
class Column:
    """What is known of a column. ``values`` are the rows with one that is not NULL and finite.

    ``low`` and ``high`` are numbers (moments: in units of their grid, days or seconds), None for texts. ``whole``: all
    values are whole numbers. ``counts`` is None where grouping was not worth while (numbers with fractions).
    """

    name: str
    type: str
    rows: int
    values: int
    low: float | None
    high: float | None
    whole: bool
    counts: Counts | None


@dataclass(frozen=True)
class Decision:
    """``treatment`` is None where the column is left out; ``sentence`` says what was decided and why."""

    name: str
    treatment: str | None
    sentence: str
    why: str

    @property
    def kept(self) -> bool:
        return self.treatment is not None


def decide(column: Column) -> Decision:
    """Whether a column is a feature, how it is treated, and a sentence that says so."""
    treatment, why = _rule(column)
    verb = "left out: " if treatment is None else f"used as {_ARTICLES[treatment]}: "
    return Decision(column.name, treatment, f"{column.name}: {verb}{why}", why)


_ARTICLES = {NUMBER: "a number", CATEGORY: "a category", ORDINAL: "ordered levels", VECTOR: "a vector"}
_Verdict = tuple[str | None, str]


def _rule(one: Column) -> _Verdict:
    if not one.values:
        return None, "it has no values"
    missing = 1 - one.values / one.rows
    if missing > MOSTLY_NULL:
        return None, f"{missing:.0%} of its values are missing"
    if one.type.endswith("]"):
        return (None, "it has one value only") if one.low == one.high else (VECTOR, "each position is a number")
    counts = one.counts
    if _is_constant(one):
        return None, "it has one value only, but for rounding"
    if counts is None:
        return (None, "it has one value only") if one.low == one.high else (NUMBER, "its values are measured")
    if counts.distinct == 1:
        return None, "it has one value only"
    if one.values - counts.top[0] < NEARLY_CONSTANT * one.values:
        return None, f"nearly constant: all but {one.values - counts.top[0]:,} of {one.values:,} values are the same"
    if TEXT.fullmatch(one.type):
        return _text(one, counts)
    if counts.distinct == 2:
        return CATEGORY, "it has two values"
    if MOMENT.fullmatch(one.type):
        return _moment(one, counts)
    return _whole(one, counts) if one.whole else _fraction(one, counts)


def _is_constant(one: Column) -> bool:
    """Whether the numbers differ, but by no more than their type can tell."""
    if one.low is None or one.high is None or one.low == one.high or INTEGER.fullmatch(one.type):
        return False
    return bool(is_constant(np.array(one.low), np.array(one.high), one.type))


def _text(one: Column, counts: Counts) -> _Verdict:
    """Categories are common values; ids, names and free text are many rare ones."""
    distinct, common = counts.distinct, counts.squares / one.values
    if distinct == one.values:
        return None, "a key or a name: every value occurs once"
    covered = sum(counts.top) / one.values
    if sounds_like_key(one.name) and distinct > FEW:
        return None, f"it says which one: {distinct:,} different values, and its name says so"
    if common < COMMON or (covered < COVERED and not _is_panel(one, counts)):
        return None, f"names, ids or free text: {distinct:,} different values, none of them common"
    if _is_panel(one, counts):
        return None, f"it says which one: each of {distinct:,} values occurs {_times(one, counts)} times"
    if distinct <= len(counts.top):
        return CATEGORY, f"it has {distinct} values"
    return CATEGORY, f"the {len(counts.top)} most frequent of {distinct:,} values cover {covered:.0%} of the rows"


def _is_panel(one: Column, counts: Counts) -> bool:
    """Whether values repeat equally often: more regular than chance."""
    chi_square = counts.squares * counts.distinct / one.values - one.values
    return counts.distinct >= PANEL and chi_square < PANEL_DISPERSION * (counts.distinct - 1)


def _times(one: Column, counts: Counts) -> str:
    times = one.values / counts.distinct
    return f"{times:.0f}" if times == round(times) else f"about {times:.3g}"


def _whole(one: Column, counts: Counts) -> _Verdict:
    spread, distinct = _evenness(one, counts), counts.distinct
    is_amount = may_be_amount(one.name) and ((one.low or 0) < 0 or spread.coarse <= ALL_OVER)
    key, common = sounds_like_key(one.name) and not is_amount, counts.squares / one.values
    unique = distinct == one.values
    if _never_repeats(spread, one.values):
        return None, "a key: " + ("no value repeats" if unique else "its values were given out so as not to repeat")
    if _repeats_alike(spread, one.values):
        return None, f"it says which one: {distinct:,} values that repeat more regularly than by chance"
    if unique and INTEGER.fullmatch(one.type) and max(abs(one.low or 0.0), abs(one.high or 0.0)) > LONGEST:
        return None, "a key: no value repeats, and no measure has so many digits"
    if _says_when(one, counts):
        return None, "it says when, not what: years that are evenly filled"
    if key and (distinct > FEW or common < COMMON):
        how_many = "no value repeats" if unique else f"{distinct:,} different values"
        return None, f"it says which one: {how_many}, and its name says so"
    if not sounds_like_measure(one.name) and not _is_rounded(counts, spread):
        if one.values >= ENOUGH and spread.rows_p > EVEN_P and (unique or distinct > MANY):
            how_many = "no value repeats" if unique else f"{distinct:,} values"
            return None, f"it says which one: {how_many}, spread evenly as ids are"
        if _comes_back(spread, distinct):
            return (
                None,
                f"it says which one: {distinct:,} values spread as ids are, that come back unequally often",
            )
    if key:
        return CATEGORY, f"a code with {distinct} values"
    return _levels_or_number(one, counts)


def _is_rounded(counts: Counts, spread: Evenness) -> bool:
    """Whether many people told a round number: the most frequent values are, of numbers that are no multiples of it."""
    return counts.round_values >= ROUND_VALUES and spread.filled > GAPLESS


def _never_repeats(spread: Evenness, rows: int) -> bool:
    """Whether values repeat far less than independent draws would, and lie evenly or without gaps, as keys do.

    A measure made to differ in every row has the first (duplicates were removed), but not the second.
    """
    if spread.expected_repeats < EXPECTED_REPEATS or spread.repeats > FEWER_REPEATS * spread.expected_repeats:
        return False
    surely = spread.expected_repeats > SURELY_REPEATS * rows
    return surely or spread.coarse > ALL_OVER or spread.filled > GAPLESS


def _repeats_alike(spread: Evenness, rows: int) -> bool:
    """Whether all values repeat about equally often: a panel, or lines of an order."""
    if spread.degrees < 50:
        return False
    return spread.dispersion < min(DISPERSION, 1 - 4 * math.sqrt(2 / spread.degrees + 1 / rows))


def _comes_back(spread: Evenness, distinct: int) -> bool:
    """Whether values that lie at random come back: frequent and rare ones side by side, without a shape over the range.

    Values that fill a grid (``distinct_p`` near 1) must be many before unequal frequencies say that.
    """
    if spread.distinct_p < EVEN_P or spread.placed_p < PLACED_P:
        return False
    scattered = spread.distinct_p < GRIDDED_P and spread.repeats > MORE_REPEATS * max(spread.expected_repeats, 1.0)
    return distinct >= NEIGHBOURS and (scattered or spread.unequal > UNEQUAL)


def _levels_or_number(one: Column, counts: Counts) -> _Verdict:
    if counts.distinct <= ORDERED and counts.squares / one.values >= COMMON:
        return ORDINAL, f"it has {counts.distinct} values"
    return NUMBER, "its values are counted or measured"


def _fraction(one: Column, counts: Counts) -> _Verdict:
    assert one.low is not None
    assert one.high is not None
    all_differ = counts.distinct == one.values >= ENOUGH
    if all_differ and rows_evenness(counts.bins, one.low, one.high, counts.top) > 1 - 1e-9:
        return None, "it counts the rows: no value repeats, and they are evenly spaced"
    return _levels_or_number(one, counts)


def _says_when(one: Column, counts: Counts) -> bool:
    """Whether whole numbers are calendar years, none left out, of which each is about as frequent."""
    if one.low is None or one.high is None or not (1800 <= one.low < one.high <= 2100):
        return False
    degrees = counts.distinct - 1
    step = (one.high - one.low) / degrees
    even = counts.squares * counts.distinct / one.values - one.values < degrees + 2.5 * math.sqrt(2 * degrees)
    few = counts.distinct <= FEW or sounds_like_year(one.name)
    return bool(even and few and step == round(step) and counts.squares / one.values >= COMMON)


def _moment(one: Column, counts: Counts) -> _Verdict:
    """Moments say when a row was written where they are spread evenly or all differ; else they are measured."""
    spread = _evenness(one, counts)
    nearly_all = counts.distinct >= NEARLY_ALL * one.values
    if (counts.distinct == one.values >= 20 and spread.rows_p > 1 - 1e-6) or _never_repeats(spread, one.values):
        return None, "it says when the row was written: a moment for each row"
    if one.values >= ENOUGH and counts.distinct > ORDERED and spread.rows_p > EVEN_P:
        return None, "it says when, not what: spread evenly over time"
    in_a_panel = one.values >= 2 * counts.distinct and spread.placed_p > PLACED_P and _is_panel(one, counts)
    if _repeats_alike(spread, one.values) or in_a_panel:
        return None, "it says when, not what: every moment is about equally frequent"
    timed = not one.type.upper().startswith("DATE")
    if nearly_all and timed and (spread.coarse > SMOOTH or sounds_written(one.name)):
        return None, "it says when the row was written: nearly every row has its own moment"
    return NUMBER, "it is unevenly spread over time"


def _evenness(one: Column, counts: Counts) -> Evenness:
    assert one.low is not None
    assert one.high is not None
    return evenness(counts.bins, one.low, one.high, one.whole or MOMENT.fullmatch(one.type) is not None, counts.top)
