"""Statements whose rows SQL tells the cluster of: as predicted, whatever the types and names of the columns."""

from __future__ import annotations

import re

import pytest
from conftest import counting

# Four round clusters of normally distributed rows, and rows with holes.
ROWS = """
SELECT i AS id, 9 * (i % 4) + r * cos(v) AS x, (100 * ((i % 4) // 2) + 9 * r * sin(v))::{y} AS y, 3.0 AS c, 1 + i % 3 AS w
FROM (SELECT i, sqrt(-2 * ln((hash(2 * i) % 99991 + 1) / 1e5)) AS r, (hash(2 * i + 1) % 99991) / 1e5 * 2 * pi() AS v
  FROM range(2000) r(i))
UNION ALL SELECT 3000 + i, [NULL, 'nan'::DOUBLE, 'inf'::DOUBLE][1 + i % 3], [NULL, 0][1 + i % 2]::{y},
  [NULL, 3.0][1 + i % 2], i % 2 FROM range(50) r(i)
"""


CALLS = {
    "skip": "columns := ['x', 'y']",
    "impute": "columns := ['x', 'y'], missing := 'impute'",
    "chosen by itself": "exclude := ['id', 'w']",
    "weights": "columns := ['x', 'y'], weight := 'w'",
    "refined": "columns := ['x', 'y'], refine := 1",
    "k-means": "columns := ['x', 'y'], covariance := 'spherical', k := 4, missing := 'skip'",
    "tied": "columns := ['x', 'y'], covariance := 'tied'",
    "full": "columns := ['x', 'y'], covariance := 'full', k_max := 5",
    "one": "columns := ['x', 'y'], k := 1",
    "many": "columns := ['x', 'y'], k := 20",
}
NOT_SCREENED = ("impute", "many")  # clusters of several components, more clusters than provided for


@pytest.mark.parametrize("name", CALLS)
def test_screened_as_predicted(name: str) -> None:
    """Against the stored model, whose rows all go to Python, on any number of threads."""
    with counting() as (con, counted):
        con.execute(f"CREATE TABLE rows AS {ROWS.format(y='DOUBLE')}").fetchall()
        con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', {CALLS[name]})").fetchall()
        predicted = con.execute("FROM ppp_predict('rows', model := 'seg') ORDER BY id").fetchall()
        assert len(predicted) == 2050
        for threads in (1, 2, 8):
            con.execute(f"SET threads = {threads}").fetchall()
            counted.rows = 0
            screened = con.execute(f"FROM ppp_cluster('rows', {CALLS[name]}) ORDER BY id").fetchall()
            assert repr(screened) == repr(predicted)
            assert counted.rows < 150 or name in NOT_SCREENED
        assert con.execute(f"SELECT count(*) FROM ppp_cluster('rows', {CALLS[name]})").fetchall() == [(2050,)]


@pytest.mark.parametrize("y", ["FLOAT", "DECIMAL(18, 3)", "INTEGER", "BIGINT", "HUGEINT"])
def test_types_of_numbers(y: str) -> None:
    compare_types(f"SELECT * REPLACE (y::{y} AS y) FROM ({ROWS.format(y='DOUBLE')})")


@pytest.mark.parametrize("y", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_types_of_times(y: str) -> None:
    compare_types(
        f"SELECT * REPLACE (CASE WHEN id % 100 = 7 THEN 'infinity'::{y} ELSE ('2020-01-01'::DATE + y::INTEGER)::{y} END "
        f"AS y) FROM ({ROWS.format(y='DOUBLE')})"
    )


def compare_types(query: str) -> None:
    with counting() as (con, counted):
        con.execute(f"CREATE TABLE rows AS {query}").fetchall()
        options = "columns := ['x', 'y'], k := 4"
        con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', {options})").fetchall()
        ids = "SELECT id, cluster_id FROM"  # in 1.4 to fetch times with zones takes pytz
        predicted = con.execute(f"{ids} ppp_predict('rows', model := 'seg') ORDER BY id").fetchall()
        counted.rows = 0
        assert con.execute(f"{ids} ppp_cluster('rows', {options}) ORDER BY id").fetchall() == predicted
        assert counted.rows < 150


def test_columns_stay_as_they_are() -> None:
    """Names that the statement uses itself included; and in a view and a prepared statement."""
    with counting() as (con, counted):
        con.execute(f"CREATE TABLE rows AS {ROWS.format(y='DOUBLE')}").fetchall()
        call = "ppp_cluster('rows', columns := ['x', 'y'], k := 4)"
        plain_rows = con.execute(f"FROM {call} ORDER BY id").fetchall()
        assert [one[0] for one in con.execute(f"DESCRIBE FROM {call}").fetchall()] == [
            "id",
            "x",
            "y",
            "c",
            "w",
            "cluster_id",
        ]
        counted.rows = 0
        con.execute(f"CREATE VIEW v AS FROM {call}").fetchall()
        con.execute(f"PREPARE p AS FROM {call} ORDER BY id").fetchall()
        con.execute(f"EXPLAIN FROM {call}").fetchall()
        assert counted.rows == 0
        assert repr(con.execute("FROM v ORDER BY id").fetchall()) == repr(plain_rows)
        assert repr(con.execute("EXECUTE p").fetchall()) == repr(plain_rows)
        con.execute("CREATE TABLE ours AS SELECT * RENAME (x AS _ppp_density_0, c AS _ppp_model) FROM rows").fetchall()
        ours = con.execute(
            "FROM ppp_cluster('ours', columns := ['_ppp_density_0', 'y'], k := 4) ORDER BY id"
        ).fetchall()
        assert repr(ours) == repr(plain_rows)


def test_the_planner_knows_how_many_rows() -> None:
    with counting() as (con, _):
        con.execute("CREATE TABLE rows AS SELECT i AS id, (i % 2) * 9 + sin(i) AS x FROM range(10000) r(i)").fetchall()
        ((_, plan),) = con.execute("EXPLAIN FROM ppp_cluster('rows', columns := ['x'], k := 2)").fetchall()
        found = re.findall(r"~([\d,]+) rows?", plan)
        assert max(int(number.replace(",", "")) for number in found) <= 20_000
