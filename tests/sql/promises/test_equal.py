"""What is equal to whom: DuckDB, Python and collations have their own words, the package has one."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ppp_duck

CITIES = "['Oslo', 'oslo', 'Rome', 'Röme'][1 + i % 4]"


def count(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return con.execute(query).fetchall()


@pytest.mark.parametrize("collation", ["NOCASE", "NOACCENT", "NOCASE.NOACCENT", "default"])
def test_a_collation_neither_doubles_rows_nor_merges_texts(collation: str) -> None:
    con, plain = ppp_duck.connect(), ppp_duck.connect()
    if collation == "default":
        con.execute("SET default_collation = 'NOCASE'")
    collated = "" if collation == "default" else f"COLLATE {collation}"
    con.execute(f"CREATE TABLE t(id INT, city VARCHAR {collated}, x DOUBLE)")
    plain.execute("CREATE TABLE t(id INT, city VARCHAR, x DOUBLE)")
    for one in (con, plain):
        one.execute(f"INSERT INTO t SELECT i, {CITIES}, i % 4 + sin(i) / 9 FROM range(240) r(i)")
    for call in [
        "columns := ['city']",
        "columns := ['x', 'city'], output := 'full'",
        "columns := ['x'], by := ['city']",
    ]:
        found, wanted = (count(one, f"FROM ppp_cluster('t', {call}, k := 1) ORDER BY id") for one in (con, plain))
        assert found == wanted
        assert len(found) == 240


@pytest.mark.parametrize("collated", ["COLLATE NOCASE", "default"])
def test_groups_are_texts(collated: str) -> None:
    con = ppp_duck.connect()
    if collated == "default":
        con.execute("SET default_collation = 'NOCASE'")
    con.execute(f"CREATE TABLE t(city VARCHAR {collated.replace('default', '')}, x DOUBLE)")
    con.execute(f"INSERT INTO t SELECT {CITIES}, i % 4 + sin(i) / 9 FROM range(240) r(i)")
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', columns := ['x'], by := ['city'], k := 1)").fetchall()
    assert sorted(count(con, "SELECT city, size FROM seg")) == [
        (c, 60.0) for c in sorted(["Oslo", "oslo", "Rome", "Röme"])
    ]
    assert len(count(con, "FROM ppp_evaluate('t', model := 'seg')")) == 4
    assert len(count(con, "FROM ppp_match('seg', 'seg', 't')")) == 4


@pytest.mark.parametrize(("one", "other"), [("straße", "strasse"), ("Ä", "ä"), ("İ", "i"), ("ſ", "s")])
def test_names_that_only_python_folds_are_two(one: str, other: str) -> None:
    con = ppp_duck.connect()
    con.execute(
        f'CREATE TABLE t AS SELECT i % 2 * 9e0 + sin(i) AS "{one}", i % 3 * 9e0 + cos(i) AS "{other}" FROM range(90) r(i)'
    )
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', k := 6)").fetchall()
    assert count(con, "SELECT value FROM ppp_info('seg') WHERE property = 'columns_used'")[0][0].count("number") == 2
    assert sorted(row[0] for row in count(con, "SELECT DISTINCT feature FROM ppp_centers('seg')")) == sorted(
        [one, other]
    )
    predicted = count(con, "FROM ppp_predict('t', model := 'seg') ORDER BY ALL")
    assert predicted == count(con, "FROM ppp_cluster('t', k := 6) ORDER BY ALL")
    assert len({row[-1] for row in predicted}) == 6


@pytest.mark.parametrize("name", ["X", "x"])
def test_a_name_may_be_given_twice(con: duckdb.DuckDBPyConnection, name: str) -> None:
    once = "columns := ['x'], by := ['tree'], k := 1"
    twice = f"columns := ['x', '{name}'], by := ['tree', 'TREE'], k := 1"
    for cte, src in (("", "blobs"), ("WITH s AS (FROM blobs)", "s")):
        assert count(con, f"{cte} FROM ppp_cluster('{src}', {twice}) ORDER BY id") == count(
            con, f"{cte} FROM ppp_cluster('{src}', {once}) ORDER BY id"
        )


def test_columns_of_equal_names_in_a_query(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT a.x, b.x, a.y FROM blobs a JOIN blobs b USING (id)"
    found = con.execute(f"FROM ppp_cluster('{query}', k := 3)")
    assert [column[0] for column in found.description] == ["x", "x_1", "y", "cluster_id"]
    assert len(found.fetchall()) == 150


KINDS = {
    "DECIMAL(38, 0)": 10**20, "UHUGEINT": 2**127, "HUGEINT": 2**100, "DECIMAL(38, 2)": 10**20, "BIGINT": 2**53, "DOUBLE": 2**52,
}  # fmt: skip


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(KINDS)), st.booleans())
def test_numbers_that_differ_are_groups_that_differ(kind: str, seen: bool) -> None:
    con = ppp_duck.connect()
    con.execute(
        f"CREATE TABLE t AS SELECT CAST('{KINDS[kind]}' AS {kind}) + CAST(i % 2 AS {kind}) AS g, sin(i) AS x FROM range(24) r(i)"
    )
    cte, src = ("", "t") if seen else ("WITH s AS (FROM t)", "s")
    call = f"ppp_fit('{src}', columns := ['x'], by := ['g'], k := 1)"
    assert count(con, f"{cte} SELECT g, size FROM {call} ORDER BY g") == count(
        con, "SELECT g, count(*)::DOUBLE FROM t GROUP BY g ORDER BY g"
    )


@pytest.mark.parametrize("by", ["", ", by := ['tree']"])
def test_large_buffers_of_arrow_change_nothing(con: duckdb.DuckDBPyConnection, by: str) -> None:
    calls = [f"FROM ppp_cluster('blobs', columns := ['x'], k := 1, output := 'full'{by}) ORDER BY ALL",
             "FROM ppp_predict('blobs', model := 'seg', output := 'full') ORDER BY ALL",
             "FROM ppp_evaluate('blobs', model := 'seg')"]  # fmt: skip
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x'], k := 1{by})").fetchall()
    wanted = [count(con, call) for call in calls]
    con.execute("SET arrow_large_buffer_size = true")
    assert [count(con, call) for call in calls] == wanted
