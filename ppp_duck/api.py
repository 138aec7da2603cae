"""The Python side of the SQL functions: ``fit``, ``cluster``, ``predict``, ``load``, and a ``Model`` of relations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import duckdb

from ppp_duck import errors
from ppp_duck.binding.options import check_options, check_reading
from ppp_duck.binding.quoting import folded, literal, quote
from ppp_duck.binding.source import Column, columns_of, find_source, path_of, refuse_clash
from ppp_duck.doors.connections import connection_of, if_open
from ppp_duck.doors.frames import PLACE, Given, given
from ppp_duck.errors import FeatureError, PPPError
from ppp_duck.models import html, plain, table
from ppp_duck.models.html import SHOWN
from ppp_duck.models.model import SCORE_COLUMNS, ModelSet, score_columns
from ppp_duck.registering import register, statement_of

RAISED = re.compile(
    r"Python exception occurred while executing the UDF: (\w+): (.*?)(\n\nAt:|\n\nLINE \d+:|\Z)", re.DOTALL
)
NO_FILES = "No files found that match the pattern"  # DuckDB's words


@dataclass(frozen=True, repr=False)
class Model:
    """A fitted model: the rows of ``ppp_fit``, in memory. ``fit`` and ``load`` make it.

    ``query`` is a SELECT of those rows as literals, which every ``ppp_`` function takes as its model. Models of equal
    rows are equal. A model pickles by its rows; what comes back answers on DuckDB's default connection.

    Where a method takes ``con`` and ``src``, a table of pandas, polars or Arrow, or a relation, may stand for ``src``,
    or alone for both. A name alone is looked for on the connection that fitted.

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
    models: ModelSet = field(compare=False)
    connection: duckdb.DuckDBPyConnection | None = field(default=None, compare=False)

    def save(self, con: Any, name: str, replace: bool = False) -> None:
        """Store the model as a table (``'main.seg'``). Raises ModelError if it exists, unless ``replace``."""
        path = path_of(name) if isinstance(name, str) else None
        if path is None:
            raise errors.SourceError(f"give the model a table name such as 'seg' or 'main.seg', not {name!r}")
        create = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE"
        try:
            with if_open():
                connection_of(con).execute(f"{create} {'.'.join(map(quote, path))} AS {self.query}").fetchall()
        except duckdb.CatalogException as error:
            if "already exists" not in str(error):
                reason = str(error).removeprefix("Catalog Error: ")
                raise errors.ModelError(f"create the schema before, or choose another name: {reason}") from None
            raise errors.ModelError(f"set replace=True, or choose another name: {name} already exists") from None

    def predict(self, con: Any, src: Any = None, output: str = "id", prefix: str = "") -> duckdb.DuckDBPyRelation:
        """Every row of ``src`` with its cluster, as ``ppp_predict`` returns it.

        Raises ModelError where ``src`` lacks a column of the model. What only rows can show is an error when the
        relation is read, DuckDB's own around ours.
        """
        return self._scored(con, src, "ppp_predict", output=output, prefix=prefix)

    def evaluate(self, con: Any, src: Any = None) -> duckdb.DuckDBPyRelation:
        """How good the model is on the rows of ``src``, as ``ppp_evaluate`` returns it."""
        return self._scored(con, src, "ppp_evaluate")

    def profile(self, con: Any, src: Any = None) -> duckdb.DuckDBPyRelation:
        """What the rows of each cluster are like, as ``ppp_profile`` returns it."""
        return self._scored(con, src, "ppp_profile")

    def centers(self) -> duckdb.DuckDBPyRelation:
        """The centre of each cluster in the units of the columns, as ``ppp_centers`` returns it."""
        return _relation(self._rows, "ppp_centers")

    def trials(self) -> duckdb.DuckDBPyRelation:
        """Every candidate that the search weighed, as ``ppp_trials`` returns it."""
        return _relation(self._rows, "ppp_trials")

    def info(self) -> duckdb.DuckDBPyRelation:
        """What the model was made of, as ``ppp_info`` returns it."""
        return _relation(self._rows, "ppp_info")

    def compare(self, a: int, b: int | None = None) -> duckdb.DuckDBPyRelation:
        """What sets cluster ``a`` apart from ``b``, or from all the others, as ``ppp_compare`` returns it.

        Raises OptionError or ModelError where the model has no such clusters, now and not when the relation is read.
        """
        found = _relation(self._rows, "ppp_compare", a=a, b=b)
        with our_errors():
            found.limit(1).fetchall()
        return found

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
        return self.models.k

    @property
    def fingerprint(self) -> str | tuple[str, ...]:
        """Equal for equal data and options: a hash, or with ``by`` one for each group."""
        fingerprints = tuple(dict(model.report)["fingerprint"] for model in self.models.models)
        return fingerprints if self.models.by else fingerprints[0]

    @property
    def home(self) -> duckdb.DuckDBPyConnection:
        """The connection that answers: of a model from a pickle, DuckDB's default one."""
        return self.connection or duckdb.default_connection()

    def _scored(self, con: Any, src: Any, function: str, **options: object) -> duckdb.DuckDBPyRelation:
        rows = given(con, src, self.home)
        found = _relation(rows, function, model=self.query, **options)
        kinds = {folded(column.name): column.kind for column in _columns(rows, function)}
        wanted = [one.features for one in self.models.models if one.clustering is not None]
        lacking = [
            [one.name for one in own if kinds.get(folded(one.name), "") not in (one.kind, None)] for own in wanted
        ]
        by = [name for name in self.models.by if folded(name) not in kinds]
        if by:
            raise errors.ModelError.columns(function, "by", by)
        if lacking and all(lacking):  # each group has features of its own
            raise errors.ModelError.columns(function, "to", lacking[0], ", or of another kind of type")
        return found

    @property
    def _rows(self) -> Given:
        return Given(self.home, self.query)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, self.query)

    def __copy__(self) -> Model:
        return self  # nothing in it changes

    def __deepcopy__(self, memo: object) -> Model:
        return self

    def _repr_html_(self) -> str:
        """What a notebook shows: the size, share and agreement of each cluster, and what sets it apart."""
        return html.of_models(self.name, self.models, SHOWN)

    def __repr__(self) -> str:
        return plain.of_models(self.name, self.models, SHOWN)


