"""A tree of deterministic cuts.

Every choice (axis, cut, which node to split) is the best of a list, and the first of equals.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from ppp_duck.engine import fixed
from ppp_duck.engine.canonical import Progress
from ppp_duck.models.model import Bools, Floats, Ints

MOST_COVARIANCES = 512  # features of which all covariances are worked out to find axes
SUBSPACE_STEPS = 12  # towards the leading axes of more features
CUT_AXES = 3  # principal axes on which a node looks for its cut
SIGN = 1e-6  # entries of an axis that differ by less are equally large
ALONE = 1 << 9  # rows of a node from which it is split alone: smaller ones together with those of about their size


def principal_axes(rows: Floats, weights: Floats, count: int) -> Floats:
    """Unit vectors ``(d, <=count)`` of largest weighted variance, largest first, the largest entry made positive."""
    share = weights / weights.sum()
    middle = fixed.total(share, rows)
    if rows.shape[1] > MOST_COVARIANCES:
        variance, axes = _leading(rows, middle, share, 2 * count)
    else:
        gap = rows - middle
        variance, axes = fixed.eigen(fixed.product((gap * share[:, None]).T, gap))
    keep = [j for j in np.argsort(-variance, kind="stable")[:count] if variance[j] > 1e-12 * variance[-1]]
    axes = axes[:, keep]
    sign = np.sign(axes[fixed.first_largest(np.abs(axes), SIGN), np.arange(len(keep))])
    return np.asarray(axes * sign)


def _leading(rows: Floats, middle: Floats, share: Floats, count: int) -> tuple[Floats, Floats]:
    """Variances, ascending, and unit vectors ``(d, <=count)`` of about the largest variance around ``middle (d,)``.

    Subspace iteration from fixed vectors: no matrix of ``(d, d)`` is made, and no copy of the rows.
    """
    d = rows.shape[1]
    count = min(count, len(rows), d)
    axes = np.cos(np.outer(np.arange(1.0, d + 1), np.arange(1.0, count + 1)))
    for _ in range(SUBSPACE_STEPS):
        axes = np.linalg.qr(axes)[0]
        across = (rows @ axes - middle @ axes) * share[:, None]
        axes = rows.T @ across - np.outer(middle, across.sum(axis=0))
    axes = np.linalg.qr(axes)[0]
    across = rows @ axes - middle @ axes
    variance, turn = np.linalg.eigh((across * share[:, None]).T @ across)
    return variance, axes @ turn


def best_cuts(x: Floats, weights: Floats) -> tuple[Bools, Bools]:
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
    parts = left * (total - left)
    gain = (left * mean - sums[:, :, :-1]) ** 2 * total / np.where(parts > 0, parts, np.inf)
    gain[x_sorted[:, :, 1:] <= x_sorted[:, :, :-1]] = -1.0  # no cut between equal numbers
    if not weights.all():  # repeats without weight, which rounding may have moved: none of them is a part by itself
        rest = np.cumsum(w[:, :, ::-1], axis=2)[:, :, -2::-1]
        gain[(left <= 0) | (rest <= 0)] = -1.0
    at = np.argmax(gain, axis=2)[:, :, None]
    low, high = np.take_along_axis(x_sorted, at, axis=2), np.take_along_axis(x_sorted, at + 1, axis=2)
    right = x > 0.5 * (low + high)
    return right, (np.take_along_axis(gain, at, axis=2)[:, :, 0] > 0) & right.any(axis=2)


def best_splits(x: Floats, weights: Floats) -> tuple[Bools, Floats]:
    """The best two-means split of each of ``b`` sets of rows: which go right ``(b, n)``, and what it removes ``(b,)``.

    Rows ``x (b, n, d)``, two at least in a set; a row of weight 0 in ``weights (b, n)`` must repeat another one of the
    set, whose first has a weight. A set without a split removes 0. The first row goes left.
    """
    total = weights.sum(axis=1)[:, None, None]
    gap = x - (weights[:, :, None] * x).sum(axis=1, keepdims=True) / total
    moments = np.concatenate([weights[:, :, None], gap * weights[:, :, None]], axis=2)
    moments = fixed.on_grid(moments, fixed.free_bits(x.shape[1]), 1)  # so that sums over some of the rows are exact
    everything = moments.sum(axis=1, keepdims=True)
    variance, vectors = fixed.eigen(fixed.product(moments[:, :, 1:].transpose(0, 2, 1), gap))
    axes = vectors[:, :, : -CUT_AXES - 1 : -1].transpose(0, 2, 1)  # (b, a, d), that of largest variance first
    d = x.shape[2]
    across = fixed.factor(np.ascontiguousarray(gap.transpose(0, 2, 1)), d)
    right, is_cut = best_cuts(fixed.factor(axes, d) @ across, weights)
    is_cut &= variance[:, : -CUT_AXES - 1 : -1] > 1e-12 * variance[:, -1:]
    right[~is_cut] = np.arange(x.shape[1]) == 0  # anything that can be computed: it does not count
    for _ in range(20):  # two-means by Lloyd, from the cut of every axis at once
        on_right = right.astype(np.float64) @ moments
        on_left = everything - on_right
        # a side whose weight is nothing beside the heaviest row's removes nothing, wherever its mean is
        low, high = (side[:, :, 1:] / np.where(side[:, :, :1] > 0, side[:, :, :1], 1.0) for side in (on_left, on_right))
        middle = 0.5 * ((high**2).sum(axis=2) - (low**2).sum(axis=2))
        moved = fixed.factor(high - low, d) @ across > middle[:, :, None]
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
