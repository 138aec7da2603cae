"""Features that travel as lists, in calls with many of them, give what a column each gives."""

from __future__ import annotations

import duckdb
import pytest

import ppp_duck
from ppp_duck.binding import call
from ppp_duck.features import scale

TABLE = """CREATE TABLE t AS SELECT
  i AS id, i % 3 * 4 + sin(i * 1.7e0) AS x, CASE WHEN i % 17 = 3 THEN NULL WHEN i % 29 = 5 THEN 'nan'::DOUBLE ELSE
  i % 3 * 3 + cos(i * 2.3e0) END AS y, (i % 3 * 50 + 10 * sin(i * 0.7e0))::INTEGER AS whole,
  CASE i % 3 WHEN 0 THEN 'oak' WHEN 1 THEN 'elm' ELSE 'ash' END AS tree, i % 5 AS level,
  DATE '2020-01-01' + (i * i % 700)::INTEGER AS day, [i % 3 * 5 + sin(i * 3.1e0), cos(i * 1.1e0)] AS v,
  CASE WHEN i % 7 = 0 THEN 0 ELSE 1 + i % 4 END AS w, 'g' || i % 2 AS part
  FROM range(400) r(i) UNION ALL SELECT 900, 1, 2, 3, 'oak', 1, DATE '2020-02-01', [1, 2], 2, NULL FROM range(5)"""
CALLS = [  # that sample, too: of them only the number of rows is compared
    "FROM ppp_cluster('t', output := 'full') ORDER BY ALL",
    "FROM ppp_cluster('t', k := 4, weight := 'w', missing := 'skip') ORDER BY ALL",
    "FROM ppp_cluster('t', by := ['part'], exclude := ['w'], sample_size := 50) ORDER BY ALL",
    "FROM ppp_cluster('t', columns := ['x', 'y'], missing := 'impute', refine := 2, sample_size := 100) ORDER BY ALL",
    "WITH c AS (FROM t) FROM ppp_cluster('c', columns := ['x', 'tree', 'v', 'day'], missing := 'skip') ORDER BY ALL",
    "SELECT property, value FROM ppp_info('m') WHERE property <> 'fingerprint' ORDER BY ALL",
]


def results(lists: bool, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[object, ...]]]:
    with monkeypatch.context() as patch:
        patch.setattr(call, "WIDE", 0 if lists else call.WIDE)
        patch.setattr(scale, "_is_skewed", lambda x, w, step: True)  # of few columns none is left out
        con = duckdb.connect()
        ppp_duck.register(con)
        con.execute(TABLE)
        con.execute("CREATE TABLE m AS FROM ppp_fit('t')")
        return [con.execute(one).fetchall() for one in CALLS]


def rounded(rows: list[tuple[object, ...]]) -> list[str]:
    """Rows without the last bits of sums: the order of a sample is by its content key."""
    return [repr([round(one, 9) if isinstance(one, float) else one for one in row]) for row in rows]


def test_lists_give_what_columns_give(monkeypatch: pytest.MonkeyPatch) -> None:
    by_column, by_list = results(False, monkeypatch), results(True, monkeypatch)
    for statement, one, other in zip(CALLS, by_column, by_list, strict=True):
        if "sample_size" not in statement:  # the content key, which decides who is sampled, is another
            assert rounded(one) == rounded(other), statement
        assert len(one) == len(other)


@pytest.mark.parametrize("call_", ["'t'", "'t', by := ['part']", "'c', columns := ['c1', 'c65', 'tree']"])
def test_a_table_without_rows(call_: str) -> None:
    con = duckdb.connect()
    ppp_duck.register(con)
    columns = ", ".join(f"0e0 AS c{i}" for i in range(70))
    con.execute(f"CREATE TABLE t AS SELECT {columns}, 'a' AS tree, 'b' AS part LIMIT 0")
    assert con.execute(f"WITH c AS (FROM t) FROM ppp_cluster({call_})").fetchall() == []


def test_a_seen_and_an_unseen_table_of_many_columns_are_clustered_alike() -> None:
    con = duckdb.connect()
    ppp_duck.register(con)
    columns = ", ".join(f"i % 3 * 4 + sin(i * {j + 1.3}e0) AS c{j}" for j in range(70))
    con.execute(f"CREATE TABLE t AS SELECT i, {columns}, 'n' || i % 3 AS tree FROM range(300) r(i)")
    named = ", ".join(f"'c{j}'" for j in range(70))
    options = f"columns := [{named}, 'tree'], sample_size := 120"
    seen = con.execute(f"SELECT i, cluster_id FROM ppp_cluster('t', {options}) ORDER BY i").fetchall()
    unseen = f"WITH c AS (FROM t) SELECT i, cluster_id FROM ppp_cluster('c', {options}) ORDER BY i"
    assert con.execute(unseen).fetchall() == seen
    assert [cluster for _, cluster in seen[:60]] == [seen[i % 3][1] for i in range(60)]
