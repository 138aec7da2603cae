"""Clustering as a SQL function in DuckDB: ``FROM ppp_cluster('customers')``."""

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

__all__ = [
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
    "predict",
    "register",
]
