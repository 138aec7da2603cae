"""What a mixture says about a partition: agreement, and whether the other half of the rows confirms it."""

from __future__ import annotations

import hashlib

import numpy as np

from ppp_duck.model import Floats, Ints


def agreement(weights: Floats, kmeans: Ints, mixture: Ints, k: int) -> tuple[Floats, float]:
    """Per cluster the harmonic mean of both shares that agree, and the overall share of rows that agree."""
    table = np.bincount(kmeans * k + mixture, weights, k * k).reshape(k, k)
    both, a, b = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    per_cluster = 2 * both / np.maximum(a + b, 1e-300)  # harmonic mean of both/a and both/b
    return per_cluster, float(both.sum() / table.sum())


def content_half(rows: Floats) -> Floats:
    """True for half of the rows, by a hash of each row's content, so that no order matters."""
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=1).digest()[0] & 1 for row in rows], dtype=bool)


def prediction_strength(weights: Floats, here: Ints, there: Ints) -> float:
    """Mean over clusters of ``here`` of the share of their pairs that ``there`` keeps together (Tibshirani 2005)."""
    k, m = int(here.max()) + 1, int(there.max()) + 1
    table = np.bincount(here * m + there, weights, k * m).reshape(k, m)
    size = table.sum(axis=1)
    size = size[size > 0]
    shares = (table[table.sum(axis=1) > 0] ** 2).sum(axis=1) / size**2
    return float(shares.mean())
