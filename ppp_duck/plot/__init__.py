"""Pictures of a model, as Altair charts: ``ppp_duck.plot.map(model, 'customers')``. Needs the extra ``[plot]``.

Each function takes a ``Model``, and of a model with groups (``by``) also ``group``: the values of the
columns that it was fitted by, ``group=[2024, 'Oslo']``, or the value of the only one.
Nothing in a picture is random: the rows of a map are chosen by their content.
"""

from ppp_duck.errors import PPPError

try:
    import altair  # noqa: F401  all below need it
except ImportError as error:
    raise PPPError(
        "install the pictures with: pip install 'ppp-duck[plot]', in a clone pip install '.[plot]' (Altair is not here)"
    ) from error

from ppp_duck.plot.of_model import profile, sizes, trials
from ppp_duck.plot.of_rows import agreement, map

__all__ = ["agreement", "map", "profile", "sizes", "trials"]
