"""EM with missing numbers and one shared covariance, row by row: for wide rows, few of which lack the same.

The precision of what is there is that of all features, less what the missing ones take away (Schur complement): with
``L`` the inverse of the shared covariance and ``u`` what a row lacks, ``L - L[:, u] inv(L[u, u]) L[u, :]``. Few numbers
are missing in a row, so these matrices are small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppp_duck.engine.rows import LOG_2PI, TINY, Rows
from ppp_duck.models.model import Floats, Ints, Mixture

NUMBERS = 1 << 20  # of a temporary array: 8 MB
KEPT = 1 << 23  # numbers that are kept from one step of EM for the next: 64 MB


@dataclass(frozen=True)
class Part:
    """Some rows, and what each lacks: at most ``r`` features."""

    rows: Ints  # (n,) which
    seen: Floats  # (n, d)
    missing: Ints  # (n, r), d where there are fewer
    of_missing: Floats  # (n, r, r) inverse of the precision of what is missing, 0 where there is less
    rest: Floats  # (n, r, d) rows of the precision: those of what is missing
    log_det: Floats  # (n,) of the precision of what is missing

    def spread(self, values: Floats) -> Floats:
        """Values ``(n, m, r)`` of what is missing at the features ``(n, m, d)``, 0 elsewhere."""
        n, m, _ = values.shape
        found = np.zeros((n, m, self.seen.shape[1] + 1))
        np.put_along_axis(found, np.broadcast_to(self.missing[:, None], values.shape), values, axis=2)
        return found[:, :, :-1]

    @property
    def size(self) -> int:
        """Numbers that it holds."""
        return self.seen.size + self.of_missing.size + self.rest.size


def parts(rows: Rows, factors: Floats, m: int) -> Iterator[Part]:
    """All rows, where ``factors`` are of the precision.

    The expectation and the maximisation after it ask for the same parts: they are kept in between, unless they are
    large.
    """
    if rows.kept and np.array_equal(rows.kept[0], factors):
        yield from rows.kept[1:]
        return
    rows.kept.clear()
    made, room = [], KEPT
    for part in _made(rows, factors @ factors.T, m):
        room -= part.size
        if room >= 0:
            made.append(part)
        else:
            made.clear()
        yield part
    if room >= 0:
        rows.kept[:] = [factors, *made]


def _made(rows: Rows, precision: Floats, m: int) -> Iterator[Part]:
    """So many rows at once that matrices of ``m`` components fit: those that lack as many together."""
    assert rows.seen is not None
    n, d = rows.x.shape
    size = max(1, NUMBERS // (d * (m + d)))
    wider = np.zeros((d + 1, d + 1))
    wider[:d, :d] = precision
    lacking = d - rows.seen.sum(axis=1)
    order = np.argsort(lacking, kind="stable")
    for lo in range(0, n, size):
        some = order[lo : lo + size]
        seen, count = rows.seen[some], lacking[some]
        width = int(count.max(initial=0))
        missing = np.where(np.arange(width) < count[:, None], np.argsort(seen, axis=1, kind="stable")[:, :width], d)
        own = wider[missing[:, :, None], missing[:, None, :]]
        there = missing < d
        own += np.eye(width) * ~there[:, :, None]
        inverse = np.linalg.inv(own) * (there[:, :, None] & there[:, None, :])
        log_det = 2 * np.log(np.diagonal(np.linalg.cholesky(own), axis1=1, axis2=2)).sum(axis=1)
        yield Part(some, seen.astype(np.float64), missing, inverse, wider[missing][:, :, :d], log_det)


def log_densities(mixture: Mixture, rows: Rows, result: Floats) -> None:
    """``log(weight_j) + log N(what is there of x_i)`` into ``(n, m)``."""
    factors, means = mixture.factors, mixture.means
    whole = 2 * np.log(np.diag(factors)).sum()
    weight = np.log(np.maximum(mixture.weights, TINY))
    for part in parts(rows, factors, len(means)):
        gap = (rows.x[part.rows][:, None] - means) * part.seen[:, None]
        turned = gap @ factors
        squared = np.einsum("nmd,nmd->nm", turned, turned)
        lacking = gap @ part.rest.transpose(0, 2, 1)
        squared -= np.einsum("nmr,nmr->nm", lacking @ part.of_missing, lacking)
        constant = 0.5 * (whole - part.log_det - part.seen.sum(axis=1) * LOG_2PI)
        result[part.rows] = weight + constant[:, None] - 0.5 * squared


def moments(
    rows: Rows, soft: Floats, means: Floats, factors: Floats, strength: float, prior: Floats
) -> tuple[Floats, Floats]:
    """Means and shared covariance, with the prior: expected moments under those before, of precision ``factors``."""
    m, d = means.shape
    shift, scatter = np.zeros((m, d)), np.zeros((d + 1, d + 1))
    for part in parts(rows, factors, m):
        weight = soft[part.rows]
        gap = (rows.x[part.rows][:, None] - means) * part.seen[:, None]
        gap -= part.spread((gap @ part.rest.transpose(0, 2, 1)) @ part.of_missing)
        shift += np.einsum("nm,nmd->md", weight, gap)
        flat = gap.reshape(-1, d)
        scatter[:d, :d] += (flat * weight.reshape(-1, 1)).T @ flat
        left = part.of_missing * weight.sum(axis=1)[:, None, None]
        at = part.missing[:, :, None] * (d + 1) + part.missing[:, None, :]
        scatter += np.bincount(at.ravel(), left.ravel(), scatter.size).reshape(scatter.shape)
    scatter = scatter[:d, :d]
    total = np.maximum(soft.sum(axis=0), TINY)
    shift /= total[:, None]
    scatter -= (shift * total[:, None]).T @ shift
    found = (scatter + strength * prior) / (total.sum() + strength)
    return means + shift, 0.5 * (found + found.T)
