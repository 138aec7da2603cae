"""The one model of a picture: of a model with groups the caller says which."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.api import Model, check_model
from ppp_duck.errors import ModelError, OptionError, listed, nearest
from ppp_duck.models.model import Clustering, Floats
from ppp_duck.models.model import Model as Fitted

SHOWN = 10  # groups that a message lists


def model_of(model: Model, group: object, function: str) -> Fitted:
    """Raises OptionError for a group that the model has not, ModelError for no model or one without clusters."""
    check_model(model, function)
    known = {one.group: one for one in model.models.models}
    wanted = _texts(group)
    if wanted not in known:
        raise OptionError(f"{function}: set group to {_hint(model.models.by, wanted, list(known))}, not {group!r}")
    found = known[wanted]
    if found.clustering is None:
        raise ModelError(f"{function}: show a model with clusters; this one has none ({found.note})")
    return found


def _texts(group: object) -> tuple[str | None, ...]:
    """The values of a group as a model keeps them. A value alone is that of the only column.

    >>> _texts([1, None, True]), _texts("oak"), _texts(7), _texts(None)
    (('1', None, 'true'), ('oak',), ('7',), ())
    """
    if group is None:
        return ()
    values = group if isinstance(group, list | tuple) else (group,)
    return tuple(None if one is None else str(one).lower() if isinstance(one, bool) else str(one) for one in values)


def _hint(by: Sequence[str], wanted: Sequence[str | None], groups: Sequence[tuple[str | None, ...]]) -> str:
    """What a group could be: the nearest of those that the model has, or the first ones."""
    if not by:
        return "nothing: the model has no groups"
    written = [repr(list(one)) for one in groups]
    near = nearest(repr(list(wanted)), written) or written[0]
    shown = ", ".join([*written[:SHOWN], *(["…"] if len(written) > SHOWN else [])])
    return f"the {'value' if len(by) == 1 else 'values'} of {listed(by)}, such as group={near} (it has {shown})"


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
