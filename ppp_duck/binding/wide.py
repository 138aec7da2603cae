"""The stages of a fit to many features: they travel as one list for each form, not as a column each.

DuckDB plans each expression of a statement by itself, so a column for each of a thousand features in each stage takes
seconds before a row is read. Here only the first stage names the columns; all others work on lists, position by
position. What comes out is what the stages of summary.py and key.py make, but for the content key, whose parts are
summed one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import LISTS, NUMBER, ROW_GROUP, TEXT, VECTOR, in_lists
from ppp_duck.binding.key import (
    GRIDS,
    NARROWEST,
    PLACE_BITS,
    PRIME,
    PROBES,
    TEXT_DIGITS,
    WIDE_RANGE,
    odd_numbers,
    weight_parts,
    weight_unit,
)
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.stages import (
    Stage,
    as_form,
    group_column,
    grouped,
    indented,
    listed,
    made_group,
    of_weight,
    select,
)  # fmt: skip
from ppp_duck.binding.summary import is_finite, usable_rows, weight_counts


def feature_stages(call: Call) -> list[Stage]:
    """The features, and what is known of each over all rows: ``_ppp_features`` to ``_ppp_extremes``."""
    types = [f"typeof({quote(feature.name)})" for feature in call.features]
    known = select([f"{_list(types)} AS types"], "_ppp_source", "LIMIT 1")
    return [
        Stage("_ppp_features", _features(call), "the features as lists: numbers, texts, vectors", kept=False),
        Stage("_ppp_types", known, "the types of the features"),
        *(
            Stage(f"_ppp_{LISTS[form]}", _by_place(call, form), f"counts and exact extremes by place in {LISTS[form]}")
            for form in in_lists(call.features)
        ),
        Stage("_ppp_extremes", _extremes(call), "the same as lists, and counts of the rows"),
    ]


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _features(call: Call) -> str:
    values = made_group(call)
    for form, indices in in_lists(call.features).items():
        columns = (as_form(form, f"_ppp_source.{quote(call.features[index].name)}") for index in indices)
        values.append(f"{_list(columns)} AS {LISTS[form]}")
    if call.options.weight is not None:
        values.append(f"{as_form(NUMBER, quote(call.options.weight))} AS row_weight")
    return select(values, "_ppp_source")


def _by_place(call: Call, form: str) -> str:
    """Of one form: a row for each place of its list, with the figures that summary.py has as columns."""
    weighted = ["row_weight"] if call.options.weight is not None else []
    size = len(in_lists(call.features)[form])
    every = [*group_column(call), *weighted, f"unnest({LISTS[form]}) AS item", f"unnest(range({size})) AS place"]
    rows = indented(select(every, "_ppp_features"))
    columns = [*group_column(call), "place", "count(item) AS items"]
    if form == TEXT:
        columns += ["count(item) AS finite", "min(item) = max(item) AS constant"]
        return select(columns, rows, f"GROUP BY {', '.join([*group_column(call), 'place'])}")
    least, most = ("known",) * 2 if form == NUMBER else ("list_min(known)", "list_max(known)")
    weighty = " FILTER (row_weight > 0)" if weighted else ""
    columns += ["count(known) AS finite", f"min({least}){weighty} + 0e0 AS low", f"max({most}){weighty} + 0e0 AS high"]
    if form == VECTOR:
        columns += ["min(len(item)) AS shortest", "max(len(item)) AS longest"]
    rows = indented(select(["*", f"CASE WHEN {is_finite(form, 'item')} THEN item END AS known"], rows))
    return select(columns, rows, f"GROUP BY {', '.join([*group_column(call), 'place'])}")


FIGURES = {  # of a place of a list: the column of its stage, and its name behind that of the list
    NUMBER: {"items": "n", "finite": "finite", "low": "low", "high": "high"},
    TEXT: {"items": "n", "finite": "finite", "constant": "constant"},
    VECTOR: {
        "items": "n", "finite": "finite", "low": "low", "high": "high", "shortest": "shortest", "longest": "longest",
    },
}  # fmt: skip


def _extremes(call: Call) -> str:
    counts = select([*group_column(call), "count(*) AS n", *weight_counts(call)], "_ppp_features", grouped(call))
    relation = f"{indented(counts)} AS counts"
    for form in in_lists(call.features):
        name = LISTS[form]
        lists = [f"list({figure} ORDER BY place) AS {name}_{own}" for figure, own in FIGURES[form].items()]
        one = indented(select([*group_column(call), *lists], f"_ppp_{name}", grouped(call)))
        relation += f" LEFT JOIN {one} USING ({ROW_GROUP})" if call.options.by else f", {one}"
    return select(["*", "(SELECT types FROM _ppp_types) AS types"], relation)


def extreme(call: Call, index: int, side: str) -> str:
    """The lowest or highest value of a number of the call, in ``_ppp_extremes``."""
    return f"{LISTS[NUMBER]}_{side}[{in_lists(call.features)[NUMBER].index(index) + 1}]"


def summary(call: Call) -> str:
    """The extremes, where places begin, how many there are to half a unit; and what does not help, as NULL in a list.

    ``numbers_zero_or_null`` is 0 or NULL, what is added to a number; ``wanted`` is how many features help.
    """
    columns = ["*", *weight_unit(call)]
    for form, indices in in_lists(call.features).items():
        name = LISTS[form]
        places = _list(str(index + 1) for index in indices)
        helps = f"choice[({places})[i]].treatment IS NOT NULL" if call.automatic else "true"
        nothing = f"CASE WHEN {helps} THEN 0e0 END"
        columns.append(f"list_transform(range(1, {len(indices) + 1}), lambda i: {nothing}) AS {name}_zero_or_null")
        if form == TEXT:
            columns.append(f"{_list(str(odd_numbers(i, TEXT)[0]) for i in indices)} AS {name}_factor")
            continue
        columns.append(f"list_transform({name}_low, lambda low: low * 0.5e0) AS {name}_half_low")
        width = f"greatest({name}_high[i] * 0.5e0 - low * 0.5e0, {literal(NARROWEST)})"
        for probe in range(PROBES if form == VECTOR else 1):
            factors = _list(literal((0.5 + odd_numbers(i, form)[probe] / 2**29) * 2.0**PLACE_BITS) for i in indices)
            per = f"list_transform({name}_low, lambda low, i: ({factors})[i] / {width})"
            columns.append(f"{per} AS {name}_factor_{probe}")
        if form == NUMBER:
            half = f"{name}_high[i] * 0.5e0 - low * 0.5e0 + {name}_zero_or_null[i]"
            are_wide = f"list_filter({name}_low, lambda low, i: {half} > {literal(WIDE_RANGE)})"
            columns.append(f"len({are_wide}) > 0 AS has_wide_range")
    columns.append(f"{_wanted(call)} AS wanted")
    relation = "_ppp_extremes"
    if call.automatic:
        relation += f" JOIN _ppp_choice USING ({ROW_GROUP})" if call.options.by else ", _ppp_choice"
    return select(columns, relation)


def _wanted(call: Call) -> str:
    if not call.automatic:
        return str(len(call.features))
    return "len(list_filter(choice, lambda one: one.treatment IS NOT NULL))"


def usable(call: Call) -> str:
    """Rows that the engine may see: finite features that help (others become NULL), positive weights."""
    values = []
    for form in in_lists(call.features):
        name = LISTS[form]
        helps = f"_ppp_summary.{name}_zero_or_null[i]"
        value = f"item + {helps}" if form == NUMBER else f"CASE WHEN {helps} IS NOT NULL THEN item END"
        one = value if form == TEXT else f"CASE WHEN {is_finite(form, 'item')} THEN {value} END"
        values.append(f"list_transform({name}, lambda item, i: {one}) AS {name}")
    return usable_rows(call, values)


def known_features(call: Call) -> str:
    """How many features a row has; of a column whose type nobody could see one form at most is not NULL."""
    return " + ".join(f"list_count({LISTS[form]})" for form in in_lists(call.features))


def key_parts(call: Call) -> str:
    """What each row adds to its key, as whole numbers: their sum is the same in any order, whatever is NULL in it."""
    forms = in_lists(call.features)
    parts = [_summed(form, _part(form)) for form in forms]
    if NUMBER in forms:
        factors = [0.5 + odd_numbers(i, NUMBER)[0] / 2**29 for i in forms[NUMBER]]
        lists = (_list(literal(factor * grid) for factor in factors) for grid in GRIDS)
        places = (f"TRY_CAST(item * ({one})[i] AS BIGINT)" for one in lists)
        grids = " + ".join(f"coalesce({place} % {PRIME} + {PRIME}, 0)" for place in places)
        parts.append(f"CASE WHEN has_wide_range THEN {_summed(NUMBER, grids)} ELSE 0 END")
    total = f"CAST(({' + '.join(parts)}) % {PRIME} AS BIGINT) AS content_key"
    values = [*group_column(call), *(LISTS[form] for form in forms), total, *weight_parts(call)]
    where = f"WHERE {known_features(call)} = wanted" if call.options.missing == "skip" else ""
    return select(values, "_ppp_usable", where)


def _summed(form: str, part: str) -> str:
    return f"coalesce(list_sum(list_transform({LISTS[form]}, lambda item, i: {part})), 0)"


def _part(form: str) -> str:
    """What the item at place ``i`` of a list adds."""
    name = LISTS[form]
    if form == TEXT:
        return f"CAST('0x' || left(md5(item), {TEXT_DIGITS}) AS BIGINT) * {name}_factor[i] % {PRIME}"
    if form == NUMBER:
        return f"TRY_CAST((item * 0.5e0 - {name}_half_low[i]) * {name}_factor_0[i] AS BIGINT) % {PRIME}"
    probes = (f"item[1 + len(item) * {probe} // {PROBES}]" for probe in range(PROBES))
    places = (
        f"coalesce(TRY_CAST(({at} * 0.5e0 - {name}_half_low[i]) * {name}_factor_{probe}[i] AS BIGINT) % {PRIME}, 0)"
        for probe, at in enumerate(probes)
    )
    return f"({' + '.join(places)})"


def frequencies(call: Call, counted: list[tuple[str, str]]) -> str:
    """Every value of the columns and how often it occurs; ``counted``: each as it is, and as a number or NULL.

    Values of different types share a list as their hashes, each beside its number: none of 64 bits are equal by chance.
    """
    numbers = _list(number for _, number in counted)
    hashes = _list(f"CASE WHEN {value} IS NOT NULL THEN hash({value}) END" for value, _ in counted)
    every = [f"unnest(range({len(counted)})) AS place", f"unnest({numbers}) AS number", f"unnest({hashes}) AS value"]
    rows = indented(select([*made_group(call), *every], "_ppp_source", of_weight(call)))
    by = [*group_column(call), "place", "number"]
    return select([*by, "count(*) AS times"], rows, "WHERE value IS NOT NULL", f"GROUP BY {listed([*by, 'value'])}")
