"""Where most rows repeat others, each distinct row is scored once and its equals look it up.

They look it up in lists, not by a join: after a join DuckDB does not keep the order of the source's rows. A hash that
two distinct rows have is in no list, so an equal hash is an equal row.
"""

from __future__ import annotations

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import NUMBER, field, numbered
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.stages import Stage, as_form, feature_forms, form_names, indented, select
from ppp_duck.binding.summary import usable_value

REPEATED = 4  # rows of the source for one distinct row, from which equal ones are looked up and not scored again
SLOTS = 2  # of the lookup for one distinct row: each holds a short list of those whose hash leads there
LOOKUP = "_ppp_lookup"


def lookup_stages(call: Call, udf: str) -> list[Stage]:
    """The score of each distinct row, if the sample holds all of them and most rows of the source repeat one.

    ``udf`` is the function that scores a row.
    """
    forms = feature_forms(call)
    row = ", ".join(f"{literal(field(form, feature.name))}: {numbered(form, i)}" for i, feature, form in forms)
    all_and_few = f"least({call.options.sample_size}, (SELECT n FROM _ppp_summary) // {REPEATED})"
    rows = f"WHERE (SELECT count(*) FROM _ppp_sample) <= {all_and_few}"
    columns = [f"hash({', '.join(form_names(call))}) AS row_hash", f"{udf}(_ppp_model.model, NULL, {{{row}}}) AS known"]
    known = select(columns, "_ppp_sample, _ppp_model", rows)
    why = "the scores of the distinct rows, where most rows repeat one of them"
    return [
        Stage("_ppp_known", known, why),
        Stage(
            LOOKUP, lookup(), "the same in one row, by slots that a row's hash leads to; NULL where nothing is known"
        ),
    ]


def lookup() -> str:
    """Slots, each with the hashes of the distinct rows that belong there, and their scores."""
    number = f"SELECT CAST({SLOTS} * count(*) AS UBIGINT) AS slots FROM _ppp_known HAVING count(*) > 0"
    every = select(["slots", "unnest(range(CAST(slots AS BIGINT))) AS slot"], indented(number))
    sole = "SELECT row_hash, any_value(known) AS known FROM _ppp_known\nGROUP BY row_hash HAVING count(*) = 1"
    columns = ["CAST(row_hash % slots AS BIGINT) AS slot"]
    columns += [f"list({one} ORDER BY row_hash) AS {one}" for one in ("row_hash", "known")]
    filled = select(columns, f"{indented(sole)}, {indented(number)}", "GROUP BY slot")
    lists = [f"list({one} ORDER BY slot) AS {name}" for one, name in (("row_hash", "hashes"), ("known", "scores"))]
    return select(["any_value(slots) AS slots", *lists], f"{indented(every)} LEFT JOIN {indented(filled)} USING (slot)")


def looked_up(call: Call, otherwise: str, reasons: bool = False) -> str:
    """The score of a row of ``_ppp_source`` beside ``looking_up``: as it is known, or ``otherwise``.

    A row that is not in the sample, because it has weight 0 or lacks a feature, is not looked up. Nor is, where
    ``reasons`` are asked for, one without any feature: infinite, NaN and NULL are alike in the sample.
    """
    values = [
        usable_value(call, i, form, as_form(form, f"_ppp_source.{quote(feature.name)}"))
        for i, feature, form in feature_forms(call)
    ]
    conditions = [f"{LOOKUP}.slots IS NOT NULL"]
    if call.key_skips:
        unless = [f"NOT _ppp_summary.helps_{i} OR " if call.automatic else "" for i in range(len(values))]
        conditions += [f"({may}{value} IS NOT NULL)" for may, value in zip(unless, values, strict=True)]
    elif reasons:
        conditions.append(f"({' OR '.join(f'{value} IS NOT NULL' for value in values)})")
    if call.options.weight is not None:
        conditions.append(f"{as_form(NUMBER, f'_ppp_source.{quote(call.options.weight)}')} > 0")
    row_hash = f"CASE WHEN {' AND '.join(conditions)} THEN hash({', '.join(values)}) END"
    found = f"{row_hash}, {LOOKUP}.slots, {LOOKUP}.hashes"
    return f"CASE WHEN ppp__is_known({found})\n    THEN ppp__known({found}, {LOOKUP}.scores)\n    ELSE {otherwise} END"


def looking_up(call: Call) -> str:
    """Behind a FROM with ``_ppp_source``: the one row of the lookup, and which features help."""
    return f" CROSS JOIN {LOOKUP}{' CROSS JOIN _ppp_summary' if call.automatic else ''}"
