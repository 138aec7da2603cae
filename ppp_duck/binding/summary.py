"""The first stages of a fit: columns as features, their summary over all rows, the rows that can be used."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import NUMBER, ROW_GROUP, TEXT, VECTOR, numbered
from ppp_duck.binding.key import number_names, places_of, weight_unit, wide_range
from ppp_duck.binding.quoting import quote
from ppp_duck.binding.stages import (
    as_form,
    feature_forms,
    group_column,
    grouped,
    indented,
    listed,
    made_group,
    select,
    with_summary,
)  # fmt: skip


def features(call: Call) -> str:
    """Each feature in its forms, its type, and itself where its values are counted."""
    weight, values = call.options.weight, made_group(call)
    for index, feature, form in feature_forms(call):
        values.append(f"{as_form(form, f'_ppp_source.{quote(feature.name)}')} AS {numbered(form, index)}")
    values += [f"typeof({quote(feature.name)}) AS type_{i}" for i, feature in enumerate(call.features)]
    if weight is not None:
        values.append(f"{as_form(NUMBER, quote(weight))} AS row_weight")
    return select(values, "_ppp_source")


def extremes(call: Call) -> str:
    """Counts and exact extremes of every feature over all rows: order-free."""
    known, counted = [], [*group_column(call), "count(*) AS n"]
    counted += [f"any_value(type_{i}) AS type_{i}" for i in range(len(call.features))]
    for index, _, form in feature_forms(call):
        name = numbered(form, index)
        if form != TEXT:
            known.append(f"CASE WHEN {is_finite(form, name)} THEN {name} END AS {name}_known")
        counted += _counts(call, name, form)
    counted += weight_counts(call)
    rows = indented(f"SELECT {listed(['*', *known])}\nFROM _ppp_features")
    return select(counted, rows, grouped(call))


def weight_counts(call: Call) -> list[str]:
    if call.options.weight is None:
        return []
    return [
        "count(*) FILTER (row_weight < 0) AS negative_weights",
        "count(*) FILTER (NOT isfinite(row_weight)) AS infinite_weights",
        "max(row_weight) FILTER (isfinite(row_weight)) AS heaviest",
    ]


def _counts(call: Call, name: str, form: str) -> list[str]:
    """Of one form of a feature: how many values it has, and between which extremes they lie, 0 and not -0."""
    if form == TEXT:
        counts = [f"count({name}) AS {name}_n", f"count({name}) AS {name}_finite"]
        return [*counts, f"min({name}) = max({name}) AS {name}_constant"]
    counts = [f"count({name}) AS {name}_n", f"count({name}_known) AS {name}_finite"]
    weighty = " FILTER (row_weight > 0)" if call.options.weight is not None else ""  # a row of weight 0 is no row
    least, most = (f"{name}_known",) * 2 if form == NUMBER else (f"list_{m}({name}_known)" for m in ("min", "max"))
    counts += [f"min({least}){weighty} + 0e0 AS {name}_low", f"max({most}){weighty} + 0e0 AS {name}_high"]
    if form == VECTOR:
        counts += [f"min(len({name})) AS {name}_shortest", f"max(len({name})) AS {name}_longest"]
    return counts


def summary(call: Call) -> str:
    """The extremes, where the places of the key begin, and which features help. What does not is NULL from here on.

    A number is made NULL by adding ``zero_or_null``: with a constant, CASE takes longer.
    """
    columns = ["*", *weight_unit(call)]
    for index, _, form in feature_forms(call):
        columns += places_of(index, form) if form != TEXT else []
    wide = [(index, wide_range(name)) for name, index in number_names(call).items()]
    if not call.automatic:
        columns += [f"({' OR '.join(one for _, one in wide)}) AS has_wide_range"] if wide else []
        return select(columns, "_ppp_extremes")
    columns += [f"({' OR '.join(f'helps_{i} AND {one}' for i, one in wide)}) AS has_wide_range"] if wide else []
    for index, feature in enumerate(call.features):
        if NUMBER in feature.forms:
            columns.append(f"CASE WHEN helps_{index} THEN 0e0 END AS zero_or_null_{index}")
    columns.append(f"({' AND '.join(f'helps_{index}' for index in range(len(call.features)))}) AS all_help")
    # In a subquery: to find an alias of the same SELECT, DuckDB first compares it with the name of every column.
    helps = [f"choice[{index + 1}].treatment IS NOT NULL AS helps_{index}" for index in range(len(call.features))]
    joined = f"JOIN _ppp_choice USING ({ROW_GROUP})" if call.options.by else "CROSS JOIN _ppp_choice"
    return select(columns, indented(select(["*", *helps], f"_ppp_extremes {joined}")))


def is_finite(form: str, name: str) -> str:
    if form == TEXT:
        return f"{name} IS NOT NULL"
    if form == NUMBER:
        return f"isfinite({name})"
    ends = " AND ".join(f"isfinite(list_{end}({name}))" for end in ("min", "max"))  # a sum could overflow
    return f"({ends} AND list_count({name}) = len({name}))"


def usable(call: Call) -> str:
    """Rows that the engine may see: finite features that help (others become NULL), positive weights."""
    values, conditions = [], []
    for index, _, form in feature_forms(call):
        name = numbered(form, index)
        values.append(f"{usable_value(call, index, form, name)} AS {name}")
    if call.options.missing == "skip" and not call.key_skips:
        for index, feature in enumerate(call.features):
            known = " OR ".join(is_finite(form, numbered(form, index)) for form in feature.forms)
            unless = f"NOT helps_{index} OR " if call.automatic else ""
            conditions.append(f"({unless}{known})")
    return usable_rows(call, values, conditions)


def usable_rows(call: Call, values: Sequence[str], conditions: Sequence[str] = ()) -> str:
    """Rows of positive weight with these values of their features, where the conditions hold.

    The summary is beside each, for its key: a second join would take as long again.
    """
    if call.options.weight is not None:
        values, conditions = [*values, "row_weight"], [*conditions, "row_weight > 0 AND isfinite(row_weight)"]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return select([*values, "_ppp_summary.*"], with_summary(call, "_ppp_features"), where)


def usable_value(call: Call, index: int, form: str, value: str) -> str:
    """What the engine may see of a feature's value: NULL where it is not finite or the feature does not help."""
    canonical = f"{value} + 0e0" if form == NUMBER else value  # adding 0 makes -0 equal to 0
    conditions = [f"_ppp_summary.helps_{index}"] if call.automatic else []
    if form == VECTOR or (form == NUMBER and not call.key_skips):
        conditions.append(is_finite(form, value))
    if form == NUMBER and call.automatic:
        canonical = f"{value} + _ppp_summary.zero_or_null_{index}"
        return canonical if len(conditions) == 1 else f"CASE WHEN {conditions[1]} THEN {canonical} END"
    return f"CASE WHEN {' AND '.join(conditions)} THEN {canonical} END" if conditions else canonical
