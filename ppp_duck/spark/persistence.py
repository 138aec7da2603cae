"""Estimators and models in folders: parameters as JSON, as MLlib keeps them, and the model table as Parquet."""

from __future__ import annotations

from typing import Any

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReadable, MLReader, MLWritable, MLWriter
from pyspark.sql import SparkSession

from ppp_duck.spark.storing import from_table, to_table

METADATA, TABLE = "metadata", "model"


class Writer(MLWriter):
    """Writes parameters, and of a model its rows. No file system is touched but by DataFrames."""

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self._instance = instance

    def save(self, path: str) -> None:
        session, mode = SparkSession.active(), "overwrite" if self.shouldOverwrite else "errorifexists"
        text = DefaultParamsWriter._get_metadata_to_save(self._instance, session)
        written = session.createDataFrame([(text,)], "value string").coalesce(1).write.mode(mode)
        written.text(f"{path}/{METADATA}")
        model = getattr(self._instance, "model", None)
        if model is not None:
            to_table(model, session).coalesce(1).write.mode(mode).parquet(f"{path}/{TABLE}")


class Reader(MLReader[Any]):
    """Reads what ``Writer`` wrote."""

    def __init__(self, kind: Any, has_model: bool) -> None:
        super().__init__()
        self._kind, self._has_model = kind, has_model

    def load(self, path: str) -> Any:
        session = SparkSession.active()
        metadata = DefaultParamsReader.loadMetadata(path, session)
        model = [from_table(session.read.parquet(f"{path}/{TABLE}"))] if self._has_model else []
        instance = self._kind(*model)
        instance._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(instance, metadata)
        return instance


class Readable(MLWritable, MLReadable[Any]):
    """An estimator that is saved and loaded."""

    def write(self) -> Writer:
        return Writer(self)

    @classmethod
    def read(cls) -> Reader:
        return Reader(cls, has_model=False)


class ReadableModel(Readable):
    """A model that is saved and loaded with its rows."""

    @classmethod
    def read(cls) -> Reader:
        return Reader(cls, has_model=True)
