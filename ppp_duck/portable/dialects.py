"""What each dialect says otherwise than the others: all of it is in this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from ppp_duck.errors import DialectError
from ppp_duck.portable.nodes import Node

# A value x of a column of a type as a double: as sql/feature_types.sql makes it. Times are seconds since 1970, or
# midnight. A type that is not here the dialect lacks.
FINITE = "CASE WHEN isfinite(x) THEN epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END"
SECONDS = {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS", "TIME", "TIMETZ", "INTERVAL"}
BOOLEAN = "CASE WHEN x THEN 1e0 WHEN NOT x THEN 0e0 END"
EPOCH = "CAST(EXTRACT(EPOCH FROM x) AS DOUBLE PRECISION)"
# A wall clock, whatever the time zone of the session.
SPARK_CLOCK = (
    "CAST(UNIX_DATE(CAST(x AS DATE)) * 86400000000 + CAST(HOUR(x) * 3600 + MINUTE(x) * 60 AS BIGINT) * 1000000 "
    "+ CAST(EXTRACT(SECOND FROM x) * 1000000 AS BIGINT) AS DOUBLE) / 1e6"
)
BIGQUERY_MICROS = "CAST(UNIX_MICROS(CAST(x AS TIMESTAMP)) AS FLOAT64) / 1e6"
SNOWFLAKE_MICROS = "CAST(DATE_PART(EPOCH_MICROSECOND, x) AS DOUBLE) / 1e6"
CLICKHOUSE_MICROS = "toUnixTimestamp64Micro(CAST(x AS Nullable(DateTime64(6, 'UTC')))) / 1e6"

# The text of a value that names a group, as ppp__group of sql/feature_types.sql writes it. Elsewhere it is the text
# that the engine gives: the same of whole numbers, texts, booleans and dates.
DUCKDB_GROUP = r"""
CASE
  WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN
    CASE WHEN TRY_CAST(x AS DOUBLE) = trunc(TRY_CAST(x AS DOUBLE)) AND abs(TRY_CAST(x AS DOUBLE)) < 1e15
      THEN CAST(TRY_CAST(TRY_CAST(x AS DOUBLE) AS HUGEINT) AS VARCHAR) ELSE CAST(TRY_CAST(x AS DOUBLE) AS VARCHAR) END
  WHEN starts_with(typeof(x), 'DECIMAL') THEN
    regexp_replace(regexp_replace(CAST(x AS VARCHAR), '(\.[0-9]*[1-9])0+$', '\1'), '\.0*$', '')
  WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' AND isfinite(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ)) THEN
    CAST(make_timestamp(epoch_us(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ))) AS VARCHAR) || '+00'
  WHEN typeof(x) = 'INTERVAL' THEN CAST(normalized_interval(TRY_CAST(CAST(x AS VARCHAR) AS INTERVAL)) AS VARCHAR)
  ELSE CAST(x AS VARCHAR)
END"""


@dataclass(frozen=True)
class Dialect:
    """A dialect of SQL: its name, which is sqlglot's too, and what is its own."""

    name: str
    numbers: Mapping[str, str]  # by type: a value x as a double; '' is any number
    text: str  # a value x as a text that is compared letter by letter
    group: str
    struct: str | None  # the row of the source as one value, taken apart at the end; None: its columns are handed on
    infinity: str = "inf"
    fence: bool = False  # a subquery is merged into the next, its expressions doubled, unless OFFSET 0 stands there
    underflow_raises: bool = (
        False  # a product or an exp that is too small for a double is an error, and so is 1e308 * 10
    )
    literals_are_decimals: bool = False  # also in scientific notation
    # What only the branches of a CASE use is worked out for each use: of a chain of stages, exponentially often.
    lazy_branches: bool = False
    nul: bool = True  # a text may hold the character of number 0
    # Whether a list x is there: a condition that keeps a stage out of the method that Spark makes of many. One of more
    # than 8,000 bytes Java never compiles, and so runs fifty times as long; Spark writes none for lambdas.
    guard: str | None = None


