"""The k-means side: canonical rows, a tree of deterministic cuts, Lloyd, and moves from its fixed points.

Nothing here draws a random number. Every choice (axis, cut, which node to split, which pair to merge) is the best of a
list, and the first of equals, so a partition is a function of the rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from ppp_duck.model import Floats, Ints

Progress = Callable[[str, int], None]  # told the stage and its k; may raise, which ends the fit

CHUNK = 1 << 15  # rows of one distance block: 32,768 x 100 centers are 26 MB
MANY = 32  # centers from which the nearest one of a row is sought along the row: below that, along all rows at once
CACHED = 1 << 16  # numbers of a block that stays in the processor's cache
ROW_MOVES = 100  # single rows that may change cells, one after another, after Lloyd
ROW_GAIN = 1e-6  # share of the inertia that moving a row has to save
CUT_AXES = 3  # principal axes on which a node looks for its cut
SWAPS = 300  # Lloyd runs that the search for the best k-means partition may spend
SWAP_WIDTH = 6  # centers to take away, and cells to cut, that one round weighs
SWAP_MOVES = 15  # of their pairs, how many a round tries
SWAP_STEPS = 20  # of Lloyd, after which a move that is behind by more than SWAP_SLACK of the inertia is dropped
SWAP_SLACK = 0.002


def canonical_rows(rows: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """Distinct rows in lexicographic order, and the sum of the weights of each.

    Rows ``(n, d)`` may come in any order and repeat; weight 2 means the row twice, weight 0 that it is not there.
    Weights that sum to less than the number of distinct rows (survey weights) are scaled to an average of 1.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("rows must be a finite (n, d) matrix")
    n = len(rows)
    mass = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if mass.shape != (n,) or not np.isfinite(mass).all() or (mass < 0).any():
        raise ValueError(f"weights must be {n} finite numbers, none negative")
    if not (mass > 0).all():
        rows, mass = rows[mass > 0], mass[mass > 0]
        n = len(rows)
    if n == 0:
        raise ValueError("no row has a positive weight")
    order = np.arange(n)
    group: Ints = np.zeros(n, dtype=np.int64)
    for column in (*rows.T, mass):  # the weight is the last key, so that equal rows are summed in one order
        size = np.bincount(group)
        tied = np.flatnonzero(size[group] > 1)  # positions whose order is still open
        if not len(tied):
            break
        inner = np.lexsort((column[order[tied]], group[tied]))
        order[tied] = order[tied][inner]
        if column is mass:
            break
        value = column[order]
        group = np.concatenate([[0], np.cumsum((group[1:] != group[:-1]) | (value[1:] != value[:-1]))])
    start = np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1])
    mass = np.add.reduceat(mass[order], start)
    if mass.sum() < len(start):
        mass *= len(start) / mass.sum()
    return rows[order[start]], mass


def silent(_stage: str, _k: int) -> None:
    """The progress of a fit that nobody watches."""


def largest(values: Floats) -> Ints:
    """Index of the largest of ``values (k, n)`` in each column, the first of equals.

    Line by line over all columns, in small integers: several times faster than argmax.
    """
    best, at = values[0].copy(), np.zeros(values.shape[1], dtype=np.uint16)
    for j in range(1, len(values)):
        np.maximum(at, (values[j] > best) * np.uint16(j), out=at)  # the last line that was larger than all before it
        np.maximum(best, values[j], out=best)
    return at.astype(np.int64)


