"""Which numbers tell the components of a 'diag' mixture apart; the others are tied: alike in all components.

Two groups that differ in one number of many are seen so. A number that all components share costs no parameters, but
that one was picked of many does: ``2 log d`` in units of -2 log likelihood (Chen & Chen 2008).
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine import fixed
from ppp_duck.engine.kmeans import tree
from ppp_duck.engine.mixture import WIDE
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Bools, Floats

# Numbers whose cut is tried, those that it explains best: each costs two or three short EMs.
CUTS = 12
BLOCK = 256  # numbers that are cut at once: the memory that it takes is that of as many


def cuts(rows: Rows) -> list[tuple[int, Bools]]:
    """The numbers that two means explain best, first the best, and the rows ``(n,)`` on the right of the cut."""
    x, weights = rows.complete_view[:, : rows.x.shape[1]], rows.weights
    found = [_cut(x[:, at : at + BLOCK], weights) for at in range(0, x.shape[1], BLOCK)]
    right, there, share = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(-np.where(there, fixed.settled(share), -1.0), kind="stable")
    return [(int(f), right[f]) for f in order[:CUTS] if there[f]]


def _cut(x: Floats, weights: Floats) -> tuple[Bools, Bools, Floats]:
    """The best cut of each number ``(d, n)``, if there is one ``(d,)``, and the share of the variance it explains."""
    right, there = tree.best_cuts(x.T[None], weights[None])
    total, side = float(weights.sum()), right[0] @ weights
    mean = weights @ x / total
    sums = (right[0] * x.T) @ weights
    between = (sums - side * mean) ** 2 * total / np.maximum(side * (total - side), 1e-300)
    return right[0], there[0], between / np.maximum(weights @ (x - mean) ** 2, 1e-300)


def worthless(rows: Rows, posterior: Floats, worth: float, price: float) -> Bools:
    """``(d,)`` which numbers tell components of these posteriors ``(n, m)`` apart by less than their parameters cost.

    ``worth``: what a unit of evidence counts in -2 log likelihood, ``price``: what a parameter costs.
    """
    m, has = posterior.shape[1], 1.0 if rows.seen is None else rows.seen
    own = posterior * rows.evidence[:, None]
    if rows.seen is None and rows.x.shape[1] > WIDE:
        mass, squares = np.broadcast_to(own.sum(axis=0)[:, None], (m, rows.x.shape[1])), rows.squares("diag")
    else:
        mass, squares = own.T @ (np.ones(rows.x.shape) * has), rows.x**2
    mean = own.T @ rows.x / np.maximum(mass, 1e-300)
    spread = np.maximum(own.T @ squares / np.maximum(mass, 1e-300) - mean**2, 1e-300)
    every = np.maximum(mass.sum(axis=0), 1e-300)  # of a number that no row has nothing is told
    middle = (mass * mean).sum(axis=0) / every
    whole = np.maximum((mass * (spread + (mean - middle) ** 2)).sum(axis=0) / every, 1e-300)
    gain = worth * (every * np.log(whole) - (mass * np.log(spread)).sum(axis=0))
    return np.asarray(gain <= price * 2 * (m - 1))