DIALECTS = {
    one.name: one
    for one in (
        Dialect(
            "duckdb",
            {
                "": "CAST(x AS DOUBLE)", "BOOLEAN": BOOLEAN, "DATE": FINITE, "TIMESTAMP": FINITE,
                "TIMESTAMPTZ": FINITE.replace("epoch(x)", "CAST(epoch_us(x) AS DOUBLE) / 1e6"),
                "TIMESTAMP_NS": FINITE.replace("epoch(x)", "CAST(epoch_ns(x) AS DOUBLE) / 1e9"),
                "TIME": "epoch(x)", "TIMETZ": "epoch(x)", "INTERVAL": "epoch(x)",
            },
            "CAST(x AS VARCHAR) COLLATE C", f"({DUCKDB_GROUP}) COLLATE C", "ppp_source",
        ),
        Dialect(
            "postgres",
            {
                "": "CAST(x AS DOUBLE PRECISION)", "BOOLEAN": BOOLEAN,
                **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "INTERVAL"), EPOCH),
            },
            'CAST(x AS TEXT) COLLATE "C"', 'CAST(x AS TEXT) COLLATE "C"', "ppp_source", infinity="Infinity", fence=True,
            underflow_raises=True, literals_are_decimals=True, nul=False,
        ),
        Dialect(
            "spark",
            {
                "": "CAST(x AS DOUBLE)", "BOOLEAN": BOOLEAN, "DATE": "CAST(UNIX_DATE(x) AS DOUBLE) * 86400e0",
                "TIMESTAMP": SPARK_CLOCK, "TIMESTAMPTZ": "CAST(UNIX_MICROS(x) AS DOUBLE) / 1e6",
            },
            "CAST(x AS STRING) COLLATE UTF8_BINARY", "CAST(x AS STRING) COLLATE UTF8_BINARY", "STRUCT(ppp_source.*)",
            infinity="Infinity", guard="ARRAY_SORT(x)[0]",
        ),
        Dialect(
            "bigquery",
            {
                "": "CAST(x AS FLOAT64)", "BOOLEAN": BOOLEAN, "DATE": "CAST(UNIX_DATE(x) AS FLOAT64) * 86400e0",
                "TIMESTAMP": BIGQUERY_MICROS, "TIMESTAMPTZ": BIGQUERY_MICROS,
                "TIME": "CAST(TIME_DIFF(x, TIME '00:00:00', MICROSECOND) AS FLOAT64) / 1e6",
            },
            "COLLATE(CAST(x AS STRING), '')", "COLLATE(CAST(x AS STRING), '')", "ppp_source",
        ),
        Dialect(
            "snowflake",
            {
                "": "CAST(x AS DOUBLE)", "BOOLEAN": BOOLEAN,
                "DATE": "CAST(DATEDIFF(DAY, CAST('1970-01-01' AS DATE), x) AS DOUBLE) * 86400e0",
                "TIMESTAMP": SNOWFLAKE_MICROS, "TIMESTAMPTZ": SNOWFLAKE_MICROS,
                "TIME": "CAST(DATEDIFF(MICROSECOND, CAST('00:00:00' AS TIME), x) AS DOUBLE) / 1e6",
            },
            "COLLATE(CAST(x AS VARCHAR), 'utf8')", "COLLATE(CAST(x AS VARCHAR), 'utf8')", None,
        ),
        Dialect(
            "clickhouse",
            {
                "": "CAST(x AS Nullable(Float64))", "BOOLEAN": BOOLEAN,
                "DATE": "CAST(CAST(x AS Nullable(Date32)) AS Nullable(Int32)) * 86400e0",
                "TIMESTAMP": CLICKHOUSE_MICROS, "TIMESTAMPTZ": CLICKHOUSE_MICROS,
            },
            "CAST(x AS Nullable(String))", "CAST(x AS Nullable(String))", None, lazy_branches=True,
        ),
    )
}  # fmt: skip

NAMES = {
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "TIME WITH TIME ZONE": "TIMETZ", "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
}  # fmt: skip

