"""The text of a query: a line for each stage that says what it is, a line for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.generator import Generator

from ppp_duck.binding.source import path_of
from ppp_duck.errors import OptionError, SourceError, show
from ppp_duck.models.model import ModelSet
from ppp_duck.portable.dialects import DIALECTS, check
from ppp_duck.portable.nodes import SOURCE, Node, name, of_source
from ppp_duck.portable.scoring import LAST, Relation, columns_of, scoring

TEMPLATE = "{source}"  # stands where no source is named
VIEW = "_clusters"  # ends the name of a view of a source
WIDTH = 118


def portable_sql(models: ModelSet, dialect: str, source: str | None, output: str, form: str) -> str:
    """The text that scores the rows of ``source``, which stands for itself where it is None. Raises PPPError."""
    own = DIALECTS[dialect]
    if form == "macro":
        if dialect != "duckdb":
            raise OptionError.value("ppp_sql", "form", f"'select' or 'view', as {dialect} has no macros", form)
        return _macro(models, source, output)
    table = _table([TEMPLATE] if source is None else _path(source))
    table.set("alias", exp.TableAlias(this=exp.Identifier(this=SOURCE, quoted=False)))
    query = scoring(models, own, Relation(of_source, table), output)
    check(own, query)
    written = _Writer.of(dialect).query(query)
    if form == "view":
        path = [TEMPLATE] if source is None else _path(source)
        view = _table([*path[:-1], path[-1] + VIEW]).sql(dialect=dialect)
        written = f"CREATE VIEW {view} AS\n{written}"
    for end in ("", VIEW) if source is None else ():
        written = written.replace(name(TEMPLATE + end).sql(dialect=dialect), TEMPLATE + end)
    return written


def _macro(models: ModelSet, source: str | None, output: str) -> str:
    """A macro of the columns: its value is the id, or a struct of all new columns."""
    query = scoring(models, DIALECTS["duckdb"], Relation(_parameter, None), output)
    check(DIALECTS["duckdb"], query)
    parameters = ", ".join(name(one).sql(dialect="duckdb") for one in columns_of(models).values())
    called = TEMPLATE if source is None else _table(_path(source)).sql(dialect="duckdb")
    return f"CREATE MACRO {called}({parameters}) AS (\n{_Writer.of('duckdb').query(query, output == 'full')}\n)"


def _parameter(identifier: str) -> Node:
    return exp.Column(this=name(identifier))


def _path(source: str) -> list[str]:
    path = path_of(source)
    if path is None:
        raise SourceError(
            f"ppp_sql: name a table as source, such as 'customers' or 'main.customers', not {show(source)}"
        )
    return path


def _table(path: Sequence[str]) -> exp.Table:
    parts: dict[str, Any] = dict(zip(("this", "db", "catalog"), [name(one) for one in reversed(path)], strict=False))
    return exp.Table(**parts)


@dataclass(frozen=True)
class _Writer:
    """Writes the nodes of one dialect. Not as sqlglot does it: a sum of sixty terms would have three hundred lines."""

    generator: Generator

    @staticmethod
    def of(dialect: str) -> _Writer:
        return _Writer(sqlglot.Dialect.get_or_raise(dialect).generator(comments=False))

    def text(self, node: Node) -> str:
        return self.generator.generate(node, copy=False)

    def query(self, query: exp.Select, as_struct: bool = False) -> str:
        """A line that says what a stage is, then its columns. ``as_struct``: all new columns are one."""
        stages = []
        for cte in query.args["with_"].expressions:
            branches = [self._select(one, as_struct and cte.alias == LAST) for one in _branches(cte.this)]
            stages.append(f"-- {' '.join(cte.comments)}\n{cte.alias} AS (\n" + "\nUNION ALL\n".join(branches) + "\n)")
        return "WITH\n" + ",\n".join(stages) + f"\nSELECT * FROM {LAST}"

    def _select(self, query: exp.Select, as_struct: bool) -> str:
        handed_on = [f"{self.text(one)}," for one in query.expressions if not isinstance(one, exp.Alias)]
        columns = [_filled(handed_on)[:-1]] if handed_on else []
        new = [(self.text(one.args["alias"]), self.lines(one.this)) for one in query.expressions
               if isinstance(one, exp.Alias)]  # fmt: skip
        if as_struct:
            fields = ",\n  ".join(f"{alias}: {value}" for alias, value in new)
            columns.append(f"{{\n  {fields}\n  }} AS scored")
        else:
            columns += [f"{value} AS {alias}" for alias, value in new]
        lines = ["SELECT\n  " + ",\n  ".join(columns)]
        for part, word in (("from_", "FROM"), ("where", "WHERE"), ("offset", "OFFSET")):
            found = query.args.get(part)
            if found is not None:
                lines.append(f"{word} {self.text(found.expression if part == 'offset' else found.this)}")
        return "\n".join(lines)

    def lines(self, node: Node) -> str:
        """A column in one line or, of long choices and sums, a line for each part."""
        if isinstance(node, exp.Cast) and isinstance(node.this, exp.Case):
            kind = self.text(node.to)
            return f"CAST({self.lines(node.this)} AS {kind})"
        if isinstance(node, exp.Case) and isinstance(node.args["ifs"][0].args["true"], exp.Struct):
            (guarded,) = node.args["ifs"]
            fields = [f"{self.lines(one.expression)} AS {one.name}" for one in guarded.args["true"].expressions]
            return f"CASE WHEN {self.text(guarded.this)} THEN STRUCT(\n  " + ",\n  ".join(fields) + "\n  ) END"
        if isinstance(node, exp.Case):
            parts = ["CASE"]
            parts += [f"WHEN {self.text(one.this)} THEN {self.text(one.args['true'])}" for one in node.args["ifs"]]
            default = node.args.get("default")
            parts += [] if default is None else [f"ELSE {self.text(default)}"]
            one = " ".join([*parts, "END"])
            return one if len(one) <= WIDTH else "\n    ".join(parts) + "\n  END"
        if isinstance(node, exp.Add):
            terms: list[Node] = []
            rest: Node = node
            while isinstance(rest, exp.Add):
                terms.append(rest.expression)
                rest = rest.this
            return _filled([self.text(rest), *(f"+ {self.text(term)}" for term in terms[::-1])])
        return self.text(node)


def _branches(query: exp.Query) -> list[exp.Select]:
    """The queries of a union, first to last."""
    found: list[exp.Select] = []
    node: Node = query
    while isinstance(node, exp.Union):
        assert isinstance(node.expression, exp.Select)
        found.append(node.expression)
        node = node.this
    assert isinstance(node, exp.Select)
    return [node, *found[::-1]]


def _filled(words: Sequence[str]) -> str:
    """Parts in lines, as many in each as fit."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}" if word.startswith("+") else word)
    return "\n  ".join(lines)