def nearest(rows: Floats, centers: Floats) -> Ints:
    """Index of the nearest center of each row; the lowest index among equals. ``(n, d), (k, d) -> (n,)``."""
    labels = np.empty(len(rows), dtype=np.int64)
    half = 0.5 * np.einsum("kd,kd->k", centers, centers)
    many = len(centers) >= MANY
    size = max(2048, CACHED // len(centers))
    shape = (min(size, len(rows)), len(centers))
    scores = np.empty(shape if many else shape[::-1])  # one for all blocks: fresh memory costs more than the sums
    for lo in range(0, len(rows), size):
        block = rows[lo : lo + size]
        if many:
            score = np.matmul(block, centers.T, out=scores[: len(block)])
            score -= half
            labels[lo : lo + size] = np.argmax(score, axis=1)
        else:
            score = np.matmul(centers, block.T, out=scores[:, : len(block)])
            score -= half[:, None]
            labels[lo : lo + size] = largest(score)
    return labels


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
        total += float(weights[lo : lo + CHUNK] @ np.einsum("nd,nd->n", gap, gap))
    return total


def lloyd(
    rows: Floats,
    weights: Floats,
    centers: Floats,
    progress: Progress = silent,
    iterations: int = 300,
) -> tuple[Floats, Ints]:
    """Lloyd's iterations to a fixed point; an empty cell moves to the row that costs most. Returns centers, labels."""
    k, before = len(centers), None
    labels: Ints = np.zeros(len(rows), dtype=np.int64)
    for _ in range(iterations):
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
        before = labels
        centers = group_means(rows, weights, labels, k)
    return centers, labels


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


def principal_axes(rows: Floats, weights: Floats, count: int) -> tuple[Floats, float]:
    """Unit vectors ``(d, <=count)`` of largest weighted variance, largest first, the largest entry made positive.

    And the inertia along the first of them.
    """
    share = weights / weights.sum()
    gap = rows - share @ rows
    variance, axes = np.linalg.eigh((gap * share[:, None]).T @ gap)
    keep = [j for j in np.argsort(-variance, kind="stable")[:count] if variance[j] > 1e-12 * variance[-1]]
    axes = axes[:, keep]
    sign = np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(len(keep))])
    return np.asarray(axes * sign), float(variance[-1] * weights.sum())


def best_cuts(x: Floats, weights: Floats) -> Floats:
    """The best two-means cut of each line of numbers ``x (a, n)``: which go right (bool). Not of lines all equal."""
    order = np.argsort(x, axis=1, kind="stable")
    x_sorted, w = np.take_along_axis(x, order, axis=1), weights[order]
    left, sums = np.cumsum(w, axis=1)[:, :-1], np.cumsum(w * x_sorted, axis=1)[:, :-1]
    total = weights.sum()
    mean = (x @ weights / total)[:, None]
    # between-groups inertia of a cut: (W_l mean - S_l)^2 W / (W_l W_r)
    gain = (left * mean - sums) ** 2 * total / np.maximum(left * (total - left), 1e-300)
    gain[x_sorted[:, 1:] <= x_sorted[:, :-1]] = -1.0  # no cut between equal numbers
    line, at = np.arange(len(x)), np.argmax(gain, axis=1)
    threshold = 0.5 * (x_sorted[line, at] + x_sorted[line, at + 1])
    right = x > threshold[:, None]
    return np.asarray(right[(gain[line, at] > 0) & right.any(axis=1)])


def split(rows: Floats, weights: Floats, axes: Floats | None = None) -> tuple[Floats, float] | None:
    """The best two-means split of some rows: which go right ``(n,)`` (bool), and the inertia that it removes.

    Cuts are across the given ``axes (d, a)``, by default the principal ones.
    """
    if len(rows) < 2:
        return None
    if axes is None:
        axes = principal_axes(rows, weights, CUT_AXES)[0]
    across = np.ascontiguousarray(rows.T)
    right = best_cuts(axes.T @ across, weights)
    if not len(right):
        return None
    moments = np.concatenate([weights[:, None], rows * weights[:, None]], axis=1)
    total = moments.sum(axis=0)
    for _ in range(20):  # two-means by Lloyd, from the cut of every axis at once
        on_right = right.astype(np.float64) @ moments
        on_left = total - on_right
        a, b = on_left[:, 1:] / on_left[:, :1], on_right[:, 1:] / on_right[:, :1]
        moved = (b - a) @ across > 0.5 * ((b**2).sum(axis=1) - (a**2).sum(axis=1))[:, None]
        goes_on = (moved != right).any(axis=1) & moved.any(axis=1) & ~moved.all(axis=1)
        if not goes_on.any():
            break
        right[goes_on] = moved[goes_on]
    gain = on_left[:, 0] * on_right[:, 0] / total[0] * ((b - a) ** 2).sum(axis=1)
    best = int(np.argmax(gain))
    return right[best], float(gain[best])


def grow_tree(rows: Floats, weights: Floats, leaves: int, progress: Progress) -> Ints:
    """Labels ``(n,)`` of the leaves of a tree that always makes the split which removes most inertia next.

    No split removes more than the inertia along the first principal axis: where that is too little, none is looked for.
    """
    labels = np.zeros(len(rows), dtype=np.int64)
    # minus what the split of a node removes (at most), the node, its axes, its split
    open_nodes: list[tuple[float, int, Floats, Floats | None]] = []

    def grow(node: int) -> None:
        inside = labels == node
        if np.count_nonzero(inside) > 1:
            axes, most = principal_axes(rows[inside], weights[inside], CUT_AXES)
            heappush(open_nodes, (-most * (1 + 1e-9), node, axes, None))

    grow(0)
    new = 1
    while new < leaves and open_nodes:
        _, node, axes, right = heappop(open_nodes)
        members = np.flatnonzero(labels == node)
        if right is None:
            found = split(rows[members], weights[members], axes)
            if found is not None:
                heappush(open_nodes, (-found[1], node, axes, found[0]))
            continue
        progress("tree", new)
        labels[members[right]] = new
        grow(node)
        grow(new)
        new += 1
    return labels


