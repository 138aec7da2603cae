"""How short a Gaussian mixture describes one column: deterministic, for the choice of a scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.mixture import tempered
from ppp_duck.models.model import Floats, Ints

MOST_COMPONENTS = 6  # enough to follow a skewed shape with few bits: more changed no choice of the tuned half
STEPS = 60  # of EM; one choice in 400 differs from that after 300
CELLS = 96, 48  # of a compressed column: of equal weight, of equal width (the tails)
# Gauss-Legendre rule of five points on [-1, 1]: the mean density over an interval, to 0.1 % where it is four deviations
NODES = np.array([-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831, 0.9061798459386640])
SHARES = 0.5 * np.array(
    [0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891]
)
NARROWEST = 1e-3  # of the standard deviation: the smallest one a component of a continuous column may have


@dataclass(frozen=True)
class Cells:
    """A column in at most 144 cells, ascending: mean, weight, variance within, width of the interval of a grid."""

    mean: Floats
    weight: Floats
    variance: Floats
    interval: Floats


def cells_of(values: Floats, weights: Floats, interval: Floats) -> Cells:
    """Compress ascending different values; ``interval`` (n,) is the width that each value stands for (0: a point)."""
    if len(values) <= sum(CELLS):
        return Cells(values, weights, np.zeros(len(values)), interval)
    by_weight = np.floor((np.cumsum(weights) - weights / 2) / weights.sum() * CELLS[0])
    by_width = np.floor((values - values[0]) / (values[-1] - values[0]) * (CELLS[1] - 1e-9))
    new = (np.diff(by_weight) > 0) | (np.diff(by_width) > 0)
    starts = np.flatnonzero(np.append(True, new))
    weight = np.add.reduceat(weights, starts)
    mean = np.add.reduceat(weights * values, starts) / weight
    index = np.cumsum(np.append(0, new.astype(np.int64)))
    variance = np.add.reduceat(weights * (values - mean[index]) ** 2, starts) / weight
    return Cells(mean, weight, variance, np.add.reduceat(weights * interval, starts) / weight)


def description_length(cells: Cells, steps: int = STEPS, floor: float = 0.0) -> float:
    """Nats of the best mixture of 1 to 6 components: tempered minus log likelihood, plus half a log for each parameter.

    A value on a grid stands for its interval: what counts is the mean density over it. So no component can win by being
    narrower than a step. ``floor``: the least standard deviation of a component.
    """
    total = float(cells.weight.sum())
    rows = tempered(total)
    center = float((cells.weight * cells.mean).sum()) / total
    spread = float((cells.weight * ((cells.mean - center) ** 2 + cells.variance)).sum()) / total
    if not spread > 0:
        return 0.0
    sizes = range(1, min(MOST_COMPONENTS, len(cells.mean)) + 1)
    lengths = []
    for m, labels in zip(sizes, _partitions(cells, len(sizes)), strict=True):
        mean_log = _em(cells, labels, m, max(spread * NARROWEST**2, floor**2), steps) / total
        lengths.append(-mean_log * rows + 0.5 * (3 * m - 1) * float(np.log(max(rows, 2.0))))
        if len(lengths) >= 3 and lengths[-1] > lengths[-2] > lengths[-3]:
            break  # two components in a row made it longer
    return min(lengths)


def _partitions(cells: Cells, most: int) -> list[Ints]:
    """The best partitions into 1, 2, ... intervals by sum of squares, by dynamic programming (Fisher 1958)."""
    n = len(cells.mean)
    moments = [np.append(0.0, np.cumsum(cells.weight * cells.mean**p)) for p in range(3)]
    weight, first, second = (m[None, 1:] - m[:-1, None] for m in moments)  # of cells i..j
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = np.where(weight > 0, np.maximum(second - first**2 / weight, 0.0), np.inf)
    best, cuts, found = cost[0], [], [np.zeros(n, dtype=np.int64)]
    for m in range(2, most + 1):
        total = np.append(np.inf, best[:-1])[:, None] + cost  # the last interval is i..j
        cut = total.argmin(axis=0)
        best = total[cut, np.arange(n)]
        cuts.append(cut)
        labels, end = np.zeros(n, dtype=np.int64), n
        for level in range(m - 1, 0, -1):
            start = int(cuts[level - 1][end - 1])
            labels[start:end] = level
            end = start
        found.append(labels)
    return found


def _em(cells: Cells, labels: Ints, m: int, least: float, steps: int) -> float:
    """Log likelihood of a mixture after EM from a partition."""
    resp = (labels == np.arange(m)[:, None]).astype(np.float64)
    within = cells.interval**2 / 12  # Sheppard's correction
    nodes, shares = (NODES, SHARES) if cells.interval.any() else (NODES[2:3], np.ones(1))
    points = cells.mean[:, None] + 0.5 * cells.interval[:, None] * nodes
    log_likelihood, before = -np.inf, -np.inf
    for _ in range(steps):
        mass = np.maximum(resp @ cells.weight, 1e-300)
        share = resp * cells.weight / mass[:, None]
        mean = share @ cells.mean
        variance = np.maximum((share * ((cells.mean - mean[:, None]) ** 2 + cells.variance)).sum(axis=1), least)
        variance = np.maximum(variance - share @ within, np.maximum(least, share @ cells.interval**2 / 16))
        gap = ((points - mean[:, None, None]) ** 2 + cells.variance[:, None]) / variance[:, None, None]
        nearest = gap.min(axis=2)
        density = np.log(np.exp(-0.5 * (gap - nearest[:, :, None])) @ shares) - 0.5 * nearest
        log_joint = np.log(mass / mass.sum() / np.sqrt(2 * np.pi * variance))[:, None] + density
        top = log_joint.max(axis=0)
        joint = np.exp(log_joint - top)
        norm = joint.sum(axis=0)
        resp = joint / norm
        log_likelihood = float(cells.weight @ (top + np.log(norm)))
        if log_likelihood - before < 1e-7 * abs(log_likelihood):
            break
        before = log_likelihood
    return log_likelihood
