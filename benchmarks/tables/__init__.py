"""Whole tables with known answers, clustered by the bare call."""
