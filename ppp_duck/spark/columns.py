"""A Spark DataFrame as a source: its columns, with the names that DuckDB has for their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.ml.functions import vector_to_array
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DataType, DecimalType, StringType

from ppp_duck.binding.quoting import folded
from ppp_duck.binding.source import Column, Source
from ppp_duck.errors import FeatureError, SourceError, listed, show

SOURCE = "the DataFrame"  # what messages call it
VECTOR = "DOUBLE[]"  # a vector of MLlib, sparse or dense

# Of types that are in no list the name stays Spark's, which DuckDB has for none of its own: no feature is made of them.
NAMES = {
    "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT", "float": "FLOAT",
    "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP", "void": '"NULL"',
}  # fmt: skip
# Whose texts are the same on DuckDB and on Spark, and so name groups.
NAMING = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "VARCHAR", "BOOLEAN", "DATE")


def source_of(df: DataFrame) -> Source:
    """The columns of a DataFrame. Raises SourceError where two have one name."""
    seen: dict[str, str] = {}
    for field in df.schema.fields:
        if folded(field.name) in seen:
            both = listed([seen[folded(field.name)], field.name])
            raise SourceError(f"rename a column: two have the same name, {both}")
        seen[folded(field.name)] = field.name
    columns = tuple(Column(field.name, type_name(field.dataType)) for field in df.schema.fields)
    return Source(SOURCE, "_ppp_given", columns, repeatable=True)


def type_name(kind: DataType) -> str:
    """DuckDB's name of the type.

    >>> type_name(ArrayType(DecimalType(9, 2))), type_name(StringType())
    ('DECIMAL(9,2)[]', 'VARCHAR')
    """
    if isinstance(kind, VectorUDT):
        return VECTOR
    if isinstance(kind, ArrayType):
        return f"{type_name(kind.elementType)}[]"
    if isinstance(kind, DecimalType):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if isinstance(kind, StringType) or kind.typeName() in ("char", "varchar"):
        return "VARCHAR"
    return NAMES.get(kind.simpleString(), kind.simpleString())


def with_arrays(df: DataFrame) -> DataFrame:
    """The DataFrame with lists in the place of vectors of MLlib."""
    return _with_lists(df, {name: name for name in _vectors(df)})


def arrays_beside(df: DataFrame, wanted: Sequence[str]) -> tuple[DataFrame, dict[str, str]]:
    """The DataFrame with such lists as more columns, behind its own; and their names, by the folded ones of vectors."""
    keys = set(map(folded, wanted))
    lists = {name: f"ppp_list \x1f{name}" for name in _vectors(df) if folded(name) in keys}
    return _with_lists(df, lists), {folded(name): own for name, own in lists.items()}


def _vectors(df: DataFrame) -> list[str]:
    return [field.name for field in df.schema.fields if isinstance(field.dataType, VectorUDT)]


def _with_lists(df: DataFrame, names: Mapping[str, str]) -> DataFrame:
    """The DataFrame with lists made of vectors: their names, by those of the vectors."""
    return df.withColumns({own: vector_to_array(df[quoted(name)]) for name, own in names.items()}) if names else df


def quoted(name: str) -> str:
    """A name as Spark's functions take it, dots and all."""
    return "`" + name.replace("`", "``") + "`"


def check_groups(function: str, by: tuple[str, ...], source: Source) -> None:
    """Raises FeatureError for a ``by`` column whose values DuckDB would write otherwise than Spark."""
    for column in source.columns:
        if column.name in by and column.type not in NAMING:
            raise FeatureError(
                f"{function}: cast {column.name} to a whole number, a text or a date: groups on Spark are not named by "
                f"{column.type}"
            )


def check_frame(df: object) -> DataFrame:
    """The DataFrame, classic or of Spark Connect. Raises SourceError for anything else."""
    if not isinstance(df, DataFrame):
        raise SourceError(f"give a Spark DataFrame, such as spark.table('customers'), not {show(type(df).__name__)}")
    return df
