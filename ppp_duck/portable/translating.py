"""The stages of a fit in Spark's dialect: each is the text that DuckDB runs, read by sqlglot and written anew.

sqlglot knows most of it. What it does not, or would say otherwise than DuckDB means it, is in the table of rules; what
is in no list is an error, because sqlglot hands on what it does not know as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from ppp_duck.errors import DialectError
from ppp_duck.portable.dialects import DIALECTS, NODES, OWN_NODES, as_number, filled_in
from ppp_duck.portable.nodes import Node, between, cast, text

Types = Callable[[exp.Column], str]  # DuckDB's name of the type of a column of the source
Rule = Callable[[Node, Types], Node]

SPARK = DIALECTS["spark"]
LARGEST = 1.7976931348623157e308  # of all finite doubles
WHOLE = "DECIMAL(20, 0)"  # what is summed: sums of whole numbers are HUGEINTs in DuckDB
# A HUGEINT becomes a double in two halves of 64 bits, each rounded by itself.
HUGEINT = (
    "CAST(x % 18446744073709551616 AS DOUBLE) + CAST(x DIV 18446744073709551616 AS DOUBLE) * 1.8446744073709552e19"
)
HEXADECIMAL = "CAST(CONV(x, 16, 10) AS BIGINT)"

# Beside those of the texts that score.
STAGE_NODES = NODES | OWN_NODES["spark"] | {
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.AnyValue, exp.IgnoreNulls, exp.BitwiseXorAgg, exp.Filter, exp.Group,
    exp.GroupingSets, exp.Grouping, exp.Having, exp.Join, exp.Qualify, exp.Window, exp.Rank, exp.RowNumber, exp.Order,
    exp.Ordered, exp.Limit, exp.Mod, exp.IntDiv, exp.Floor, exp.Array, exp.ArrayMin, exp.ArrayMax, exp.Left, exp.MD5,
    exp.Tuple,
}  # fmt: skip
STAGE_FUNCTIONS = {"unix_date", "rint", "array_size", "array_compact", "get", "to_json", "conv"}


def in_spark(sql: str, types: Types, pretty: bool = True) -> str:
    """A stage, a SELECT of DuckDB, as a SELECT of Spark with the same rows, bit for bit.

    ``types`` tells the types of the columns that typed macros are given. Raises DialectError for what is in no list.

    >>> in_spark('SELECT ppp__number(_ppp_source."x") AS number_0', lambda column: "FLOAT", pretty=False)
    'SELECT CAST(_ppp_source.`x` AS DOUBLE) AS number_0'
    >>> in_spark("SELECT TRY_CAST(places_0 AS BIGINT) % 7 AS content_key", lambda column: "", pretty=False)
    'SELECT TRY_CAST(RINT(places_0) AS BIGINT) % 7 AS content_key'
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    for node in reversed(list(tree.walk(bfs=True))):
        rule = RULES.get(node.name.lower() if isinstance(node, exp.Anonymous) else type(node))
        new = node if rule is None else rule(node, types)
        if new is not node:
            node.replace(new)
    for node in tree.walk():
        known = node.name.lower() in STAGE_FUNCTIONS if isinstance(node, exp.Anonymous) else type(node) in STAGE_NODES
        if not known:
            raise DialectError(f"fit on DuckDB: Spark is not known to have {node.sql()[:80]}")
    try:
        return tree.sql(dialect="spark", pretty=pretty, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise DialectError(f"fit on DuckDB: Spark is not known to have what stands here: {error}") from None


def _number(node: Node, types: Types) -> Node:
    (column,) = node.expressions
    return as_number(SPARK, column, types(column), column.name)


def _text(node: Node, types: Types) -> Node:
    return filled_in(SPARK, SPARK.text, node.expressions[0])


def _vector(node: Node, types: Types) -> Node:
    return cast(node.expressions[0], "DOUBLE[]")


def _group(node: Node, types: Types) -> Node:
    return filled_in(SPARK, SPARK.group, node.expressions[0])


def _type(node: Node, types: Types) -> Node:
    return text(types(node.this))


def _is_finite(node: Node, types: Types) -> Node:
    """Of moments too, which Spark has no infinite ones of: only they are asked as columns of the source."""
    (value,) = node.expressions
    if isinstance(value, exp.Column) and value.this.quoted:
        return exp.Not(this=exp.Is(this=value, expression=exp.Null()))
    return exp.Paren(this=between(value, -LARGEST, LARGEST))


def _own(name: str, *arguments: Node) -> Node:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _count_of_list(node: Node, types: Types) -> Node:
    return _own("array_size", _own("array_compact", *node.expressions))


def _length(node: Node, types: Types) -> Node:
    return _own("array_size", node.this)


def _item(node: Node, types: Types) -> Node:
    """An item of a list, counted from 1; NULL where there is none."""
    items, place = node.expressions
    before = exp.Sub(this=exp.Paren(this=place), expression=exp.Literal.number(1))
    return _own("get", items, cast(before, "INT"))


def _whole(node: Node, types: Types) -> Node:
    """DuckDB rounds a double half to even where Spark would cut it off. Or a number in hexadecimal digits."""
    if not node.args["to"].is_type("BIGINT"):
        return node
    if isinstance(node.this, exp.DPipe):
        return filled_in(SPARK, HEXADECIMAL, node.this.expression)
    node.set("this", _own("rint", node.this))
    return node


def _sum(node: Node, types: Types) -> Node:
    node.set("this", cast(node.this, WHOLE))
    return node


def _quotient(node: Node, types: Types) -> Node:
    if isinstance(node.this, exp.Sum):
        node.set("this", exp.Paren(this=filled_in(SPARK, HUGEINT, node.this)))
    return node


def _star(node: Node, types: Types) -> Node:
    """``* REPLACE (y AS x)`` is ``* EXCEPT (x), y AS x``: the columns after it have names."""
    replaced = node.args.get("replace")
    if replaced:
        select = node.parent
        assert isinstance(select, exp.Select)
        select.set("expressions", [*select.expressions, *(one.copy() for one in replaced)])
        return exp.Star(except_=[one.args["alias"].copy() for one in replaced])
    return node


def _collated(node: Node, types: Types) -> Node:
    return node.this if node.expression.name == "C" else node


RULES: Mapping[object, Rule] = {
    "ppp__number": _number, "ppp__text": _text, "ppp__vector": _vector, "ppp__group": _group, exp.Typeof: _type,
    "isfinite": _is_finite, "list_count": _count_of_list, exp.Length: _length, "list_extract": _item,
    exp.Cast: _whole, exp.TryCast: _whole, exp.Sum: _sum, exp.Div: _quotient, exp.Star: _star, exp.Collate: _collated,
}  # fmt: skip
