"""Clustering as a SQL function in DuckDB: ``FROM ppp_cluster('customers')``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ppp_duck.api import Model, cluster, fit, load, predict
from ppp_duck.errors import (
    CatalogError,
    CatalogWarning,
    FeatureError,
    ModelError,
    OptionError,
    PPPError,
    SourceError,
)
from ppp_duck.register import connect, register
from ppp_duck.running.progress import Progress
from ppp_duck.version import VERSION as __version__

if TYPE_CHECKING:
    from ppp_duck.estimator.ppp import PPP

__all__ = [
    "PPP",
    "CatalogError",
    "CatalogWarning",
    "FeatureError",
    "Model",
    "ModelError",
    "OptionError",
    "PPPError",
    "Progress",
    "SourceError",
    "__version__",
    "cluster",
    "connect",
    "fit",
    "load",
    "plot",
    "predict",
    "register",
    "report",
]

# What needs heavy libraries is imported when it is first used.
LATE = {
    "PPP": ("ppp_duck.estimator.ppp", "PPP"),
    "plot": ("ppp_duck.plot", None),
    "report": ("ppp_duck.reporting", "report"),
}


def __getattr__(name: str) -> Any:
    if name not in LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, member = LATE[name]
    found = import_module(module)
    return found if member is None else getattr(found, member)
