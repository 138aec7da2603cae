"""Table ``number``: its columns, how it is read and which options are asked for, all by that number."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from benchmarks.fuzz import values
from benchmarks.fuzz.values import Rng, Texts
from ppp_duck.binding.options import CATEGORICAL, COVARIANCES, SCALES
from ppp_duck.models.model import MISSING

SOURCES = ("table", "view", "temp", "cte", "select", "pandas", "arrow", "parquet")
NAMES = (
    "x", "y", "Größe", "grÖße", "Ä", "ä", "straße", "strasse", "İ", "i", "select", "order", "group", "from",
    "NULL", "true", "rowid", 'a"b', "it's", "a b", " ", "\t", "a\nb", "a.b", "*", "%", "?", "$1", "{x}",
    "{}", "\\", "--", ";", "/*", "0", "1e5", "日本", "🦆", "\u200b", "n" * 300, "_ppp_surprise", "_ppp_source",
    "_ppp_row", "_ppp_key", "_ppp_score", "_ppp_said", "_ppp_model", "_ppp_look", "ppp__row", "ppp__of",
    "ppp__statement", "most", "number_0", "row_weight", "cluster_id", "probability", "reason", "distance",
    "outlier_score", "is_outlier", "size", "share", "agreement", "center", "model", "k", "set", "rows",
    "columns", "column", "by", "weight", "src", "look", "asked", "feature", "value", "summary", "state",
    "file_index", "filename", "file_row_number", "__index_level_0__", "t", "main",
)  # fmt: skip
UNUSABLE = (
    "BLOB",
    "BIT",
    "VARCHAR[]",
    "STRUCT(a DOUBLE, b VARCHAR)",
    "MAP(VARCHAR, INTEGER)",
    "UNION(n DOUBLE, t VARCHAR)",
    "DOUBLE[][]",
    "VARIANT",
    "TIME_NS",
)


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # its SQL type, with its collation
    values: Texts


@dataclass(frozen=True)
class Table:
    number: int
    columns: tuple[Column, ...]
    source: str
    options: dict[str, object]

    @property
    def rows(self) -> int:
        return len(self.columns[0].values)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """An option or a text as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def kinds() -> tuple[str, ...]:
    newer = values.NEWER if duckdb.__version__ >= "1.5" else ()
    return (*values.NUMERIC, *values.MOMENTS, *values.TEXTS, *values.NESTED, *values.OTHERS, *newer)


