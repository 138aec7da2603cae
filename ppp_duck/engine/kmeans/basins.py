"""The deepest of many basins of k-means: local optima from spread starts, from pairs of partitions, and from moves.

Many small searches go on side by side, in arrays ``(k, t, n)`` of cells, searches and rows. Nothing here is random:
where k-means++ draws, the numbers are hashes of the number of the search and of the center. Every gain is counted in
units of ``MARGIN`` of the inertia, and the first of equals is taken, so that last bits of sums decide nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ppp_duck.engine.canonical import Progress, content_keys
from ppp_duck.engine.kmeans.lloyd import inertia, largest, lloyd
from ppp_duck.engine.kmeans.moves import lloyd_and_moves, missed
from ppp_duck.engine.kmeans.tree import split
from ppp_duck.models.model import Floats, Ints

SEARCHES = 64  # spread starts, at most; each is crossed with the best partition so far
TOGETHER = 16  # searches that go on side by side, at most
FEWEST = 4  # searches below which none is worth its time: many centers are brought to their places by their moves
NUMBERS = 5_000_000  # rows x centers x searches, at most
BLOCK = 2_000_000  # rows x centers x searches side by side, at most: 16 MB
WIDE = 16  # features that cost about as much again as all else that is done with a distance
STEPS = 50  # of Lloyd, at most, before single rows move
ROUNDS = 300  # of moves of single rows, at most
SWAP_ROUNDS = 20  # times, at most, that moves of centers from the best partition are tried again
MARGIN = 1e-9  # share of the inertia by which one partition has to be better than another
SAME = 1e-6  # share of the inertia by which the ends of two searches differ at most where they are one partition
GRAIN = 1e-10  # share of the rows' mean square in whole multiples of which Lloyd compares distances
NOISE = 1e-13  # share of all rows' inertia around their mean that rounding could be
# Rows of a mean cell (Kish's, with weights) from which one row is light: Lloyd is then faster for each search by
# itself, and only the lowest partitions are worth the moves of single rows. Sets of 2,000 to 8,192 rows, k = 3 to 40:
# inertia at most 1.0011 x that with the moves of all, in a third of the time.
LIGHT = 100
DEEP = 2  # of light searches side by side, the lowest, whose single rows move


class Basin(NamedTuple):
    """A local optimum: its inertia, the label of each row ``(n,)``, masses ``(k,)`` and centers ``(k, d)``."""

    inertia: float
    labels: Ints
    mass: Floats
    centers: Floats


def deepest(
    rows: Floats, weights: Floats, found: tuple[Floats, Ints], k: int, progress: Progress
) -> tuple[Floats, Ints]:
    """A partition at least as good as that of ``found``, whose centers and labels it gets and returns.

    Where ``NUMBERS`` allows it: rounds of spread starts, of their crossings with the best partition, and of moves of
    its centers. A round is the last where half of its crossings end in the best partition.
    """
    n, d = rows.shape
    searches = min(SEARCHES, int(NUMBERS / (n * k * (1 + d / WIDE))))
    if k == 1 or k == n or searches < FEWEST:
        return found
    together = max(FEWEST, min(TOGETHER, searches, BLOCK // (n * k)))
    table = Table(rows, weights, k, progress)
    first = Basin(
        inertia(rows, weights, *found), found[1], np.bincount(found[1], weights, k).astype(np.float64), found[0]
    )
    best, searched = table.better(first, table.settled(found[0][None])), None
    for lo in range(0, searches - searches % together, together):
        fresh = table.settled(table.spread_starts(np.arange(lo, lo + together)))
        best = table.better(best, fresh)
        crossed = table.settled(table.crossed(best, fresh))
        best = table.better(best, crossed)
        for _ in range(SWAP_ROUNDS if best is not searched else 0):
            searched, moved = best, table.swapped(best, together)
            best = table.better(best, table.settled(moved)) if len(moved) else best
            if best is searched:
                break
        if 2 * sum(one.inertia <= (1 + SAME) * best.inertia for one in crossed) >= together:
            break
    return found if best is first else lloyd_and_moves(rows, weights, best.centers, progress)


class Table:
    """Weighted rows ``(n, d)`` that are cut into k cells, and what all searches need of them."""

    def __init__(self, rows: Floats, weights: Floats, k: int, progress: Progress) -> None:
        self.rows, self.weights, self.k, self.progress = rows, weights, k, progress
        self.across = np.ascontiguousarray(rows.T)
        self.squares = np.einsum("nd,nd->n", rows, rows)
        self.moments = np.concatenate([weights[:, None], weights[:, None] * rows], axis=1)
        self.noise = NOISE * float(weights @ self.squares)
        self.grain = max(GRAIN * float(self.squares.mean()), 1e-300)
        kish = float(weights.sum()) ** 2 / float((weights**2).sum())
        self.light = kish >= (1 - MARGIN) * LIGHT * k

    def better(self, best: Basin, others: list[Basin]) -> Basin:
        """The lowest; ``best`` where none is lower by more than the margin."""
        for one in others:
            if one.inertia < best.inertia - max(MARGIN * best.inertia, self.noise):
                best = one
        return best

    def distances(self, centers: Floats) -> Floats:
        """Squared distances ``(..., n)`` of all rows from centers ``(..., d)``, up to rounding."""
        found = centers @ self.across
        found *= -2
        found += np.einsum("...d,...d->...", centers, centers)[..., None]
        found += self.squares
        return np.asarray(np.maximum(found, 0.0, out=found))

    def sums(self, labels: Ints) -> tuple[Floats, Floats]:
        """Masses ``(k, t)`` and centers ``(k, t, d)`` of the cells of labels ``(t, n)``; each cell has a row."""
        t, k = len(labels), self.k
        place = (labels * t + np.arange(t)[:, None]).ravel()
        found = np.stack([np.bincount(place, np.tile(one, t), k * t) for one in self.moments.T], axis=1)
        found = found.reshape(k, t, -1).astype(np.float64)
        return np.ascontiguousarray(found[:, :, 0]), found[:, :, 1:] / found[:, :, :1]

    def settled(self, starts: Floats) -> list[Basin]:
        """The local optima that Lloyd, and then moves of single rows, reach from centers ``(t, k, d)``."""
        if self.light:
            labels = np.stack([lloyd(self.rows, self.weights, one, self.progress, STEPS)[1] for one in starts])
            reached = np.array([one.inertia for one in self.basins(labels)])
            unit = max(MARGIN * float(reached.min()), self.noise)
            deep = np.argsort(np.rint(reached / unit), kind="stable")[:DEEP]
            labels[deep] = self.row_moves(labels[deep])
        else:
            labels = self.row_moves(self.lloyd(np.ascontiguousarray(starts.transpose(1, 0, 2))))
        return self.basins(labels)

    def basins(self, labels: Ints) -> list[Basin]:
        """Partitions with labels ``(t, n)``."""
        mass, centers = self.sums(labels)
        return [
            Basin(inertia(self.rows, self.weights, centers[:, i], labels[i]), labels[i], mass[:, i], centers[:, i])
            for i in range(len(labels))
        ]

    def lloyd(self, centers: Floats) -> Ints:
        """Labels ``(t, n)`` after steps of Lloyd from centers ``(k, t, d)``; no cell is empty."""
        t, n = centers.shape[1], len(self.rows)
        labels, live = np.full((t, n), -1, dtype=np.int64), np.arange(t)
        for _ in range(STEPS):
            self.progress("k-means", self.k)
            distance = self.distances(centers)
            near = np.rint(distance * (-1 / self.grain))
            found = largest(near.reshape(self.k, -1)).reshape(len(live), n)
            for i in np.flatnonzero([not np.bincount(one, minlength=self.k).all() for one in found]):
                self.fill(found[i], distance[:, i])
            moves = (found != labels[live]).any(axis=1)
            labels[live] = found
            live = live[moves]
            if not len(live):
                break
            centers = self.sums(labels[live])[1]
        return labels

    def fill(self, labels: Ints, distance: Floats) -> None:
        """Gives each empty cell the row that costs most, of a cell that has more than one."""
        cost = self.weights * distance[labels, np.arange(len(labels))]
        for empty in np.setdiff1d(np.arange(self.k), labels):
            size = np.bincount(labels, minlength=self.k)
            worst = int(np.argmax(np.where(size[labels] > 1, cost, -1.0)))
            labels[worst], cost[worst] = empty, -1.0

    def row_moves(self, labels: Ints) -> Ints:
        """Labels ``(t, n)`` of partitions that no move of a single row makes better (Hartigan 1975).

        In a round of each search the best moves are made between cells that no other move of the round has to do with,
        so that each gains what it would alone.
        """
        w, n, live = self.weights, np.arange(len(self.rows)), np.arange(len(labels))
        mass, centers = self.sums(labels)
        distance = self.distances(centers)
        for _ in range(ROUNDS):
            self.progress("k-means", self.k)
            own, t = labels[live], np.arange(len(live))[:, None]
            costs, own_mass = distance[own, t, n], mass[own, t]
            rest = own_mass - w
            saved = w * costs * own_mass / np.where(rest > NOISE * own_mass, rest, np.inf)  # a cell keeps its last row
            unit = np.maximum(MARGIN * (costs @ w), self.noise)
            price = -distance * (mass[:, :, None] / (mass[:, :, None] + w))
            price[own, t, n] = -np.inf
            to = largest(price.reshape(self.k, -1)).reshape(own.shape)
            gain = np.rint((saved + w * price[to, t, n]) / unit[:, None])
            chosen = [disjoint(one, a, b, self.k) for one, a, b in zip(gain, own, to, strict=True)]
            keep = np.flatnonzero([len(one) for one in chosen])
            if not len(keep):
                break
            live, distance, mass = live[keep], distance[:, keep], mass[:, keep]
            for i, old in enumerate(keep):
                moved = chosen[old]
                cells = np.concatenate([own[old, moved], to[old, moved]])
                labels[live[i], moved] = to[old, moved]
                sums = (labels[live[i]] == cells[:, None]).astype(np.float64) @ self.moments
                mass[cells, i] = sums[:, 0]
                distance[cells, i] = self.distances(sums[:, 1:] / sums[:, :1])
        return labels

    def spread_starts(self, searches: Ints) -> Floats:
        """Centers ``(t, k, d)``: rows as k-means++ draws them (Arthur & Vassilvitskii 2007), each far from the others.

        The numbers drawn are hashes: those of a search are the same in every table.
        """
        search, place = np.meshgrid(searches, np.arange(self.k), indexing="ij")
        drawn = content_keys(np.stack([search.ravel(), place.ravel()], axis=1).astype(np.float64)).reshape(search.shape)
        cost, chosen = np.tile(self.weights, (len(searches), 1)), np.empty(search.shape, dtype=np.int64)
        for j in range(self.k):
            total = np.cumsum(cost, axis=1)
            reached = total < drawn[:, j, None] * total[:, -1:]
            chosen[:, j] = at = np.minimum(reached.sum(axis=1), len(self.rows) - 1)
            near = self.weights * self.distances(self.rows[at])
            cost = near if j == 0 else np.minimum(cost, near)
            cost[np.arange(len(searches)), at] = 0.0
        return np.asarray(self.rows[chosen])

    def crossed(self, best: Basin, others: list[Basin]) -> Floats:
        """Centers ``(t, k, d)`` of each of the others and the best, 2 k, merged pair by pair to k (Franti 2000).

        Always the pair that costs the least inertia: centers that both have in about the same place come first.
        """
        centers = np.stack([np.concatenate([best.centers, one.centers]) for one in others])
        mass = np.stack([np.concatenate([best.mass, one.mass]) for one in others])
        t, unit = np.arange(len(others)), max(MARGIN * best.inertia, self.noise)
        cost = np.stack([self.merging(centers, mass, np.full(len(t), j)) for j in range(2 * self.k)], axis=1)
        cost[:, np.arange(2 * self.k), np.arange(2 * self.k)] = np.inf
        for _ in range(self.k):
            at = np.argmin(np.rint(cost / unit).reshape(len(t), -1), axis=1)
            into, gone = at // (2 * self.k), at % (2 * self.k)
            share = (mass[t, gone] / (mass[t, into] + mass[t, gone]))[:, None]
            centers[t, into] += share * (centers[t, gone] - centers[t, into])
            mass[t, into] += mass[t, gone]
            mass[t, gone] = 0.0
            new = self.merging(centers, mass, into)
            new[mass == 0.0] = np.inf
            new[t, into] = np.inf
            cost[t, into], cost[t, :, into] = new, new
            cost[t, gone], cost[t, :, gone] = np.inf, np.inf
        return np.asarray(centers[mass > 0.0].reshape(len(t), self.k, -1))

    def merging(self, centers: Floats, mass: Floats, which: Ints) -> Floats:
        """What a merge of center ``which (t,)`` with each of centers ``(t, q, d)`` costs."""
        t = np.arange(len(centers))
        gap = centers - centers[t, which][:, None]
        own = mass[t, which][:, None]
        return np.asarray(mass * own / (mass + own) * np.einsum("tqd,tqd->tq", gap, gap))

    def swapped(self, best: Basin, count: int) -> Floats:
        """Centers ``(t, k, d)``: one is taken away, another cell is cut in two; ``count`` pairs that promise most."""
        loss, _ = missed(self.rows, self.weights, best.centers, best.labels)
        cuts = split(self.rows, self.weights, [np.flatnonzero(best.labels == cell) for cell in range(self.k)])
        gain = np.array([one[2] for one in cuts])
        promise = np.rint((gain - loss[:, None]) / max(MARGIN * best.inertia, self.noise))
        promise[:, gain <= 0] = -np.inf
        promise[np.arange(self.k), np.arange(self.k)] = -np.inf
        found = []
        for at in np.argsort(-promise, axis=None, kind="stable")[:count].tolist():
            gone, cell = divmod(at, self.k)
            if promise[gone, cell] > -np.inf:
                centers = best.centers.copy()
                for to, part in zip((cell, gone), cuts[cell], strict=False):
                    centers[to] = self.weights[part] @ self.rows[part] / self.weights[part].sum()
                found.append(centers)
        return np.array(found)


def disjoint(gain: Floats, own: Ints, to: Ints, k: int) -> Ints:
    """Rows with a gain, the largest first, of which no two have to do with the same cell."""
    rows = np.flatnonzero(gain >= 1)
    free = np.ones(k, dtype=bool)
    found = []
    for i in rows[np.argsort(-gain[rows], kind="stable")][: 4 * k].tolist():
        if free[own[i]] and free[to[i]]:
            free[own[i]] = free[to[i]] = False
            found.append(i)
    return np.array(found, dtype=np.int64)
