"""A statement is written for what it reads itself, not for a committed namesake that another connection would see."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from conftest import TODAY
from hypothesis import given, settings
from hypothesis import strategies as st

import ppp_duck

# Two clusters of 24 and 16 rows that no engine could mistake.
FAR = "SELECT i AS id, CASE WHEN i < 24 THEN 0 ELSE 50 END + sin(i) AS x, cos(i * 1.7) AS y FROM range(40) r(i)"
# What the name means to the statement: fewer, more, other columns than those of the committed table.
COLUMNS = {
    "fewer": "SELECT id, x FROM far",
    "more": "SELECT *, x + y AS z, i FROM far, (SELECT 'a' AS i)",
    "other type": "SELECT id, x::FLOAT AS x, DATE '2020-01-01' + (y * 20)::INTEGER AS y FROM far",
    "other order": "SELECT y, id, x FROM far",
    "own cluster_id": "SELECT *, 7 AS cluster_id FROM far",
}
# How it came to mean that: what runs before the statement, and what stands at its beginning.
NAMESAKES = {
    "temp view": ("CREATE TEMP VIEW t AS {}", ""),
    "temp table": ("CREATE TEMP TABLE t AS {}", ""),
    "CTE": ("", "WITH t AS ({}) "),
    "replaced": ("CREATE OR REPLACE TABLE t AS {}", ""),
    "search path": ("CREATE SCHEMA nearer; CREATE TABLE nearer.t AS {}; SET search_path = 'nearer,main'", ""),
}
ALTERED = {
    "fewer": "ALTER TABLE t DROP COLUMN y",
    "more": "ALTER TABLE t ADD COLUMN z VARCHAR DEFAULT 'a'",
    "other type": "ALTER TABLE t ALTER COLUMN y TYPE VARCHAR",
    "other order": "ALTER TABLE t DROP COLUMN id; ALTER TABLE t ADD COLUMN id INTEGER DEFAULT 1",
    "own cluster_id": "ALTER TABLE t ADD COLUMN cluster_id INTEGER DEFAULT 7",
}
FEW = f"k := 2, covariance := 'diag', {TODAY}"
CALLS = {
    "ppp_cluster": f"ppp_cluster('{{}}', prefix := 'p_', {FEW})",
    "ppp_fit": f"ppp_fit('{{}}', {FEW})",
    "ppp_predict": "ppp_predict('{}', model := 'seg', output := 'full', prefix := 'p_')",
    "ppp_outliers": "ppp_outliers('{}', model := 'seg', contamination := 0.1)",
}


@pytest.fixture(scope="module")
def kept() -> Iterator[duckdb.DuckDBPyConnection]:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE far AS {FAR}").fetchall()
    con.execute("CREATE TABLE t AS SELECT id, -x AS x, y, y AS w FROM far").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('far', columns := ['x'], {FEW})").fetchall()
    yield con
    con.close()


@pytest.fixture
def con(kept: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """In a transaction of its own, in which nothing is committed."""
    kept.execute("BEGIN").fetchall()
    yield kept
    kept.execute("ROLLBACK").fetchall()
    kept.execute("RESET search_path").fetchall()


def answer(con: duckdb.DuckDBPyConnection, call: str, begin: str = "") -> tuple[list[str], list[tuple[object, ...]]]:
    """Names and rows; of a model only what does not tell the name of its source."""
    columns = "* EXCLUDE (model)" if call.startswith("ppp_fit") else "*"
    found = con.execute(f"{begin} SELECT {columns} FROM {call}")
    return [column[0] for column in found.description or []], found.fetchall()


@settings(max_examples=16, deadline=None, derandomize=True, database=None)
@given(st.sampled_from([*NAMESAKES, "altered"]), st.sampled_from([*COLUMNS]), st.sampled_from([*CALLS]))
def test_a_namesake_is_read_as_the_relation_of_another_name(
    kept: duckdb.DuckDBPyConnection, namesake: str, columns: str, function: str
) -> None:
    before, begin = NAMESAKES.get(namesake, (ALTERED[columns], ""))
    begin = begin.format(COLUMNS[columns])
    kept.execute("BEGIN").fetchall()
    try:
        kept.execute(before.format(COLUMNS[columns]))
        kept.execute(f"CREATE TABLE main.other AS {begin} SELECT * FROM t").fetchall()
        expected = answer(kept, CALLS[function].format("other"))
        assert answer(kept, CALLS[function].format("t"), begin) == expected
    finally:
        kept.execute("ROLLBACK").fetchall()
        kept.execute("RESET search_path").fetchall()


def test_a_namesake_with_a_cte_of_itself(con: duckdb.DuckDBPyConnection) -> None:
    begin = "WITH far AS (SELECT id, x, y, x + abs(y) AS z FROM far)"
    names, rows = answer(con, f"ppp_cluster('far', {FEW})", begin)
    assert names == ["id", "x", "y", "z", "cluster_id"]
    assert [row[-1] for row in rows] == [0] * 24 + [1] * 16
    features = con.execute(f"{begin} SELECT DISTINCT center FROM ppp_fit('far', {FEW})").fetchall()
    assert '"z"' in features[0][0]


def test_rows_that_a_view_draws_are_drawn_once(con: duckdb.DuckDBPyConnection) -> None:
    """The rows that are fitted are those that come back: each is nearest to the center of its own cluster's rows."""
    con.execute(
        "CREATE TEMP VIEW t AS SELECT CASE WHEN random() < 0.3 THEN 0 ELSE 9 END + random() AS x FROM range(400)"
    )
    rows = con.execute(
        f"FROM ppp_cluster('t', k := 2, output := 'full', covariance := 'spherical', {TODAY})"
    ).fetchall()
    x = np.array([row[0] for row in rows])
    ids = np.array([row[1] for row in rows])
    distance = np.array([row[5] for row in rows])
    for one in (0, 1):
        center = x[ids == one].mean()
        assert np.allclose(np.abs(x[ids == one] - center) / x.std(), distance[ids == one], rtol=1e-6)


