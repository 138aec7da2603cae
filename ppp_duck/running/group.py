"""What SQL gathers of a group for a fit: a summary of all its rows, a sample of them; and what is wrong with them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FORM_TYPES, NUMBER, ROW_GROUP, SAMPLE_COLUMNS, TEXT, VECTOR, numbered
from ppp_duck.binding.source import Column
from ppp_duck.binding.values import may_have_fractions
from ppp_duck.errors import FeatureError
from ppp_duck.features.choice import CATEGORY, decide
from ppp_duck.features.counts import column_of
from ppp_duck.features.derived import derived
from ppp_duck.features.determined import Values
from ppp_duck.features.joined import joined_by
from ppp_duck.features.ordered import without_order
from ppp_duck.models.model import Floats
from ppp_duck.running.learning import values_in_rows
from ppp_duck.running.lists import unpacked, unpacked_rows
from ppp_duck.running.memory import By

WEIGHT, PRIORITY = SAMPLE_COLUMNS

LOOKED_AT = 1 << 12  # rows of the sample that tell whether a column follows from others
MOST_COMPARED = 64  # columns: each is compared with each
HEAVIEST = 1e100  # the largest weight: sums of squares of weights stay finite


@dataclass(frozen=True)
class Group:
    """One group of a fit; without ``by`` all rows are one. Features go by their number in the call."""

    call: Call
    by: By
    summary: Mapping[str, Any]  # exact counts and extremes over all rows, by the names of binding/summary.py
    content: Mapping[str, Any] | None  # of ``ppp_fit``: counts and sums of the keys of the rows that can be used
    sample: pa.StructArray | None  # distinct rows with weight and priority; None where no row can be used

    @staticmethod
    def of(call: Call, given: pa.StructScalar) -> Group:
        rows = given["rows"].values
        if rows is not None and call.is_wide:
            rows = unpacked_rows(call, rows)
        if rows is not None and call.are_sorted_in_python:
            rows = in_order(rows)[: call.options.sample_size + 1]
        content = given["content"].as_py() if "content" in given else None
        names, summary = json.loads(given[ROW_GROUP].as_py()), unpacked(call, given["summary"].as_py())
        return Group(call, tuple(names), summary, content, rows)

    @property
    def rows(self) -> int:
        return int(self.summary["n"])

    def figure(self, index: int, form: str, name: str) -> Any:
        """A figure of one form of a feature; None where the summary has none of that name."""
        return self.summary.get(f"{numbered(form, index)}_{name}")

    def form(self, index: int) -> str:
        """The form that a feature's values have: known at bind time, or seen in the data."""
        feature = self.call.features[index]
        form = next((form for form in feature.forms if self.figure(index, form, "n")), feature.forms[0])
        if form == TEXT and len(feature.forms) > 1 and self.call.options.categorical in ("ignore", "error"):
            raise FeatureError(f"{self.call.function}: leave {feature.name} out of columns, it is text and categorical "
                               f"is '{self.call.options.categorical}'")  # fmt: skip
        return form

    def missing(self, index: int) -> int:
        """The number of rows with NULL, NaN or infinity in a feature."""
        forms = self.call.features[index].forms
        return self.rows - int(sum(self.figure(index, form, "finite") for form in forms))

    @cached_property
    def dropped(self) -> dict[str, str]:
        """Columns chosen automatically that cannot help, and why."""
        if not (self.call.automatic and self.rows):
            return {}
        chosen = list(zip(self.call.features, self._choice, strict=True))
        found = {feature.name: why for feature, (treatment, why) in chosen if treatment is None}
        return found | derived(self._compared, self.call.options.max_categories)

    @cached_property
    def _without_order(self) -> frozenset[str]:
        """Columns of few numbers that are codes rather than a rating."""
        return without_order([one for one in self._compared if one.name not in self.dropped])

    @cached_property
    def joined(self) -> tuple[str, int] | None:
        """The number that stands for what was joined to rows, and how many values it has; None without one."""
        key = joined_by(self._compared) if self.call.automatic else None
        if key is None:
            return None
        index = [feature.name for feature in self.call.features].index(key)
        return key, len(np.unique(self.weighted[1][numbered(NUMBER, index)].to_numpy(zero_copy_only=False)))

    @cached_property
    def _compared(self) -> list[Values]:
        """The values, in some rows, of the columns that may be features; none where they are too many to compare."""
        left = [(feature.name, numbered(form, index)) for index, feature in enumerate(self.call.features)
                if self._choice[index][0] is not None and (form := self.form(index)) != VECTOR]  # fmt: skip
        if len(left) > MOST_COMPARED or self.sample is None:
            return []
        columns = self.weighted[1]
        return [values_in_rows(name, columns[column].slice(0, LOOKED_AT)) for name, column in left]

    @cached_property
    def _choice(self) -> list[tuple[str | None, str]]:
        """How each feature is treated, and why: as SQL counted, or of what may have fractions as the sample shows."""
        found = []
        for index, (feature, said) in enumerate(zip(self.call.features, self.summary["choice"], strict=True)):
            decision = said["treatment"], said["why"]
            if decision[0] is not None and may_have_fractions(feature) and self.sample is not None:
                weights, columns = self.weighted
                # of a sample of the rows, those of the least weight count once
                some = len(weights) < len(self.sample)
                times = weights / weights.min() if some else weights
                times = np.ones(len(weights)) if self.call.options.weight else times
                values = columns[numbered(NUMBER, index)].to_numpy(zero_copy_only=False)
                column = column_of(feature.name, feature.type, values, np.rint(times).astype(np.int64))
                shown = decide(column)
                decision = shown.treatment, shown.why
            found.append(decision)
        return found

    def treatment(self, index: int) -> str | None:
        """How a feature is treated; None where it was named, and its values decide."""
        if not self.call.automatic:
            return None
        treatment = self._choice[index][0]
        return CATEGORY if treatment and self.call.features[index].name in self._without_order else treatment

    def _is_constant(self, index: int) -> bool:
        form = self.call.features[index].forms[0]
        low, high = self.figure(index, form, "low"), self.figure(index, form, "high")
        return bool(self.figure(index, form, "constant")) or (form != TEXT and low is not None and low == high)

    def why_nothing(self) -> str | None:
        """What to do where there is nothing to cluster; None where there is something."""
        call = self.call
        if call.options.weight is not None and not self.summary["heaviest"]:
            wanted = f"give {call.options.weight}, the weight, values from 0 up, one at least above 0"
            return f"{wanted}: all {self.rows} rows have 0 or NULL"
        if len(self.dropped) == len(call.features) and not any(map(self._is_constant, range(len(call.features)))):
            # Rows that are alike in every usable column are one cluster, not an error. Keys and empty columns are none.
            reasons = "; ".join(f"{name}: {why}" for name, why in self.dropped.items())
            return f"name columns to cluster by, {call.source} leaves no usable one ({reasons})"
        return None

    def check(self) -> None:
        """Raises FeatureError for data that cannot be clustered as asked."""
        if wrong := next(chain(self._wrong_types(), self._wrong_weights(), self._wrong_values()), None):
            raise FeatureError(f"{self.call.function}: {wrong}")

    def _wrong_types(self) -> Iterator[str]:
        """A column whose type nobody could see at bind time may be of a type that no feature has."""
        for index, feature in enumerate(self.call.features):
            kind = self.summary[f"type_{index}"]
            if kind is not None and kind != '"NULL"' and Column(feature.name, kind).kind is None:
                yield f"leave {feature.name} out of columns: {kind} is no feature type"

    def _wrong_weights(self) -> Iterator[str]:
        weight = self.call.options.weight
        if weight is not None and self.rows:
            for name, words in (("negative_weights", "a negative one"), ("infinite_weights", "NaN or infinity")):
                if count := self.summary[name]:
                    yield f"give {weight}, the weight, values from 0 up: {count} of {self.rows} rows have {words}"
            if (heaviest := self.summary["heaviest"] or 0.0) > HEAVIEST:
                yield f"divide {weight}, the weight, to {HEAVIEST:g} or less: its largest value is {heaviest:g}"

    def _wrong_values(self) -> Iterator[str]:
        for index, feature in enumerate(self.call.features if self.call.options.missing == "error" else ()):
            if feature.name not in self.dropped and (missing := self.missing(index)):
                wanted = f"set missing to 'auto', 'skip' or 'impute', or exclude {feature.name}"
                yield f"{wanted}: {missing} of {self.rows} rows have NULL, NaN or infinity there"

    def length(self, index: int) -> int:
        """The length of a vector's lists. Raises FeatureError where it is 0 or lists differ."""
        shortest, longest = (self.figure(index, VECTOR, name) for name in ("shortest", "longest"))
        name = self.call.features[index].name
        if shortest != longest:
            raise FeatureError(f"{self.call.function}: give every list in {name} the same length: the shortest has "
                               f"{shortest}, the longest {longest}")  # fmt: skip
        if longest is None:
            return 1  # no row has a list: a hole in every row, as of a number
        if longest == 0:
            raise FeatureError(f"{self.call.function}: leave {name} out of columns: its lists are empty")
        return int(longest)

    @cached_property
    def weighted(self) -> tuple[Floats, dict[str, pa.Array]]:
        """Weights (n,) and the columns of the sample, by names as in 'number_0'.

        Where the sample does not hold every row, weights are max(weight, threshold). The threshold is the priority of
        the first row left out: so sums over the sample are unbiased (Duffield, Lund and Thorup 2007).
        """
        call, sample = self.call, self.sample
        forms = {numbered(form, index): form for index, feature in enumerate(call.features) for form in feature.forms}
        if sample is None:
            return np.zeros(0), {name: pa.array([], FORM_TYPES[form]) for name, form in forms.items()}
        weights = sample.field(WEIGHT).to_numpy(zero_copy_only=False)
        if len(weights) > call.options.sample_size:
            threshold = sample.field(PRIORITY)[len(weights) - 1].as_py()  # rows come by falling priority
            sample, weights = sample[:-1], np.maximum(weights[:-1], threshold)
        return weights, {name: sample.field(name) for name in forms}


def in_order(sample: pa.StructArray) -> pa.StructArray:
    """Sampled rows in the order that SQL gives all others: by falling priority, then feature by feature, NULL last.

    Priorities are hardly ever equal. Only rows of equal priority are compared further.
    """
    priority = -sample.field(PRIORITY).to_numpy(zero_copy_only=False)
    order = np.argsort(priority, kind="stable")
    value = priority[order]
    equal = value[1:] == value[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        rows = sample.take(pa.array(order[tied]))
        columns = [rows.field(column.name) for column in sample.type if column.name not in SAMPLE_COLUMNS]
        order[tied] = order[tied][np.lexsort((*map(_ranks, reversed(columns)), value[tied]))]
    # As they came, mostly: then no copy, which vectors would feel.
    return sample if (order[1:] > order[:-1]).all() else sample.take(pa.array(order))


def _ranks(column: pa.Array) -> Floats:
    """Numbers in the order of a column's values: numbers themselves, the places of texts and of lists among others."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))  # NULL is NaN, which comes last
    values = [one.encode() if isinstance(one, str) else one for one in column.to_pylist()]
    some = sorted(one for one in values if one is not None)
    return np.array([np.nan if one is None else bisect_left(some, one) for one in values])
