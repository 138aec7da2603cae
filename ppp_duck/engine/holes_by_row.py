"""EM with missing numbers and one shared covariance, row by row: for wide rows, few of which lack the same.

With ``L`` the inverse of the shared covariance, ``u`` what a row lacks, and any numbers ``z`` in its place, the squared
distance of what is there to a mean is ``(z - mean)' L (z - mean) - g' inv(L[u, u]) g`` with ``g = (L (z - mean))[u]``:
the first term is that of complete rows. Holes are zeros, so the missing numbers are expected at ``-inv(L[u, u]) g``,
with the covariance ``inv(L[u, u])``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.inverse import inverses
from ppp_duck.engine.patterns import Lacking
from ppp_duck.engine.rows import LOG_2PI, TINY, Rows
from ppp_duck.models.model import Floats, Ints, Mixture

KEPT = 1 << 23  # numbers that are kept from one step of EM for the next: 64 MB


@dataclass(frozen=True)
class Part:
    """Some rows, and what is to be expected of what each lacks, in each of ``m`` components."""

    lacking: Lacking
    pairs: Ints  # (n, r, r) where two missing features are in the flat matrix of all pairs
    spread: Floats  # (n, r, r) covariance of what is missing
    expected: Floats  # (n, r, m)
    gain: Floats  # (n, m) what ``log_densities`` adds to the log density of a row whose holes are zeros

    @property
    def size(self) -> int:
        """Numbers that it holds."""
        return self.pairs.size + self.spread.size + self.expected.size + self.gain.size


def parts(rows: Rows, means: Floats, factors: Floats) -> Iterator[Part]:
    """All rows, where ``factors`` are of the precision.

    The expectation and the maximisation after it ask for the same parts: they are kept in between, unless they are
    large.
    """
    if rows.kept and np.array_equal(rows.kept[0], means) and np.array_equal(rows.kept[1], factors):
        yield from rows.kept[2:]
        return
    rows.kept.clear()
    made, room = [], KEPT
    for part in _made(rows, means, factors @ factors.T):
        room -= part.size
        if room >= 0:
            made.append(part)
        else:
            made.clear()
        yield part
    if room >= 0:
        rows.kept[:] = [means, factors, *made]


def _made(rows: Rows, means: Floats, precision: Floats) -> Iterator[Part]:
    m, d = means.shape
    wide = rows.lacking[0].wide
    matrix, linear = np.eye(wide), np.zeros((wide, m))
    matrix[:d, :d], linear[:d] = precision, precision @ means.T
    for lacking in rows.lacking:
        own = np.zeros((len(lacking.rows), wide))
        np.matmul(rows.x[lacking.rows], precision, out=own[:, :d])
        gap = linear[lacking.missing] - np.take_along_axis(own, lacking.missing, axis=1)[:, :, None]
        pairs = lacking.missing[:, :, None] * wide + lacking.missing[:, None, :]
        spread, log_det = inverses(matrix.take(pairs))
        expected = spread @ gap
        gain = 0.5 * (np.einsum("nrm,nrm->nm", gap, expected) - log_det[:, None])
        yield Part(lacking, pairs, spread, expected, gain)


def log_densities(mixture: Mixture, rows: Rows, result: Floats) -> None:
    """``log(weight_j) + log N(what is there of x_i)`` into ``(n, m)``."""
    assert rows.seen is not None
    factors, means = mixture.factors, mixture.means
    white, centers = rows.x @ factors, means @ factors
    of_each = np.log(np.maximum(mixture.weights, TINY)) + np.log(np.diag(factors)).sum()
    np.matmul(centers, white.T, out=result.T)
    result += of_each - 0.5 * np.einsum("md,md->m", centers, centers)
    result -= 0.5 * (np.einsum("nd,nd->n", white, white) + rows.seen.sum(axis=1) * LOG_2PI)[:, None]
    for part in parts(rows, means, factors):
        result[part.lacking.rows] += part.gain


def moments(
    rows: Rows, soft: Floats, means: Floats, factors: Floats, strength: float, prior: Floats
) -> tuple[Floats, Floats]:
    """Means and shared covariance, with the prior: expected moments under those before, of precision ``factors``."""
    m, d = means.shape
    wide = rows.lacking[0].wide
    first, second = np.zeros((wide, m)), np.zeros((wide, wide))
    filled = np.zeros((len(rows.x), wide))  # what is expected of a row's missing numbers in all components
    for part in parts(rows, means, factors):
        which, missing = part.lacking.rows, part.lacking.missing
        weight = soft[which]
        weighted = part.expected * weight[:, None]
        filled[which[:, None], missing] = np.einsum("nrm->nr", weighted)
        at = missing[:, :, None] * m + np.arange(m)
        first += np.bincount(at.ravel(), weighted.ravel(), first.size).reshape(first.shape)
        products = weighted @ part.expected.transpose(0, 2, 1)
        products += part.spread * weight.sum(axis=1)[:, None, None]
        second += np.bincount(part.pairs.ravel(), products.ravel(), second.size).reshape(second.shape)
    total = np.maximum(soft.sum(axis=0), TINY)
    found = (soft.T @ rows.x + first[:d].T) / total[:, None]
    cross = rows.x.T @ filled[:, :d]
    scatter = rows.scatter() + cross + cross.T + second[:d, :d] - (found * total[:, None]).T @ found
    covariance = (scatter + strength * prior) / (total.sum() + strength)
    return found, 0.5 * (covariance + covariance.T)
