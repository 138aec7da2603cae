"""Tables that Spark and DuckDB read from the same Parquet file, and what DuckDB says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

import ppp_duck
from ppp_duck.models.model import ModelSet
from ppp_duck.running.report import model_key

NOISE = "sqrt(-2 * ln((hash(i) % 99991 + 1) / 99992)) * cos(i * 2.399)"
OTHER = "sqrt(-2 * ln((hash(i + 5) % 99991 + 1) / 99992)) * sin(i * 1.618)"
# Three groups in columns of every type. Names have quotes, braces and dots; there are holes of each kind.
TYPES = f"""
SELECT i AS id, 7 * g + r AS x, 5 * (g % 2) + s AS "it's ""ü"" {{y}}.z`", (20 * g + 3 * r)::FLOAT AS float,
  ((9 * g + 2 * r) * 1e9)::DECIMAL(30, 10) AS money, exp(2 * g + r) AS amount,
  CASE WHEN i % 3 = 0 THEN -0.0 ELSE exp(3 + g + s / 3) END AS orders,
  DATE '1969-11-01' + CAST(80 * g + 9 * r AS INTEGER) AS "day",
  TIMESTAMP '1966-05-05 10:00:00' + to_microseconds(CAST(1e14 * g + 1e13 * s AS BIGINT)) AS "at",
  TIMESTAMPTZ '2021-05-05 10:00:00+00' + to_microseconds(CAST(1e12 * g + 1e11 * s AS BIGINT)) AS moment,
  i % 4 < g AS flag, (1 + 2 * g + (i % 7 = 0)::INTEGER)::TINYINT AS level, 1000000007 * g + (i * 7919) % 100003 AS long,
  [['Oslo', 'it''s "{{naïve}}"', '日本\\n'][1 + (g + (i % 5 = 0)::INTEGER) % 3], NULL][1 + (i % 17 = 0)::INTEGER] AS city,
  'name ' || i AS name, CASE WHEN i % 11 > 0 THEN [4 * g + r, s, r * s] END AS point,
  [2 * g + s, NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, -1e30][1 + CASE WHEN i % 9 < 4 THEN i % 9 ELSE 0 END] AS holes,
  [1.0, 2.5, 0.0, 0.1, NULL][1 + i % 5]::DOUBLE AS weight, ['north', 'it''s "south"', NULL][1 + i % 3] AS side,
  (i % 2)::INTEGER AS year, (i % 11)::SMALLINT AS many, {{'a': i}} AS nested
FROM (SELECT i, i % 3 AS g, {NOISE} AS r, {OTHER} AS s FROM range(1200) t(i))
"""
BEYOND_ROWS = 65_536 + 200_000
BEYOND = f"""
SELECT i AS id, 9 * (i % 3) + {NOISE} AS x, 6 * (i % 2) + {OTHER} AS y, {NOISE} * {OTHER} AS z
FROM range({BEYOND_ROWS}) t(i)
"""
# One value is so far out that all others have one place in its range.
SENTINEL = f"""
SELECT i AS id, CASE i WHEN 7 THEN -9.2e18 ELSE 9 * (i % 3) + {NOISE} END AS x, 6 * (i % 2) + {OTHER} AS y FROM range(5000) t(i)
"""
# 200,000 rows of which 2,500 differ, some of them given 20,000 times; the weights have many digits.
DUPLICATES = """
SELECT i AS id, 10 * (d % 3) + (d * 7919 % 997) / 300 AS x, (d * 104729 % 991) / 100 AS y, ['oak', 'elm', 'ash'][1 + d % 3] AS tree,
  1 - (d * 31 % 1009) / 3000.7e0 AS weight
FROM (SELECT i, CAST(CASE WHEN i % 10 < 5 THEN i % 5 ELSE hash(i) % 2500 END AS BIGINT) AS d FROM range(200000) t(i))
"""


@dataclass(frozen=True)
class Case:
    name: str
    table: str
    options: dict[str, Any]


FEATURES = ["x", 'it\'s "ü" {y}.z`', "city", "day", "holes"]
DIAG = {"covariance": "diag"}  # the text of a full or tied covariance of rows with holes takes Spark long to read
CASES = (
    Case("every column", "types", {"exclude": ["nested", "weight"]}),
    Case("skip", "types", {"columns": [*FEATURES, "at", "moment", "money", "float"], "missing": "skip", **DIAG}),
    Case("impute", "types", {"columns": [*FEATURES, "flag", "level", "orders"], "missing": "impute", **DIAG}),
    Case("as before", "types", {"columns": FEATURES, "scale": "standard", "missing": "skip", "categorical": "onehot"}),
    Case("weight", "types", {"columns": [*FEATURES[1:4], "point"], "weight": "weight", "k": 3, **DIAG}),
    Case("small sample", "types", {"columns": ["x", "city", "point"], "sample_size": 200, **DIAG}),
    Case("sentinel", "sentinel", {"columns": ["x", "y"], "sample_size": 500}),
    Case("groups", "types", {"columns": FEATURES[1:4], "by": ["side"], "k": 2, **DIAG}),
    Case("many groups", "types", {"columns": FEATURES[:3], "by": ["many"], "weight": "weight"}),
    Case("duplicates", "duplicates", {"columns": ["x", "y", "tree"], **DIAG}),
    Case("duplicates, weight", "duplicates", {"columns": ["x", "y", "tree"], "weight": "weight", "sample_size": 1000}),
)


QUERIES = {"types": TYPES, "beyond": BEYOND, "duplicates": DUPLICATES, "sentinel": SENTINEL}


def connection(folder: Path, names: Sequence[str] = tuple(QUERIES)) -> duckdb.DuckDBPyConnection:
    """With tables of these names, views of Parquet files in the folder."""
    con = ppp_duck.connect()
    con.execute("SET TimeZone = 'UTC'").fetchall()
    for name in names:
        con.execute(f"COPY ({QUERIES[name]}) TO '{folder / name}.parquet'").fetchall()
        con.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet'").fetchall()
    return con


def content(models: ModelSet) -> str:
    """A hash of everything in the models but for the name of the source and the order of its columns."""
    plain = tuple(
        replace(model, report=tuple(line for line in model.report if line[0] != "source")) for model in models.models
    )
    return model_key(replace(models, models=plain))
