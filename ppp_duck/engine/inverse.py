"""Inverses of many small positive definite matrices at once: to hand them to LAPACK one by one takes longer."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Floats

SMALL = 8  # rows of a matrix that is inverted entry by entry


def inverses(matrices: Floats) -> tuple[Floats, Floats]:
    """Inverses ``(n, r, r)`` and log determinants ``(n,)`` of symmetric positive definite matrices.

    By halves: ``[[A, B'], [B, D]]`` has the inverse ``[[P + T' Q T, -T' Q], [-Q T, Q]]`` with ``P = inv(A)``,
    ``T = B P`` and ``Q = inv(D - T B')``.
    """
    r = matrices.shape[1]
    if r <= SMALL:
        return _swept(matrices)
    h = r // 2
    upper, log_det = inverses(matrices[:, :h, :h])
    below = matrices[:, h:, :h]
    turned = below @ upper
    lower, more = inverses(matrices[:, h:, h:] - turned @ below.transpose(0, 2, 1))
    found = np.empty_like(matrices)
    corner = lower @ turned
    found[:, :h, :h] = upper + turned.transpose(0, 2, 1) @ corner
    found[:, h:, :h] = -corner
    found[:, :h, h:] = -corner.transpose(0, 2, 1)
    found[:, h:, h:] = lower
    return found, log_det + more


def _swept(matrices: Floats) -> tuple[Floats, Floats]:
    """The same by Gauss-Jordan elimination, all matrices together."""
    found = np.array(matrices.transpose(1, 2, 0), order="C")
    pivots = np.empty(found.shape[1:])
    for at in range(len(found)):
        pivots[at] = found[at, at]
        line = found[at] / pivots[at]
        column = found[:, at].copy()
        found -= column[:, None] * line
        found[at] = line
        found[:, at] = column / -pivots[at]
        found[at, at] = 1.0 / pivots[at]
    return np.ascontiguousarray(found.transpose(2, 0, 1)), np.log(pivots).sum(axis=0)
