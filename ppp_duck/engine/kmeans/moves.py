"""Better k-means partitions: moves of centers, and of single rows, from Lloyd's fixed points.

Every choice (which center goes, which cell is cut, which row moves) is the best of a list, and the first of equals.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine import fixed
from ppp_duck.engine.canonical import Progress, silent
from ppp_duck.engine.kmeans.lloyd import CACHED, CHUNK, group_means, inertia, lloyd
from ppp_duck.engine.kmeans.tree import split
from ppp_duck.models.model import Floats, Ints

ROW_MOVES = 100  # single rows that may change cells, one after another, after Lloyd
ROW_GAIN = 1e-6  # share of the inertia that moving a row has to save
# The inertia is at most 1.0006 x the best of 100 k-means++ starts on 50 labelled sets with these; without moves of
# single rows it was 1.0013, and below 1 on six.
SWAPS = 300  # Lloyd runs that the search for the best k-means partition may spend
SWAP_WIDTH = 6  # centers to take away, and cells to cut, that one round weighs
SWAP_MOVES = 15  # of their pairs, how many a round tries
SWAP_STEPS = 20  # of Lloyd, after which a move that is behind by more than a share of the inertia is dropped
SWAP_SLACK = 0.002  # that share, where rows are few: Lloyd to its end on all rows takes hundreds of steps


def lloyd_and_moves(rows: Floats, weights: Floats, centers: Floats, progress: Progress = silent) -> tuple[Floats, Ints]:
    """Lloyd's fixed point from which no single row can change its cell and lower the inertia. Returns centers, labels.

    Moving a row of weight w and squared distances p, q from cell a to cell b saves w p W_a / (W_a - w) and costs
    w q W_b / (W_b + w) (Hartigan 1975): a cell's own row pulls its center, which Lloyd does not see. The best move is
    made, Lloyd follows, until no move saves ``ROW_GAIN`` of the inertia.
    """
    k = len(centers)
    centers, labels = lloyd(rows, weights, centers, progress)
    for _ in range(ROW_MOVES if k > 1 else 0):
        mass = np.bincount(labels, weights, k)
        best = (ROW_GAIN * inertia(rows, weights, centers, labels), -1, -1)
        for lo in range(0, len(rows), CHUNK):
            x, w, own = rows[lo : lo + CHUNK], weights[lo : lo + CHUNK], labels[lo : lo + CHUNK]
            distance = np.einsum("nd,nd->n", x, x)[:, None] - 2 * x @ centers.T
            distance += np.einsum("kd,kd->k", centers, centers)
            distance = fixed.settled(distance)
            at = np.arange(len(x))
            rest = mass[own] - w
            saved = w * distance[at, own] * mass[own] / np.where(rest > 0, rest, np.inf)  # a cell keeps its last row
            distance *= w[:, None] * mass / (mass + w[:, None])
            distance[at, own] = np.inf
            to = np.argmin(distance, axis=1)
            gain = saved - distance[at, to]
            row = int(np.argmax(gain))
            if gain[row] > best[0]:
                best = float(gain[row]), lo + row, int(to[row])
        if best[1] < 0:
            break
        labels[best[1]] = best[2]
        centers, labels = lloyd(rows, weights, group_means(rows, weights, labels, k), progress)
    return centers, labels


def missed(rows: Floats, weights: Floats, centers: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """What the inertia gains, at most, when a center ``(k,)`` is taken away, and the inertia of each cell.

    The rows of a center that is gone go to their second nearest.
    """
    k, half = len(centers), 0.5 * np.einsum("kd,kd->k", centers, centers)
    loss, spread = np.zeros(k), np.zeros(k)
    for lo in range(0, len(rows), size := max(2048, CACHED // k)):
        x, w, own = rows[lo : lo + size], weights[lo : lo + size], labels[lo : lo + size]
        distance = half - x @ centers.T  # half of it, without the row's own square
        mine = distance[np.arange(len(own)), own]
        distance[np.arange(len(own)), own] = np.inf
        loss += np.bincount(own, w * 2 * (distance.min(axis=1) - mine), k)
        spread += np.bincount(own, w * (2 * mine + np.einsum("nd,nd->n", x, x)), k)
    return fixed.settled(loss), fixed.settled(spread)


def best_kmeans(
    rows: Floats,
    weights: Floats,
    firsts: list[Ints],
    k: int,
    progress: Progress,
    dearest: float = np.inf,
    slack: float = SWAP_SLACK,
) -> tuple[Floats, Ints]:
    """The lowest Lloyd optimum found from some partitions and, from the best, by moving one center at a time.

    A move takes the center that is missed least away (its rows go to their second nearest) and cuts in two the cell
    whose best cut gains most; Lloyd follows; the first move that lowers the inertia is kept, until none does. Only
    moves that lose at first no more than ``dearest`` of a mean cell's inertia are tried, and those are dropped that are
    behind by ``slack`` of the inertia after some steps of Lloyd.
    """
    best: tuple[float, Floats, Ints] | None = None
    for labels in firsts:
        centers, labels = lloyd(rows, weights, group_means(rows, weights, labels, k), progress)
        value = inertia(rows, weights, centers, labels)
        if best is None or value < best[0]:
            best = value, centers, labels
    assert best is not None
    tries = SWAPS if k > 1 else 0
    while tries > 0:
        value, centers, labels = best
        loss, spread = missed(rows, weights, centers, labels)
        # no cut gains more than its cell has: where that is too little, none need be looked for
        worth = np.flatnonzero(loss.min() - spread <= (dearest + 1e-6) * value / k).tolist()
        cut = split(rows, weights, [np.flatnonzero(labels == cell) for cell in worth])
        cells = dict(zip(worth, cut, strict=True))
        cuts = sorted((-gain, cell) for cell, (_, _, gain) in cells.items() if gain > 0)[:SWAP_WIDTH]
        moves = sorted(
            (float(loss[gone]) + minus_gain, int(gone), cell)
            for gone in np.argsort(loss, kind="stable")[:SWAP_WIDTH]
            for minus_gain, cell in cuts
            if gone != cell and float(loss[gone]) + minus_gain <= dearest * value / k
        )
        better = False
        for _, gone, cell in moves[:SWAP_MOVES]:
            tries -= 1
            moved = centers.copy()
            left, right, _ = cells[cell]
            moved[cell] = fixed.total(weights[left], rows[left]) / weights[left].sum()
            moved[gone] = fixed.total(weights[right], rows[right]) / weights[right].sum()
            new_centers, new_labels = lloyd(rows, weights, moved, progress, SWAP_STEPS)
            new_value = inertia(rows, weights, new_centers, new_labels)
            if new_value < value * (1 + slack):
                new_centers, new_labels = lloyd(rows, weights, new_centers, progress)
                new_value = inertia(rows, weights, new_centers, new_labels)
            if new_value < value * (1 - 1e-9):
                best, better = (new_value, new_centers, new_labels), True
                break
            if tries <= 0:
                break
        if not better:
            break
    return lloyd_and_moves(rows, weights, best[1], progress)
