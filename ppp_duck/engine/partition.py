"""The k-means side: canonical rows, Lloyd, and a tree of deterministic cuts.

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
LEFT = 1e-6  # share of the largest mass that a cell had, below which its sums are taken anew
FIRST_STEPS = 5  # of Lloyd, in which most rows are looked at anyway
CUT_AXES = 3  # principal axes on which a node looks for its cut
ALONE = 1 << 9  # rows of a node from which it is split alone: smaller ones together with those of about their size


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
    order = np.argsort(rows[:, 0])  # in any order among equals, which is settled next
    value = rows[order, 0]
    begins = np.append(True, value[1:] != value[:-1])  # where a row differs from the one before
    for column in (*rows.T[1:], mass):  # the weight is the last key, so that equal rows are summed in one order
        tied = np.flatnonzero(~(begins & np.append(begins[1:], True)))  # positions whose order is still open
        if not len(tied):
            break
        order[tied] = order[tied][np.lexsort((column[order[tied]], np.cumsum(begins)[tied]))]
        if column is not mass:
            value = column[order[tied]]
            begins[tied[1:]] |= value[1:] != value[:-1]
    start = np.flatnonzero(begins)
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
    half = 0.5 * np.einsum("kd,kd->k", centers, centers)
    many = len(centers) >= MANY
    for lo in range(0, len(which), size := max(2048, CACHED // len(centers))):
        at = which[lo : lo + size]
        score = rows[at] @ centers.T - half if many else centers @ rows[at].T - half[:, None]
        own = np.argmax(score, axis=1) if many else largest(score)
        mine = (np.arange(len(at)), own) if many else (own, np.arange(len(at)))
        near = squares[at] - 2 * score[mine]
        score[mine] = -np.inf
        far = squares[at] - 2 * score.max(axis=int(many))
        labels[lo : lo + size] = own
        lead[lo : lo + size] = np.sqrt(np.maximum(far, 0.0)) - np.sqrt(np.maximum(near, 0.0))
    return labels, lead


def principal_axes(rows: Floats, weights: Floats, count: int) -> Floats:
    """Unit vectors ``(d, <=count)`` of largest weighted variance, largest first, the largest entry made positive."""
    share = weights / weights.sum()
    gap = rows - share @ rows
    variance, axes = np.linalg.eigh((gap * share[:, None]).T @ gap)
    keep = [j for j in np.argsort(-variance, kind="stable")[:count] if variance[j] > 1e-12 * variance[-1]]
    axes = axes[:, keep]
    sign = np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(len(keep))])
    return np.asarray(axes * sign)


def best_cuts(x: Floats, weights: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The best two-means cut of each of ``a`` lines of numbers ``x (b, a, n)``: which go right, and if there is one.

    The lines of a set share its ``weights (b, n)``.
    """
    order = np.argsort(x, axis=2, kind="stable")
    x_sorted = np.take_along_axis(x, order, axis=2)
    w = np.take_along_axis(np.broadcast_to(weights[:, None], x.shape), order, axis=2)
    left, sums = np.cumsum(w, axis=2)[:, :, :-1], np.cumsum(w * x_sorted, axis=2)
    total = weights.sum(axis=1)[:, None, None]
    mean = sums[:, :, -1:] / total
    # between-groups inertia of a cut: (W_l mean - S_l)^2 W / (W_l W_r)
    gain = (left * mean - sums[:, :, :-1]) ** 2 * total / np.maximum(left * (total - left), 1e-300)
    gain[x_sorted[:, :, 1:] <= x_sorted[:, :, :-1]] = -1.0  # no cut between equal numbers
    at = np.argmax(gain, axis=2)[:, :, None]
    low, high = np.take_along_axis(x_sorted, at, axis=2), np.take_along_axis(x_sorted, at + 1, axis=2)
    right = x > 0.5 * (low + high)
    return right, (np.take_along_axis(gain, at, axis=2)[:, :, 0] > 0) & right.any(axis=2)


