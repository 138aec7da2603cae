"""What a caller gave as a source: a name or a query; and what the statement that reads it finds there."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from ppp_duck.binding.quoting import folded, quote
from ppp_duck.errors import SourceError, show
from ppp_duck.features.choice import TEXT

NUMERIC = re.compile(
    r"(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|BIGNUM|VARINT|FLOAT|DOUBLE|DECIMAL\(\d+,\s?\d+\))", re.IGNORECASE
)
SCALAR = re.compile(
    r"BOOLEAN|DATE|TIME|TIME WITH TIME ZONE|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE|INTERVAL", re.IGNORECASE
)
VECTOR = re.compile(rf"{NUMERIC.pattern}\[\d*\]", re.IGNORECASE)
QUERY = re.compile(r"\s*(\(|(select|with|from|values)\b)", re.IGNORECASE)
FILE = re.compile(r".*[/\\*?]|.*\.(parquet|csv|tsv|json|ndjson|jsonl|xlsx|gz|zst|arrow)$", re.IGNORECASE | re.DOTALL)
WORD = re.compile(r"\w+")
PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')

# The only kinds of node a query that merely reads can have in DuckDB's own syntax tree. DuckDB 2 allows
# WITH … AS (INSERT …), so "it is a SELECT" is not enough to trust a source.
READ_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}


@dataclass(frozen=True)
class Column:
    name: str
    type: str

    @property
    def kind(self) -> str | None:
        """'number', 'text' or 'vector'; None for types that no feature can be made of.

        >>> [Column("x", t).kind for t in ("DECIMAL(9,2)", "DATE", "ENUM('a')", "FLOAT[384]", "BLOB", "INTEGER[][]")]
        ['number', 'number', 'text', 'vector', None, None]
        """
        if NUMERIC.fullmatch(self.type) or SCALAR.fullmatch(self.type):
            return "number"
        if TEXT.fullmatch(self.type):
            return "text"
        return "vector" if VECTOR.fullmatch(self.type) else None


@dataclass(frozen=True)
class Named:
    """What a string means: ``relation`` is SQL that may stand after FROM. What that has, the statement shows.

    ``frame``: the columns of the pandas frame that a variable of this name holds where the statement was called.
    """

    name: str
    relation: str
    frame: tuple[Column, ...] | None = None

    @property
    def is_query(self) -> bool:
        return self.relation.startswith("(")  # names are quoted


@dataclass(frozen=True)
class Source:
    """A source of rows as the statement that reads it sees it.

    ``repeatable`` says that reading it twice gives the same rows, so that no copy is needed.
    """

    name: str
    relation: str
    columns: tuple[Column, ...]
    repeatable: bool


def find_source(function: str, src: object, cursor: duckdb.DuckDBPyConnection, role: str = "source") -> Named:
    """What a string means, a name or a query; of a pandas frame also its columns. No row is read.

    ``cursor`` is a connection of its own to the same database. What it sees may be a namesake of what the statement
    reads, so it only tells what the string is. Raises SourceError for text that is not one reading query.
    """
    if not isinstance(src, str) or not src.strip():
        if role != "source":
            raise SourceError(
                f"{function}: name the {role}, as a string: a table, view, file or query with what ppp_fit made, such "
                f"as 'seg', not {show(src)}"
            )
        raise SourceError(
            f"{function}: give the source first, as a string: a table, view, file or query such as "
            f"{function}('customers'), not {show(src)}"
        )
    if not WORD.fullmatch(src):  # one word is a name, and no query
        if _describe(cursor, f"FROM {quote(src)}") is not None:
            return Named(src, quote(src))
        if QUERY.match(src) or _is_sql(cursor, src):
            return Named("the query", f"({reading_query(function, src, cursor, role)})")
    path = path_of(src)
    if path is None:
        return Named(src, quote(src))
    dotted = ".".join(map(quote, path))
    if FILE.match(src) and _describe(cursor, f"FROM {dotted}") is None:
        return Named(src, quote(src))
    found = _python_object(path[0]) if len(path) == 1 else None
    # An Arrow object is read once: scanning one twice crashes DuckDB 1.4, and a reader is empty by then.
    is_pandas = type(found).__module__.startswith("pandas")
    return Named(src, dotted, _describe_object(cursor, found) if is_pandas else None)


def refuse_clash(function: str, new: Iterable[str], columns: Iterable[str], source: str) -> None:
    """Raises SourceError where a new column has the name of one of the ``columns`` of a source."""
    taken = set(map(folded, columns))
    for name in new:
        if folded(name) in taken:
            raise SourceError.clash(function, name, source)


def reading_query(function: str, text: str, cursor: duckdb.DuckDBPyConnection, role: str = "source") -> str:
    """The text of one query that only reads, rewritten by DuckDB from its own syntax tree (so comments are gone).

    Raises SourceError for anything else: DDL, DML (also inside a WITH), several statements, broken syntax.
    """
    wanted = f"{function}: make the {role} one SELECT"
    ((tree,),) = cursor.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
    parsed = json.loads(tree)
    if parsed["error"]:
        raise SourceError(f"{wanted}, not {_shorten(text)} ({parsed['error_message'].rstrip('!')})")
    if len(parsed["statements"]) != 1:
        raise SourceError(f"{wanted}, not {len(parsed['statements'])} statements: {_shorten(text)}")
    writing = sorted(_node_types(parsed) - READ_NODES)
    if writing:
        verb = writing[0].partition("_")[0]
        raise SourceError(f"{wanted} that only reads, not one with {verb}: {_shorten(text)}")
    ((clean,),) = cursor.execute("SELECT json_deserialize_sql(?::JSON)", [tree]).fetchall()
    return str(clean)


def _describe(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Column, ...] | None:
    try:
        rows = cursor.execute(f"DESCRIBE {query}").fetchall()
    except duckdb.Error:
        # No error: what this connection cannot see (a CTE, a temporary table), the statement may.
        return None
    return tuple(Column(row[0], row[1]) for row in rows)


def _is_sql(cursor: duckdb.DuckDBPyConnection, text: str) -> bool:
    try:
        return bool(cursor.extract_statements(text))
    except duckdb.ParserException:
        return False


def path_of(src: str) -> list[str] | None:
    """The parts of a dotted, possibly quoted name; None if it is not one.

    >>> path_of('main."a.b"'), path_of("my table"), path_of("a..b")
    (['main', 'a.b'], ['my table'], None)
    """
    parts, position = [], 0
    while match := PART.match(src, position):
        parts.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        position = match.end()
        if position == len(src):
            return parts
        if src[position] != ".":
            return None
        position += 1
    return None


def _python_object(name: str) -> Any | None:
    """The variable of this name where the statement was called: DuckDB looks there too, in the same order."""
    frame = sys._getframe()
    ours = ("ppp_duck", "duckdb")  # part of duckdb itself is Python
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in ours:
        frame = frame.f_back
    return frame.f_locals.get(name, frame.f_globals.get(name))


def _describe_object(cursor: duckdb.DuckDBPyConnection, found: Any) -> tuple[Column, ...] | None:
    try:
        cursor.register("_ppp_object", found)
    except (duckdb.Error, TypeError):
        return None  # a variable that DuckDB cannot scan: the statement will say so
    columns = _describe(cursor, 'FROM "_ppp_object"')
    cursor.unregister("_ppp_object")
    return columns


def columns_of(relation: duckdb.DuckDBPyRelation) -> tuple[Column, ...]:
    """The columns of a relation, as far as its connection is free to tell them."""
    return tuple(Column(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True))


def _node_types(tree: object) -> set[str]:
    if isinstance(tree, dict):
        found = set().union(*map(_node_types, tree.values())) if tree else set()
        kind = tree.get("type")
        return found | {kind} if isinstance(kind, str) and kind.endswith("_NODE") else found
    return set().union(*map(_node_types, tree)) if isinstance(tree, list) and tree else set()


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
