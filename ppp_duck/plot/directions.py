"""The two directions along which clusters are furthest apart, for the map of rows."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Floats, Ints

RIDGE = 1e-6  # of the mean variance within clusters: a direction without any would divide by zero


def discriminating(points: Floats, labels: Ints) -> Floats:
    """Two columns ``(v, 2)`` for rows ``(n, v)``, one where v is 1: ``points @ columns`` is the map.

    The linear discriminants of Fisher (1936, Annals of Eugenics 7): of all directions, those in which the variance
    between clusters is greatest beside the variance within them. Where clusters have fewer of them than two, the
    direction of greatest variance within clusters comes next. Signs are such that the strongest part is positive.
    """
    n, v = points.shape
    ids = np.unique(labels)
    means = np.array([points[labels == j].mean(axis=0) for j in ids])
    within = points - means[np.searchsorted(ids, labels)]
    shares = np.array([np.count_nonzero(labels == j) / n for j in ids])
    inside = within.T @ within / n
    inside += np.eye(v) * (RIDGE * np.trace(inside) / v + 1e-300)
    values, vectors = np.linalg.eigh(inside)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-300))
    apart = (means - shares @ means) @ whiten
    strength, inner = np.linalg.eigh((apart * shares[:, None]).T @ apart)
    wanted = min(2, v, len(ids) - 1)
    found = [whiten @ inner[:, -1 - i] for i in range(wanted) if strength[-1 - i] > 1e-12]
    for column in vectors.T[::-1]:
        if len(found) == min(2, v):
            break
        rest = _beside(column, found)
        if np.linalg.norm(rest) > 1e-6:
            found.append(rest)
    columns = np.column_stack([one / np.linalg.norm(one) for one in found])
    strongest = np.argmax(np.round(np.abs(columns), 9), axis=0)
    return np.asarray(columns * np.sign(columns[strongest, np.arange(columns.shape[1])]))


def _beside(column: Floats, found: list[Floats]) -> Floats:
    """What of a direction is at right angles to those found before."""
    for one in found:
        unit = one / np.linalg.norm(one)
        column = column - (column @ unit) * unit
    return column
