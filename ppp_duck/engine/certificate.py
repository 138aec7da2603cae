"""The certificate: how far the mixture confirms the k-means partition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppp_duck.models.model import Clustering, Floats, Ints


def agreement(weights: Floats, kmeans: Ints, mixture: Ints, k: int) -> tuple[Floats, float]:
    """Per cluster ``(k,)`` the harmonic mean of both shares that agree, and the overall share of rows that agree."""
    table = np.bincount(kmeans * k + mixture, weights, k * k).reshape(k, k)
    both, of_kmeans, of_mixture = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    # the harmonic mean of both / of_kmeans and both / of_mixture
    return 2 * both / np.maximum(of_kmeans + of_mixture, 1e-300), float(both.sum() / table.sum())


def majority(weights: Floats, cells: Ints, clusters: Ints, cell_count: int, k: int) -> Ints:
    """The cluster ``(cell_count,)`` that holds most of the weight of each cell; the lowest id among equals."""
    table = np.bincount(cells * k + clusters, weights, cell_count * k).reshape(cell_count, k)
    return np.asarray(np.argmax(table, axis=1), dtype=np.int64)


def in_canonical_order(one: Clustering) -> tuple[Clustering, Ints]:
    """The clustering with canonical ids, and the order ``(k,)`` of its clusters before."""
    order = canonical_order(one.centers, one.sizes)
    rank = np.argsort(order).astype(np.int64)
    cells, owner = one.kmeans_centers, rank[one.kmeans_cluster]
    if len(one.component_cluster) == len(order):
        cells, owner = cells[order], owner[order]
    ordered = replace(
        one, component_cluster=rank[one.component_cluster], kmeans_centers=cells, kmeans_cluster=owner,
        centers=one.centers[order], sizes=one.sizes[order], agreement=one.agreement[order],
    )  # fmt: skip
    return ordered, order


def canonical_order(centers: Floats, sizes: Floats) -> Ints:
    """The order of clusters ``(k,)``: the heaviest first, ties by the centre ``(k, d)``, feature by feature."""
    return np.asarray(np.lexsort((*centers.T[::-1], -sizes)), dtype=np.int64)
