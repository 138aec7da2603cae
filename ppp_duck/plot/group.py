"""The one model of a picture: of a model with groups the caller says which."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.api import Model, check_model
from ppp_duck.errors import ModelError, OptionError, listed
from ppp_duck.models.model import Clustering, Floats
from ppp_duck.models.model import Model as Fitted


def model_of(model: Model, group: Sequence[str | None] | None, function: str) -> Fitted:
    """Raises OptionError for a group that the model has not, ModelError for no model or one without clusters."""
    check_model(model, function)
    by, models = model.models.by, model.models.models
    known = {one.group: one for one in models}
    wanted = tuple(group or ())
    if wanted not in known:
        names = listed([", ".join(map(str, one.group)) for one in models])
        first = tuple(models[0].group) if models else ()
        hint = f"a group of the model, such as group={first!r}" if by else "nothing: the model has no groups"
        raise OptionError(f"{function}: set group to {hint}, not {group!r}" + (f"; it has {names}" if by else ""))
    found = known[wanted]
    if found.clustering is None:
        raise ModelError(f"{function}: show a model with clusters; this one has none ({found.note})")
    return found


def parts_of(fitted: Fitted) -> tuple[Clustering, Floats, Floats]:
    """The clustering of a model, and the means and spreads (k, d) of its clusters."""
    assert fitted.clustering is not None
    assert fitted.means is not None
    assert fitted.spreads is not None
    return fitted.clustering, fitted.means, fitted.spreads


def told(model: Model, fitted: Fitted) -> str:
    """Whose picture it is: the source, and of groups which."""
    named = ", ".join(f"{name} = {value}" for name, value in zip(model.models.by, fitted.group, strict=True))
    return f"{model.name}, {named}" if named else model.name
