"""log(1 + x) and exp(x) - 1 by sums and products alone, which every processor rounds alike; numpy's own are not.

A library's logarithm has another last bit where the processor has other instructions, and all that follows from a
feature would have it, too. Errors are a few units in the last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ppp_duck.models.model import Floats

# log 2 as a number of 32 bits, so that its product with an exponent is exact, and what that lacks.
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), 1.908214929270587700e-10
HALF_ROOT = 0.5**0.5
LARGEST = 710.0  # its exponential overflows, as those of all beyond
ATANH = [1 / (2 * i + 1) for i in range(12)]  # of s^2i: |s| < 0.172, so the first left out is below 1e-19
EXP = [1.0]  # of r^i: |r| < 0.347
for _i in range(2, 16):
    EXP.append(EXP[-1] / _i)


def log1p(x: Floats) -> Floats:
    """Logarithm of 1 + x, for x from 0 up."""
    u = 1.0 + x
    with np.errstate(invalid="ignore"):
        lost = np.where(x < 1, x - (u - 1.0), 1.0 - (u - x)) / u
        m, e = np.frexp(u)
        low = m < HALF_ROOT
        m, e = np.where(low, 2 * m, m), e - low
        s = (m - 1.0) / (m + 1.0)
        found = e * LN2_HIGH + (2 * s * _polynomial(ATANH, s * s) + (e * LN2_LOW + lost))
    return np.asarray(np.where(np.isinf(x), x, found))


def expm1(x: Floats) -> Floats:
    """exp(x) - 1, for x from 0 up; infinity where it overflows."""
    within = np.minimum(x, LARGEST)
    e = np.rint(within / (LN2_HIGH + LN2_LOW))
    r = within - e * LN2_HIGH - e * LN2_LOW
    power = np.nan_to_num(e).astype(np.int64)
    half = (power > 1000).astype(np.int64)  # 2^1024 itself is no double
    with np.errstate(over="ignore"):
        found = np.ldexp(r * _polynomial(EXP, r), power - half) + (np.ldexp(1.0, power - half) - 1.0)
        return np.asarray(np.ldexp(found, half))


def _polynomial(coefficients: Sequence[Any], x: Floats) -> Floats:
    return np.asarray(reduce(lambda found, one: found * x + one, coefficients[::-1]))
