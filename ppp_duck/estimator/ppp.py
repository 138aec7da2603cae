"""``PPP``, the scikit-learn estimator: the same engine as SQL, so the same ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ppp_duck.api import fit, load
from ppp_duck.binding.quoting import quote
from ppp_duck.errors import FeatureError, PPPError
from ppp_duck.estimator import scores
from ppp_duck.estimator.centers import centers_of
from ppp_duck.estimator.given import TABLE, Given, frame_of, names_in, own_names
from ppp_duck.models import description
from ppp_duck.models.model import Floats
from ppp_duck.registering import connect
from ppp_duck.running.memory import Ready

OPTIONS = (
    "k", "k_max", "covariance", "scale", "missing", "categorical", "max_categories", "separable_at", "sample_size",
)  # fmt: skip
NOT_PICKLED = ("model_", "_ready")  # made anew of the text of the model


class PPP(ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Clustering that finds k, without a seed: the labels are the ids of ``ppp_cluster`` for the same rows and options.

    Every column of X is a feature, as with ``columns`` in SQL. X is an array of numbers, or a frame (pandas, polars,
    Arrow, a DuckDB relation), which may also have texts, dates and holes.

    Parameters
    ----------
    k : int, default=None
        The number of clusters; None: found from the data (1 is an honest answer).
    k_max : int, default=None
        Upper bound of the search for k; None: decided from the data.
    covariance : {'auto', 'spherical', 'diag', 'tied', 'full'}, default='auto'
        The form of the mixture's covariances; 'spherical' is k-means.
    scale : {'auto', 'standard', 'robust', 'log', 'none'}, default='standard'
        How numbers are scaled; 'auto': as they are or as logarithms, which is the default of SQL.
    missing : {'auto', 'skip', 'impute', 'error'}, default='error'
        What becomes of NULL, NaN and infinity; 'auto': a row with holes has a label, too, which is the default of SQL.
    categorical : {'auto', 'onehot', 'ignore', 'error'}, default='onehot'
        What becomes of texts; 'auto': categories of each cluster, which is the default of SQL.
    max_categories : int, default=20
        The most frequent of a text column; the rest become one, *other*.
    separable_at : float, default=0.95
        Posterior probability from which a row counts as separable.
    sample_size : int, default=65536
        How many distinct weighted rows the engine sees; below it nothing is lost.

    Attributes
    ----------
    labels_ : ndarray of int32 (n_samples,)
        The cluster of each row, 0 the largest; -1 for a row that has none.
    n_clusters_ : int
    cluster_centers_ : ndarray (n_clusters_, n_features_in_)
        In the units of X. Where a column is no number, an array of objects: dates, the most frequent text of each.
    agreement_ : float
        How far k-means and the mixture agree, 0 to 1.
    is_separable_ : ndarray of bool (n_samples,)
        Whether both agree on the row, with a probability of ``separable_at`` or more.
    trials_ : dict of ndarray
        Every candidate that the search weighed, by column, as ``ppp_trials`` has them.
    model_ : ppp_duck.Model
        The model: ``model_.save(con, 'seg')`` stores it in DuckDB.
    n_features_in_, feature_names_in_
        As in all of scikit-learn.

    >>> X = [[0.1 * (i % 7) + 10 * (i % 2), 0.1 * (i % 5)] for i in range(60)]
    >>> clusters = PPP().fit(X)
    >>> clusters.n_clusters_, clusters.predict([[10.2, 0.2], [0.3, 0.1]]).tolist()
    (2, [1, 0])
    """

    def __init__(
        self,
        k: int | None = None,
        *,
        k_max: int | None = None,
        covariance: str = "auto",
        scale: str = "standard",
        missing: str = "error",
        categorical: str = "onehot",
        max_categories: int = 20,
        separable_at: float = 0.95,
        sample_size: int = 65536,
    ) -> None:
        self.k = k
        self.k_max = k_max
        self.covariance = covariance
        self.scale = scale
        self.missing = missing
        self.categorical = categorical
        self.max_categories = max_categories
        self.separable_at = separable_at
        self.sample_size = sample_size

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> PPP:
        """Find the clusters of X (n_samples, n_features). A row of weight 2 counts as two. ``y`` is not used.

        Raises OptionError and FeatureError, which are ValueErrors.
        """
        given = self._given(X, reset=True)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, given.values, dtype=np.float64)
        con = connect()
        with _said_of_ppp():
            weight = given.put(con, weights)
            options = {name: getattr(self, name) for name in OPTIONS}
            fitted = fit(con, TABLE, columns=list(given.names), weight=weight, **options)
        _empty(con)
        (model,) = fitted.models.models
        if model.clustering is None:
            raise FeatureError(f"PPP: give X other rows, or set missing to 'auto' or 'impute': {model.note}")
        self._columns, self._text, self.model_, self._ready = given.names, fitted.query, fitted, Ready.of(model)
        self.labels_, self.is_separable_ = scores.labels_and_separable(self._ready, given.rows())
        self.n_clusters_ = self._n_features_out = len(model.clustering.centers)
        self.cluster_centers_ = centers_of(model, given.names)
        self.agreement_ = model.clustering.overall_agreement
        trials = description.trials(model)
        self.trials_ = {name: np.array([trial[name] for trial in trials]) for name in description.TRIALS}
        return self

    def predict(self, X: Any) -> NDArray[np.int32]:
        """The cluster of each row (n_samples,), -1 for one that has none."""
        return scores.labels(*self._to_score(X))

    def predict_proba(self, X: Any) -> Floats:
        """The probability of each cluster for each row (n_samples, n_clusters_); NaN for a row that has none."""
        return scores.probabilities(*self._to_score(X))

    def transform(self, X: Any) -> Floats:
        """The distance of each row to each centre (n_samples, n_clusters_), in scaled units."""
        return scores.distances_to_centers(*self._to_score(X))

    def score_samples(self, X: Any) -> Floats:
        """The log density of each row (n_samples,) in the mixture, in scaled units: minus ``ppp_outliers``' score.

        So scores of different ``scale`` cannot be compared, those of different ``covariance`` and ``k`` can.
        """
        return scores.log_densities(*self._to_score(X))

    def score(self, X: Any, y: object = None) -> float:
        """The mean of ``score_samples``, over rows that have a cluster. ``y`` is not used."""
        found = self.score_samples(X)
        return float(np.mean(found[~np.isnan(found)]))

    def _to_score(self, X: Any) -> tuple[Ready, Iterator[Any]]:
        check_is_fitted(self, "labels_")  # a fit that failed has set n_features_in_
        return self._ready, self._given(X, reset=False).rows()

    def _given(self, X: Any, reset: bool) -> Given:
        """X as scikit-learn checks it, with the names of the fit."""
        frame = frame_of(X)
        if frame is not None:
            names = names_in(frame)
            X = validate_data(self, frame, reset=reset, skip_check_array=True)
            if not X.shape[1] or (reset and not len(X)):
                raise FeatureError(f"PPP: give X rows and columns, not {X.shape[0]} rows of {X.shape[1]}")
        else:
            X = validate_data(self, X, reset=reset, ensure_all_finite=self.missing == "error")
            if X.dtype.kind not in "biu" and X.dtype not in (np.float32, np.float64):
                X = X.astype(np.float64)
            names = [f"x{place}" for place in range(X.shape[1])]
        return Given(X, tuple(own_names(names)) if reset else self._columns)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in NOT_PICKLED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_text" in state:
            self.model_ = load(_empty(connect()), self._text)
            self._ready = Ready.of(self.model_.models.models[0])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        return tags


def _empty(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A database that a model keeps: without the rows, and without threads that wait."""
    con.execute(f"DROP TABLE IF EXISTS {quote(TABLE)}").fetchall()
    con.execute("SET threads = 1").fetchall()
    return con


@contextmanager
def _said_of_ppp() -> Iterator[None]:
    """Messages name who is asked."""
    try:
        yield
    except PPPError as error:
        said = re.sub(r"^(ppp_fit|PPP): ", "", str(error))
        said = re.sub(r"(^|, or )exclude ", r"\1leave out ", said)  # every column of X is a feature
        raise type(error)(f"PPP: {said}") from None
