"""Clustering as a SQL function in DuckDB: ``FROM ppp_cluster('customers')``."""

from typing import TYPE_CHECKING, Any

from ppp_duck.api import Model, fit, load
from ppp_duck.errors import FeatureError, ModelError, OptionError, PPPError, SourceError
from ppp_duck.register import connect, register
from ppp_duck.running.progress import Progress
from ppp_duck.version import VERSION as __version__

if TYPE_CHECKING:
    from ppp_duck.estimator.ppp import PPP

__all__ = [
    "PPP",
    "FeatureError",
    "Model",
    "ModelError",
    "OptionError",
    "PPPError",
    "Progress",
    "SourceError",
    "__version__",
    "connect",
    "fit",
    "load",
    "register",
]


def __getattr__(name: str) -> Any:
    """What needs scikit-learn, imported when it is first asked for."""
    if name == "PPP":
        from ppp_duck.estimator.ppp import PPP

        return PPP
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
