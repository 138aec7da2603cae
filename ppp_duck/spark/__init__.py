"""Clustering of Spark DataFrames."""