def best_splits(x: Floats, weights: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """The best two-means split of each of ``b`` sets of rows: which go right ``(b, n)``, and what it removes ``(b,)``.

    Rows ``x (b, n, d)``, two at least in a set; a row of weight 0 in ``weights (b, n)`` must repeat another one of the
    set, whose first has a weight. A set without a split removes 0. The first row goes left.
    """
    total = weights.sum(axis=1)[:, None, None]
    gap = x - (weights[:, None] @ x) / total
    moments = np.concatenate([weights[:, :, None], gap * weights[:, :, None]], axis=2)
    everything = moments.sum(axis=1, keepdims=True)
    variance, vectors = np.linalg.eigh(moments[:, :, 1:].transpose(0, 2, 1) @ gap)
    axes = vectors[:, :, : -CUT_AXES - 1 : -1].transpose(0, 2, 1)  # (b, a, d), that of largest variance first
    across = np.ascontiguousarray(gap.transpose(0, 2, 1))
    right, is_cut = best_cuts(axes @ across, weights)
    is_cut &= variance[:, : -CUT_AXES - 1 : -1] > 1e-12 * variance[:, -1:]
    right[~is_cut] = np.arange(x.shape[1]) == 0  # anything that can be computed: it does not count
    for _ in range(20):  # two-means by Lloyd, from the cut of every axis at once
        on_right = right.astype(np.float64) @ moments
        on_left = everything - on_right
        low, high = on_left[:, :, 1:] / on_left[:, :, :1], on_right[:, :, 1:] / on_right[:, :, :1]
        middle = 0.5 * ((high**2).sum(axis=2) - (low**2).sum(axis=2))
        moved = (high - low) @ across > middle[:, :, None]
        goes_on = (moved != right).any(axis=2) & moved.any(axis=2) & ~moved.all(axis=2)
        if not goes_on.any():
            break
        right[goes_on] = moved[goes_on]
    gain = on_left[:, :, 0] * on_right[:, :, 0] / total[:, :, 0] * ((high - low) ** 2).sum(axis=2)
    gain[~is_cut] = 0.0
    at, best = np.arange(len(x)), np.argmax(gain, axis=1)
    right = right[at, best]
    return right ^ right[:, :1], gain[at, best]


def split(rows: Floats, weights: Floats, nodes: list[Ints]) -> list[tuple[Ints, Ints, float]]:
    """The best split of each node, given by its rows: those left, those right, and what it removes; 0 if there is none.

    Nodes of about one size are split together: for a few rows a call costs more than its sums.
    """
    found: list[tuple[Ints, Ints, float]] = [(node, node[:0], 0.0) for node in nodes]
    batches: dict[int, list[int]] = {}
    for i, node in enumerate(nodes):
        if len(node) > 1:
            batches.setdefault(len(node).bit_length() if len(node) < ALONE else len(node), []).append(i)
    for batch in batches.values():
        sizes = np.array([len(nodes[i]) for i in batch])
        place = np.arange(sizes.max())
        inside = place < sizes[:, None]
        members = np.zeros(inside.shape, dtype=np.int64)
        members[inside] = np.concatenate([nodes[i] for i in batch])
        members = np.where(inside, members, members[:, :1])  # filled up with the first row, whose weight is then 0
        right, gains = best_splits(rows[members], weights[members] * inside)
        for i, node, is_right, gain in zip(batch, members, right, gains.tolist(), strict=True):
            if gain > 0:
                size = len(nodes[i])
                node, is_right = node[:size], is_right[:size]
                found[i] = node[~is_right], node[is_right], gain
    return found


def grow_tree(rows: Floats, weights: Floats, leaves: int, progress: Progress) -> Ints:
    """Labels ``(n,)`` of the leaves of a tree that always makes the split which removes most inertia next.

    Splits are looked for level by level. A node is split only after its ancestors: what counts is the least that one of
    them, or itself, removes; and below a node for which there are enough of more, no split is needed.
    """
    nodes: list[Ints] = [np.arange(len(rows))]
    least: list[float] = [np.inf]
    splits: dict[int, tuple[int, float]] = {}  # of a node: its left child (the right one is the next), what it removes
    level = [0]
    while level:
        progress("tree", len(nodes))
        for node, (left, right, gain) in zip(level, split(rows, weights, [nodes[i] for i in level]), strict=True):
            least[node] = min(least[node], gain)
            if gain > 0:
                splits[node] = len(nodes), gain
                nodes += left, right
                least += [least[node]] * 2
        known = sorted((least[node] for node in splits), reverse=True)
        enough = known[leaves - 2] if len(known) >= leaves - 1 > 0 else 0.0
        grown = [splits[i][0] for i in level if i in splits and least[i] >= enough]
        level = [child for left in grown for child in (left, left + 1)]
    labels = np.zeros(len(rows), dtype=np.int64)
    # minus what the split of a node removes, its label, the node
    open_nodes = [(-splits[0][1], 0, 0)] if 0 in splits else []
    new = 1
    while new < leaves and open_nodes:
        _, label, node = heappop(open_nodes)
        child = splits[node][0]
        labels[nodes[child + 1]] = new
        for own, i in ((label, child), (new, child + 1)):
            if i in splits:
                heappush(open_nodes, (-splits[i][1], own, i))
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
    threshold = np.partition(priority, len(rows) - size - 1)[len(rows) - size - 1]
    stays = priority > threshold
    stays[np.flatnonzero(priority == threshold)[: size - np.count_nonzero(stays)]] = True  # of equals the first
    keep = np.flatnonzero(stays)
    mass = np.maximum(weights[keep], threshold)
    return keep, mass * (weights.sum() / mass.sum())
