"""Each SQL function as one statement: the stages that fit or load the models, and the query that reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ppp_duck.binding.call import plan_call
from ppp_duck.binding.describing import described, model_source
from ppp_duck.binding.fitting import cluster, clusterability, fit, separable
from ppp_duck.binding.matching import match
from ppp_duck.binding.measuring import evaluate, profile
from ppp_duck.binding.options import ARGUMENTS, FITTING, SCORING, check_options, check_reading
from ppp_duck.binding.scoring import outliers, predict
from ppp_duck.binding.source import Source
from ppp_duck.errors import OptionError

# (function, name, must_be_seen=False, role="source"): what stands behind the name of a source
Find = Callable[..., Source]


def statement(function: str, src: object, given: Mapping[str, Any], find: Find) -> str:
    """The SQL that a call becomes. Raises PPPError for anything that can be refused before a row is seen."""
    if function in FITTING:
        options = check_options(function, given)
        source = find(function, src, must_be_seen=options.columns is None)
        call = plan_call(function, source, options)
        return {"ppp_cluster": cluster, "ppp_fit": fit, "ppp_separable": separable,
                "ppp_clusterability": clusterability}[function](call, source)  # fmt: skip
    positional = {name: given[name] for name in ("new", "src") if name in given}
    reading = check_reading(function, {name: value for name, value in given.items() if name not in positional})
    if function in SCORING:
        source, model = find(function, src), find(function, reading.model, role="model")
    else:
        model = find(function, src, role="old model" if function == "ppp_match" else "model")
    model = model_source(function, model)
    if function == "ppp_match":
        new = model_source(function, find(function, given["new"], role="new model"))
        return match(function, model, new, find(function, given["src"], role="source"))
    if function not in SCORING:
        return described(function, model, reading)
    return {"ppp_predict": predict, "ppp_outliers": outliers, "ppp_profile": profile,
            "ppp_evaluate": evaluate}[function](function, source, model, reading)  # fmt: skip


def refuse_comparisons(function: str, given: Mapping[str, object], booleans: Collection[str]) -> None:
    """Raises OptionError where ``=`` stands for ``:=``: SQL gave a BOOLEAN that is false, or NULL for an error.

    It is the value of whichever argument comes first, so nobody can tell which one was meant.
    """
    names = ARGUMENTS[function]
    if names and any(not given[name] for name in booleans if name in names):
        example = "k := 3" if "k" in names else "model := 'seg'" if "model" in names else f"{names[0]} := 0"
        raise OptionError.compared(function, example)
