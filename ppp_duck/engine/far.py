"""Values far out: few, and beginning a multiple of what all others reach away from the median.

Such values are broken (a sentinel, a missing decimal point) and would move scales, priors and the first cuts.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Bools, Floats

FAR = 4.0  # times the reach of the other rows from their median, from which values are far out
# The same of logarithms, for up to so many values: amounts may span decades, but their logarithms have no long tails.
# More values that differ may be a segment.
FAR_LOG, FAR_LOG_VALUES = 2.5, 2
FAR_SHARE = 0.01  # share of the rows that may be far out
FAR_SHARE_FEW, FAR_FEW = 0.02, 8  # the same where they have fewer than so many different values
UNKNOWN_FAR = 10.0  # where none was seen: times the reach from which a new value is far out


def far_out(z: Floats, w: Floats, logarithms: bool = False) -> tuple[Bools, float, float]:
    """Which values are not far out, and the limits beyond which new ones are. ``z`` ascending.

    A cut is far out where what lies beyond it is rare and begins FAR (of ``logarithms`` FAR_LOG) times as far from the
    median as what lies before it reaches. The innermost such cut counts, on either side.
    """
    center = float(quantile(z, w, 0.5))
    total = float(w.sum())
    up, down, w_down = z - center, (center - z)[::-1], w[::-1]
    # A column with a long other side is wide; what is far out on that side does not make it long.
    reach_up = up[len(up) - 1 - _innermost(up, w, total, logarithms, 0.0)]
    reach_down = down[len(down) - 1 - _innermost(down, w_down, total, logarithms, 0.0)]
    top = _innermost(up, w, total, logarithms, float(reach_down))
    bottom = _innermost(down, w_down, total, logarithms, float(reach_up))
    kept = np.ones(len(z), dtype=bool)
    kept[len(z) - top :] = False
    kept[:bottom] = False
    inner = z[kept]
    if not _rare(w[~kept], total) or len(inner) < 2:
        kept[:], inner, top, bottom = True, z, 0, 0
    reach = float(inner[-1] - inner[0])
    high = (inner[-1] + z[len(z) - top]) / 2 if top else inner[-1] + UNKNOWN_FAR * reach
    low = (inner[0] + z[bottom - 1]) / 2 if bottom else inner[0] - UNKNOWN_FAR * reach
    return kept, float(low), float(high)


def _innermost(away: Floats, w: Floats, total: float, logarithms: bool, reach_other: float) -> int:
    """How many of the last values are far out. ``away``: distances from the median, ascending.

    ``reach_other``: how far the values on the other side of the median reach.
    """
    found = 0
    beyond = np.cumsum(w[::-1])
    for count in range(1, len(away)):
        if beyond[count - 1] > FAR_SHARE_FEW * total and count > 1:
            break
        first, before = float(away[-count]), float(away[-count - 1])
        least = max(before, 0.25 * reach_other)
        far = FAR_LOG if logarithms and count <= FAR_LOG_VALUES else FAR
        if least > 0 and first > far * least and _rare(w[len(w) - count :], total):
            found = count
    return found


def _rare(w: Floats, total: float) -> bool:
    weight = float(w.sum())
    few = len(w) < FAR_FEW and weight <= FAR_SHARE_FEW * total
    single = len(w) == 1 and weight <= 1.0 and total >= 20
    return weight <= FAR_SHARE * total or few or single


def quantile(x: Floats, w: Floats, q: float) -> float:
    """The smallest value with at least that share of the weight at or below it."""
    return float(quantiles(x, w, (q,))[0])


def quantiles(x: Floats, w: Floats, shares: tuple[float, ...]) -> Floats:
    """The same of several shares."""
    order = np.argsort(x, kind="stable")
    cumulated = np.cumsum(w[order])
    places = np.searchsorted(cumulated, cumulated[-1] * np.array(shares))
    return np.asarray(x[order][np.minimum(places, len(x) - 1)])
