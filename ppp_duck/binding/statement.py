"""Each SQL function as one statement: the stages that fit or load the models, and the query that reads them.

``ask`` checks a call and finds what it names. ``looking.look`` shows what that is, and ``write`` writes the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ppp_duck.binding.call import plan_call
from ppp_duck.binding.describing import described, model_source
from ppp_duck.binding.fitting import cluster, clusterability, fit, separable
from ppp_duck.binding.looking import Asked
from ppp_duck.binding.matching import match
from ppp_duck.binding.measuring import evaluate, profile
from ppp_duck.binding.options import ARGUMENTS, FITTING, SCORING, Options, check_options, check_reading
from ppp_duck.binding.scoring import outliers, predict
from ppp_duck.binding.source import Named, Source
from ppp_duck.errors import OptionError

Find = Callable[..., Named]  # (function, name, role="source"): what the name of a source means


def ask(function: str, src: object, given: Mapping[str, Any], find: Find) -> Asked:
    """The call, checked. Raises OptionError or SourceError for what no relation could make right."""
    if function in FITTING:
        return Asked(function, check_options(function, given), (find(function, src),))
    positional = {name: given[name] for name in ("new", "src") if name in given}
    reading = check_reading(function, {name: value for name, value in given.items() if name not in positional})
    if function in SCORING:
        relations = [find(function, src), find(function, reading.model, role="model")]
    elif function == "ppp_match":
        relations = [find(function, src, role="old model"), find(function, given["new"], role="new model")]
        relations.append(find(function, given["src"]))
    else:
        relations = [find(function, src, role="model")]
    return Asked(function, reading, tuple(relations))


def write(asked: Asked, relations: Sequence[Source]) -> str:
    """The SQL that a call becomes. Raises PPPError for anything that can be refused before a row is seen."""
    function, options = asked.function, asked.options
    if isinstance(options, Options):
        (source,) = relations
        call = plan_call(function, source, options)
        return {"ppp_cluster": cluster, "ppp_fit": fit, "ppp_separable": separable,
                "ppp_clusterability": clusterability}[function](call, source)  # fmt: skip
    if function in SCORING:
        source, model = relations[0], model_source(function, relations[1])
        return {"ppp_predict": predict, "ppp_outliers": outliers, "ppp_profile": profile,
                "ppp_evaluate": evaluate}[function](function, source, model, options)  # fmt: skip
    if function == "ppp_match":
        old, new, source = relations
        return match(function, model_source(function, old), model_source(function, new), source)
    return described(function, model_source(function, relations[0]), options)


def refuse_comparisons(function: str, given: Mapping[str, object], booleans: Collection[str]) -> None:
    """Raises OptionError where ``=`` stands for ``:=``: SQL gave a BOOLEAN that is false, or NULL for an error.

    It is the value of whichever argument comes first, so nobody can tell which one was meant.
    """
    names = ARGUMENTS[function]
    if names and any(not given[name] for name in booleans if name in names):
        example = "k := 3" if "k" in names else "model := 'seg'" if "model" in names else f"{names[0]} := 0"
        raise OptionError.compared(function, example)