def fit(con: Any, src: Any = None, **options: Any) -> Model:
    """Fit a model to ``src`` on the connection ``con``. Options are the arguments of ``ppp_fit``.

    ``src`` is a table, view, file, DataFrame variable or SELECT, as text, or a table of pandas, polars or Arrow, or a
    DuckDB relation. It may stand alone: then DuckDB's default connection fits. ``con`` may be all that ``register``
    takes but an engine.

    Raises OptionError, SourceError or FeatureError, with the message of the SQL function.

    >>> fit("SELECT i % 2 * 10 + sin(i) AS x FROM range(60) r(i)").k
    2
    """
    rows = given(con, src)
    check_options("ppp_fit", options)
    model = _fit(rows, options)
    if model is None:
        raise FeatureError(f"ppp_fit: give a source with rows, {rows.name} has none")
    return model


def cluster(con: Any, src: Any = None, **options: Any) -> duckdb.DuckDBPyRelation:
    """Every row of ``src``, unchanged and in its order, with its cluster: what ``ppp_cluster`` gives, as a relation.

    ``con`` and ``src`` are as in ``fit``, options the arguments of ``ppp_cluster``. The fit is made now, once; the rows
    are read and scored when the relation is used. Where they stand alone, ``duckdb.sql`` finds the relation by the name
    of its variable.

    >>> found = cluster("SELECT i % 2 * 10 + sin(i) AS x FROM range(60) r(i)")
    >>> found.aggregate("cluster_id, count(*)").order("cluster_id").fetchall()
    [(0, 30), (1, 30)]
    """
    rows = given(con, src)
    checked = check_options("ppp_cluster", options)
    names = score_columns(checked.output)
    new = [checked.prefix + name for name in names]
    refuse_clash("ppp_cluster", new, [column.name for column in rows.columns], rows.name)
    try:
        model = _fit(rows, {name: value for name, value in options.items() if name not in ("output", "prefix")})
    except PPPError as error:
        raise type(error)(re.sub("^ppp_fit: ", "ppp_cluster: ", str(error))) from None
    if model is not None:
        return _relation(rows, "ppp_predict", model=model.query, output=checked.output, prefix=checked.prefix)
    if rows.source is None:
        return rows.relation(f"FROM {_call('ppp_cluster', rows.name, options)}")
    nothing = ", ".join(f"CAST(NULL AS {SCORE_COLUMNS[name]}) AS {quote(checked.prefix + name)}" for name in names)
    return rows.relation(f"SELECT *, {nothing} FROM {rows.source.relation}")


def predict(
    model: Model, con: Any, src: Any = None, output: str = "id", prefix: str = ""
) -> duckdb.DuckDBPyRelation:  # fmt: skip
    """Every row of ``src`` with its cluster of a model, as ``model.predict`` gives it: ``predict(model, frame)``."""
    check_model(model, "")
    return model.predict(con, src, output, prefix)


