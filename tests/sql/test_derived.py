"""Columns that follow from others, in whole statements."""

from __future__ import annotations

import duckdb
import pytest

DROPPED = "SELECT property[17:], value FROM ppp_info('seg') WHERE property LIKE 'column_dropped%' ORDER BY ALL"
ORDERS = """
CREATE TABLE orders AS SELECT *, (price * quantity)::DECIMAL(12, 2) AS total, 'state ' || (city_number // 2) AS state FROM (
  SELECT i AS id, round(exp(1 + (i % 3) * 1.5 + (hash(i) % 1000) / 1500.0), 2) AS price, (i % 3) * 20 + (hash(i + 1) % 1000) / 100.0 AS days,
    1 + (hash(i + 2) % 5)::INTEGER AS quantity, (hash(i + 3) % 8)::INTEGER AS city_number, 'city ' || city_number AS city
  FROM range(900) r(i))
"""
EXPECTED = [
    ("city_number", "city determines it"),
    ("id", "a key: no value repeats"),
    ("state", "city determines it"),
    ("total", "it is price x quantity"),
]


@pytest.fixture
def orders(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(ORDERS).fetchall()
    return con


def test_they_are_left_out_and_told(orders: duckdb.DuckDBPyConnection) -> None:
    orders.execute("CREATE TABLE seg AS FROM ppp_fit('orders')").fetchall()
    assert orders.execute(DROPPED).fetchall() == EXPECTED
    found = orders.execute("SELECT id % 3, cluster_id, count(*) FROM ppp_cluster('orders') GROUP BY ALL ORDER BY ALL")
    assert [n for _, _, n in found.fetchall()] == [300, 300, 300]


def test_the_clusters_are_those_of_the_other_columns(orders: duckdb.DuckDBPyConnection) -> None:
    named = "columns := ['price', 'days', 'quantity', 'city'], "
    of_others, found = (
        orders.execute(f"FROM ppp_cluster('orders', {columns}output := 'full') ORDER BY id").fetchall()
        for columns in (named, "")
    )
    assert found == of_others


def test_columns_that_are_named_are_used(orders: duckdb.DuckDBPyConnection) -> None:
    orders.execute("CREATE TABLE seg AS FROM ppp_fit('orders', columns := ['price', 'quantity', 'total'])").fetchall()
    assert orders.execute(DROPPED).fetchall() == []


def test_whatever_the_order_of_rows_and_columns(orders: duckdb.DuckDBPyConnection) -> None:
    found = orders.execute("SELECT id, cluster_id FROM ppp_cluster('orders') ORDER BY id").fetchall()
    orders.execute(
        "CREATE TABLE turned AS SELECT state, total, quantity, city, city_number, days, price, id FROM orders ORDER BY hash(id)"
    )
    assert orders.execute("SELECT id, cluster_id FROM ppp_cluster('turned') ORDER BY id").fetchall() == found
    orders.execute("CREATE TABLE seg AS FROM ppp_fit('turned')").fetchall()
    assert orders.execute(DROPPED).fetchall() == EXPECTED


def test_each_group_decides_for_itself(orders: duckdb.DuckDBPyConnection) -> None:
    """In one half of the table the total is no product."""
    orders.execute(
        "CREATE TABLE halves AS SELECT * REPLACE (CASE WHEN id < 450 THEN total ELSE hash(id + 9) % 1000 END AS total), id < 450 AS first FROM orders"
    )
    orders.execute("CREATE TABLE seg AS FROM ppp_fit('halves', by := ['first'])").fetchall()
    by_half = orders.execute(
        "SELECT first, value FROM ppp_info('seg') WHERE property = 'column_dropped: total'"
    ).fetchall()
    assert by_half == [(True, "it is price x quantity")]
