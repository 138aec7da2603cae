"""What a column's type can tell apart: values that differ by less are one value, rounded in several ways."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Bools, Floats

ULPS = 4.0  # units in the last place by which equal values may differ after a few sums and products
FLOAT_DIGITS = 2.0**-23  # relative distance of two neighbouring FLOATs, at most


def is_constant(low: Floats, high: Floats, type_name: str) -> Bools:
    """Whether the values between two extremes, of a column of that type, are one but for rounding.

    >>> is_constant(np.array([3.3, 1e15, 3.3]), np.array([3.3 + 1e-15, 1e15 + 20, 3.4]), "DOUBLE").tolist()
    [True, False, False]
    >>> bool(is_constant(np.array(3.2999997), np.array(3.3000002), "FLOAT"))
    True
    """
    size = np.maximum(np.abs(low), np.abs(high))
    is_float = type_name.upper().startswith(("FLOAT", "REAL"))
    step = np.maximum(FLOAT_DIGITS * size, np.finfo(np.float32).smallest_subnormal) if is_float else np.spacing(size)
    with np.errstate(over="ignore"):  # of opposite signs
        return np.asarray(high - low <= ULPS * step)
