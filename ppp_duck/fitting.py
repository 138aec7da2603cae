"""Inside the running statement: the sample becomes a model. What cannot be clustered as asked is refused here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ppp_duck.calls import Call
from ppp_duck.engine import pipeline
from ppp_duck.engine.clusterable import row_sets
from ppp_duck.engine.partition import Progress
from ppp_duck.engine.refine import Refinement
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import FeatureError, OptionError, PPPError, show
from ppp_duck.features import encode, learn_feature, units_of, unscaled
from ppp_duck.model import Beyond, Clustering, Floats, Ints, Model, ModelSet
from ppp_duck.rewrite import are_numbers
from ppp_duck.sources import Column
from ppp_duck.version import VERSION

FORMS = {"n": "number", "t": "text", "v": "vector"}
EMPTY = {"n": pa.float64(), "t": pa.string(), "v": pa.list_(pa.float64())}


def fit_groups(call: Call, groups: Iterable[pa.StructScalar], duckdb_version: str, progress: Progress) -> ModelSet:
    """Fit the sample of one statement, group by group; without ``by`` there is one group.

    A group has ``g`` (its values, a JSON list), ``summary`` (exact counts and extremes over all its rows), ``rows``
    (merged, with ``weight`` and ``priority``) and, for ``ppp_fit``, ``used``. Groups without a row have no model.
    Raises FeatureError and OptionError; what is wrong with one group only is its model's ``note`` instead.
    """
    models = []
    for number, group in enumerate(groups, 1):
        progress("group", number)
        summary = group["summary"].as_py()
        if not summary["n"]:
            continue
        rows = group["rows"].values  # None where the list is NULL: no usable rows
        rows = in_order(rows) if rows is not None and are_numbers(call) else rows
        used = group["used"].as_py() if "used" in group else None
        values = tuple(json.loads(group["g"].as_py()))
        model = replace(_fit_group(call, summary, rows, used is not None, progress), group=values)
        if used is not None:
            model = replace(model, report=report(call, model, summary, used, rows, duckdb_version))
        models.append(model)
    return ModelSet(call.options.by, tuple(models))


def _fit_group(
    call: Call, summary: Mapping[str, Any], sample: pa.StructArray | None, described: bool, progress: Progress
) -> Model:
    _check_types(call, summary)
    _check_weights(call, summary)
    _check_missing(call, summary)
    impute, separable_at = call.options.missing == "impute", call.options.separable_at

    def nothing(error: type[PPPError], message: str) -> Model:
        if not call.options.by:
            raise error(f"{call.function}: {message}")
        return Model((), impute, separable_at, None, message)

    if call.options.weight is not None and not summary["w_high"]:
        return nothing(
            FeatureError,
            f"give {call.options.weight}, the weight, values from 0 up, one at least above 0: all {summary['n']} rows "
            "have 0 or NULL",
        )
    dropped = dict(dropped_features(call, summary))
    if len(dropped) == len(call.features) and CONSTANT not in dropped.values():
        # All rows alike in every usable column are one cluster, not an error. But keys and empty columns are none.
        reasons = "; ".join(f"{name}: {why}" for name, why in dropped.items())
        return nothing(FeatureError, f"name columns to cluster by, {call.source} leaves no usable one ({reasons})")
    weights, columns = sampled_rows(call, sample)
    features, chosen, slot = [], [], 0
    for index, column in enumerate(call.features):
        form = resolved_form(call, index, summary)
        if column.name not in dropped:
            _check_lengths(call, index, form, summary)
            chosen.append(columns[slot + column.forms.index(form)])
            positions = summary[f"v{index}_longest"] if form == "v" else 1
            type_name = summary[f"type{index}"] or ""
            features.append(
                learn_feature(
                    column.name, chosen[-1], FORMS[form], type_name, positions, weights, call.options.scale,
                    call.options.max_categories,
                )
            )  # fmt: skip
        slot += len(column.forms)
    if not len(weights):
        return Model(tuple(features), impute, separable_at, None, "no row to fit had all its features")
    rows = encode(features, chosen, impute=True).values if features else np.zeros((len(weights), 1))
    k = call.options.k
    if k is not None and k > (distinct := len(np.unique(rows, axis=0))):
        wanted = f"{distinct} or less, the number of distinct rows to cluster"
        return nothing(OptionError, f"set k to {wanted}, not {k}")

    def fit(rows: Floats, weights: Floats, k: int | None) -> Clustering:
        return pipeline.fit(
            rows, weights, k=k, k_max=call.options.k_max, covariance=call.options.covariance, report=described,
            progress=progress,
        )  # fmt: skip

    def fit_part(part: Floats, weights: Floats) -> Clustering:
        return fit(part, weights, None if k is None else min(k, len(np.unique(part, axis=0))))

    clustering = fit(rows, weights, k)
    beyond = None
    if call.options.refine and sample is not None and len(weights) < len(sample):
        heaviest = None if call.options.weight is None else float(summary["w_high"])
        mixture = None if call.options.covariance == "spherical" else clustering.mixture
        prior = None if mixture is None else pipeline.covariance_prior(rows, weights, mixture)
        beyond = Beyond(len(weights), heaviest, prior)
    model = Model(tuple(features), impute, separable_at, clustering, beyond=beyond)
    if call.function == "ppp_clusterability":
        return replace(model, sets=row_sets(rows, weights, clustering, separable_at, fit_part))
    if not described:
        return model
    labels = Scorer(clustering).assign(rows)
    values, units = unscaled(features, chosen) if features else (rows, np.ones(1))
    means, spreads = cluster_moments(labels, weights, values, len(clustering.sizes))
    return replace(model, means=means * units, spreads=spreads * units)


def refined(model: Model, refinement: Refinement) -> Model:
    """The model with the clustering, and its figures, of all rows."""
    found, wanted = refinement.refined, refinement.wanted
    passes = 0 if found is None else found.passes
    told = "1 pass" if passes == 1 else f"{passes} passes"
    if passes < wanted:
        told += f" of {wanted}"
    told += " over all rows" + ("; one more leaves a cluster without rows" if passes < wanted else "")
    report = tuple((name, told if name == "refined" else value) for name, value in model.report)
    model = replace(model, beyond=None, report=report)
    if found is None:
        return model
    model = replace(model, clustering=found.clustering)
    if model.means is None:
        return model
    unit = units_of(model.features)
    center, scale = (np.concatenate([getattr(one, name) for one in model.features]) for name in ("center", "scale"))
    means = (found.clustering.centers * scale + center) * unit
    return replace(model, means=means, spreads=found.spreads * scale * unit)


def cluster_moments(labels: Ints, weights: Floats, rows: Floats, k: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation ``(k, d)`` of the rows ``(n, d)`` of each cluster."""
    means, spreads = np.zeros((k, rows.shape[1])), np.zeros((k, rows.shape[1]))
    for cluster in range(k):
        inside = labels == cluster
        own, total = weights[inside], weights[inside].sum()
        # column by column: sums in one order, whatever the number of clusters
        for feature, column in enumerate(np.ascontiguousarray(rows[inside].T)):
            means[cluster, feature] = (own * column).sum() / total
            spreads[cluster, feature] = np.sqrt((own * (column - means[cluster, feature]) ** 2).sum() / total)
    return means, spreads