def content_keys(rows: Floats) -> Floats:
    """A number in (0, 1] for each row, from a hash of its content.

    The bits of each feature are mixed into the hash with the finalizer of SplitMix64 (Steele, Lea & Flood, Fast
    splittable pseudorandom number generators, 2014): integer arithmetic modulo 2^64, the same on every machine.
    """
    found: NDArray[np.uint64] = np.zeros(len(rows), dtype=np.uint64)
    for column in (rows + 0.0).T:  # -0 becomes 0
        found += np.ascontiguousarray(column).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
    return (found.astype(np.float64) + 1.0) / 2.0**64


def content_sample(rows: Floats, weights: Floats, size: int) -> tuple[Ints, Floats]:
    """``size`` of the rows by a hash of their content, and weights that make up for the rest.

    Priority sampling (Duffield, Lund, Thorup 2007): a row's priority is weight / u, u in (0, 1] from its hash; the
    highest priorities stay, with weight max(weight, the highest priority that did not). Then the total is restored.
    """
    priority = weights / content_keys(rows)
    order = np.argsort(-priority, kind="stable")
    keep = np.sort(order[:size])
    mass = np.maximum(weights[keep], priority[order[size]])
    return keep, mass * (weights.sum() / mass.sum())


def missed(rows: Floats, weights: Floats, centers: Floats, labels: Ints) -> Floats:
    """What the inertia gains, at most, when a center ``(k,)`` is taken away: its rows go to their second nearest."""
    k, half = len(centers), 0.5 * np.einsum("kd,kd->k", centers, centers)
    loss = np.zeros(k)
    for lo in range(0, len(rows), size := max(2048, CACHED // k)):
        own = labels[lo : lo + size]
        distance = half - rows[lo : lo + size] @ centers.T  # half of it, without the row's own square
        mine = distance[np.arange(len(own)), own]
        distance[np.arange(len(own)), own] = np.inf
        loss += np.bincount(own, weights[lo : lo + size] * 2 * (distance.min(axis=1) - mine), k)
    return loss


def best_kmeans(
    rows: Floats, weights: Floats, firsts: list[Ints], k: int, progress: Progress, dearest: float = np.inf
) -> tuple[Floats, Ints]:
    """The lowest Lloyd optimum found from some partitions and, from the best, by moving one center at a time.

    A move takes the center that is missed least away (its rows go to their second nearest) and cuts in two the cell
    whose best cut gains most; Lloyd follows; the first move that lowers the inertia is kept, until none does. Only
    moves that lose at first no more than ``dearest`` of a mean cell's inertia are tried.
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
        loss = missed(rows, weights, centers, labels)
        cuts = []
        for cell in range(k):
            inside = np.flatnonzero(labels == cell)
            found = split(rows[inside], weights[inside])
            if found is not None:
                cuts.append((found[1], cell, inside[found[0]]))
        cuts.sort(key=lambda cut: (-cut[0], cut[1]))
        moves = sorted(
            (float(loss[gone]) - gain, int(gone), cell, right)
            for gone in np.argsort(loss, kind="stable")[:SWAP_WIDTH]
            for gain, cell, right in ((g, c, j) for j, (g, c, _) in enumerate(cuts[:SWAP_WIDTH]))
            if gone != cell and float(loss[gone]) - gain <= dearest * value / k
        )
        better = False
        for _, gone, cell, j in moves[:SWAP_MOVES]:
            tries -= 1
            moved = centers.copy()
            right = cuts[j][2]
            left = np.setdiff1d(np.flatnonzero(labels == cell), right, assume_unique=True)
            moved[cell] = weights[left] @ rows[left] / weights[left].sum()
            moved[gone] = weights[right] @ rows[right] / weights[right].sum()
            new_centers, new_labels = lloyd(rows, weights, moved, progress, SWAP_STEPS)
            new_value = inertia(rows, weights, new_centers, new_labels)
            if new_value < value * (1 + SWAP_SLACK):
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
