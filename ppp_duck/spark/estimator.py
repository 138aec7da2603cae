"""``PPP`` and ``PPPModel``: the estimator and the model of ``pyspark.ml``, for pipelines."""

from __future__ import annotations

from typing import Any

from pyspark import keyword_only
from pyspark.ml import Estimator, Model
from pyspark.sql import DataFrame

import ppp_duck.api
from ppp_duck.binding.quoting import folded
from ppp_duck.errors import SourceError
from ppp_duck.spark import calls, storing
from ppp_duck.spark.columns import quoted
from ppp_duck.spark.params import OPTIONS, FitParams, ScoreParams
from ppp_duck.spark.persistence import Readable, ReadableModel

PREFIX = "ppp \x1f"  # of new columns, before they have their names


class PPP(Estimator["PPPModel"], FitParams, Readable):
    """Finds clusters in the columns of ``featuresCol``, a vector column or a list of columns of any kinds.

    ``k`` is found from the data unless it is set; there is no seed, because nothing is random. The other parameters are
    the options of ``ppp_fit``, with their defaults. Every column of ``featuresCol`` is a feature.

    >>> PPP(featuresCol=["x", "y"], k=3).getOrDefault("k")
    3
    """

    @keyword_only
    def __init__(self, **params: Any) -> None:
        super().__init__()
        self.setParams(**params)

    def setParams(self, **params: Any) -> PPP:
        """Set parameters by their names; None leaves one as it is."""
        self._set(**params)
        return self

    def _fit(self, dataset: DataFrame) -> PPPModel:
        options = {
            option: self.getOrDefault(name) for name, option in OPTIONS.items() if self.isDefined(self.getParam(name))
        }
        columns = self.features()
        beside = [*options.get("by", ()), *([options["weight"]] if "weight" in options else [])]
        known = {folded(name) for name in dataset.columns}
        for name in (*columns, *beside):
            if folded(name) not in known:
                raise SourceError.column("PPP", name, "the DataFrame", dataset.columns)
        rows = dataset.select(*(quoted(name) for name in dict.fromkeys([*columns, *beside])))
        return self._copyValues(PPPModel(calls.fit(rows, columns=columns, **options)))


class PPPModel(Model, ScoreParams, ReadableModel):
    """A fitted clustering. ``transform`` adds ``predictionCol`` and ``probabilityCol``, which '' leaves out."""

    def __init__(self, model: ppp_duck.api.Model) -> None:
        super().__init__()
        self._model = model

    @property
    def model(self) -> ppp_duck.api.Model:
        """The model, which describes itself: ``model.centers()``, ``model.info()``, ``model.sql('spark')``."""
        return self._model

    def toTable(self) -> DataFrame:
        """The rows of ``ppp_fit``, on the active session: any table holds the model, and DuckDB reads it, too."""
        return storing.to_table(self._model)

    @classmethod
    def fromTable(cls, df: DataFrame) -> PPPModel:
        """The model of a table of such rows. Raises ModelError if it cannot be used."""
        return cls(storing.from_table(df))

    def _transform(self, dataset: DataFrame) -> DataFrame:
        params = {"cluster_id": "predictionCol", "probability": "probabilityCol"}
        wanted = {name: column for name, param in params.items() if (column := self.getOrDefault(param))}
        for name, column in wanted.items():
            if folded(column) in map(folded, dataset.columns):
                raise SourceError(f"PPPModel: set {params[name]} to another name: there is a column {column} already")
        output = "full" if "probability" in wanted else "id"
        scored = calls.predict(dataset, self._model, output, PREFIX)
        names = [PREFIX + name for name in wanted]
        found = scored.select(*(quoted(name) for name in [*dataset.columns, *names]))
        return found.toDF(*dataset.columns, *wanted.values())
