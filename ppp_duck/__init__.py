"""Clustering as a SQL function in DuckDB: ``FROM ppp_cluster('customers')``."""

from __future__ import annotations

from importlib import import_module

from ppp_duck.version import VERSION as __version__

TYPE_CHECKING = False  # typing itself takes longer to import than all that is here, and Ctrl-C is not heard so long
if TYPE_CHECKING:
    from typing import Any

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
    from ppp_duck.estimator.ppp import PPP
    from ppp_duck.registering import connect, register
    from ppp_duck.running.progress import Progress

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

# Each is imported when it is first used, and what it stands on: who asks for a version or an error does not wait for an
# engine. No module may be called as one of these are, or its import would put it in the name's place.
LATE = {
    **dict.fromkeys(
        ("CatalogError", "CatalogWarning", "FeatureError", "ModelError", "OptionError", "PPPError", "SourceError"),
        "ppp_duck.errors",
    ),
    **dict.fromkeys(("Model", "cluster", "fit", "load", "predict"), "ppp_duck.api"),
    **dict.fromkeys(("connect", "register"), "ppp_duck.registering"),
    "Progress": "ppp_duck.running.progress",
    "PPP": "ppp_duck.estimator.ppp",
    "report": "ppp_duck.reporting",
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("ppp_duck.plot")
    if name not in LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(LATE[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
