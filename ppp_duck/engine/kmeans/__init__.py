"""Partitions of rows for every number of cells."""
