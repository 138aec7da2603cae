"""Where the search begins: partitions of the rows into every number of groups, by k-means and two agglomerations.

They are looked for in the view of the rows, and once more where numbers with sharp peaks count more (``peaks``): a
number that tells nothing is as broad as they are, and groups that are narrow beside it are cut along it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ppp_duck.engine import canonical, fixed, peaks
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.kmeans import lloyd, tree
from ppp_duck.engine.kmeans.agglomerate import Partitions, agglomerate
from ppp_duck.engine.mixture import tempered
from ppp_duck.engine.rows import Rows
from ppp_duck.models.model import Floats, Ints

VIEW = 12  # leading axes that cuts and merges of wide rows look at
LEAF_ROWS = 15  # rows a leaf of which the tree is grown, where there are twice as many: worms_2 alone changes by it
# Steps of Lloyd over the leaves of the tree, enough that they follow the data: 3, 4, 5, 7, 10 give ARI 0.764, 0.783,
# 0.783, 0.783, 0.765.
LEAF_ITERATIONS = 5

# Times that one number's peaks must be sharper than another's before partitions by peaks are looked for. With 4 a fit
# of 65,536 x 8 takes half as long again, and 92 % of tables with numbers that tell nothing are right, for 88 %.
SHARPER = 8.0


@dataclass(frozen=True)
class Starts:
    """Deterministic families of partitions, one for every k: of full Gaussians, of round ones (Ward), by peaks."""

    full: Partitions
    round: Partitions
    peaked: Partitions | None  # Ward's where numbers count by their peaks; None: all count the same
    dips: tuple[int, ...]  # each k of a partition by Ward, then by peaks, that has the lowest classification BIC

    def of(self, keep: Ints) -> Starts:
        """The same of some of the rows."""
        full, ward = (replace(one, leaves=one.leaves[keep]) for one in (self.full, self.round))
        peaked = self.peaked and replace(self.peaked, leaves=self.peaked.leaves[keep])
        return Starts(full, ward, peaked, self.dips)


def starts(rows: Rows, smallest: int, progress: Progress, by_peaks: bool = True) -> Starts:
    """Tree, leaves, Lloyd over the leaves, agglomeration; ``by_peaks``: whether to look at peaks at all.

    Full Gaussians begin where Ward has merged every second leaf, a neighbour: those merges differ little, and are dear.
    """
    x, d, size = rows.complete_view, rows.x.shape[1], tempered(rows.observations)
    view = fixed.product(x, tree.principal_axes(x, rows.weights, VIEW)) if x.shape[1] > VIEW else x
    if not view.shape[1]:  # all rows are equal up to rounding
        view = x[:, :1]
    ward = _ward(rows, view, smallest, progress)
    half = ward.labels(max(2 * smallest, ward.most // 2))
    full = agglomerate(view, rows.weights / rows.unit, half, "full", progress)
    dips = (ward_size(view, rows.weights, ward, size),)
    sharp = peaks.sharpness(rows) if by_peaks and 1 < d <= VIEW else np.ones(1)
    if sharp.max() < SHARPER * sharp.min():
        return Starts(full, ward, None, dips)
    view = x * np.concatenate([sharp, np.ones(x.shape[1] - d)])
    # Told as merging: a line that goes back to splitting would seem to begin anew.
    peaked = _ward(rows, view, smallest, lambda _, parts: progress("merge", parts))
    return Starts(full, ward, peaked, (*dips, ward_size(view, rows.weights, peaked, size)))


def _ward(rows: Rows, view: Floats, smallest: int, progress: Progress) -> Partitions:
    """Ward's partitions of 3 sqrt(n) leaves, 400 at most, 2 ``smallest`` at least."""
    weights = rows.weights
    count = int(min(len(view), max(min(400, 3 * np.sqrt(len(view))), 2 * smallest)))
    few, mass = view, weights
    if len(view) >= 2 * LEAF_ROWS * count:  # Lloyd brings the leaves to all rows, wherever they were cut
        keep, mass = canonical.content_sample(rows.complete_view, weights, LEAF_ROWS * count)
        few = view[keep]
    leaves = tree.grow_tree(few, mass, count, progress)
    centers = lloyd.group_means(few, mass, leaves, int(leaves.max()) + 1)
    _, leaves = lloyd.lloyd(view, weights, centers, progress, LEAF_ITERATIONS)
    leaves = np.unique(leaves, return_inverse=True)[1].astype(np.int64)
    return agglomerate(view, weights / rows.unit, leaves, "spherical", progress)


def ward_size(x: Floats, weights: Floats, ward: Partitions, size: float) -> int:
    """The number of groups at which Ward's partitions have their lowest classification BIC (for ``size`` rows), a dip.

    Touching round groups, many of them, are seen by their whole partition and by no part of it: the search over m from
    below ends long before it gets there. One group may have a slightly lower BIC still: what counts is the dip.
    """
    d, total, most = x.shape[1], float(weights.sum()), ward.most
    mass = np.bincount(ward.leaves, weights, most)
    means = lloyd.group_means(x, weights, ward.leaves, most)
    # of most, most - 1 ... groups
    inertia = lloyd.inertia(x, weights, means, ward.leaves) + np.concatenate([[0.0], np.cumsum(ward.costs)])
    tried, found, m = [], [], 1
    while m <= most:
        within = float(inertia[most - m]) / (total * d)
        share = np.bincount(ward.groups_at(m), mass, m) / total
        bic = size * float(d * np.log(max(within, 1e-300)) - 2 * share @ np.log(np.maximum(share, 1e-300)))
        tried.append(m)
        found.append(bic + m * (d + 1) * float(np.log(max(size, 2.0))))
        m += max(1, m // 20)
    dips = [i for i in range(1, len(found) - 1) if found[i] < min(found[i - 1], found[i + 1])]
    return tried[min(dips or range(len(found)), key=found.__getitem__)]
