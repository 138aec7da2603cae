"""What must hold of a table, whatever is in it. Each check yields what does not hold, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np

import ppp_duck
from benchmarks.fuzz.tables import Table, call, made, renewed
from ppp_duck.binding.quoting import folded
from ppp_duck.errors import CatalogError, DialectError, FeatureError, ModelError, OptionError, PPPError, SourceError

OURS = tuple(
    one.__name__ for one in (PPPError, OptionError, SourceError, ModelError, FeatureError, DialectError, CatalogError)
)
SAID = re.compile(rf"UDF: ({'|'.join(OURS)}): (ppp_\w+: .+?)(\n\nAt:|\n\nLINE 1:|\Z)", re.DOTALL)
NEW = (
    "cluster_id",
    "probability",
    "second_cluster_id",
    "second_probability",
    "distance",
    "kmeans_id",
    "is_separable",
    "reason",
)
LEAVES = re.compile(r"(the )?\S+ leaves(?= no usable)")
ORDERED = duckdb.__version__ >= "2"  # 1.4 loses the order of what is copied where there are several threads

Cells = list[tuple[str | None, ...]]


@dataclass(frozen=True)
class Answer:
    """What a statement gave, as texts: so a NaN equals itself, and no type of Python stands between."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: Cells = field(default_factory=list)
    refusal: str = ""  # what an error of the package says
    fault: str = ""  # any other error

    @property
    def right(self) -> bool:
        return not self.refusal and not self.fault

    def by_name(self) -> Counter[tuple[tuple[str, str | None], ...]]:
        """The rows without their order, that of the columns, and the source's name in a reason."""
        order = sorted(range(len(self.names)), key=lambda i: self.names[i])
        rows = [tuple(LEAVES.sub("t leaves", value) if value else value for value in row) for row in self.rows]
        return Counter(tuple((self.names[i], row[i]) for i in order) for row in rows)


def ask(con: duckdb.DuckDBPyConnection, body: str, cte: str = "") -> Answer:
    """``FROM body``, each value as DuckDB writes it."""
    statement = f"{cte} FROM {body}"
    try:
        shown = con.execute(f"DESCRIBE {statement}").fetchall()
        if not shown:
            return Answer(fault="no columns")
        cells = ", ".join(f"CAST(c{i} AS VARCHAR)" for i in range(len(shown)))
        names = ", ".join(f"c{i}" for i in range(len(shown)))
        rows = con.execute(f"{cte} SELECT {cells} FROM {body} asked({names})").fetchall()
    except duckdb.Error as error:
        return failed(error)
    except Exception as error:  # what reaches the caller raw is what is looked for
        return Answer(fault=f"{type(error).__name__}: {error}")
    return Answer(tuple(row[0] for row in shown), tuple(row[1] for row in shown), rows)


def failed(error: duckdb.Error) -> Answer:
    if isinstance(error, duckdb.InterruptException):
        return Answer(fault="not done within its time")
    found = SAID.search(str(error))
    if found and not isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
        return Answer(refusal=found[2])
    return Answer(fault=f"{type(error).__name__}: {error}"[:1500])


@dataclass(frozen=True)
class Source:
    """The table as one of the things that a call can name."""

    con: duckdb.DuckDBPyConnection
    text: str  # the first argument of a call
    cte: str = ""  # what stands before the statement
    held: object = None  # keeps what DuckDB finds by its name

    def ask(self, function: str, given: dict[str, object], model: str | None = None) -> Answer:
        return ask(self.con, call(function, self.text, given, model), self.cte)

    def plain(self) -> Answer:
        relation = f"({self.text})" if self.text.startswith("SELECT") else quoted_path(self.text)
        return ask(self.con, relation, self.cte)


def quoted_path(text: str) -> str:
    return f"'{text}'" if text.endswith(".parquet") else text


def source(con: duckdb.DuckDBPyConnection, kind: str, folder: Path) -> Source | None:
    """``t`` as a source of a kind; None where DuckDB itself cannot make one of it."""
    if kind == "table":
        return Source(con, "t")
    if kind in ("view", "temp"):
        con.execute("CREATE VIEW v AS FROM t" if kind == "view" else "CREATE TEMP TABLE v AS FROM t").fetchall()
        return Source(con, "v")
    if kind == "cte":
        return Source(con, "v", "WITH v AS (FROM t)")
    if kind == "select":
        return Source(con, "SELECT * FROM t")
    try:
        if kind == "parquet":
            con.execute(f"COPY t TO '{folder / 't.parquet'}' (FORMAT parquet)").fetchall()
            return Source(con, str(folder / "t.parquet"))
        frame = con.sql("FROM t").df() if kind == "pandas" else con.sql("FROM t").to_arrow_table()
        con.register("framed", frame)
        con.execute("FROM framed").fetchall()
    except Exception:  # DuckDB cannot write or read such a type: nothing of the package has run
        return None
    return Source(con, "framed", held=frame)


