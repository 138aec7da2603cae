"""The frozen result of a fit, in scaled feature space. Plain data: no database, no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

OTHER = "(other)"  # the category that stands for the remaining ones


@dataclass(frozen=True)
class Spot:
    """A category of rows that lack a number, and where k-means sees those of each level in it (None: nowhere)."""

    number: int
    category: int
    places: tuple[float | None, ...]


@dataclass(frozen=True)
class Layout:
    """What the columns of rows mean: first scaled numbers, then categories, as codes ``0 .. levels[c] - 1``.

    NaN is a missing value, of a number or of a category.
    """

    numbers: int
    levels: tuple[int, ...] = ()
    # Of each number: the smallest standard deviation that a component may have in it, 0 where there is no bound.
    # A value on a grid of step s stands for an interval: with s / 2 its density times s is 0.8 at most.
    # Empty: no bounds.
    floors: tuple[float, ...] = ()
    spots: tuple[Spot, ...] = ()

    @property
    def width(self) -> int:
        """Columns of a row."""
        return self.numbers + len(self.levels)


FORMS = ("spherical", "diag", "tied", "full")  # of covariance
MISSING = ("auto", "skip", "impute", "error")  # what becomes of rows with holes


@dataclass(frozen=True)
class Mixture:
    """A mixture with ``m`` components: Gaussian over ``d`` scaled numbers, multinomial over each category.

    Within a component the numbers and each category are independent of each other.

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
    shares: tuple[Floats, ...] = ()  # of each category (m, levels): probability of each level, in each component


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

    k-means and distances see the *view* of a row ``(v,)``: its numbers, then for each axis the sum of the coordinates
    of its categories (``engine/view.py``). Without categories the view is the row, and ``v`` is ``d``.
    """

    mixture: Mixture  # m >= k components
    component_cluster: Ints  # (m,) the cluster of each component
    kmeans_centers: Floats  # (c, v) the k-means partition
    kmeans_cluster: Ints  # (c,) the cluster that each k-means cell belongs to
    centers: Floats  # (k, v) mean of the rows of each cluster
    sizes: Floats  # (k,) weight of the rows of each cluster
    agreement: Floats  # (k,) share of the k-means partition that the mixture confirms, and back (harmonic mean)
    overall_agreement: float
    trials: tuple[Trial, ...]
    layout: Layout | None = None  # None: all columns are numbers, and there are no holes
    axes: tuple[Floats, ...] = ()  # of each category (levels, a): the coordinates of its levels in the view


@dataclass(frozen=True)
class RowSet:
    """How clusterable a set of rows is, clustered by itself."""

    set: str
    rows: float  # their weight
    k: int | None
    dip_p_value: float | None
    agreement: float | None
    simplified_silhouette: float | None
    confidence: str | None  # how sure the partition is, in words


@dataclass(frozen=True)
class Feature:
    """How one source column becomes ``p`` scaled numbers, or a category, or both.

    A number is ``(f(value / unit) - center) / scale`` at each position, where f is the signed logarithm
    ``sign(x) log(1 + |x| / log_unit)``, or nothing where ``log_unit`` is 0. ``unit`` is a power of two that keeps sums
    and squares of extreme values within the range of doubles. Values below ``low`` or above ``high`` are far out, and
    missing.

    A text is a category, or (``'onehot'``) has a number for each: ``categories`` names them; with ``other`` one more
    stands for the remaining ones. A number with ``levels`` is a category, too: of the nearest level, where it has no
    position. Else the levels are values set apart, and it is both: a category that says which of these values it has
    (1, 2, …), and a number where it has none (0).
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
    floors: tuple[float, ...] = ()  # (p,) smallest standard deviation of a component, half a step of the grid
    log_unit: float = 0.0
    levels: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    fill_code: int = 0  # the category that stands in for a missing one
    places: tuple[float | None, ...] = ()  # of each value set apart: where k-means sees it, if it does

    @property
    def category_names(self) -> tuple[str, ...]:
        """Of a text: the names of its categories, as people read them."""
        return (*self.categories, OTHER) if self.other else self.categories

    @property
    def codes(self) -> int:
        """The number of categories, where the feature is one; else 0."""
        if self.kind == "text":
            return 0 if len(self.center) else len(self.category_names)
        return len(self.levels) + bool(self.apart)

    @property
    def apart(self) -> tuple[float, ...]:
        """Of a number: values that are categories beside it."""
        return self.levels if len(self.center) else ()

    @property
    def shown(self) -> int:
        """How many means tell what a cluster is like in it: of a text one for each category, of a number one."""
        return len(self.category_names) if self.kind == "text" else max(len(self.center), 1)


def spots_of(features: Sequence[Feature]) -> tuple[Spot, ...]:
    """Where k-means sees the values that features set apart from their numbers."""
    found, number, category = [], 0, 0
    for feature in features:
        if any(place is not None for place in feature.places):
            found.append(Spot(number, category, (None, *feature.places)))
        number += len(feature.center)
        category += feature.codes > 0
    return tuple(found)


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
    missing: str  # the option: 'auto', 'skip', 'impute' or 'error'
    separable_at: float
    clustering: Clustering | None  # None: nothing to cluster; ``note`` says why
    note: str = ""
    group: tuple[str | None, ...] = ()  # the values of the ``by`` columns, as text
    means: Floats | None = None  # (k, d) of the rows of each cluster, in the units of the columns; None: not asked for
    spreads: Floats | None = None  # (k, d) their standard deviations
    sets: tuple[RowSet, ...] = ()  # the rows of ``ppp_clusterability``
    report: tuple[tuple[str, str], ...] = ()  # rows of ``ppp_info`` that do not follow from the rest of the model
    note_of_fit: str = ""  # one line about columns left out and holes, for whoever waits; it is not stored
    beyond: Beyond | None = None  # None: not to be refined, or refined already

    @property
    def k(self) -> int:
        """The number of clusters, 0 where there was nothing to cluster."""
        return 0 if self.clustering is None else len(self.clustering.sizes)


@dataclass(frozen=True)
class ModelSet:
    """What one fit returns: one model, or one for each group of the ``by`` columns."""

    by: tuple[str, ...]
    models: tuple[Model, ...]

    @property
    def k(self) -> int:
        """The number of clusters, in all groups together."""
        return sum(model.k for model in self.models)


SET_COLUMNS = {
    "set": "VARCHAR", "rows": "BIGINT", "k": "INTEGER", "dip_p_value": "DOUBLE", "agreement": "DOUBLE",
    "simplified_silhouette": "DOUBLE", "confidence": "VARCHAR",
}  # fmt: skip
SCORE_COLUMNS = {
    "cluster_id": "INTEGER", "probability": "DOUBLE", "second_cluster_id": "INTEGER",
    "second_probability": "DOUBLE", "distance": "DOUBLE", "kmeans_id": "INTEGER", "is_separable": "BOOLEAN",
    "reason": "VARCHAR",
}  # fmt: skip


def score_columns(output: str) -> list[str]:
    """The new columns of a scored row, without a prefix. ``output``: 'id' or 'full'."""
    return list(SCORE_COLUMNS) if output == "full" else ["cluster_id"]