# Every kind of node that a text may hold. sqlglot hands a function that it does not know to any dialect as it is: so
# what is not in this list is an error.
NODES = frozenset(
    {
        exp.Select, exp.From, exp.Where, exp.With, exp.CTE, exp.Union, exp.Subquery, exp.TableAlias, exp.Table,
        exp.Identifier, exp.Column, exp.Dot, exp.Star, exp.Alias, exp.Offset, exp.Create, exp.Literal, exp.Null,
        exp.Boolean, exp.Neg, exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ,
        exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Case, exp.If, exp.Coalesce, exp.Greatest,
        exp.Least, exp.Abs, exp.Exp, exp.Ln, exp.Sqrt, exp.Cast, exp.DataType, exp.DataTypeParam, exp.DPipe,
        exp.Bracket, exp.ArraySize, exp.Collate, exp.UserDefinedFunction, exp.Struct, exp.PropertyEQ, exp.Var,
        exp.Interval,
    }
)  # fmt: skip
# And those that stand in the lines of one dialect only, functions that sqlglot does not know by their names.
OWN_NODES: Mapping[str, frozenset[type[Node]]] = {
    "duckdb": frozenset({exp.TryCast, exp.Typeof, exp.Trunc, exp.StartsWith, exp.RegexpReplace, exp.TimeToUnix,
                         exp.UnixToTime}),
    "postgres": frozenset({exp.Extract}),
    "spark": frozenset({exp.TryCast, exp.Extract, exp.UnixMicros, exp.Hour, exp.Minute, exp.Array, exp.ArraySort}),
    "bigquery": frozenset({exp.UnixDate, exp.UnixMicros, exp.TimeDiff}),
    "snowflake": frozenset({exp.Extract, exp.DateDiff}),
    "clickhouse": frozenset(),
}  # fmt: skip
FUNCTIONS: Mapping[str, frozenset[str]] = {
    "duckdb": frozenset({"isfinite", "epoch_us", "epoch_ns", "normalized_interval"}),
    "spark": frozenset({"UNIX_DATE"}),
    "clickhouse": frozenset({"toUnixTimestamp64Micro"}),
}


def type_name(given: str) -> str:
    """The name under which a dialect has a type of DuckDB; '' for numbers.

    >>> type_name("DECIMAL(9,2)"), type_name("TIMESTAMP WITH TIME ZONE"), type_name("DATE"), type_name("BOOLEAN")
    ('', 'TIMESTAMPTZ', 'DATE', 'BOOLEAN')
    """
    known = NAMES.get(given.upper(), given.upper())
    return known if known in SECONDS or known == "BOOLEAN" else ""


def as_number(dialect: Dialect, node: Node, given: str, feature: str) -> Node:
    """A value of a column of a DuckDB type as a double. Raises DialectError where the dialect has no such type."""
    kind = type_name(given)
    if kind not in dialect.numbers:
        raise DialectError.lacks(dialect.name, f"the type {given}", feature)
    return filled_in(dialect, dialect.numbers[kind], node)


def filled_in(dialect: Dialect, template: str, node: Node) -> Node:
    """A template of the table with a node in the place of x."""
    found = sqlglot.parse_one(template, read=dialect.name)
    # sqlglot would write a DATEDIFF, which in Spark goes by the clock of the session, and may be a day off
    for day in list(found.find_all(exp.UnixDate)) if dialect.name == "spark" else ():
        day.replace(exp.Anonymous(this="UNIX_DATE", expressions=[day.this]))
    places = [one for one in found.find_all(exp.Column) if one.name == "x"]
    for place in places:
        if place is found:
            return node
        place.replace(node.copy())
    return found


def check(dialect: Dialect, query: Node) -> None:
    """Raises DialectError where a query holds what this dialect was not said to have."""
    nodes, functions = NODES | OWN_NODES[dialect.name], FUNCTIONS.get(dialect.name, frozenset())
    for node in query.walk():
        if type(node) in nodes or (isinstance(node, exp.Anonymous) and node.name in functions):
            continue
        raise DialectError(f"ppp_sql: choose another dialect: {dialect.name} is not known to have {node.sql()[:80]}")
