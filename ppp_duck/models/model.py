"""The frozen result of a fit, in scaled feature space. Plain data: no database, no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OTHER = "(other)"  # the category that stands for the remaining ones


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture with ``m`` components over ``d`` scaled features.

    ``factors`` holds the precision factor ``L`` of each covariance, so that ``z = (x - mean) @ L`` has unit covariance
    (scikit-learn calls it ``precisions_cholesky``). Its shape follows the form:

    ========== ============= ======================================
    covariance factors       covariance matrix of component j
    ========== ============= ======================================
    spherical  ``(m,)``      ``I / factors[j]**2``
    diag       ``(m, d)``    ``diag(1 / factors[j]**2)``
    tied       ``(d, d)``    ``inv(factors @ factors.T)``
    full       ``(m, d, d)`` ``inv(factors[j] @ factors[j].T)``, upper triangular
    ========== ============= ======================================
    """

    covariance: str
    weights: Floats  # (m,) sums to 1
    means: Floats  # (m, d)
    factors: Floats


@dataclass(frozen=True)
class Trial:
    """One candidate of the search for k, and why it was chosen or not."""

    covariance: str
    k: int
    log_likelihood: float
    bic: float
    icl: float
    agreement: float
    inertia: float
    chosen: bool
    why: str


@dataclass(frozen=True)
class Clustering:
    """What the engine returns: ``k`` clusters, each the union of one or more mixture components.

    Cluster ids are canonical: the heaviest cluster is 0, ties are broken by the centre, feature by feature.
    """

    mixture: Mixture  # m >= k components
    component_cluster: Ints  # (m,) the cluster of each component
    kmeans_centers: Floats  # (c, d) the k-means partition
    kmeans_cluster: Ints  # (c,) the cluster that each k-means cell belongs to
    centers: Floats  # (k, d) mean of the rows of each cluster
    sizes: Floats  # (k,) weight of the rows of each cluster
    agreement: Floats  # (k,) share of the k-means partition that the mixture confirms, and back (harmonic mean)
    overall_agreement: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class RowSet:
    """How clusterable a set of rows is, clustered by itself."""

    set: str
    rows: float  # their weight
    k: int | None
    dip_p_value: float | None
    agreement: float | None
    simplified_silhouette: float | None


@dataclass(frozen=True)
class Feature:
    """How one source column becomes ``p`` scaled numbers: ``(value / unit - center) / scale`` at each position.

    ``unit`` is a power of two that keeps sums and squares of extreme values within the range of doubles.
    ``categories`` (text only) names the one-hot positions; with ``other`` one more stands for the remaining ones.
    """

    name: str
    kind: str  # 'number', 'text' or 'vector'
    type: str  # DuckDB's name of the column's type; '' if no row was seen
    unit: float
    center: Floats  # (p,)
    scale: Floats  # (p,)
    categories: tuple[str, ...]
    other: bool
    fill: Floats  # (p,) scaled values that stand in for a missing one

    @property
    def category_names(self) -> tuple[str, ...]:
        """Of a text: the names of the one-hot positions, as people read them."""
        return (*self.categories, OTHER) if self.other else self.categories


@dataclass(frozen=True)
class Beyond:
    """What a refinement over all rows needs from the fit to a sample of them."""

    rows: int  # of the sample
    heaviest: float | None  # the largest weight of a row; None without weights
    prior: Floats | None  # (d, d) the prior covariance of the mixture's M steps; None: k-means, which has none


@dataclass(frozen=True)
class Model:
    """All that scoring needs: how rows become points, and the cluster of each point."""

    features: tuple[Feature, ...]
    impute: bool
    separable_at: float
    clustering: Clustering | None  # None: nothing to cluster; ``note`` says why
    note: str = ""
    group: tuple[str | None, ...] = ()  # the values of the ``by`` columns, as text
    means: Floats | None = None  # (k, d) of the rows of each cluster, in the units of the columns; None: not asked for
    spreads: Floats | None = None  # (k, d) their standard deviations
    sets: tuple[RowSet, ...] = ()  # the rows of ``ppp_clusterability``
    report: tuple[tuple[str, str], ...] = ()  # rows of ``ppp_info`` that do not follow from the rest of the model
    beyond: Beyond | None = None  # None: not to be refined, or refined already


@dataclass(frozen=True)
class ModelSet:
    """What one fit returns: one model, or one for each group of the ``by`` columns."""

    by: tuple[str, ...]
    models: tuple[Model, ...]


SET_COLUMNS = {
    "set": "VARCHAR", "rows": "BIGINT", "k": "INTEGER", "dip_p_value": "DOUBLE", "agreement": "DOUBLE",
    "simplified_silhouette": "DOUBLE",
}  # fmt: skip
SCORE_COLUMNS = {
    "cluster_id": "INTEGER", "probability": "DOUBLE", "second_cluster_id": "INTEGER",
    "second_probability": "DOUBLE", "distance": "DOUBLE", "kmeans_id": "INTEGER", "is_separable": "BOOLEAN",
    "reason": "VARCHAR",
}  # fmt: skip
