"""A screen as plain sums of products, which SQL can compute: where it is worth it, and the numbers it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ppp_duck.engine.score import Scorer
from ppp_duck.engine.screen import BLAS_ERROR, Screen
from ppp_duck.models.model import Floats, Ints

FEWEST_DIGITS = 1e4  # lost at most where products of two features cancel: sums are in doubt by far more than is left
UP = 1 + 4 * BLAS_ERROR


def terms(
    scorer: Scorer, screen: Screen, places: Sequence[int], n: int, most: int, paired: bool, threads: int | None
) -> list[list[float]] | None:
    """For ``n`` columns, of which ``places`` are the features: their middles; bounds; clusters; coefficients.

    Middles: NaN of a column that is no feature. Bounds: what ``near = best * up - low`` is computed with, its least and
    largest value where the screen may be sure, and 1 where the coefficients are of all products of two columns, 0 where
    they are of squares. Clusters of the components, ascending, no more than ``most``; and for each its coefficients: of
    1, of each column and of the products. None where the function is to see every row: also where ``threads`` of SQL
    would take longer (None: there is no function).
    """
    owner = scorer.clustering.component_cluster
    order, m = np.argsort(owner, kind="stable"), len(owner)
    if screen.turn is not None:
        screen = _squared(screen)
    theta, reach, pairs = screen.theta, screen.reach, screen.form == "full"
    if m > most or not theta.shape[1] or (pairs and not paired):
        return None
    products = n * (n + 1) // 2 if pairs else n
    if threads is not None and not worth_it(m, n, 1 + n + products, threads):
        return None
    if pairs:
        lost = _cancelled(theta[:, 1 + len(screen.middle) :], len(screen.middle))
        if not lost < FEWEST_DIGITS:
            return None
        reach *= lost
    at = np.asarray(places)
    middle = np.full(n, np.nan)
    middle[at] = screen.middle
    found = np.zeros((m, 1 + n + products))
    own = np.concatenate([[0], 1 + at, 1 + n + _second(at, n, pairs)])
    found[:, own] = theta[order]
    low = 4 * float(BLAS_ERROR * (3 * screen.highest + 1 + BLAS_ERROR * reach)) + scorer.crowd
    least, largest = screen.farthest * UP - low, 2 * screen.highest + 1
    return [middle.tolist(), [UP, low, least, largest, float(pairs)], owner[order].tolist(), *found.tolist()]


def worth_it(m: int, n: int, terms: int, threads: int) -> bool:
    """Whether SQL takes less time. Both sides are microseconds for 2,048 rows, measured; Python has one thread."""
    return 40 + 4 * terms + m * (terms + 11) <= threads * (220 + 15 * n)


def _second(at: Ints, n: int, pairs: bool) -> Ints:
    """Where, among the products of ``n`` columns, those of the columns ``at`` are, in the order of a screen."""
    if not pairs:
        return at
    place = np.zeros((n, n), dtype=np.int64)
    place[np.triu_indices(n)] = np.arange(n * (n + 1) // 2)
    i, j = (at[index] for index in np.triu_indices(len(at)))
    return np.asarray(place[np.minimum(i, j), np.maximum(i, j)])


def _squared(screen: Screen) -> Screen:
    """In place of a shared covariance's products of two features, their squares, as an own covariance has them.

    A function of the row alone is added to all log densities, so their differences stay: the quadratic part, which is
    common to all components, keeps its diagonal only. The peaks, and how far they are from the middle, are others.
    """
    assert screen.turn is not None
    d = len(screen.middle)
    precision = np.einsum("ij,ij->i", screen.turn, screen.turn)
    linear = screen.theta[:, 1 : d + 1] @ screen.turn.T
    theta = np.concatenate([screen.theta[:, :1], linear, np.tile(-0.5 * precision, (len(linear), 1))], axis=1)
    distance = (linear**2 / precision).sum(axis=1)
    return replace(
        screen, form="diag", turn=None, theta=theta, log_norms=theta[:, 0] + 0.5 * distance, reach=float(distance.max())
    )


def _cancelled(second: Floats, d: int) -> float:
    """By how much the products (m, pairs) of two features can exceed their sum: infinite if they may all cancel."""
    row, col = np.triu_indices(d)
    precision = np.zeros((len(second), d, d))
    precision[:, row, col] = precision[:, col, row] = -second * np.where(row == col, 2.0, 1.0)
    size = np.sqrt(np.diagonal(precision, axis1=1, axis2=2))
    with np.errstate(all="ignore"):
        scaled = precision / (size[:, :, None] * size[:, None, :])
    if not np.isfinite(scaled).all():
        return float("inf")
    least = float(np.linalg.eigvalsh(scaled).min())
    return d / least if least > 0 else float("inf")
