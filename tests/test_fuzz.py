"""The fuzz sees what it looks for, and a table is all its number says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import duckdb
import pytest

from benchmarks.fuzz.__main__ import failures
from benchmarks.fuzz.checks import NEW, Answer, canonical, failed, ids, same, unchanged
from benchmarks.fuzz.tables import made, table

PLAIN = Answer(("x",), ("DOUBLE",), [("1.0",), ("nan",)])
FOUND = Answer(("x", "cluster_id"), ("DOUBLE", "INTEGER"), [("1.0", "0"), ("nan", None)])


def test_a_table_is_made_by_its_number() -> None:
    assert table(3) == table(3) != table(4)
    for number in range(40):
        made(duckdb.connect(), table(number))


# One that never failed, and those in which `make fuzz` found what no smaller table of a test shows.
@pytest.mark.parametrize("number", [4, 1389, 1452, 1785])
def test_a_table_keeps_every_promise(number: int) -> None:
    refused: Counter[str] = Counter()
    assert failures(number, refused) == []


def test_rows_lost_changed_or_moved_are_seen() -> None:
    assert list(unchanged(FOUND, PLAIN, 1)) == []
    assert list(unchanged(replace(FOUND, rows=FOUND.rows[:1]), PLAIN, 1)) == ["1 rows for 2, or other rows"]
    assert list(unchanged(replace(FOUND, rows=FOUND.rows[::-1]), PLAIN, 1)) == ["the rows came in another order"]
    assert len(list(unchanged(replace(FOUND, types=("FLOAT", "INTEGER")), PLAIN, 1))) == 1


@pytest.mark.parametrize(
    ("score", "right"),
    [
        (("0", "1.0", None, None, "0.5", "0", "true", None), True),
        ((None, None, None, None, None, None, None, "x is NULL"), True),
        ((None, None, None, None, None, None, None, None), False),
        ((None, "0.5", None, None, None, None, None, "x is NULL"), False),
        (("0", "nan", None, None, "0.5", "0", "true", None), False),
    ],
)
def test_an_id_or_a_reason(score: tuple[str | None, ...], right: bool) -> None:
    answer = Answer(("x", *NEW), (), [("1.0", *score)])
    assert (not list(canonical(answer, replace(PLAIN, rows=[("1.0",)]), {}))) == right


@pytest.mark.parametrize(
    ("clusters", "options", "right"),
    [
        ([("0", "9"), ("1", "4")], {"k": 2}, True),
        ([("0", "9")], {"k": 2}, False),
        ([("0", "4"), ("1", "9")], {}, False),
        ([("0", "9"), ("2", "4")], {}, False),
    ],
)
def test_ids_from_the_largest_on(clusters: list[tuple[str, str]], options: dict[str, object], right: bool) -> None:
    fitted = Answer(("cluster_id", "size"), (), list(clusters))
    assert (not list(ids(fitted, options))) == right


def test_errors_of_the_package_and_others() -> None:
    ours = duckdb.InvalidInputException(
        "Python exception occurred while executing the UDF: OptionError: ppp_fit: set k"
    )
    assert failed(ours) == Answer(refusal="ppp_fit: set k")
    raw = duckdb.InvalidInputException("Python exception occurred while executing the UDF: KeyError: 'x'")
    inside = duckdb.InternalException(str(ours))
    assert all(failed(one).fault for one in (raw, inside, duckdb.BinderException("no such column")))
    assert list(same("shuffled", failed(ours), FOUND)) == ["shuffled: refused one of the two: ppp_fit: set k"]
    assert len(list(same("shuffled", replace(FOUND, rows=FOUND.rows[:1] * 2), FOUND))) == 1
    named = replace(FOUND, rows=[("framed leaves no usable one", None)])
    for name in ("t", "the query"):
        assert list(same("arrow", named, replace(named, rows=[(f"{name} leaves no usable one", None)]))) == []
