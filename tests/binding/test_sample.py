"""The content key and the sample, by the stages of the statement itself."""

from __future__ import annotations

import re

import duckdb
import numpy as np
import pytest

import ppp_duck
from ppp_duck.binding.call import plan_call
from ppp_duck.binding.options import check_options
from ppp_duck.binding.sample import sample_list, sample_order
from ppp_duck.binding.source import Column, Named, Source
from ppp_duck.binding.statement import ask, write
from ppp_duck.running.group import Group, in_order


def written(source: Source, function: str, given: dict[str, object]) -> str:
    """The statement of a call about one source."""
    return write(ask(function, source.name, given, lambda *_, **__: Named(source.name, source.relation)), [source])


def until(text: str, stage: str) -> str:
    """A statement's stages before this one."""
    return re.sub(r",(\n--.*)+\Z", "", text[: text.index(f"\n{stage} AS")])


def keys(query: str, columns: list[Column], weight: str | None = None) -> np.ndarray:
    """The content keys of a query's rows, by the statement's own stages."""
    source = Source("q", f"({query})", tuple(columns), True)
    given: dict[str, object] = {"columns": [c.name for c in columns if c.name != weight], "weight": weight}
    text = written(source, "ppp_cluster", given)
    stages = until(text, "_ppp_distinct_rows")
    return ppp_duck.connect().execute(f"{stages} SELECT uniform_key FROM _ppp_keyed").fetchnumpy()["uniform_key"]


NUMBER = [Column("x", "DOUBLE")]
PAIR = [Column("x", "DOUBLE"), Column("y", "DOUBLE")]


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("SELECT i::DOUBLE AS x FROM range(4096) r(i)", NUMBER),
        ("SELECT i * 0.1e0 AS x FROM range(3000) r(i)", NUMBER),
        ("SELECT sin(i) * 1e-7 AS x FROM range(3000) r(i)", NUMBER),
        ("SELECT sin(i) AS x FROM range(3000) r(i) UNION ALL SELECT 1e6", NUMBER),
        ("SELECT (i % 64)::DOUBLE AS x, (i // 64)::DOUBLE AS y FROM range(4096) r(i)", PAIR),
        ("SELECT (i % 60) / 3e0 AS x, (i // 60) / 7e0 AS y FROM range(3600) r(i)", PAIR),
        ("SELECT 'k' || i AS x FROM range(3000) r(i)", [Column("x", "VARCHAR")]),
        ("SELECT [sin(i), i % 3, 0, 0, 0, 0, 0, 0, 0, cos(i)] AS x FROM range(3000) r(i)", [Column("x", "DOUBLE[]")]),
    ],
)
def test_the_content_key_is_uniform(query: str, columns: list[Column]) -> None:
    """On grids and small integers too: each of 64 bins gets its share, within five standard deviations."""
    u = np.sort(keys(query, columns))
    assert 0 < u[0] <= u[-1] < 1
    counts = np.bincount((u * 64).astype(int), minlength=64)
    expected = len(u) / 64
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)
    assert len(np.unique(u)) > 0.999 * len(u)


def test_the_key_sees_content_not_order_or_sign_of_zero() -> None:
    up = keys("SELECT i * 0.37e0 - 5 AS x FROM range(1000) r(i) ORDER BY i", NUMBER)
    down = keys("SELECT i * 0.37e0 - 5 AS x FROM range(1000) r(i) ORDER BY i DESC", NUMBER)
    assert sorted(up) == sorted(down)
    zeros = keys("SELECT unnest([0e0, -0e0, 1e0]) AS x", NUMBER)
    assert len(set(zeros)) == 2


def test_a_text_adds_its_md5_whether_it_is_frequent_or_not() -> None:
    """The hashes of frequent texts are looked up. Which texts are frequent must not change a key."""
    text = [Column("x", "VARCHAR")]
    frequent = "SELECT 'f' || i % 3 AS x FROM range(30000) r(i)"
    rare = "SELECT unnest(['f0', 'f1', 'f2', NULL]) AS x UNION ALL SELECT 'k' || i % 200 FROM range(20000) r(i)"
    by_itself = {*keys("SELECT unnest(['f0', 'f1', 'f2', NULL]) AS x", text)}
    assert len(by_itself) == 4
    assert by_itself < {*keys(f"{frequent} UNION ALL {rare}", text)}
    assert by_itself < {*keys(rare, text)}
    parts = until(written(Source("q", f"({rare})", tuple(text), True), "ppp_cluster", {"columns": ["x"]}), "_ppp_keyed")
    wrong = "SELECT count(*) FROM _ppp_key_parts WHERE text_0_hash <> CAST('0x' || left(md5(text_0), 7) AS BIGINT)"
    assert ppp_duck.connect().execute(f"{parts} {wrong}").fetchone() == (0,)


