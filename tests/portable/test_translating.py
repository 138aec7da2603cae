"""Stages of DuckDB in Spark's dialect: what would mean something else is said otherwise, what is unknown is an error."""

from __future__ import annotations

import make
import pytest
from conftest import ROOT

from ppp_duck.errors import DialectError
from ppp_duck.portable.translating import in_spark


def translated(expression: str, kind: str = "DOUBLE") -> str:
    return in_spark(f"SELECT {expression} AS a FROM t", lambda column: kind, pretty=False).split(" AS a FROM")[0][7:]


@pytest.mark.parametrize("name", make.SPARK)
def test_golden(name: str) -> None:
    assert make.of_spark(name) == (ROOT / "sql" / "golden" / "spark" / f"{name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expression", "spark"),
    [
        ("TRY_CAST(x AS BIGINT)", "TRY_CAST(RINT(x) AS BIGINT)"),
        ("CAST('0x' || left(md5(x), 7) AS BIGINT)", "CAST(CONV(LEFT(MD5(x), 7), 16, 10) AS BIGINT)"),
        ("list_extract(v, 1 + len(v) * 3 // 8)", "GET(v, CAST((1 + ARRAY_SIZE(v) * 3 DIV 8) - 1 AS INT))"),
        ("list_count(v) = len(v)", "ARRAY_SIZE(ARRAY_COMPACT(v)) = ARRAY_SIZE(v)"),
        ("sum(x)", "SUM(CAST(x AS DECIMAL(20, 0)))"),
        ("isfinite(x)", "(x BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308)"),
        ("count(*) FILTER (x > 0)", "COUNT(*) FILTER(WHERE x > 0)"),
        ("typeof(\"x\")", "'DOUBLE'"),
    ],
)  # fmt: skip
def test_what_spark_says_otherwise(expression: str, spark: str) -> None:
    assert translated(expression) == spark


def test_types_are_those_of_the_columns() -> None:
    assert translated('ppp__number("d")', "DATE") == "CAST(UNIX_DATE(`d`) AS DOUBLE) * 86400e0"
    assert translated('isfinite("d")', "DATE") == "NOT `d` IS NULL"
    assert "* EXCEPT (b), b + 1 AS b" in in_spark("SELECT * REPLACE (b + 1 AS b) FROM t", str, pretty=False)


@pytest.mark.parametrize("expression", ["list_sum(v)", "hash(x)", "max(x, 20)", "log2(x)", "quantile_cont(x, 0.5)"])
def test_what_is_in_no_list_is_refused(expression: str) -> None:
    with pytest.raises(DialectError, match=r"^fit on DuckDB: Spark is not known to have "):
        translated(expression)
