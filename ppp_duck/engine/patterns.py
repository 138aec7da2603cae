"""Rows by what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppp_duck.models.model import Bools, Ints

NUMBERS = 1 << 16  # of a temporary array: 512 kB, which a cache holds
OTHERS = 16  # components, or features, beside the missing ones that there is to be room for


@dataclass(frozen=True)
class Patterns:
    """Rows of one pattern have the same numbers."""

    seen: Bools  # (p, d) which, in each pattern
    order: Ints  # (n,) the rows, those of a pattern one after another
    starts: Ints  # (p + 1,) where each pattern begins in it, and where the last one ends

    @staticmethod
    def of(seen: Bools) -> Patterns:
        """Of rows that have what ``seen (n, d)`` says."""
        distinct, owner = np.unique(seen, axis=0, return_inverse=True)
        owner = owner.ravel()
        counts = np.bincount(owner, minlength=len(distinct))
        return Patterns(distinct, np.argsort(owner, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))

    def rows(self, pattern: int) -> Ints:
        """The rows of a pattern."""
        return self.order[self.starts[pattern] : self.starts[pattern + 1]]

    def __iter__(self) -> Iterator[tuple[Bools, Ints]]:
        """Each pattern ``(d,)``, and its rows."""
        return ((pattern, self.rows(at)) for at, pattern in enumerate(self.seen))


@dataclass(frozen=True)
class Lacking:
    """Some rows, and what each lacks: at most ``r`` of ``d`` features."""

    rows: Ints  # (n,) which
    missing: Ints  # (n, r) the features, then d, d + 1, ... where there are fewer
    wide: int  # more than all of these

    @staticmethod
    def of(seen: Bools) -> list[Lacking]:
        """Rows that have what ``seen (n, d)`` says: those that lack as many together."""
        n, d = seen.shape
        lacking = d - seen.sum(axis=1)
        order = np.argsort(lacking, kind="stable")
        wide = d + int(lacking.max(initial=0))
        found, lo = [], 0
        while lo < n:
            least = int(lacking[order[lo]])
            some = order[lo : lo + max(1, NUMBERS // ((least + 1) * (least + OTHERS)))]
            width = int(lacking[some[-1]])
            missing = np.argsort(seen[some], axis=1, kind="stable")[:, :width]
            beyond = np.arange(width) - lacking[some, None]
            found.append(Lacking(some, np.where(beyond < 0, missing, d + beyond), wide))
            lo += len(some)
        return found
