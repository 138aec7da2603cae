"""The stages of a refinement: passes over all rows between the fit to a sample and the scoring."""

from __future__ import annotations

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import MEASUREMENT, NUMBER
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.stages import Stage, as_form


def refine_stages(call: Call, group: str, row: str) -> list[Stage]:
    """From ``_ppp_fit`` to ``_ppp_model``, refined by all rows of ``_ppp_source``, which go as ``group`` and ``row``.

    Each stage is a pass: it counts the rows that went through it, and so closes it after the last. One pass more than
    wanted takes the figures of the result. Where nothing is to be refined, the stages hand the state of the models on
    and read no row.
    """
    passes, weight = call.options.refine, "NULL"
    if call.options.weight is not None:
        weight = as_form(NUMBER, f"_ppp_source.{quote(call.options.weight)}")
    begun = f"SELECT ppp__refine(model, {passes}) AS model FROM _ppp_fit"
    stages = [Stage("_ppp_pass_0", begun, "a refinement begins, if the sample does not hold all rows")]
    for number in range(1, passes + 2):
        before, after = f"_ppp_pass_{number - 1}", "_ppp_model" if number > passes else f"_ppp_pass_{number}"
        rows = f"SELECT count(ppp__refine_pass({before}.model, {group}, {row}, {weight})) AS passed\n" \
               f"  FROM _ppp_source, {before} WHERE starts_with({before}.model, {literal(MEASUREMENT)})"  # fmt: skip
        sql = f"SELECT ppp__refined({before}.model, passed) AS model\nFROM {before}, (\n  {rows}\n)"
        why = "the figures of the refined models" if number > passes else "a Lloyd step and an EM step over all rows"
        stages.append(Stage(after, sql, why))
    return stages
