"""Rows by what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppp_duck.models.model import Bools, Ints


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
