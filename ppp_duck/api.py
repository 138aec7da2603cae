"""The Python side of the SQL functions: ``fit``, ``load`` and a ``Model`` whose answers are DuckDB relations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import duckdb

from ppp_duck import errors
from ppp_duck.binding.options import check_options, check_reading
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.source import find_source, path_of
from ppp_duck.errors import PPPError
from ppp_duck.models import table
from ppp_duck.models.model import ModelSet
from ppp_duck.register import register

RAISED = re.compile(
    r"Python exception occurred while executing the UDF: (\w+): (.*?)(\n\nAt:|\n\nLINE \d+:|\Z)", re.DOTALL
)
SHOWN = 20  # clusters that a repr lists


@dataclass(frozen=True, repr=False)
class Model:
    """A fitted model: the rows of ``ppp_fit``, in memory. ``fit`` and ``load`` make it.

    ``query`` is a SELECT of those rows as literals, which every ``ppp_`` function takes as its model.

    >>> con = duckdb.connect()
    >>> con.execute("CREATE TABLE t AS SELECT i % 2 * 10 + sin(i) AS x FROM range(60) r(i)").fetchall()
    [(60,)]
    >>> model = fit(con, "t", k=2)
    >>> model
    Model of t: k = 2, agreement 1.000
      cluster 0: size 30, x 0.02597
      cluster 1: size 30, x 10.04
    >>> model.predict(con, "t").aggregate("cluster_id, count(*) AS n").order("cluster_id").fetchall()
    [(0, 30), (1, 30)]
    """

    name: str
    query: str
    models: ModelSet
    connection: duckdb.DuckDBPyConnection

    def save(self, con: duckdb.DuckDBPyConnection, name: str, replace: bool = False) -> None:
        """Store the model as a table (``'main.seg'``). Raises ModelError if it exists, unless ``replace``."""
        path = path_of(name)
        if path is None:
            raise errors.SourceError(f"give the model a table name such as 'seg' or 'main.seg', not {name!r}")
        create = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE"
        try:
            con.execute(f"{create} {'.'.join(map(quote, path))} AS {self.query}").fetchall()
        except duckdb.CatalogException as error:
            if "already exists" not in str(error):
                raise
            raise errors.ModelError(f"set replace=True, or choose another name: {name} already exists") from None

    def predict(
        self, con: duckdb.DuckDBPyConnection, src: str, output: str = "id", prefix: str = ""
    ) -> duckdb.DuckDBPyRelation:
        """Every row of ``src`` with its cluster, as ``ppp_predict`` returns it."""
        return _relation(con, "ppp_predict", src, model=self.query, output=output, prefix=prefix)

    def evaluate(self, con: duckdb.DuckDBPyConnection, src: str) -> duckdb.DuckDBPyRelation:
        """How good the model is on the rows of ``src``, as ``ppp_evaluate`` returns it."""
        return _relation(con, "ppp_evaluate", src, model=self.query)

    def profile(self, con: duckdb.DuckDBPyConnection, src: str) -> duckdb.DuckDBPyRelation:
        """What the rows of each cluster are like, as ``ppp_profile`` returns it."""
        return _relation(con, "ppp_profile", src, model=self.query)

    def centers(self) -> duckdb.DuckDBPyRelation:
        """The centre of each cluster in the units of the columns, as ``ppp_centers`` returns it."""
        return _relation(self.connection, "ppp_centers", self.query)

    def trials(self) -> duckdb.DuckDBPyRelation:
        """Every candidate that the search weighed, as ``ppp_trials`` returns it."""
        return _relation(self.connection, "ppp_trials", self.query)

    def info(self) -> duckdb.DuckDBPyRelation:
        """What the model was made of, as ``ppp_info`` returns it."""
        return _relation(self.connection, "ppp_info", self.query)

    def compare(self, a: int, b: int | None = None) -> duckdb.DuckDBPyRelation:
        """What sets cluster ``a`` apart from ``b``, or from all the others, as ``ppp_compare`` returns it."""
        return _relation(self.connection, "ppp_compare", self.query, a=a, b=b)

    def sql(
        self, dialect: str = "duckdb", source: str | None = None, output: str = "id", form: str = "select"
    ) -> str:  # fmt: skip
        """Plain SQL that scores the rows of ``source``, without this package, as ``ppp_sql`` returns it."""
        from ppp_duck.portable.writing import portable_sql  # sqlglot: only who asks for SQL waits for it

        given = {"dialect": dialect, "source": source, "output": output, "form": form}
        asked = check_reading("ppp_sql", given)
        return portable_sql(self.models, asked.dialect, asked.source, asked.output, asked.form)

    @property
    def k(self) -> int:
        """The number of clusters, in all groups together."""
        return sum(len(model.clustering.sizes) for model in self.models.models if model.clustering is not None)

    @property
    def fingerprint(self) -> str | tuple[str, ...]:
        """Equal for equal data and options: a hash, or with ``by`` one for each group."""
        fingerprints = tuple(dict(model.report)["fingerprint"] for model in self.models.models)
        return fingerprints if self.models.by else fingerprints[0]

    def __repr__(self) -> str:
        by, models = self.models.by, self.models.models
        rows = [row for row in table.to_rows(self.models, "") if row["cluster_id"] is not None]
        about = f" in {len(models)} groups by {', '.join(by)}" if by else ""
        if not by and models[0].clustering is not None:
            about = f", agreement {models[0].clustering.overall_agreement:.3f}"
        lines = [f"Model of {self.name}: k = {self.k}{about}"]
        for row in rows[:SHOWN]:
            group = f"{row['g']} " if by else ""
            center = ", ".join(f"{name} {_short(value)}" for name, value in json.loads(row["center"]).items())
            lines.append(f"  {group}cluster {row['cluster_id']}: size {row['size']:g}, {center}")
        if len(rows) > SHOWN:
            lines.append(f"  and {len(rows) - SHOWN} more")
        return "\n".join(lines)


def fit(con: duckdb.DuckDBPyConnection, src: str, **options: Any) -> Model:
    """Fit a model to a table, view, file, DataFrame variable or SELECT. Options are the arguments of ``ppp_fit``.

    Raises OptionError, SourceError or FeatureError, with the message of the SQL function.
    """
    register(con)
    check_options("ppp_fit", options)
    return _read(con, str(src), _call("ppp_fit", src, options))


def load(con: duckdb.DuckDBPyConnection, name: str) -> Model:
    """A model that was stored as a table, or a view, file or SELECT of one. Raises ModelError if it cannot be used."""
    register(con)
    with closing(con.cursor()) as cursor:
        relation = find_source("load", name, cursor).relation
    return _read(con, name, relation)


def _read(con: duckdb.DuckDBPyConnection, name: str, relation: str) -> Model:
    """The model in a relation's rows, which it keeps as a SELECT of literals."""
    with _our_errors(), _all_frames(con):
        texts = con.execute(
            f'SELECT CAST(COLUMNS(*) AS VARCHAR) AS "\\0", typeof(COLUMNS(*)) AS "type \\0" FROM {relation}'
        )
        columns = [column[0] for column in texts.description or []]
        rows = texts.fetchall()
    width = len(columns) // 2
    names = columns[:width]
    models = table.from_rows(name, [dict(zip(names, row[:width], strict=True)) for row in rows])
    values = ",\n".join(f"({', '.join(map(_typed, row[:width], row[width:]))})" for row in rows)
    query = f"SELECT * FROM (VALUES {values}) AS model({', '.join(map(quote, names))})"
    return Model(dict(models.models[0].report).get("source", name), query, models, con)


