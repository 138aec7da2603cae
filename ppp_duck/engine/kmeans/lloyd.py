"""Lloyd's iterations, and what a partition of complete rows is measured by.

Nothing here draws a random number. Every choice is the best of a list, and the first of equals, so a partition is a
function of the rows alone.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.canonical import Progress, silent
from ppp_duck.engine.fixed import first_largest
from ppp_duck.models.model import Floats, Ints

CHUNK = 1 << 15  # rows of one distance block: 32,768 x 100 centers are 26 MB
MANY = 32  # centers from which the nearest one of a row is sought along the row: below that, along all rows at once
CACHED = 1 << 16  # numbers of a block that stays in the processor's cache
LEFT = 1e-6  # share of the largest mass that a cell had, below which its sums are taken anew
DOUBT = 1e-12  # of the largest product of a row and a center: what rounding can do to its score, far more than enough
ROUNDED = 1e4  # times as much rounding is in centers that EM has found
FIRST_STEPS = 5  # of Lloyd, in which most rows are looked at anyway


def largest(values: Floats) -> Ints:
    """Index of the largest of ``values (k, n)`` in each column, the first of equals."""
    return with_largest(values)[0]


def with_largest(values: Floats) -> tuple[Ints, Floats]:
    """The same, and the largest itself. Line by line over all columns, in small integers: much faster than argmax."""
    k, best = len(values), np.maximum.reduce(values, axis=0)
    falling = np.arange(k, 0, -1, dtype=np.uint8 if k < 1 << 8 else np.uint32)[:, None]  # the first of equals is most
    at = k - np.maximum.reduce((values == best).view(np.uint8) * falling, axis=0).astype(np.int64)
    return np.minimum(at, k - 1, out=at), best


def nearest(rows: Floats, centers: Floats) -> Ints:
    """Index of the nearest center of each row; the lowest index among equals. ``(n, d), (k, d) -> (n,)``."""
    labels = np.empty(len(rows), dtype=np.int64)
    half, doubt = halves(rows, centers)
    many = len(centers) >= MANY
    size = max(2048, CACHED // len(centers))
    shape = (min(size, len(rows)), len(centers))
    scores = np.empty(shape if many else shape[::-1])  # one for all blocks: fresh memory costs more than the sums
    for lo in range(0, len(rows), size):
        block = rows[lo : lo + size]
        if many:
            score = np.matmul(block, centers.T, out=scores[: len(block)])
            score -= half
            labels[lo : lo + size] = chosen(block, centers, half, score.T, np.argmax(score, axis=1), doubt)
        else:
            score = np.matmul(centers, block.T, out=scores[:, : len(block)])
            score -= half[:, None]
            labels[lo : lo + size] = chosen(block, centers, half, score, largest(score), doubt)
    return labels


def halves(rows: Floats, centers: Floats) -> tuple[Floats, float]:
    """Half the square of each center, and by how much BLAS may be wrong about a score."""
    half = 0.5 * (centers * centers).sum(axis=1)
    widest = float(max(rows.max(initial=0.0), -rows.min(initial=0.0))) * np.sqrt(rows.shape[1])
    largest_center = np.sqrt(2 * float(half.max()))
    return half, DOUBT * largest_center * float(widest + largest_center)


def chosen(rows: Floats, centers: Floats, half: Floats, score: Floats, labels: Ints, doubt: float) -> Ints:
    """The labels by scores ``(k, n)``; where BLAS may be wrong about the largest, by sums in one order."""
    near = score > score.max(axis=0) - doubt
    if np.count_nonzero(near) == len(rows):
        return labels
    open_rows = np.flatnonzero(np.count_nonzero(near, axis=0) > 1)
    some = rows[open_rows]
    exact = np.stack([(some * center).sum(axis=1) for center in centers]) - half[:, None]
    labels[open_rows] = largest(np.where(near[:, open_rows], exact, -np.inf))
    return labels


def first_nearest(rows: Floats, centers: Floats) -> Ints:
    """As ``nearest``, of centers that rounding has touched: the first of those that are equally near but for that."""
    half, doubt = halves(rows, centers)
    return first_largest(centers @ rows.T - half[:, None], doubt * ROUNDED)


def group_sums(rows: Floats, weights: Floats, labels: Ints, k: int) -> tuple[Floats, Floats]:
    """Weight ``(k,)`` and weighted sum of rows ``(k, d)`` of each label."""
    mass: Floats = np.bincount(labels, weights, k).astype(np.float64)
    total: Floats
    if rows.shape[1] <= 16:
        total = np.stack([np.bincount(labels, weights * x, k) for x in rows.T], axis=1)
    else:  # wide rows: one pass in label order
        order = np.argsort(labels, kind="stable")
        total = np.zeros((k, rows.shape[1]))
        present, start = np.unique(labels[order], return_index=True)
        for lo in range(0, rows.shape[1], 64):  # in strips, so that the copy stays small
            strip = rows[order, lo : lo + 64] * weights[order, None]
            total[present, lo : lo + 64] = np.add.reduceat(strip, start, axis=0)
    return mass, total


def group_means(rows: Floats, weights: Floats, labels: Ints, k: int) -> Floats:
    """Weighted mean of the rows of each label, ``(k, d)``; a label without rows gets zeros."""
    mass, total = group_sums(rows, weights, labels, k)
    return np.asarray(total / np.where(mass > 0, mass, 1.0)[:, None])


def inertia(rows: Floats, weights: Floats, centers: Floats, labels: Ints) -> float:
    """Weighted sum of squared distances of rows to their own center."""
    total = 0.0
    for lo in range(0, len(rows), CHUNK):
        gap = rows[lo : lo + CHUNK] - centers[labels[lo : lo + CHUNK]]
        total += float((weights[lo : lo + CHUNK] * np.einsum("nd,nd->n", gap, gap)).sum())
    return total


def lloyd(
    rows: Floats,
    weights: Floats,
    centers: Floats,
    progress: Progress = silent,
    iterations: int = 300,
) -> tuple[Floats, Ints]:
    """Lloyd's iterations to a fixed point; an empty cell moves to the row that costs most. Returns centers, labels."""
    k, before, done = len(centers), None, 0
    labels: Ints = np.zeros(len(rows), dtype=np.int64)
    while done < iterations:
        progress("k-means", k)
        labels = nearest(rows, centers)
        if before is not None and np.array_equal(labels, before):
            break
        present = np.bincount(labels, minlength=k) > 0
        if not present.all():
            gap = rows - centers[labels]
            cost = weights * np.einsum("nd,nd->n", gap, gap)
            for empty in np.flatnonzero(~present):
                size = np.bincount(labels, minlength=k)
                worst = int(np.argmax(np.where(size[labels] > 1, cost, -1.0)))
                labels[worst], cost[worst] = empty, -1.0
        done += 1
        if done == FIRST_STEPS < iterations:
            labels, more = later_steps(rows, weights, labels, k, progress, iterations - done)
            done += more
        centers = group_means(rows, weights, labels, k)
        before = labels
    return centers, labels