def test_priority_sampling_is_unbiased_and_keeps_the_heavy(con: duckdb.DuckDBPyConnection) -> None:
    """The sampled weights add up to the table's, overall and for each of its halves."""
    query = "SELECT i::DOUBLE AS x FROM range(20000) r(i), range(3) s(j) WHERE j < 1 + i % 3 UNION ALL SELECT 7 FROM range(9000)"
    source = Source("q", f"({query})", tuple(NUMBER), True)
    options = check_options("ppp_cluster", {"columns": ["x"], "sample_size": 2000})
    call = plan_call("ppp_cluster", source, options)
    text = written(source, "ppp_cluster", {"columns": ["x"], "sample_size": 2000})
    stages = until(text, "_ppp_begun")
    listed = sample_list(call)
    (batch,) = con.sql(f"{stages} SELECT {listed} AS rows FROM _ppp_sample").to_arrow_table().to_batches()
    weights, columns = Group(call, (), {}, None, in_order(batch.column(0).values)).weighted
    values = columns["number_0"].to_numpy()
    assert len(values) == 2000
    assert weights[values == 7].tolist() == [9002]
    total = con.execute(f"SELECT count(*), count(*) FILTER (x < 10000) FROM ({query})").fetchall()[0]
    assert weights.sum() == pytest.approx(total[0], rel=0.04)
    assert weights[values < 10000].sum() == pytest.approx(total[1], rel=0.06)


def test_numbers_are_sorted_as_sql_sorts_them(con: duckdb.DuckDBPyConnection) -> None:
    """With many equal priorities, and holes."""
    source = Source("q", "q", (Column("x", "DOUBLE"), Column("y", "DOUBLE")), True)
    call = plan_call("ppp_cluster", source, check_options("ppp_cluster", {"missing": "impute"}))
    rows = "SELECT 1e0 AS weight, (i * 7919 % 500)::DOUBLE AS priority, CASE WHEN i % 5 > 0 THEN (i * 31 % 7)::DOUBLE END AS number_0, " \
           "CASE WHEN i % 3 > 0 THEN i::DOUBLE END AS number_1 FROM range(1500) r(i) ORDER BY hash(i)"  # fmt: skip
    (batch,) = con.sql(f"SELECT {sample_list(call)} AS rows FROM ({rows})").to_arrow_table().to_batches()
    ordered = con.sql(
        f"SELECT number_0, number_1, weight, priority FROM ({rows}) ORDER BY {sample_order(call)}"
    ).fetchall()
    assert [tuple(row.values()) for row in in_order(batch.column(0).values).to_pylist()] == ordered


def sampled(
    con: duckdb.DuckDBPyConnection, query: str, size: int, stage: str = "_ppp_sample"
) -> duckdb.DuckDBPyRelation:
    """The rows of a stage, for one feature ``x``."""
    source = Source("q", f"({query})", tuple(NUMBER), True)
    text = written(source, "ppp_cluster", {"columns": ["x"], "sample_size": size})
    return con.sql(f"{until(text, '_ppp_begun')} FROM {stage}")


def test_grouping_a_part_samples_the_same_rows(con: duckdb.DuckDBPyConnection) -> None:
    """400,000 distinct rows, one of them heavy: most rows are never grouped, and the sample is as if all had been."""
    query = "SELECT CASE WHEN i % 3 = 0 THEN 7 ELSE i END::DOUBLE AS x FROM range(600000) r(i)"
    assert len(sampled(con, query, 5000, "_ppp_distinct_rows").project("number_0").fetchall()) < 150_000
    rows = sampled(con, query, 5000)
    found = rows.project("number_0, weight, priority").fetchall()
    counted = "SELECT number_0, count(*) AS counted, count(*) / uniform_key AS priority FROM _ppp_keyed GROUP BY number_0, uniform_key"
    every = sampled(con, query, 5000, f"({counted}) ORDER BY priority DESC, number_0 LIMIT 5001").fetchall()
    assert [(x, priority) for x, _, priority in found] == [(x, priority) for x, _, priority in every]
    assert {x: weight for x, weight, _ in found}[7] == 200_001
    threshold = found[-1][2]
    assert sum(max(weight, threshold) for _, weight, _ in found[:-1]) == pytest.approx(600_000, rel=0.04)


@pytest.mark.parametrize("distinct", [2, 500, 60_000])
def test_distinct_rows_that_fit_are_all_there(con: duckdb.DuckDBPyConnection, distinct: int) -> None:
    query = f"SELECT (i % {distinct})::DOUBLE AS x FROM range(300000) r(i)"
    found = dict(sampled(con, query, distinct).project("number_0, weight").fetchall())
    assert len(found) == distinct
    assert sorted(found.values()) == sorted(300_000 // distinct + (i < 300_000 % distinct) for i in range(distinct))
