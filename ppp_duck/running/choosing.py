"""ppp__choose: which columns of a source are features, from counts and extremes that SQL took of all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ppp_duck.binding.call import Call, Feature
from ppp_duck.binding.interface import CHOICE, TEXT, arrow_struct, numbered
from ppp_duck.binding.values import grid_of, may_have_fractions
from ppp_duck.features.choice import Column, Counts, decide
from ppp_duck.features.counts import TOP, round_ones
from ppp_duck.features.evenness import BINS, Bin
from ppp_duck.running.lists import unpacked


def choose(calls: pa.ChunkedArray, extremes: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
    """How each feature of a call is treated (NULL: it is left out), and why; a row for each group."""
    found = []
    for call_json, summary, counted in zip(calls.to_pylist(), extremes.to_pylist(), counts.to_pylist(), strict=True):
        call = Call.from_json(call_json)
        summary = unpacked(call, summary)
        bins: dict[int, list[Mapping[str, Any]]] = {}
        for one in counted or ():
            bins.setdefault(one["feature"], []).append(one)
        decisions = [
            decide(_column(feature, index, summary, bins.get(index, []))) for index, feature in enumerate(call.features)
        ]
        found.append([{"treatment": decision.treatment, "why": decision.why} for decision in decisions])
    return pa.array(found, pa.list_(arrow_struct(CHOICE)))


def _column(feature: Feature, index: int, summary: Mapping[str, Any], bins: Sequence[Mapping[str, Any]]) -> Column:
    form = feature.forms[0]
    name, unit = numbered(form, index), grid_of(feature)
    low, high = (summary.get(f"{name}_{side}") for side in ("low", "high"))
    counts = None
    if bins:
        filled = {one["bin"]: Bin(int(one["rows"]), int(one["distinct"]), int(one["squares"])) for one in bins}
        every = () if form == TEXT else tuple(filled.get(place, Bin(0, 0, 0)) for place in range(BINS))
        distinct, squares = (sum(int(one[name]) for one in bins) for name in ("distinct", "squares"))
        top = sorted(((each["times"], each["is_uneven"]) for one in bins for each in one["top"]), reverse=True)[:TOP]
        round_values = round_ones([is_uneven for _, is_uneven in top])
        counts = Counts(distinct, tuple(times for times, _ in top), squares, every, round_values)
    return Column(
        feature.name, feature.type, int(summary["n"]), int(summary[f"{name}_finite"]),
        None if low is None else low / unit, None if high is None else high / unit,
        form != TEXT and not may_have_fractions(feature), counts,
    )  # fmt: skip
