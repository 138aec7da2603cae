"""Where most rows repeat others, each distinct row is scored once and its equals look it up."""

from __future__ import annotations

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import numbered
from ppp_duck.binding.quoting import quote
from ppp_duck.binding.stages import Stage, as_form, feature_forms, form_names, select
from ppp_duck.binding.summary import usable_value

REPEATED = 4  # rows of the source for one distinct row, from which equal ones are looked up and not scored again


def known_stage(call: Call, scored: str) -> Stage:
    """The score of each distinct row, if the sample holds all of them and most rows of the source repeat one.

    ``scored`` is the call that scores a row of the sample.
    """
    all_and_few = f"least({call.options.sample_size}, (SELECT n FROM _ppp_summary) // {REPEATED})"
    rows = f"WHERE (SELECT count(*) FROM _ppp_sample) <= {all_and_few}"
    sql = select([*form_names(call), f"{scored} AS known"], "_ppp_sample, _ppp_model", rows)
    return Stage("_ppp_known", sql, "the scores of the distinct rows, where most rows repeat one of them")


def join_known(call: Call) -> str:
    """Behind a FROM with ``_ppp_source``: what is known of the row, or NULL."""
    pairs = [
        f"{usable_value(call, i, form, as_form(form, '_ppp_source.' + quote(feature.name)))} IS NOT DISTINCT FROM "
        f"_ppp_known.{numbered(form, i)}"
        for i, feature, form in feature_forms(call)
    ]
    flags = " CROSS JOIN _ppp_summary" if call.automatic else ""
    return f"{flags}\n  LEFT JOIN _ppp_known ON {f'{chr(10)}    AND '.join(pairs)}"
