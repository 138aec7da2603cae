"""Statements whose rows SQL tells the cluster of: as predicted, whatever the types and names of the columns."""

from __future__ import annotations

import re

import duckdb
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
NOT_SCREENED = ("many",)  # more clusters than provided for
# With probabilities every row goes to Python.
BY_PYTHON = """SELECT * EXCLUDE (probability, second_cluster_id, second_probability, distance, kmeans_id, is_separable, reason)
FROM ppp_predict('rows', model := 'seg', output := 'full') ORDER BY id"""


@pytest.mark.parametrize("name", CALLS)
def test_screened_as_predicted(name: str) -> None:
    """With the fit and with the stored model, on any number of threads."""
    with counting() as (con, counted):
        con.execute(f"CREATE TABLE rows AS {ROWS.format(y='DOUBLE')}").fetchall()
        con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', {CALLS[name]})").fetchall()
        predicted = con.execute(BY_PYTHON).fetchall()
        assert len(predicted) == 2050
        for threads in (1, 2, 8):
            con.execute(f"SET threads = {threads}").fetchall()
            for call in (f"ppp_cluster('rows', {CALLS[name]})", "ppp_predict('rows', model := 'seg')"):
                counted.rows = 0
                screened = con.execute(f"FROM {call} ORDER BY id").fetchall()
                assert repr(screened) == repr(predicted)
                python_is_faster = threads == 1 and "predict" in call  # there all numbers of the source may be features
                assert counted.rows < 150 or name in NOT_SCREENED or python_is_faster
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
        predicted = con.execute(f"{ids} ({BY_PYTHON})").fetchall()
        for call in (f"ppp_cluster('rows', {options})", "ppp_predict('rows', model := 'seg')"):
            counted.rows = 0
            assert con.execute(f"{ids} {call} ORDER BY id").fetchall() == predicted
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


def test_columns_that_are_no_features_leave_no_row_in_doubt() -> None:
    """With holes and dates among them, in any order, and a column that the model needs and is not there."""
    with counting() as (con, counted):
        con.execute(f"CREATE TABLE rows AS {ROWS.format(y='DOUBLE')}").fetchall()
        con.execute("CREATE TABLE seg AS FROM ppp_fit('rows', columns := ['x', 'y'], k := 4)").fetchall()
        other = (
            "NULL::DOUBLE AS a, CASE WHEN id % 2 = 0 THEN 'nan'::DOUBLE END AS b, DATE '2020-01-01' + id::INTEGER AS d"
        )
        con.execute(f"CREATE TABLE wide AS SELECT {other}, y, 'word' AS t, id, x FROM rows").fetchall()
        expected = con.execute(f"SELECT id, cluster_id FROM ({BY_PYTHON})").fetchall()
        counted.rows = 0
        ids = con.execute("SELECT id, cluster_id FROM ppp_predict('wide', model := 'seg') ORDER BY id").fetchall()
        assert ids == expected
        assert counted.rows < 150
        with pytest.raises(duckdb.Error, match=r"ppp_predict: give the source the columns .*: y is missing"):
            con.execute("FROM ppp_predict('SELECT x, a FROM wide', model := 'seg')").fetchall()
