"""Hartigan's dip: how far the distribution of some numbers is from the nearest one with a single mode.

J. A. Hartigan and P. M. Hartigan, *The Dip Test of Unimodality*, Annals of Statistics 13 (1985), 70-84: the definition,
the algorithm (section 3) and the uniform distribution as the null hypothesis, the hardest one to tell from two modes.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.kmeans import tree
from ppp_duck.models.model import Floats, Ints

P_VALUES = (0.99, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
SIZES = (10, 20, 50, 100, 200, 500, 1000, 5000)
# sqrt(n) x dip of n uniform numbers, exceeded with each of P_VALUES; a line a size, 20,000 draws each, of 5000 8,000.
# benchmarks/quality/dip_table.py computes them. At n = 50, 5 %: a dip of 0.0703.
QUANTILES = (
    (0.1947, 0.2477, 0.2855, 0.3088, 0.3477, 0.3763, 0.4133, 0.4418, 0.4768, 0.5070, 0.5284, 0.5575, 0.5733),
    (0.2122, 0.2547, 0.2962, 0.3280, 0.3686, 0.3956, 0.4354, 0.4685, 0.5097, 0.5374, 0.5644, 0.5930, 0.6124),
    (0.2243, 0.2672, 0.3091, 0.3457, 0.3879, 0.4161, 0.4591, 0.4972, 0.5399, 0.5704, 0.5953, 0.6305, 0.6648),
    (0.2279, 0.2736, 0.3174, 0.3550, 0.3980, 0.4273, 0.4724, 0.5112, 0.5562, 0.5911, 0.6223, 0.6590, 0.6956),
    (0.2341, 0.2804, 0.3243, 0.3609, 0.4064, 0.4359, 0.4796, 0.5200, 0.5702, 0.6035, 0.6328, 0.6732, 0.7065),
    (0.2373, 0.2854, 0.3300, 0.3680, 0.4122, 0.4433, 0.4896, 0.5289, 0.5801, 0.6135, 0.6496, 0.6949, 0.7349),
    (0.2414, 0.2877, 0.3331, 0.3710, 0.4164, 0.4470, 0.4946, 0.5346, 0.5847, 0.6179, 0.6505, 0.6891, 0.7109),
    (0.2460, 0.2904, 0.3370, 0.3759, 0.4215, 0.4526, 0.4979, 0.5405, 0.5951, 0.6234, 0.6659, 0.7020, 0.7238),
)
AXES = 3  # principal axes on which rows are tested


def dip(x: Floats, weights: Floats | None = None) -> float:
    """The dip of numbers ``(n,)``: the smallest over all unimodal G of sup |F - G|, 0 for one distinct number.

    A weight counts as so many equal numbers. An atom is no obstacle where it is the mode.
    """
    values, group = np.unique(np.asarray(x, dtype=np.float64), return_inverse=True)
    mass = np.bincount(group, weights, len(values))
    after = np.cumsum(mass) / mass.sum()  # F at each value, and just before it
    before = np.concatenate([[0.0], after[:-1]])
    low, high, width = 0, len(values) - 1, 0.0
    while low < high:
        part = slice(low, high + 1)
        convex = low + _hull(values[part], before[part])
        concave = low + _hull(values[part], -after[part])
        minorant = np.interp(values[part], values[convex], before[convex])
        majorant = np.interp(values[part], values[concave], after[concave])
        above, below = majorant[convex - low] - before[convex], after[concave] - minorant[concave - low]
        i, j = int(np.argmax(above)), int(np.argmax(below))
        gap = float(max(above[i], below[j]))
        if gap <= width:
            break
        if above[i] > below[j]:
            new_low = int(convex[i])
            new_high = int(concave[np.searchsorted(concave, new_low)])
        else:
            new_high = int(concave[j])
            new_low = int(convex[np.searchsorted(convex, new_high, side="right") - 1])
        if (new_low, new_high) == (low, high):  # linear between them: nothing narrower is the mode
            width = gap
            break
        left = (after[part] - minorant)[: new_low - low]
        right = (majorant - before[part])[new_high - low + 1 :]
        width = max([width, *left.tolist(), *right.tolist()])
        low, high = new_low, new_high
    return 0.5 * width


def p_value(found: float, n: float) -> float:
    """The chance that ``n`` uniform numbers have a dip of ``found`` or more; 0.001 stands for that and less.

    Between the tabulated sizes linear in log n, between the tabulated dips linear in log p; 1 below all of them.
    """
    table = np.array(QUANTILES)
    size = np.log(min(max(float(n), SIZES[0]), SIZES[-1]))
    line = [float(np.interp(size, np.log(SIZES), column)) for column in table.T]
    scaled = float(np.sqrt(n)) * found
    return 1.0 if scaled < line[0] else float(np.exp(np.interp(scaled, line, np.log(P_VALUES))))


def clusterability_p_value(rows: Floats, weights: Floats) -> float:
    """The p-value of one mode in rows ``(n, d)``: the dip test on each of the three leading principal axes.

    The smallest of them, times their number (Bonferroni), at most 1. Small: no single mode on one of these axes.
    """
    axes = tree.principal_axes(rows, weights, AXES)
    total = float(weights.sum())
    tested = [p_value(dip(rows @ axis, weights), total) for axis in axes.T]
    return min([1.0, *(len(tested) * p for p in tested)])


def _hull(x: Floats, y: Floats) -> Ints:
    """Indices of the lower convex hull of points in ascending order of x."""
    xs, ys = x.tolist(), y.tolist()
    stack: list[int] = []
    for i in range(len(xs)):
        while len(stack) > 1:
            a, b = stack[-2], stack[-1]
            if (ys[b] - ys[a]) * (xs[i] - xs[b]) < (ys[i] - ys[b]) * (xs[b] - xs[a]):
                break
            stack.pop()
        stack.append(i)
    return np.array(stack)
