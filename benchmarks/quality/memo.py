"""Fits kept on disk, so that rules of choice are compared in seconds: the slow steps, by a hash of what goes into them.

Only trees, agglomerations and EM runs are kept. Each is found again by the bytes of its arguments and the source of the
modules it runs through, so that a result never outlives a change to what made it; all else of the engine runs as it is.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ppp_duck.engine import mixture, partition
from ppp_duck.model import Ints

FOLDER = Path(__file__).parent / "cache"


class _Labels:
    """Labels of the rows for every k, as ``partition.agglomerate`` gives them, from a small table over the leaves."""

    def __init__(self, table: Ints, leaves: Ints) -> None:
        self.table, self.leaves = table, leaves

    def __call__(self, k: int) -> Ints:
        return np.asarray(self.table[k - 1][self.leaves].astype(np.int64))


class Memo:
    """Every result of one data set, in one file."""

    def __init__(self, name: str) -> None:
        source = b"".join(Path(str(module.__file__)).read_bytes() for module in (mixture, partition))
        self.salt = hashlib.sha256(source).digest()
        self.path = FOLDER / f"{name.replace('/', '-')}-{self.salt.hex()[:12]}.pickle"
        self.known: dict[str, Any] = pickle.loads(self.path.read_bytes()) if self.path.exists() else {}
        self.before = len(self.known)

    def save(self) -> None:
        if len(self.known) > self.before:
            FOLDER.mkdir(exist_ok=True)
            self.path.write_bytes(pickle.dumps(self.known))

    def once(self, compute: Callable[[], Any], *arguments: Any) -> Any:
        digest = hashlib.sha256()
        for one in arguments:
            digest.update(one.tobytes() if isinstance(one, np.ndarray) else repr(one).encode())
            digest.update(str(getattr(one, "shape", "")).encode())
        key = digest.hexdigest()[:24]
        if key not in self.known:
            self.known[key] = compute()
        return self.known[key]

    def __enter__(self) -> Memo:
        self.own = em, grow, agglomerate = mixture.em, partition.grow_tree, partition.agglomerate

        def kept_em(rows: Any, start: Any, form: str, prior: Any, steps: int, tolerance: float, say: Any) -> Any:
            def compute() -> Any:
                return em(rows, start, form, prior, steps, tolerance, say)[:2]

            given = rows.x, rows.weights, start, form, prior.strength, prior.covariance, steps, tolerance
            fitted, log_likelihood = self.once(compute, "em", *given)
            return fitted, log_likelihood, None  # the posteriors would fill the disk; nobody reads them

        def kept_tree(rows: Any, weights: Any, leaves: int, say: Any) -> Any:
            return self.once(lambda: grow(rows, weights, leaves, say), "tree", rows, weights, leaves)

        def kept_merges(rows: Any, weights: Any, leaves: Any, smallest: int, form: str, say: Any) -> Any:
            def compute() -> Any:
                first = np.unique(leaves, return_index=True)[1]
                at = agglomerate(rows, weights, leaves, smallest, form, say)
                return np.stack([at(k)[first] for k in range(1, len(first) + 1)]).astype(np.int16)

            return _Labels(self.once(compute, "merges", rows, weights, leaves, smallest, form), leaves)

        self._put(kept_em, kept_tree, kept_merges)
        return self

    def __exit__(self, *_: object) -> None:
        self._put(*self.own)
        self.save()

    @staticmethod
    def _put(em: Any, grow: Any, agglomerate: Any) -> None:
        mixture.em, partition.grow_tree, partition.agglomerate = em, grow, agglomerate
