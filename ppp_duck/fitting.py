"""Inside the running statement: the sample becomes a model. What cannot be clustered as asked is refused here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ppp_duck.engine import pipeline
from ppp_duck.engine.partition import Progress
from ppp_duck.errors import FeatureError, OptionError
from ppp_duck.features import encode, learn_feature
from ppp_duck.model import Floats, Model
from ppp_duck.rewrite import Call

FORMS = {"n": "number", "t": "text", "v": "vector"}
EMPTY = {"n": pa.float64(), "t": pa.string(), "v": pa.list_(pa.float64())}


def fit_model(
    call: Call, summary: Mapping[str, Any], sample: pa.StructArray | None, progress: Progress
) -> Model | None:
    """Fit the sample of one statement; None for a source without rows.

    ``summary`` has the exact counts and extremes over all rows, ``sample`` the merged rows with ``weight`` and
    ``priority``. Raises FeatureError and OptionError.
    """
    _check_weights(call, summary)
    _check_missing(call, summary)
    dropped = _dropped_features(call, summary)
    if summary["n"] and len(dropped) == len(call.features):
        # All rows are alike in every usable column: that is one cluster, not an error. Keys and empty columns are none.
        alike = [name for name, why in dropped if why == CONSTANT]
        if not alike:
            raise FeatureError(
                f"{call.function}: name columns to cluster by, {call.source} leaves no usable one ("
                + "; ".join(f"{name}: {why}" for name, why in dropped)
                + ")"
            )
    if not summary["n"]:
        return None
    weights, columns = _sampled_rows(call, sample)
    out = {name for name, _ in dropped}
    features, slot = [], 0
    for index, column in enumerate(call.features):
        form = _form(call, index, summary)
        if column.name not in out:
            _check_lengths(call, index, form, summary)
            at = slot + column.forms.index(form)
            positions = summary[f"v{index}_longest"] if form == "v" else 1
            features.append(
                learn_feature(
                    column.name, at, columns[at], FORMS[form], positions, weights, call.options.scale,
                    call.options.max_categories,
                )
            )  # fmt: skip
        slot += len(column.forms)
    impute = call.options.missing == "impute"
    if not len(weights):
        return Model(tuple(features), impute, call.options.separable_at, None, call.dropped + tuple(dropped))
    rows = encode(features, columns, impute=True).values if features else np.zeros((len(weights), 1))
    distinct = len(np.unique(rows, axis=0)) if call.options.k is not None else len(rows)
    if call.options.k is not None and call.options.k > distinct:
        raise OptionError.value(
            call.function, "k", f"{distinct} or less, the number of distinct rows to cluster", call.options.k
        )
    clustering = pipeline.fit(
        rows,
        weights,
        k=call.options.k,
        k_max=call.options.k_max,
        covariance=call.options.covariance,
        progress=progress,
    )
    return Model(tuple(features), impute, call.options.separable_at, clustering, call.dropped + tuple(dropped))


CONSTANT = "constant"


def _dropped_features(call: Call, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Columns chosen automatically that cannot help, and why: the words for ``rewrite._helps``."""
    dropped = []
    for index, feature in enumerate(call.features if call.automatic else ()):
        name, rows = f"{feature.forms}{index}", summary["n"]
        if summary[f"use{index}"] or not rows:
            continue
        if feature.forms == "v" and summary[f"{name}_longest"] == 0:
            why = "empty lists"
        elif not summary[f"{name}_n"]:
            why = "all NULL"
        elif not summary[f"{name}_finite"]:
            why = "no finite value"
        elif summary.get(f"{name}_constant") or (
            f"{name}_low" in summary and summary[f"{name}_low"] == summary[f"{name}_high"]
        ):
            why = CONSTANT
        elif summary[f"k{index}_distinct"] == summary[f"{name}_n"]:
            why = "one row per value, as in a key"
        else:
            why = "fewer than two rows per category"
        dropped.append((feature.name, why))
    return dropped


def _form(call: Call, index: int, summary: Mapping[str, Any]) -> str:
    """The form that a column's values really have: known at bind time, or seen in the data."""
    forms = call.features[index].forms
    found = next((form for form in forms if summary[f"{form}{index}_n"]), forms[0])
    if found == "t" and len(forms) > 1 and call.options.categorical != "onehot":
        raise FeatureError(
            f"{call.function}: leave {call.features[index].name} out of columns, it is text and categorical is "
            f"'{call.options.categorical}'"
        )
    return found


def _check_weights(call: Call, summary: Mapping[str, Any]) -> None:
    if call.options.weight is None or not summary["n"]:
        return
    wanted = f"{call.function}: give {call.options.weight}, the weight, values from 0 up"
    if summary["w_negative"]:
        raise FeatureError(f"{wanted}: {summary['w_negative']} of {summary['n']} rows have a negative one")
    if summary["w_infinite"]:
        raise FeatureError(f"{wanted}: {summary['w_infinite']} of {summary['n']} rows have NaN or infinity")
    if not summary["w_high"]:
        raise FeatureError(f"{wanted}, one at least above 0: all {summary['n']} rows have 0 or NULL")


def _check_missing(call: Call, summary: Mapping[str, Any]) -> None:
    if call.options.missing != "error":
        return
    for index, feature in enumerate(call.features):
        if call.automatic and not summary[f"use{index}"]:
            continue
        missing = summary["n"] - sum(summary[f"{form}{index}_finite"] for form in feature.forms)
        if missing:
            raise FeatureError(
                f"{call.function}: set missing to 'skip' or 'impute', or exclude {feature.name}: {missing} of "
                f"{summary['n']} rows have NULL, NaN or infinity there"
            )


def _check_lengths(call: Call, index: int, form: str, summary: Mapping[str, Any]) -> None:
    if form != "v":
        return
    shortest, longest = summary[f"v{index}_shortest"], summary[f"v{index}_longest"]
    name = call.features[index].name
    if shortest != longest:
        raise FeatureError(
            f"{call.function}: give every list in {name} the same length: the shortest has {shortest}, "
            f"the longest {longest}"
        )
    if longest == 0:
        raise FeatureError(f"{call.function}: leave {name} out of columns: its lists are empty")


def _sampled_rows(call: Call, sample: pa.StructArray | None) -> tuple[Floats, list[pa.Array]]:
    """Weights (n,) and the columns of the sample, one for each form of each feature.

    Where the sample is not everything, weights are max(weight, threshold), the threshold being the priority of the
    first row left out: then sums over the sample are unbiased (Duffield, Lund and Thorup 2007).
    """
    if sample is None:
        return np.zeros(0), [pa.array([], EMPTY[form]) for f in call.features for form in f.forms]
    weights = sample.field("weight").to_numpy(zero_copy_only=False)
    if len(weights) > call.options.sample_size:
        threshold = sample.field("priority")[len(weights) - 1].as_py()  # they come in descending order of priority
        sample, weights = sample[:-1], np.maximum(weights[:-1], threshold)
    return weights, [sample.field(f"{form}{i}") for i, f in enumerate(call.features) for form in f.forms]


def model_key(model: Model) -> str:
    """A hash of everything in a model: equal models have equal keys."""
    digest = hashlib.sha256()
    _feed(digest, model)
    return digest.hexdigest()[:32]


def _feed(digest: Any, value: object) -> None:
    if is_dataclass(value):
        for field in fields(value):
            _feed(digest, getattr(value, field.name))
    elif isinstance(value, tuple):
        digest.update(b"(%d" % len(value))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    else:
        digest.update(repr(value).encode() + b";")