@dataclass
class Case:
    """A table in a connection, and what was found of it."""

    given: Table
    con: duckdb.DuckDBPyConnection
    folder: Path
    options: dict[str, object]  # of ppp_fit
    prefix: dict[str, object]

    @property
    def full(self) -> dict[str, object]:
        return {**self.options, **self.prefix, "output": "full"}


def opened(given: Table, folder: Path, shuffled: bool = False) -> Case:
    con = ppp_duck.connect()
    con.execute("SET threads = 1").fetchall()
    if shuffled:
        given = mixed(given)
    made(con, given)
    names = {folded(c.name) for c in given.columns}
    clash = names & {*NEW, "outlier_score", "is_outlier"}
    return Case(given, con, folder, given.options, {"prefix": "new: "} if clash or given.number % 5 == 0 else {})


def mixed(given: Table) -> Table:
    """The same rows and columns in another order."""
    rng = np.random.default_rng(given.number + 10**9)
    rows = rng.permutation(given.rows)
    columns = [given.columns[i] for i in rng.permutation(len(given.columns))]
    moved = tuple(type(c)(c.name, c.kind, [c.values[i] for i in rows]) for c in columns)
    return Table(given.number, moved, given.source, given.options)


def unchanged(found: Answer, plain: Answer, new: int, ordered: bool = True) -> Iterator[str]:
    """The rows of the source, once each, as they were, first, and in its order."""
    n = len(plain.names)
    if (found.names[:n], found.types[:n]) != (plain.names, plain.types):
        yield f"the columns changed from {plain.names, plain.types} to {found.names, found.types}"
    if len(found.names) != n + new:
        yield f"{len(found.names) - n} new columns for {new}"
    returned = [row[:n] for row in found.rows]
    if Counter(returned) != Counter(plain.rows):
        yield f"{len(returned)} rows for {len(plain.rows)}, or other rows"
    elif ordered and returned != plain.rows:
        yield "the rows came in another order"


def canonical(found: Answer, plain: Answer, options: dict[str, object]) -> Iterator[str]:
    """An id or a reason; with a hole and missing := 'skip' no id."""
    place = len(plain.names)
    for row in found.rows:
        score = dict(zip(NEW, row[place:], strict=True))
        if score["cluster_id"] is None and not score["reason"]:
            yield f"no id and no reason: {row}"
            return
        if score["cluster_id"] is not None and not 0 <= float(score["probability"] or -1) <= 1 + 1e-9:
            yield f"probability {score['probability']} of a row with an id"
            return
        if score["cluster_id"] is None and any(score[name] for name in NEW[1:-1]):
            yield f"figures of a row without an id: {score}"
            return
    if options.get("missing") == "error" and any(
        row[place] is None and "NULL" in (row[-1] or "") for row in found.rows
    ):
        yield "missing := 'error' let a hole through"


def ids(fitted: Answer, options: dict[str, object]) -> Iterator[str]:
    """0 to k - 1 in each group, the largest first, and the k that was given."""
    groups: dict[tuple[str | None, ...], list[tuple[int, float]]] = {}
    id_, size = fitted.names.index("cluster_id"), fitted.names.index("size")
    if "the group" not in fitted.names and options.get("by"):
        yield "no column of the group"
    for row in fitted.rows:
        if row[id_] is not None:
            groups.setdefault(row[:id_], []).append((int(row[id_] or 0), float(row[size] or "nan")))
    for name, clusters in groups.items():
        if [one for one, _ in clusters] != list(range(len(clusters))):
            yield f"ids {clusters} in {name}"
        sizes = [each for _, each in clusters]
        if not all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(sizes)):
            yield f"sizes {sizes} in {name}"
        if "k" in options and len(clusters) != options["k"]:
            yield f"{len(clusters)} clusters for k := {options['k']} in {name}"


def same(what: str, found: Answer, wanted: Answer) -> Iterator[str]:
    """The same rows with the same new columns, or as much refused."""
    if found.fault:
        yield f"{what}: {found.fault}"
    elif bool(found.refusal) != bool(wanted.refusal):
        yield f"{what}: refused one of the two: {found.refusal or wanted.refusal}"
    elif found.by_name() != wanted.by_name():
        pairs = (found.by_name() - wanted.by_name(), wanted.by_name() - found.by_name())
        yield f"{what}: {pairs[0].total()} rows differ, such as {[str(list(pair)[:1])[:700] for pair in pairs]}"


def stored(case: Case, one: Source, wanted: Answer) -> Iterator[str]:
    """The model as a table, and as files; what reads it."""
    try:
        case.con.execute(f"CREATE TABLE seg AS FROM {call('ppp_fit', one.text, case.options)}").fetchall()
    except duckdb.Error as error:
        yield f"ppp_fit, where ppp_cluster did: {failed(error)}"
        return
    fit = ask(case.con, "seg")
    yield from ids(fit, case.options)
    for end in ("csv", "parquet"):
        case.con.execute(f"COPY seg TO '{case.folder / f'seg.{end}'}'").fetchall()
    reading = {**case.prefix, "output": "full"}
    if not fit.rows:
        return  # of no rows there is no model
    for model in ("seg", str(case.folder / "seg.csv"), str(case.folder / "seg.parquet")):
        yield from same(f"ppp_predict of {Path(model).name}", one.ask("ppp_predict", reading, model), wanted)
    yield from described(case, one)
    yield from others(case, reading)