def _short(value: object) -> str:
    """A value of a centre, in a repr: of a vector only its length."""
    if isinstance(value, list):
        return f"({len(value)} numbers)"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _typed(text: str | None, kind: str) -> str:
    value = "NULL" if text is None else literal(text)
    return value if kind == "VARCHAR" and text is not None else f"CAST({value} AS {kind})"


def _relation(
    con: duckdb.DuckDBPyConnection, function: str, first: str, **options: object
) -> duckdb.DuckDBPyRelation:  # fmt: skip
    register(con)
    check_reading(function, {name: value for name, value in options.items() if value is not None})
    with _our_errors(), _all_frames(con):
        return con.sql(f"FROM {_call(function, first, options)}")


def _call(function: str, first: str, options: dict[str, object]) -> str:
    """The text of a call. None stands for the default."""
    named = (f"{name} := {_value(value)}" for name, value in options.items() if value is not None)
    return f"{function}({', '.join([literal(first), *named])})"


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Real) and not isinstance(value, bool):  # numpy's too
        value = int(value) if isinstance(value, Integral) else float(value)
    return literal(value) if isinstance(value, (str, int, float)) else literal(str(value))


@contextmanager
def _our_errors() -> Iterator[None]:
    """DuckDB wraps what our functions raise into its own error: raise ours again."""
    try:
        yield
    except duckdb.Error as error:
        raised = RAISED.search(str(error))
        kind = getattr(errors, raised[1], None) if raised else None
        if raised is None or not (isinstance(kind, type) and issubclass(kind, PPPError)):
            raise
        raise kind(raised[2].strip()) from None


@contextmanager
def _all_frames(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB find DataFrames by the names of the caller's variables, which are not those of this module."""
    ((before,),) = con.execute("SELECT current_setting('python_scan_all_frames')").fetchall()
    con.execute("SET python_scan_all_frames = true").fetchall()
    try:
        yield
    finally:
        con.execute(f"SET python_scan_all_frames = {'true' if before else 'false'}").fetchall()
