"""The tables, made by SQL from the row number: the same values everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

import ppp_duck

CLUSTERS = 10


@dataclass(frozen=True)
class Table:
    """``distinct`` rows repeated up to ``rows``; ``memory_limit`` means: in a DuckDB file, under this limit.

    With ``groups``, every group is clustered by itself.
    """

    rows: int
    features: int
    distinct: int | None = None
    vector: bool = False
    memory_limit: str | None = None
    groups: int | None = None

    @property
    def options(self) -> str:
        return "exclude := ['id']" + (", by := ['store']" if self.groups else "")

    @property
    def names(self) -> list[str]:
        """All columns but ``id``."""
        return ["v"] if self.vector else [f"f{f}" for f in range(self.features)] + ["store"] * bool(self.groups)


TABLES = {
    "1M x 8": Table(1_000_000, 8),
    "1M x 8, 500 distinct": Table(1_000_000, 8, 500),
    "1M x 4, 1000 groups": Table(1_000_000, 4, groups=1000),
    "10M x 8": Table(10_000_000, 8),
    "10M x 8, 500 distinct": Table(10_000_000, 8, 500),
    "10M x 32": Table(10_000_000, 32),
    "1M x FLOAT[384]": Table(1_000_000, 384, vector=True),
    "10M x 8, 2 GB": Table(10_000_000, 8, memory_limit="2GB"),
    "100M x 8, 2 GB": Table(100_000_000, 8, memory_limit="2GB"),
}


def connect(table: Table, database: str) -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect(database)
    con.execute("SET enable_progress_bar = false").fetchall()
    if table.memory_limit:
        con.execute(f"SET memory_limit = '{table.memory_limit}'").fetchall()
        con.execute("SET preserve_insertion_order = false").fetchall()
    return con


def center(cluster: str, feature: int) -> str:
    return f"(hash({cluster} * 77 + {feature}) % 1000) / 60e0"


def centers(con: duckdb.DuckDBPyConnection, features: int) -> list[list[float]]:
    """The values of ``center`` for every cluster."""
    wanted = [", ".join(center(str(c), f) for f in range(features)) for c in range(CLUSTERS)]
    return [[float(v) for v in con.execute(f"SELECT {one}").fetchall()[0]] for one in wanted]


def build(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Ten round clusters, and every twentieth row uniform noise; all from a hash of the row number ``j``."""
    uniform = "((hash(j * 1000 + {}) % 1000003) + 0.5e0) / 1000003e0"
    values = [
        f"CASE WHEN j % 20 = 19 THEN 18 * {uniform.format(2 * f)} ELSE sqrt(-2 * ln({uniform.format(2 * f)})) "
        f"* cos(2 * pi() * {uniform.format(2 * f + 1)}) + {center(f'(j % {CLUSTERS})', f)} END"
        for f in range(table.features)
    ]
    if table.vector:
        columns = f"[{', '.join(values)}]::FLOAT[] AS v"
    else:
        columns = ", ".join(f"{value} AS f{f}" for f, value in enumerate(values))
    if table.groups:
        columns += f", i // 20 % {table.groups} AS store"
    j = "i" if table.distinct is None else f"i % {table.distinct}"
    numbers = f"SELECT i, {j} AS j FROM range({table.rows}) r(i)"
    con.execute(f"CREATE TABLE points AS SELECT i AS id, {columns} FROM ({numbers})").fetchall()
