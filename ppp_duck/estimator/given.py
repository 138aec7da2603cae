"""What scikit-learn calls X, on its way: into a table to fit, and as columns that a fitted model scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ppp_duck.binding.interface import NUMBER, field
from ppp_duck.binding.quoting import folded, literal, quote
from ppp_duck.binding.rows import any_row
from ppp_duck.binding.source import Column, Source
from ppp_duck.binding.stages import select, with_stages
from ppp_duck.doors.frames import names_of, unreadable
from ppp_duck.errors import FeatureError, listed
from ppp_duck.models.model import Floats
from ppp_duck.registering import sql_directory

TABLE = "X"  # what a model says it was fitted to
WEIGHT = "sample_weight"
BLOCK = 1 << 16  # rows of an array that are scored at a time


def frame_of(given: Any) -> Any | None:
    """X as pandas or Arrow if it has named columns of types of their own; None: it is an array.

    Polars, a DuckDB relation and others give Arrow. DuckDB knows the types of pandas better than Arrow does.
    """
    if type(given).__name__ == "LazyFrame":  # of polars or narwhals
        given = given.collect()
    if type(given).__module__.partition(".")[0] == "pandas":
        return given if len(given.shape) == 2 else None
    return pa.table(given) if hasattr(given, "__arrow_c_stream__") and len(getattr(given, "shape", ())) == 2 else None


def names_in(frame: Any) -> list[str]:
    """The names of a frame's columns. Raises FeatureError where two are the same, which scikit-learn could not tell."""
    names = list(map(str, names_of(frame)))
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise FeatureError(f"PPP: rename a column of X: more than one is called {listed(twice)}")
    return names


def own_names(names: Sequence[str]) -> list[str]:
    """Names by which DuckDB tells all columns apart: it does not see the case of ASCII letters.

    >>> own_names(["a", "A", "b", ""])
    ['a', 'A_1', 'b', 'x3']
    """
    found: list[str] = []
    taken: set[str] = set()
    for place, name in enumerate(names):
        own, number = name or f"x{place}", 0
        while folded(own) in taken:
            number += 1
            own = f"{name}_{number}"
        taken.add(folded(own))
        found.append(own)
    return found


@dataclass(frozen=True)
class Given:
    """Rows of X and the names of its columns, which are those of the fit."""

    values: Any  # an array (n, d) of numbers, or a frame: pandas or Arrow
    names: tuple[str, ...]

    @property
    def _stream(self) -> Any:
        """What DuckDB scans."""
        if isinstance(self.values, np.ndarray):
            columns = [pa.array(np.ascontiguousarray(column)) for column in self.values.T]
            return pa.table(dict(zip(self.names, columns, strict=True)))
        return self.values

    @property
    def _relation(self) -> str:
        """The columns by the names of the fit, whatever a frame calls them."""
        return f"_ppp_given AS given({', '.join(map(quote, self.names))})"

    def _show(self, con: duckdb.DuckDBPyConnection) -> None:
        """Let a connection scan the rows. Raises FeatureError where it cannot read a column of a frame."""
        try:
            con.register("_ppp_given", self._stream)
        except duckdb.NotImplementedException as error:
            raise FeatureError(f"PPP: {unreadable(con, self.values, error)}") from error

    def put(self, con: duckdb.DuckDBPyConnection, weights: Floats | None) -> str | None:
        """Make the table that is fitted. Returns the name of its column of weights."""
        self._show(con)
        query, weight = f"SELECT * FROM {self._relation}", None
        if weights is not None:
            weight = own_names([*self.names, WEIGHT])[-1]
            con.register("_ppp_weights", pa.table({"weight": weights}))
            query += f" POSITIONAL JOIN _ppp_weights AS weights({quote(weight)})"
        con.execute(f"CREATE TABLE {quote(TABLE)} AS {query}").fetchall()
        for name in ("_ppp_given", "_ppp_weights"):
            con.unregister(name)
        return weight

    def rows(self) -> Iterator[pa.StructArray]:
        """Blocks of rows as structs of forms, in their order."""
        if isinstance(self.values, np.ndarray):
            names = [field(NUMBER, name) for name in self.names]
            for start in range(0, len(self.values), BLOCK):
                block = self.values[start : start + BLOCK].astype(np.float64)
                yield pa.StructArray.from_arrays([pa.array(column) for column in block.T.copy()], names=names)
        else:
            yield from self._rows_of_a_frame()

    def _rows_of_a_frame(self) -> Iterator[pa.StructArray]:
        with closing(duckdb.connect()) as con:
            con.execute((sql_directory() / "feature_types.sql").read_text(encoding="utf-8")).fetchall()
            self._show(con)
            described = con.execute(f"DESCRIBE SELECT * FROM {self._relation}").fetchall()
            columns = tuple(Column(name, kind) for name, kind, *_ in described)
            rows = any_row(Source(TABLE, self._relation, columns, repeatable=True), literal(""), once=True)
            query = with_stages(rows.stages, select([f"{rows.row} AS forms"], rows.relation))
            for batch in pa.RecordBatchReader.from_stream(con.sql(query)):
                if len(batch):
                    yield batch.column(0)