def later_steps(
    rows: Floats, weights: Floats, labels: Ints, k: int, progress: Progress, iterations: int
) -> tuple[Ints, int]:
    """Labels after more of Lloyd's iterations, and how many: each looks only at rows that can have changed their cell.

    Each of the ``k`` cells of ``labels`` has a row. A row is not looked at while its own center and the second nearest
    have moved less, in all, than the one was nearer than the other (Hamerly 2010). Ends where no row moves, or where a
    cell would lose its last row. Sums of cells change by the rows that move, so that they differ from sums over all
    rows by rounding: what comes out is checked by the caller's next iteration.
    """
    labels = labels.copy()
    mass, total = group_sums(rows, weights, labels, k)
    centers, highest = total / mass[:, None], mass.copy()
    size = np.bincount(labels, minlength=k)
    squares = np.einsum("nd,nd->n", rows, rows)
    # squared distances are differences of squares: what rounding leaves of them, as a distance
    rounding = 1e-7 * (np.sqrt(squares.max()) + np.sqrt(np.einsum("kd,kd->k", centers, centers).max()))
    lead = np.full(len(rows), -np.inf)  # by how much the second nearest center is farther away than a row's own
    done = 0
    while done < iterations:
        progress("k-means", k)
        doubtful = np.flatnonzero(lead <= rounding)
        found, lead[doubtful] = nearest_by(rows, squares, centers, doubtful)
        moves = np.flatnonzero(found != labels[doubtful])
        at, to = doubtful[moves], found[moves]
        new_size = size + np.bincount(to, minlength=k) - np.bincount(labels[at], minlength=k)
        if not len(at) or not new_size.all():
            break
        for sign, cell in ((-1.0, labels[at]), (1.0, to)):
            own_mass, own_total = group_sums(rows[at], sign * weights[at], cell, k)
            mass += own_mass
            total += own_total
        labels[at], size, done = to, new_size, done + 1
        highest = np.maximum(highest, mass)
        if (mass < LEFT * highest).any():  # a difference of large numbers
            mass, total = group_sums(rows, weights, labels, k)
            highest = mass.copy()
        moved = total / mass[:, None]
        shift = np.sqrt(((moved - centers) ** 2).sum(axis=1))
        centers = moved
        farthest = np.full(k, shift.max())  # that one of the other centers has moved
        largest_shift = int(np.argmax(shift))
        farthest[largest_shift] = np.delete(shift, largest_shift).max(initial=0.0)
        lead -= (shift + farthest)[labels]
    return labels, done


def nearest_by(rows: Floats, squares: Floats, centers: Floats, which: Ints) -> tuple[Ints, Floats]:
    """Index of the nearest center of some of the rows, and by how much the second nearest is farther away."""
    labels, lead = np.empty(len(which), dtype=np.int64), np.empty(len(which))
    half, doubt = halves(rows, centers)
    many = len(centers) >= MANY
    for lo in range(0, len(which), size := max(2048, CACHED // len(centers))):
        at = which[lo : lo + size]
        score = rows[at] @ centers.T - half if many else centers @ rows[at].T - half[:, None]
        own = np.argmax(score, axis=1) if many else largest(score)
        own = chosen(rows[at], centers, half, score.T if many else score, own, doubt)
        mine = (np.arange(len(at)), own) if many else (own, np.arange(len(at)))
        near = squares[at] - 2 * score[mine]
        score[mine] = -np.inf
        far = squares[at] - 2 * score.max(axis=int(many))
        labels[lo : lo + size] = own
        lead[lo : lo + size] = np.sqrt(np.maximum(far, 0.0)) - np.sqrt(np.maximum(near, 0.0))
    return labels, lead
