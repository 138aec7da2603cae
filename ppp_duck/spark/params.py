"""The parameters of ``PPP`` and ``PPPModel``: MLlib's names where it has one, else options of ``ppp_fit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasPredictionCol, HasProbabilityCol, HasWeightCol

# The name of a parameter, and of the option that it is.
OPTIONS = {
    "weightCol": "weight", "k": "k", "kMax": "k_max", "scale": "scale", "missing": "missing",
    "categorical": "categorical", "maxCategories": "max_categories", "covariance": "covariance",
    "separableAt": "separable_at", "sampleSize": "sample_size", "by": "by",
}  # fmt: skip


def _param(name: str, meaning: str, converter: Callable[[Any], Any]) -> Param[Any]:
    return Param(Params._dummy(), name, meaning, typeConverter=converter)


def _columns(value: Any) -> str | list[str]:
    """One name, of a vector column or any other, or a list of them."""
    return value if isinstance(value, str) else TypeConverters.toListString(value)


class ScoreParams(HasPredictionCol, HasProbabilityCol):
    """Where the cluster of a row goes, an integer from 0, and the probability of that cluster, a double."""

    featuresCol: Param[Any] = _param("featuresCol", "a vector column, or a list of columns", _columns)

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(featuresCol="features")

    def features(self) -> list[str]:
        """The names of the columns that are features."""
        given = self.getOrDefault(self.featuresCol)
        return [given] if isinstance(given, str) else list(given)

    def setFeaturesCol(self, value: str | list[str]) -> Any:
        return self._set(featuresCol=value)

    def setPredictionCol(self, value: str) -> Any:
        return self._set(predictionCol=value)

    def setProbabilityCol(self, value: str) -> Any:
        return self._set(probabilityCol=value)


class FitParams(ScoreParams, HasWeightCol):
    """What a fit is told. What is not set is decided from the data, or is the default of ``ppp_fit``."""

    k: Param[int] = _param("k", "the number of clusters; not set: found from the data", TypeConverters.toInt)
    kMax: Param[int] = _param("kMax", "upper bound of the search for k", TypeConverters.toInt)
    scale: Param[str] = _param("scale", "auto, standard, robust, log or none", TypeConverters.toString)
    missing: Param[str] = _param("missing", "auto, skip, impute or error", TypeConverters.toString)
    categorical: Param[str] = _param("categorical", "auto, onehot, ignore or error", TypeConverters.toString)
    maxCategories: Param[int] = _param("maxCategories", "the most frequent of a text column", TypeConverters.toInt)
    covariance: Param[str] = _param("covariance", "auto, spherical, diag, tied or full", TypeConverters.toString)
    separableAt: Param[float] = _param(
        "separableAt", "probability from which a row is separable", TypeConverters.toFloat
    )
    sampleSize: Param[int] = _param("sampleSize", "distinct rows that the fit sees", TypeConverters.toInt)
    by: Param[list[str]] = _param("by", "one clustering for each group of these columns", TypeConverters.toListString)

    def getK(self) -> int:
        return int(self.getOrDefault(self.k))

    def setK(self, value: int) -> Any:
        return self._set(k=value)

    def setWeightCol(self, value: str) -> Any:
        return self._set(weightCol=value)