@pytest.mark.parametrize("function", ["ppp_predict", "ppp_outliers"])
def test_what_is_drawn_is_what_is_scored(con: duckdb.DuckDBPyConnection, function: str) -> None:
    con.execute("CREATE TEMP VIEW t AS SELECT id, x + 0.01e0 * random() AS x FROM far")
    call = CALLS[function]
    con.execute(f"CREATE TABLE drawn AS SELECT * FROM {call.format('t')}").fetchall()
    con.execute("CREATE TABLE other AS SELECT id, x FROM drawn").fetchall()
    assert answer(con, "drawn") == answer(con, call.format("other"))


def test_uncommitted_columns(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("ALTER TABLE far ADD COLUMN z DOUBLE").fetchall()
    con.execute("UPDATE far SET z = -x").fetchall()
    con.execute("ALTER TABLE far DROP COLUMN y").fetchall()
    names, rows = answer(con, f"ppp_cluster('far', {FEW})")
    assert names == ["id", "x", "z", "cluster_id"]
    assert [row[-1] for row in rows] == [0] * 24 + [1] * 16
    assert [row[0] for row in answer(con, "ppp_predict('far', model := 'seg')")[1]] == list(range(40))


def test_a_model_with_a_namesake(con: duckdb.DuckDBPyConnection) -> None:
    """A temporary model before a committed table that is none, and the other way round."""
    con.execute("CREATE TEMP TABLE t AS FROM seg").fetchall()
    assert answer(con, "ppp_predict('far', model := 't')") == answer(con, "ppp_predict('far', model := 'seg')")
    con.execute("CREATE TEMP VIEW seg AS FROM far").fetchall()
    with pytest.raises(duckdb.Error, match='name a model that ppp_fit made: seg has no column "cluster_id"'):
        con.execute("FROM ppp_predict('far', model := 'seg')")


def test_a_prepared_statement_follows_the_name(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("PREPARE p AS FROM ppp_predict('t', model := 'seg')").fetchall()
    assert con.execute("EXECUTE p").fetchall()[0][:2] == (0, 0.0)
    con.execute("CREATE TEMP TABLE t AS SELECT 'here' AS place, x FROM far").fetchall()
    assert {row[0] for row in con.execute("EXECUTE p").fetchall()} == {"here"}


def test_two_namesakes_in_one_statement(con: duckdb.DuckDBPyConnection) -> None:
    """One name is a table outside and a CTE inside, and a source that is itself a call looks at its own first."""
    call = f"ppp_cluster('far', {FEW})"
    inner = f"(WITH far AS (SELECT id, -x AS x, x AS w FROM far) SELECT * FROM {call})"
    found = con.execute(f"SELECT a.* EXCLUDE (id), b.cluster_id FROM {call} a JOIN {inner} b USING (id) ORDER BY id")
    assert [row[-2:] for row in found.fetchall()] == [(0, 0)] * 24 + [(1, 1)] * 16
    model = f"FROM ppp_fit('far', columns := ['x'], {FEW})".replace("'", "''")
    inside = answer(con, f"ppp_predict('far', model := '{model}')")
    assert inside == answer(con, "ppp_predict('far', model := 'seg')")


def test_nothing_of_the_look_is_left(con: duckdb.DuckDBPyConnection) -> None:
    plan = con.execute("EXPLAIN FROM ppp_predict('far', model := 'seg')").fetchall()[0][1]
    assert "ppp_relation" not in plan
    assert plan.count("far") == 1
