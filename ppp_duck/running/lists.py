"""What the stages of a call with many features hold as lists (binding/wide.py), by the names that all others have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import LISTS, NUMBER, SAMPLE_COLUMNS, in_lists, numbered
from ppp_duck.binding.wide import FIGURES


def unpacked(call: Call, summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """A summary whose figures are those of one feature each, as in ``number_3_low``."""
    if not call.is_wide:
        return summary
    found = {name: value for name, value in summary.items() if name.partition("_")[0] not in LISTS.values()}
    types = summary["types"] or [None] * len(call.features)  # of a source without rows
    found |= {f"type_{index}": one for index, one in enumerate(types)}
    nothing = {"n": 0, "finite": 0}
    for form, indices in in_lists(call.features).items():
        for figure in FIGURES[form].values():
            values = summary[f"{LISTS[form]}_{figure}"] or [nothing.get(figure)] * len(indices)
            found |= {f"{numbered(form, i)}_{figure}": one for i, one in zip(indices, values, strict=True)}
    return found


def unpacked_rows(call: Call, rows: pa.StructArray) -> pa.StructArray:
    """Sampled rows with a column for each feature."""
    columns, names = [], []
    for form, indices in in_lists(call.features).items():
        items = rows.field(LISTS[form]).flatten()
        if form == NUMBER:  # a column of each number is contiguous
            values = items.to_numpy(zero_copy_only=False).reshape(len(rows), len(indices))
            columns += [pa.array(column, from_pandas=True) for column in np.ascontiguousarray(values.T)]
        else:
            columns += [items.take(pa.array(np.arange(at, len(items), len(indices)))) for at in range(len(indices))]
        names += [numbered(form, index) for index in indices]
    names += SAMPLE_COLUMNS
    columns += [rows.field(name) for name in SAMPLE_COLUMNS]
    return pa.StructArray.from_arrays(columns, names)
