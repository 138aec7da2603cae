"""The numbers by which values of a feature become coordinates of a point: (f(value / unit) - center) / scale."""

from __future__ import annotations

from ppp_duck.models.model import Feature, Floats

FARTHEST = 1e60  # coordinates end here: double arithmetic tells no centres apart from so far, and squares are finite
MODERATE = 2.0**900  # values of this size can be subtracted and divided as they are


def unit_of(feature: Feature) -> float:
    """A power of two to divide by first. Only extreme values need it: elsewhere it changes no bit."""
    return 1.0 if 1 / MODERATE < feature.unit < MODERATE else feature.unit


def center_and_scale(feature: Feature) -> tuple[Floats, Floats]:
    """Center and scale (p,) of values that are divided by ``unit_of``."""
    part = feature.unit / unit_of(feature)
    return feature.center * part, feature.scale * part