def load(con: Any, name: str) -> Model:
    """A model that was stored as a table, or a view, file or SELECT of one. Raises ModelError if it cannot be used."""
    con = register(connection_of(con))
    with closing(con.cursor()) as cursor:
        relation = find_source("load", name, cursor).relation
    return model_of(con, name, *texts_of(Given(con, name), relation))


def check_model(model: object, function: str) -> None:
    """Raises ModelError for what is no model: a table, the name of one."""
    if not isinstance(model, Model):
        given = errors.show(model) if isinstance(model, str) else type(model).__name__
        said = f"give a model, ppp_duck.fit(…) or ppp_duck.load(con, 'seg'), not {given}"
        raise errors.ModelError(f"{function}: {said}" if function else said)


def _fit(rows: Given, options: dict[str, Any]) -> Model | None:
    """The model of the rows; None where there are none."""
    register(rows.con)
    names, found = texts_of(rows, _told(rows, "ppp_fit", options))
    return model_of(rows.con, rows.name, names, found) if found else None


def texts_of(rows: Given, relation: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of a relation's columns; its rows as texts, and behind them the types that they have."""
    with our_errors(rows.con):
        names, found = rows.execute(
            f'SELECT CAST(COLUMNS(*) AS VARCHAR) AS "\\0", typeof(COLUMNS(*)) AS "type \\0" FROM {relation}'
        )
    return names[: len(names) // 2], found


def model_of(
    con: duckdb.DuckDBPyConnection | None, name: str, names: list[str], rows: list[tuple[Any, ...]]
) -> Model:  # fmt: skip
    """The model in the texts of its rows, which it keeps as a SELECT of literals."""
    width = len(names)
    models = table.from_rows(name, [dict(zip(names, row[:width], strict=True)) for row in rows])
    values = ",\n".join(f"({', '.join(map(_typed, row[:width], row[width:]))})" for row in rows)
    query = f"SELECT * FROM (VALUES {values}) AS model({', '.join(map(quote, names))})"
    return Model(dict(models.models[0].report).get("source", name), query, models, con)


def _restored(name: str, query: str) -> Model:
    """A model from its pickle. Raises ModelError where the rows in it are none that ``ppp_fit`` made."""
    with duckdb.connect() as con:
        return model_of(None, name, *texts_of(Given(con, name), f"({query})"))


def _typed(text: str | None, kind: str) -> str:
    value = "NULL" if text is None else literal(text)
    return value if kind == "VARCHAR" and text is not None else f"CAST({value} AS {kind})"


def _relation(rows: Given, function: str, **options: object) -> duckdb.DuckDBPyRelation:
    register(rows.con)
    check_reading(function, {name: value for name, value in options.items() if value is not None})
    rows = rows.in_order()
    with our_errors(rows.con):
        if rows.columns and rows.columns[-1].name == PLACE:
            told = _told(rows, function, options)
            return rows.relation(f"SELECT * EXCLUDE ({quote(PLACE)}) FROM {told} ORDER BY {quote(PLACE)}")
        return rows.relation(f"FROM {_told(rows, function, options)}")


def _columns(rows: Given, function: str) -> tuple[Column, ...]:
    """The columns of the rows, which are not read."""
    if rows.source is not None:
        return rows.columns
    with closing(rows.con.cursor()) as cursor:
        known = find_source(function, rows.name, cursor)
    return columns_of(rows.relation(f"FROM {known.relation}"))


def _told(rows: Given, function: str, options: dict[str, Any]) -> str:
    """What stands behind FROM: a call, or, of rows that only Python has, the statement of one."""
    if rows.source is None:
        return _call(function, rows.name, options)
    said = {name: value for name, value in options.items() if value is not None}
    return f"({statement_of(rows.con, function, rows.source, said)})"


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
def our_errors(con: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
    """DuckDB wraps what our functions raise into its own error: raise ours again. So is what it does not find."""
    try:
        with if_open():
            yield
    except duckdb.Error as error:
        said = str(error).partition("\n\nLINE ")[0]  # of our statement
        if isinstance(error, duckdb.CatalogException) or NO_FILES in said:
            reason = said.removeprefix("Catalog Error: ").removeprefix("IO Error: ")
            place = ", or give before it the connection that does" if con is duckdb.default_connection() else ""
            raise errors.SourceError(
                f"name a table, view, file or variable that DuckDB finds{place}: {reason}"
            ) from None
        raised = RAISED.search(str(error))
        kind = getattr(errors, raised[1], None) if raised else None
        if raised is not None and isinstance(kind, type) and issubclass(kind, PPPError):
            raise kind(raised[2].strip()) from None
        if said != str(error):
            raise type(error)(said) from None
        raise
