"""A relation as a chain of named stages, each of which adds columns to those that are still needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ppp_duck.portable.nodes import Node, added, column

TERMS = 64  # of a sum in one expression: DuckDB takes 1,000 levels, PostgreSQL's stack fewer


@dataclass(frozen=True)
class Stage:
    """New columns, made of those of the stages before, and a line that says what they are."""

    why: str
    columns: Mapping[str, Node]
    guard: str = ""  # a column, a list: the new columns are there where it is; '': they always are


@dataclass
class Chain:
    """Stages one after the other, as they are found."""

    stages: list[Stage] = field(default_factory=list)
    guard: str = ""  # of the stages that are added from now on

    def add(self, why: str, columns: Mapping[str, Node]) -> None:
        if columns:
            self.stages.append(Stage(why, columns, self.guard))

    def add_sums(self, why: str, sums: Mapping[str, Sequence[Node]]) -> None:
        """Sums of any number of terms, each from left to right, in as many stages as that takes."""
        most = max((len(terms) for terms in sums.values()), default=0)
        for begin in range(0, max(most, 1), TERMS):
            columns = {}
            for name, terms in sums.items():
                if begin and begin >= len(terms):
                    continue
                part = list(terms[begin : begin + TERMS])
                before = [column(_partial(name, begin))] if begin else []
                last = begin + TERMS >= len(terms)
                columns[name if last else _partial(name, begin + TERMS)] = added([*before, *part])
            self.add(why if not begin else f"{why}: what comes next", columns)


def _partial(name: str, terms: int) -> str:
    return f"{name}_of_{terms}"


def names_in(node: Node) -> set[str]:
    """The columns that an expression reads. Of a field of a struct, the struct."""
    return {found.table or found.name for found in node.find_all(exp.Column)}


def carried(stages: Sequence[Stage], wanted: set[str]) -> list[list[str]]:
    """The columns of earlier stages that each stage hands on: what later ones, or the end, still need of them."""
    needed, found = set(wanted), []
    made: list[list[str]] = [[]]
    for stage in stages:
        made.append([*made[-1], *stage.columns])
    for at in range(len(stages) - 1, -1, -1):
        found.append([name for name in made[at] if name in needed])
        needed -= set(stages[at].columns)
        for node in stages[at].columns.values():
            needed |= names_in(node)
    return found[::-1]