def table(number: int) -> Table:
    rng = np.random.default_rng(number)
    n = int(rng.choice([0, 1, 2, 3, 7, *(8 + 392 * rng.random(20) ** 2)]))  # small ones are the hostile ones
    names = [NAMES[i] for i in rng.permutation(len(NAMES))[: int(rng.integers(1, 9))]]
    columns = [one(rng, name, n) for name in names]
    if n and rng.random() < 0.3:  # rows that come back
        again = rng.integers(0, max(1, n // 4), n)
        columns = [Column(c.name, c.kind, [c.values[i] for i in again]) for c in columns]
    weights = rng.random() < 0.35
    if weights:
        columns.append(Column("the weight", "DOUBLE", weight(rng, n)))
    groups = rng.random() < 0.3
    if groups:
        columns.append(group(rng, n))
    columns = [columns[i] for i in rng.permutation(len(columns))]
    return Table(number, tuple(columns), str(rng.choice(SOURCES)), options(rng, columns, weights, groups))


def renewed(given: Table) -> Table:
    """Columns of the same names and types with other values."""
    rng = np.random.default_rng(given.number + 2 * 10**9)
    n = int(rng.integers(0, 60))
    columns = tuple(Column(c.name, c.kind, values.column(rng, c.kind, n)) for c in given.columns)
    return Table(given.number, columns, given.source, given.options)


def one(rng: Rng, name: str, n: int) -> Column:
    """A column; half of all are numbers, or nothing could be clustered."""
    every = kinds()
    kind = str(rng.choice(values.NUMERIC)) if rng.random() < 0.5 else every[rng.integers(len(every))]
    found = values.column(rng, kind, n)
    holes = float(rng.choice([0.0, 0.0, 0.0, 0.05, 0.5, 1.0]))
    return Column(name, kind, [None if rng.random() < holes else value for value in found])


def weight(rng: Rng, n: int) -> Texts:
    """From the least double to 1e100, with zeros."""
    spread = rng.choice(["even", "zero", "wide", "tiny", "large", "tailed", "whole"])
    drawn = {
        "even": np.ones(n), "zero": rng.integers(0, 2, n).astype(float), "wide": 10.0 ** rng.uniform(-300, 100, n),
        "tiny": np.full(n, 5e-324), "large": 10.0 ** rng.uniform(98, 100, n), "tailed": np.exp(rng.normal(size=n) * 3),
        "whole": rng.integers(0, 9, n).astype(float),
    }  # fmt: skip
    return [repr(float(w)) for w in drawn[str(spread)]]


def group(rng: Rng, n: int) -> Column:
    kind = str(rng.choice(["VARCHAR", "VARCHAR COLLATE NOCASE", "INTEGER", "UHUGEINT", "DATE", "BOOLEAN", "DOUBLE"]))
    found = values.column(rng, kind, 3) if kind != "BOOLEAN" else ["true", "false", None]
    return Column("the group", kind, [None if i == 3 else found[i] for i in rng.integers(0, 4, n)])


def options(rng: Rng, columns: list[Column], weights: bool, groups: bool) -> dict[str, object]:
    """Some of the options, each with a value that it may have."""
    own = [c for c in columns if c.name not in ("the weight", "the group")]
    names = [c.name for c in own]
    able = [c.name for c in own if c.kind not in UNUSABLE] if rng.random() < 0.9 else names
    k = int(rng.integers(1, 13))
    drawn: dict[str, object] = {
        "columns": [str(name) for name in rng.permutation(able or names)[: int(rng.integers(1, len(names) + 1))]],
        "exclude": [str(rng.choice(names))],
        "k": k,
        "k_max": k + int(rng.integers(0, 9)),
        "scale": str(rng.choice(SCALES)),
        "missing": str(rng.choice(MISSING)),
        "categorical": str(rng.choice(CATEGORICAL)),
        "max_categories": int(rng.choice([1, 2, 20, 1000])),
        "covariance": str(rng.choice(COVARIANCES)),
        "separable_at": float(rng.choice([5e-324, 0.5, 0.95, 1.0])),
        "sample_size": int(rng.choice([2, 20, 100, 1_000_000_000])),
        "refine": int(rng.choice([0, 1, 3, 20])),
    }
    asked = {name: value for name, value in drawn.items() if rng.random() < 0.22}
    if "k" in asked and "sample_size" in asked:
        asked["sample_size"] = max(k, int(drawn["sample_size"]))  # type: ignore[call-overload]
    if "columns" in asked:
        asked.pop("exclude", None)
    if weights:
        asked["weight"] = "the weight"
    if groups:
        asked["by"] = ["the group"]
    return asked


def made(con: duckdb.DuckDBPyConnection, given: Table) -> None:
    """The table ``t`` in a connection."""
    listed = ", ".join(f"{quoted(c.name)} {c.kind}" for c in given.columns)
    con.execute(f"CREATE TABLE t ({listed})").fetchall()
    for start in range(0, given.rows, 100):
        rows = ", ".join(
            "(" + ", ".join(literal(c.values[i]) for c in given.columns) + ")"
            for i in range(start, min(start + 100, given.rows))
        )
        con.execute(f"INSERT INTO t VALUES {rows}").fetchall()


def call(function: str, source: str, given: dict[str, object], model: str | None = None) -> str:
    """The call of a function, with options that it has."""
    named = {**({} if model is None else {"model": model}), **given}
    return (
        f"{function}({', '.join([literal(source), *(f'{name} := {literal(value)}' for name, value in named.items())])})"
    )
