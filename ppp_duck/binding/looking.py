"""What a call reads, as its own statement sees it: the first of the two statements that a call becomes.

The rewriting function runs on another connection. That one sees no CTE, no temporary relation and nothing uncommitted,
but may see a namesake. So a call first becomes a statement that reads nothing and tells while it is bound which columns
its relations have; then ``ppp__write`` writes the statement that runs. How that is made, by three things that DuckDB
does while it binds:

- ``typeof`` of a row is a constant, and ``struct_extract`` wants a constant name: so it calls ``ppp__look``.
- A column that a relation does not have is looked for outside: a table has ``rowid``, a file ``file_index``; a view, a
  CTE or a query has neither, and there that of a namesake around it is found, a BOOLEAN. A query stands before all
  that, as a CTE, or a wrong name in it would be looked for there, too. (DuckDB 1.4 gives columns of one name other
  new names in a CTE than in a subquery, hence both.)
- The argument of a macro is bound to learn its type. ``ppp__cluster_seen`` does not use it, so
  nothing of it is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppp_duck.binding.interface import seen_macro
from ppp_duck.binding.options import FITTING, Options, Reading
from ppp_duck.binding.quoting import folded, literal, qualified, quote
from ppp_duck.binding.source import Column, Named, Source

SCANNED = ("rowid", "file_index")  # columns beside those of a star, of what is scanned where it lies: tables and files
# The type of the columns around the relations: none of SCANNED has it. In a list: of a NULL no constant is made.
NOWHERE = "BOOLEAN[]"
ROW = re.compile(r"STRUCT\((.*)\)", re.DOTALL)
# A piece of a type: a text or a name in quotes, a bracket, a comma, or what lies between.
PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(\[]|[)\]]|,|[^'"(\[)\],]+""")
FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^\s"]+)) (.*)', re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A call whose arguments are checked. It travels from the first statement to the second as JSON."""

    function: str
    options: Options | Reading
    relations: tuple[Named, ...]  # the source, or source and model, or the models (and, to match them, the source)
    catalog: int = 0  # the number of the catalog whose function was called; 0: it was one of the connection's own

    def to_json(self) -> str:
        return json.dumps(self, default=vars, sort_keys=True, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Asked:
        fields = json.loads(text)
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields["options"].items()
        }
        options = Options(**given) if fields["function"] in FITTING else Reading(**given)
        return cls(fields["function"], options, tuple(map(_named, fields["relations"])), fields["catalog"])

    def seen(self, types: Sequence[Sequence[str]]) -> tuple[Source, ...]:
        """The relations, by what ``ppp__look`` was told of each: the types of its row and of SCANNED."""
        return tuple(map(_seen, self.relations, types))


def look(asked: Asked) -> str:
    """The first statement: it shows ``ppp__look`` what the relations are, and becomes what ``ppp__write`` returns."""
    names = [quote(f"_ppp_relation_{i} \x1f") for i in range(len(asked.relations))]  # no source has a column of these
    told = ", ".join(f"[{', '.join([f'typeof({n})', *(f'typeof([{n}.{c}])' for c in SCANNED)])}]" for n in names)
    queries = {one.relation: quote(f"_ppp_query_{i} \x1f") for i, one in enumerate(asked.relations) if one.is_query}
    before = (
        f"WITH {', '.join(f'{name} AS (SELECT * FROM {query})' for query, name in queries.items())} " if queries else ""
    )
    read = (queries.get(one.relation, one.relation) for one in asked.relations)
    relations = ", ".join(f"{relation} AS {name}" for relation, name in zip(read, names, strict=True))
    around = ", ".join(f"(SELECT {', '.join(f'true AS {c}' for c in SCANNED)}) AS {name}" for name in names)
    looked = qualified(f"struct_extract({{'seen': 1}}, ppp__look([{told}]))")
    return f"""FROM {seen_macro(asked.function)}(({before}SELECT (
  SELECT {looked}
  FROM {relations} LIMIT 0
) FROM {around}),
  {literal(asked.to_json())})"""


def _named(fields: Mapping[str, Any]) -> Named:
    frame = fields["frame"]
    return Named(**{**fields, "frame": frame and tuple(Column(**one) for one in frame)})


def _seen(named: Named, types: Sequence[str]) -> Source:
    row, *scanned = types
    columns = tuple(columns_of(row))
    own = {folded(column.name) for column in columns}
    in_place = any(kind != NOWHERE and name not in own for name, kind in zip(SCANNED, scanned, strict=True))
    in_place |= named.frame == columns  # a pandas frame that a variable holds, or a CTE like it, read once anyway
    return Source(named.name, named.relation, columns, repeatable=in_place)


def columns_of(row: str) -> Iterator[Column]:
    r"""The columns of a row, from the name of its type.

    >>> [(one.name, one.type) for one in columns_of("STRUCT(\"a, \"\"b\" ENUM('(', 'o''s'), v DECIMAL(9,2)[])")]
    [('a, "b', "ENUM('(', 'o''s')"), ('v', 'DECIMAL(9,2)[]')]
    """
    (fields,) = ROW.fullmatch(row).groups()  # type: ignore[union-attr]
    depth, field = 0, ""
    for piece in [*PIECE.findall(fields), ","]:
        depth += (piece in "([") - (piece in ")]")
        if piece != "," or depth:
            field += piece
            continue
        quoted, plain, kind = FIELD.fullmatch(field.lstrip()).groups()  # type: ignore[union-attr]
        yield Column(plain if quoted is None else quoted.replace('""', '"'), kind)
        field = ""
