"""Clustering of Spark DataFrames: the ids of ``ppp_cluster``, for any number of rows and partitions.

Needs the extra ``[spark]``, or on Spark Connect its client.
"""

from ppp_duck.spark.calls import cluster, fit, predict
from ppp_duck.spark.estimator import PPP, PPPModel
from ppp_duck.spark.storing import from_table, to_table

__all__ = ["PPP", "PPPModel", "cluster", "fit", "from_table", "predict", "to_table"]
