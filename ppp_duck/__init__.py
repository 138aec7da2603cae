"""Clustering as a SQL function in DuckDB: ``FROM ppp_cluster('customers')``."""

from ppp_duck.errors import FeatureError, OptionError, PPPError, SourceError
from ppp_duck.register import connect, register

__all__ = ["FeatureError", "OptionError", "PPPError", "SourceError", "connect", "register"]
__version__ = "0.1.0"