CONSTANT = "constant"


def dropped_features(call: Call, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
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


def resolved_form(call: Call, index: int, summary: Mapping[str, Any]) -> str:
    """The form that a column's values really have: known at bind time, or seen in the data."""
    forms = call.features[index].forms
    found = next((form for form in forms if summary[f"{form}{index}_n"]), forms[0])
    if found == "t" and len(forms) > 1 and call.options.categorical != "onehot":
        raise FeatureError(
            f"{call.function}: leave {call.features[index].name} out of columns, it is text and categorical is "
            f"'{call.options.categorical}'"
        )
    return found


def _check_types(call: Call, summary: Mapping[str, Any]) -> None:
    """Where the types could not be seen at bind time: a column of another kind has come through as NULL."""
    for index, feature in enumerate(call.features):
        found = summary[f"type{index}"]
        if found is not None and found != '"NULL"' and Column(feature.name, found).kind is None:
            raise FeatureError(f"{call.function}: leave {feature.name} out of columns: {found} is no feature type")


def _check_weights(call: Call, summary: Mapping[str, Any]) -> None:
    if call.options.weight is None or not summary["n"]:
        return
    wanted = f"{call.function}: give {call.options.weight}, the weight, values from 0 up"
    if summary["w_negative"]:
        raise FeatureError(f"{wanted}: {summary['w_negative']} of {summary['n']} rows have a negative one")
    if summary["w_infinite"]:
        raise FeatureError(f"{wanted}: {summary['w_infinite']} of {summary['n']} rows have NaN or infinity")


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


def in_order(sample: pa.StructArray) -> pa.StructArray:
    """Sampled rows of numbers in the order that ``rewrite`` gives others: by falling priority, then feature by feature.

    Priorities are hardly ever equal, so only those rows are compared further.
    """
    priority = -sample.field("priority").to_numpy(zero_copy_only=False)
    order = np.argsort(priority, kind="stable")
    value = priority[order]
    equal = value[1:] == value[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        few = sample.take(pa.array(order[tied]))
        names = [field.name for field in sample.type if field.name not in ("weight", "priority")]
        columns = [few.field(name).to_numpy(zero_copy_only=False) for name in names]  # NULL is NaN, which comes last
        order[tied] = order[tied][np.lexsort((*reversed(columns), value[tied]))]
    return sample.take(pa.array(order))


def sampled_rows(call: Call, sample: pa.StructArray | None) -> tuple[Floats, list[pa.Array]]:
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


def report(
    call: Call, model: Model, summary: Mapping[str, Any], used: Mapping[str, Any], sample: pa.StructArray | None,
    duckdb_version: str,
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """What ``ppp_info`` says of the data and the options."""
    dropped = dropped_features(call, summary)
    out = {name for name, _ in dropped}
    weights = sample.field("weight").to_numpy(zero_copy_only=False) if sample is not None else np.zeros(0)
    all_distinct = len(weights) <= call.options.sample_size
    found = [("source", call.source), ("fingerprint", fingerprint(call, summary, used, sample))]
    found += [("rows", str(summary["n"])), ("rows_used", str(used["used_rows"] or 0))]
    found.append(("rows_skipped", str(summary["n"] - (used["used_rows"] or 0))))
    for index, feature in enumerate(call.features):
        missing = summary["n"] - sum(summary[f"{form}{index}_finite"] for form in feature.forms)
        if missing and feature.name not in out:
            fate = "imputed" if model.impute else "skipped"
            found.append((f"rows_{fate}: {feature.name}", f"{missing} NULL, NaN or infinite"))
    found.append(
        ("sample", f"all {len(weights)} distinct rows" if all_distinct else f"{len(weights) - 1} distinct rows")
    )
    if call.options.refine:  # ``refined`` says more where it is done
        found.append(("refined", "not needed: the fit saw all distinct rows" if all_distinct else "nothing to refine"))
    found.append(("columns_used", ", ".join(f"{one.name} ({one.type}, as {one.kind})" for one in model.features)))
    found += [(f"column_dropped: {name}", why) for name, why in (*call.dropped, *dropped)]
    found += [(f"option: {name}", show(value)) for name, value in _told_options(call).items()]
    return (*found, ("ppp_duck_version", VERSION), ("duckdb_version", duckdb_version))


def fingerprint(call: Call, summary: Mapping[str, Any], used: Mapping[str, Any], sample: pa.StructArray | None) -> str:
    """A hash of the data and the options: of counts, extremes and content keys of all rows, and of the sample's values.

    It knows nothing of the order of rows or columns, of names of sources, of storage or of versions.
    """
    columns = []
    for index, feature in enumerate(call.features):
        form = resolved_form(call, index, summary)
        name = f"{form}{index}"
        seen = {key[len(name) :]: value for key, value in summary.items() if key.startswith(f"{name}_")}
        columns.append([feature.name.casefold(), form, seen])
    told = {**_told_options(call), "columns": None}  # the columns themselves are told just above
    digest = hashlib.sha256(json.dumps([told, columns, used], sort_keys=True, default=str).encode())
    weights, forms = sampled_rows(call, sample)
    digest.update(weights.tobytes())
    for column in forms:
        if column.null_count < len(column):
            digest.update(_content(column))
    return digest.hexdigest()[:32]


def _content(column: pa.Array) -> bytes:
    """The values of a column: texts as JSON, numbers and lists of them bit by bit, with what is NULL."""
    listed = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not listed and not pa.types.is_floating(column.type):
        return json.dumps(column.to_pylist()).encode()
    numbers = column.flatten() if listed else column
    bits = pc.fill_null(numbers, 0.0).to_numpy(zero_copy_only=False).astype("<f8")
    return b"".join(part.tobytes() for part in (np.asarray(pc.is_null(column)), np.asarray(pc.is_null(numbers)), bits))


def _told_options(call: Call) -> dict[str, object]:
    """The options that decide a fit, as given."""
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(call.options).items()}
    return {name: value for name, value in told.items() if name not in ("output", "prefix")}


def model_key(models: ModelSet) -> str:
    """A hash of everything in the models: equal models have equal keys."""
    digest = hashlib.sha256()
    _feed(digest, models)
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