def others(case: Case, reading: dict[str, object]) -> Iterator[str]:
    """Rows that the model has not seen, of the same names and types."""
    case.con.execute("CREATE SCHEMA more; SET schema = 'more'").fetchall()
    made(case.con, renewed(case.given))
    case.con.execute("SET schema = 'main'").fetchall()
    more = Source(case.con, "more.t")
    plain, found = more.plain(), more.ask("ppp_predict", reading, "seg")
    if found.fault:
        yield f"ppp_predict of other rows: {found.fault}"
    if found.right:
        yield from (f"ppp_predict of other rows: {word}" for word in unchanged(found, plain, len(NEW)))
        yield from canonical(found, plain, {})


def described(case: Case, one: Source) -> Iterator[str]:
    plain = one.plain()
    outliers = one.ask("ppp_outliers", case.prefix, "seg")
    if outliers.right:
        yield from (f"ppp_outliers: {word}" for word in unchanged(outliers, plain, 2))
    else:
        yield f"ppp_outliers: {outliers.fault or outliers.refusal}"
    for function in ("ppp_profile", "ppp_evaluate"):
        found = one.ask(function, {}, "seg")
        if not found.right:
            yield f"{function}: {found.fault or found.refusal}"
    for function in ("ppp_centers", "ppp_info", "ppp_trials"):
        found = ask(case.con, f"{function}('seg')")
        if not found.right:
            yield f"{function}: {found.fault or found.refusal}"
    compared = ask(case.con, "ppp_compare('seg', a := 0)")
    if compared.fault:
        yield f"ppp_compare: {compared.fault}"
    matched = ask(case.con, call("ppp_match", "seg", {}).replace(")", ", 'seg', ") + f"'{one.text}')", one.cte)
    if not matched.right:
        yield f"ppp_match: {matched.fault or matched.refusal}"
    events = {row[matched.names.index("event")] for row in matched.rows} if matched.right else set()
    if not events <= {"kept"}:
        yield f"ppp_match of a model with itself: {events}"


def elsewhere(case: Case, wanted: Answer) -> Iterator[str]:
    """The same ids on four threads for another order of rows and columns, and from another kind of source.

    That is so where types and values are equal there: Parquet and pandas have not all types.
    """
    shuffled = opened(case.given, case.folder, shuffled=True)
    shuffled.con.execute("SET threads = 4").fetchall()
    moved = Source(shuffled.con, "t")
    found = moved.ask("ppp_cluster", case.full)
    yield from same("shuffled, on 4 threads", found, wanted)
    if found.right:
        yield from (f"4 threads: {word}" for word in unchanged(found, moved.plain(), len(NEW), ORDERED))
    shuffled.con.close()
    plain, kind = Source(case.con, "t").plain(), case.given.source
    other = source(case.con, kind if kind != "table" else "parquet", case.folder)
    there = other.plain() if other else None
    if other is None or there is None or there.fault:
        return
    found = other.ask("ppp_cluster", case.full)
    if (there.types, there.rows) == (plain.types, plain.rows):
        yield from same(kind, found, wanted)
    elif found.fault:
        yield f"{kind}: {found.fault}"
    if found.right:
        yield from (f"{kind}: {word}" for word in unchanged(found, there, len(NEW)))


def seldom(case: Case) -> Iterator[str]:
    """What fits three times more: of every fourth table."""
    table = Source(case.con, "t")
    without = {name: value for name, value in case.options.items() if name != "refine"}
    for function, given in (("ppp_separable", {**case.options, **case.prefix}), ("ppp_clusterability", without)):
        found = table.ask(function, given)
        if found.fault:
            yield f"{function}: {found.fault}"


def check(case: Case, refused: Callable[[str], None]) -> Iterator[str]:
    """Everything that does not hold of a table. ``refused`` hears what the package said instead of an answer."""
    table = Source(case.con, "t")
    plain = table.plain()
    if plain.fault:
        raise RuntimeError(f"the generator made a table that DuckDB cannot read: {plain.fault}")
    wanted = table.ask("ppp_cluster", case.full)
    if wanted.fault:
        yield f"ppp_cluster: {wanted.fault}"
        return
    if wanted.right:
        yield from unchanged(wanted, plain, len(NEW))
        yield from canonical(wanted, plain, case.options)
        brief = table.ask("ppp_cluster", {**case.options, **case.prefix}) if case.given.number % 3 == 0 else None
        if brief and [row[-1] for row in brief.rows] != [row[len(plain.names)] for row in wanted.rows]:
            yield f"output := 'id' has other ids than 'full' {brief.fault or brief.refusal}"
        yield from stored(case, table, wanted)
    else:
        refused(wanted.refusal)
    yield from elsewhere(case, wanted)
    if case.given.number % 4 == 0:
        yield from seldom(case)
