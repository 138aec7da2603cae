"""A statement as a chain of named stages (a WITH), and how a column gets into one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ppp_duck.binding.call import Call, Feature
from ppp_duck.binding.interface import GROUP, LISTS, NUMBER, ROW_GROUP, field, in_lists, numbered
from ppp_duck.binding.quoting import folded, literal, qualified, quote
from ppp_duck.binding.source import Source

QUOTED = re.compile(r"""("[^"]*"|'[^']*')""")  # a doubled quote only ends one and begins the next


@dataclass(frozen=True)
class Stage:
    """``name AS (sql)``, with a line that says what it is for.

    ``kept``: it is materialized, because it is read more than once or must be read in full; None: it is recursive.
    ``foreign``: it holds SQL of the user, whose functions are the user's.
    """

    name: str
    sql: str
    why: str
    kept: bool | None = True
    foreign: bool = False

    def text(self) -> str:
        hint = "" if self.kept is None else " MATERIALIZED" if self.kept else " NOT MATERIALIZED"
        sql = self.sql if self.foreign else qualified(self.sql)
        return f"-- {self.why}\n{self.name} AS{hint} (\n{sql}\n)"


def with_stages(stages: Iterable[Stage], query: str) -> str:
    """One statement: a WITH of all stages, and the query that reads them."""
    chain = ",\n".join(stage.text() for stage in stages)
    return f"WITH RECURSIVE\n{chain}\n{qualified(query)}"


def source_stage(source: Source) -> Stage:
    why = "every row of the source" + ("" if source.repeatable else ", copied: to read it again could give other rows")
    return Stage("_ppp_source", f"SELECT * FROM {source.relation}", why, kept=not source.repeatable, foreign=True)


def unowned(name: str, *relations: Source) -> str:
    """A name for a column of ours beside those of these relations, which none of them has.

    >>> unowned("_ppp_score", Source("t", '"t"', (), True))
    '_ppp_score'
    """
    taken = {folded(column.name) for relation in relations for column in relation.columns}
    while name in taken:
        name += "_"
    return name


def select(columns: Iterable[str], relation: str, *clauses: str) -> str:
    """``SELECT columns FROM relation``, a line for each column, then each clause that is not empty on a line."""
    return "\n".join([f"SELECT\n  {listed(columns)}", f"FROM {relation}", *filter(None, clauses)])


def listed(items: Iterable[str]) -> str:
    return ",\n  ".join(items)


def indented(text: str) -> str:
    r"""A subquery in brackets, its lines indented; not what stands in quotes, names and texts of several lines.

    >>> indented('SELECT "a\nb"\nFROM t')
    '(\n  SELECT "a\nb"\n  FROM t\n)'
    """
    parts = QUOTED.split(text)
    parts[::2] = [part.replace("\n", "\n  ") for part in parts[::2]]
    return "(\n  " + "".join(parts) + "\n)"


def as_form(form: str, column: str) -> str:
    """One form of a column, by its typed macro in sql/feature_types.sql."""
    return f"ppp__{form}({column})"


def feature_forms(call: Call) -> Iterable[tuple[int, Feature, str]]:
    """Every form of every feature: the feature's number, the feature, the form."""
    return ((index, feature, form) for index, feature in enumerate(call.features) for form in feature.forms)


def form_names(call: Call) -> list[str]:
    """The columns of the stages that hold the features."""
    if call.is_wide:
        return [LISTS[form] for form in in_lists(call.features)]
    return [numbered(form, index) for index, _, form in feature_forms(call)]


def struct_of_forms(columns: Sequence[tuple[str, str]]) -> str:
    """Columns of ``_ppp_source`` as ``{'number income': ppp__number(income), 'text city': ppp__text(city)}``."""
    fields = [f"{literal(field(form, name))}: {as_form(form, f'_ppp_source.{quote(name)}')}" for form, name in columns]
    return f"{{{', '.join(fields)}}}" if fields else "NULL"


def group_texts(columns: Iterable[str]) -> str:
    """The values of the ``by`` columns as a list of texts."""
    return f"[{', '.join(as_form(GROUP, quote(name)) for name in columns)}]"


def named_texts(columns: Sequence[str]) -> str:
    """The names of columns of ``_ppp_source``, then their values as texts, in one list.

    >>> print(named_texts(["tree"]))
    ['tree', ppp__group(_ppp_source."tree")]
    """
    texts = (as_form(GROUP, f"_ppp_source.{quote(name)}") for name in columns)
    return f"[{', '.join([*map(literal, columns), *texts])}]"


def of_weight(call: Call) -> str:
    """The condition that a row of the source weighs something: one of weight 0 is no row."""
    weight = call.options.weight
    return "" if weight is None else f"WHERE {as_form(NUMBER, f'_ppp_source.{quote(weight)}')} > 0"


def made_group(call: Call) -> list[str]:
    """The group of a row of the source, for the stages: ``row_group``; nothing without ``by``."""
    return (
        [f"CAST(to_json({group_texts(call.options.by)}) AS VARCHAR) COLLATE C AS {ROW_GROUP}"]
        if call.options.by
        else []
    )


def group_column(call: Call) -> list[str]:
    return [ROW_GROUP] if call.options.by else []


def grouped(call: Call) -> str:
    return f"GROUP BY {ROW_GROUP}" if call.options.by else ""


def with_summary(call: Call, relation: str) -> str:
    """A relation beside the summary of all rows, or of each row's group."""
    return f"{relation} JOIN _ppp_summary USING ({ROW_GROUP})" if call.options.by else f"{relation}, _ppp_summary"
