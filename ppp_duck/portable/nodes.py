"""The nodes of which scoring is made. Doubles are written here and nowhere else.

Every node is new: sqlglot's own builders copy what they are given, which takes quadratic time for sums of many terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from sqlglot import exp

from ppp_duck.binding.quoting import literal

Node: TypeAlias = exp.Expr
SOURCE = "ppp_source"  # the relation that is scored


def number(value: float) -> Node:
    """A double in its shortest exact form, in scientific notation: so no engine takes it for a decimal.

    >>> number(-0.1).sql(), number(1e-320).sql(), number(5.0).sql()
    ('-1e-1', '1e-320', '5e0')
    """
    text = repr(abs(float(value)))
    digits, _, power = text.partition("e")
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    shift = int(power or 0)
    if whole == "0" and part:  # 0.001 is 1e-3
        shift -= len(part) - len(part.lstrip("0")) + 1
        part = part.lstrip("0")
        whole, part = part[0], part[1:]
    written = exp.Literal(this=f"{whole}{'.' + part if part else ''}e{shift}", is_string=False)
    return exp.Neg(this=written) if value < 0 else written


def whole(value: int) -> Node:
    written = exp.Literal(this=literal(abs(value)), is_string=False)
    return exp.Neg(this=written) if value < 0 else written


def text(value: str) -> Node:
    return exp.Literal(this=value, is_string=True)


def name(identifier: str) -> exp.Identifier:
    return exp.Identifier(this=identifier, quoted=True)


def column(identifier: str) -> Node:
    """A column of the stage before."""
    return exp.Column(this=exp.Identifier(this=identifier, quoted=False))


def of_source(identifier: str) -> Node:
    """A column of the relation that is scored."""
    return exp.Column(this=name(identifier), table=exp.Identifier(this=SOURCE, quoted=False))


def _operand(node: Node) -> Node:
    return exp.Paren(this=node) if isinstance(node, (exp.Binary, exp.Neg, exp.Not)) else node


def minus(left: Node, right: float) -> Node:
    """Less a constant. To add its opposite is the same bit for bit, and easier to read."""
    if right == 0:
        return left
    if right < 0:
        return exp.Add(this=_operand(left), expression=number(-right))
    return exp.Sub(this=_operand(left), expression=number(right))


def times(left: Node, right: float) -> Node:
    """Times a constant."""
    return left if right == 1 else exp.Mul(this=_operand(left), expression=number(right))


def over(left: Node, right: float) -> Node:
    """Divided by a constant."""
    return left if right == 1 else divided(left, number(right))


def difference(left: Node, right: Node) -> Node:
    return exp.Sub(this=left if isinstance(left, exp.Sub) else _operand(left), expression=_operand(right))


def product(left: Node, right: Node) -> Node:
    return exp.Mul(this=_operand(left), expression=_operand(right))


def divided(left: Node, right: Node) -> Node:
    return exp.Div(this=_operand(left), expression=_operand(right), typed=True, safe=False)


def added(terms: Iterable[Node]) -> Node:
    """A sum, from left to right: what is added first decides the last bit. Without terms 0."""
    total: Node | None = None
    for term in terms:
        term = exp.Paren(this=term) if isinstance(term, (exp.Add, exp.Sub)) and total is not None else term
        total = term if total is None else exp.Add(this=total, expression=term)
    return number(0.0) if total is None else total


def is_null(node: Node) -> Node:
    return exp.Is(this=node, expression=exp.Null())


def is_there(node: Node) -> Node:
    return exp.Not(this=exp.Is(this=node, expression=exp.Null()))


def every(conditions: Sequence[Node]) -> Node:
    return _chained(exp.And, conditions)


def some(conditions: Sequence[Node]) -> Node:
    return _chained(exp.Or, conditions)


def _chained(kind: type[exp.Connector], conditions: Sequence[Node]) -> Node:
    if not conditions:
        return exp.Boolean(this=kind is exp.And)
    total: Node = _condition(conditions[0])
    for one in conditions[1:]:
        total = kind(this=total, expression=_condition(one))
    return total


def _condition(node: Node) -> Node:
    return exp.Paren(this=node) if isinstance(node, (exp.Or, exp.And)) else node


def equal(left: Node, right: Node) -> Node:
    return exp.EQ(this=left, expression=right)


def above(left: Node, right: Node) -> Node:
    return exp.GT(this=left, expression=right)


def below(left: Node, right: Node) -> Node:
    return exp.LT(this=left, expression=right)


def between(node: Node, low: float, high: float) -> Node:
    """Not true of NULL, of NaN and of what is infinite, on every engine, whatever it thinks of NaN."""
    return exp.Between(this=node, low=number(low), high=number(high))


def case(branches: Sequence[tuple[Node, Node]], default: Node | None = None) -> Node:
    if not branches:
        return exp.Null() if default is None else default
    return exp.Case(ifs=[exp.If(this=condition, true=value) for condition, value in branches], default=default)


def coalesce(node: Node, default: Node) -> Node:
    return exp.Coalesce(this=node, expressions=[default])


def cast(node: Node, kind: str) -> Node:
    return exp.Cast(this=node, to=exp.DataType.build(kind))
