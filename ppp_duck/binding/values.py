"""What columns hold: how often their values occur, from which ``ppp__choose`` decides which columns are features.

Columns that may hold fractions are left to the sample (running/fit.py): to group them all would take twice the time.
"""

from __future__ import annotations

from ppp_duck.binding import wide
from ppp_duck.binding.call import Call, Feature
from ppp_duck.binding.interface import COUNTS, NUMBER, ROW_GROUP, TEXT, VECTOR, numbered
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.stages import Stage, as_form, group_column, grouped, indented, made_group, of_weight, select
from ppp_duck.features.choice import INTEGER, MOMENT
from ppp_duck.features.counts import ROUND, TOP
from ppp_duck.features.evenness import BINS

DAY = 86_400  # seconds
WHY = "which columns are features, from their extremes and the frequencies of their values"


def may_have_fractions(feature: Feature) -> bool:
    """Whether a column is of numbers that need not be whole."""
    whole = INTEGER.fullmatch(feature.type) or MOMENT.fullmatch(feature.type) or feature.type == "BOOLEAN"
    return feature.forms == (NUMBER,) and not whole


def choice_stages(call: Call) -> list[Stage]:
    """How often values occur, and from that how each feature is treated: one row, or one for each group."""
    counted = [
        index
        for index, feature in enumerate(call.features)
        if feature.forms != (VECTOR,) and not may_have_fractions(feature)
    ]
    stages, relation, counts = [], "_ppp_extremes", "NULL"
    if counted:
        why = "every value of these columns and how often it occurs; place: of which column, counted from 0"
        stages.append(Stage("_ppp_frequencies", _frequencies(call, counted), why, kept=False))
        why = "the same by feature, and by which of the bins between its extremes a value is in"
        stages.append(Stage("_ppp_binned", _binned(call, counted), why, kept=False))
        why = "by feature and bin: how many values differ, how often they occur"
        stages.append(Stage("_ppp_values", _values(call), why))
        one = "{" + ", ".join(f"'{name}': {column}" for name, column in COUNTS.items()) + "}"
        lists = indented(select([*group_column(call), f"list({one}) AS counts"], "_ppp_values", grouped(call)))
        relation += f" LEFT JOIN {lists} USING ({ROW_GROUP})" if call.options.by else f", {lists}"
        counts = "counts"
    group = [f"_ppp_extremes.{ROW_GROUP}"] if call.options.by else []
    asked = f"ppp__choose({literal(call.to_json())}, _ppp_extremes, {counts}) AS choice"
    return [*stages, Stage("_ppp_choice", select([*group, asked], relation), WHY)]


def _binned(call: Call, counted: list[int]) -> str:
    """Frequencies by feature, and by bin between its extremes (a text has one); ``is_uneven``: no multiple of five."""
    lows, highs = (", ".join(_extreme(call, i, side) for i in counted) for side in ("low", "high"))
    joined = f"JOIN _ppp_extremes USING ({ROW_GROUP})" if call.options.by else ", _ppp_extremes"
    low, high = f"list_extract([{lows}], place + 1)", f"list_extract([{highs}], place + 1)"
    bins = f"least({BINS - 1}, floor((number - {low}) * {BINS} / ({high} - {low} + 1)))"
    features = f"list_extract([{', '.join(map(str, counted))}], place + 1)"
    values = [f"{features} AS feature", f"CAST(coalesce({bins}, 0) AS INTEGER) AS bin", "times"]
    # Values that come back only: of a key there are as many as rows, and no division is to be made for each.
    part = f"number / {ROUND}"
    values.append(f"CASE WHEN times > 1 THEN coalesce({part} <> floor({part}), true) ELSE true END AS is_uneven")
    return select([*group_column(call), *values], f"_ppp_frequencies {joined}")


def _values(call: Call) -> str:
    by = [*group_column(call), "feature", "bin"]
    values = [
        "count(*) AS values_differ", "CAST(sum(times) AS BIGINT) AS all_rows",
        "CAST(sum(times * times) AS HUGEINT) AS squares",
        f"max({{'times': times, 'is_uneven': is_uneven}}, {TOP}) AS top",
    ]  # fmt: skip
    return select([*by, *values], "_ppp_binned", f"GROUP BY {', '.join(by)}")


def _frequencies(call: Call, counted: list[int]) -> str:
    """Every value of the columns and how often it occurs, in one scan: a grouping set for each column."""
    if call.is_wide:
        return wide.frequencies(call, [_as_it_is(call.features[index]) for index in counted])
    names = [f"value_{index}" for index in counted]
    sets = ", ".join(f"({', '.join([*group_column(call), name])})" for name in names)
    places = " ".join(f"WHEN grouping({name}) = 0 THEN {place}" for place, name in enumerate(names))
    numbers = [
        f"{as_form(NUMBER, name)}{_unit(call.features[index])}"
        for index, name in zip(counted, names, strict=True)
        if call.features[index].forms == (NUMBER,)
    ]
    number = f"coalesce({', '.join([*numbers, 'CAST(NULL AS DOUBLE)'])}) AS number"
    columns = [*group_column(call), f"CASE {places} END AS place", number, "count(*) AS times"]
    rows = indented(
        select(
            [*made_group(call), *(f"{_value(call.features[index])} AS value_{index}" for index in counted)],
            "_ppp_source",
            of_weight(call),
        )
    )
    known = " OR ".join(f"{name} IS NOT NULL" for name in names)
    return select(columns, rows, f"GROUP BY GROUPING SETS ({sets})", f"HAVING {known}")


def _as_it_is(feature: Feature) -> tuple[str, str]:
    """The value of a column, and as a number of its grid, NULL of a text."""
    value = _value(feature)
    is_number = feature.forms == (NUMBER,)
    return value, f"{as_form(NUMBER, value)}{_unit(feature)}" if is_number else "CAST(NULL AS DOUBLE)"


def _value(feature: Feature) -> str:
    """A column as it is: two large numbers that are one DOUBLE are two values. NULL where a moment is infinite."""
    name = f"_ppp_source.{quote(feature.name)}"
    if MOMENT.fullmatch(feature.type):
        return f"CASE WHEN isfinite({name}) THEN {name} END"
    return as_form(TEXT, name) if feature.forms == (TEXT,) else name


def _extreme(call: Call, index: int, side: str) -> str:
    feature = call.features[index]
    if feature.forms == (TEXT,):
        return "CAST(NULL AS DOUBLE)"
    name = wide.extreme(call, index, side) if call.is_wide else f"{numbered(NUMBER, index)}_{side}"
    return f"{name}{_unit(feature)}"


def grid_of(feature: Feature) -> int:
    """The grid of the numbers of a type: dates are told in seconds, and lie on days."""
    return DAY if feature.type.upper() == "DATE" else 1


def _unit(feature: Feature) -> str:
    """Divides a number by its grid."""
    grid = grid_of(feature)
    return "" if grid == 1 else f" / {grid}"
