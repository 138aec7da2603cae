from __future__ import annotations

import gc
import importlib
from pathlib import Path

import duckdb
import pytest
from conftest import sizes

import ppp_duck
from ppp_duck.binding.interface import FIT
from ppp_duck.running import memory

register = importlib.import_module("ppp_duck.registering")
OURS = "SELECT count(*) FROM duckdb_functions() WHERE starts_with(function_name, 'ppp_')"
TABLE = "CREATE TABLE t AS SELECT (i % 2) * 10 + sin(i) AS x FROM range(60) r(i)"


def test_registering_again_changes_nothing() -> None:
    con = ppp_duck.connect()
    count, known = con.execute(OURS).fetchall(), len(register._connections)
    for _ in range(20):
        assert ppp_duck.register(con) is con
    assert con.execute(OURS).fetchall() == count
    assert len(register._connections) == known


def test_a_closed_connection_is_forgotten() -> None:
    gc.collect()
    known, others = len(register._connections), set(memory.MEMORY.keys(FIT))
    for _ in range(3):
        con = ppp_duck.connect()
        con.execute(TABLE).fetchall()
        assert sizes(con, "ppp_cluster('t')") == [(0, 30), (1, 30)]
        con.close()
    del con
    gc.collect()
    assert len(register._connections) == known
    assert not any(memory.MEMORY.get(key).fit for key in set(memory.MEMORY.keys(FIT)) - others)
    assert len(memory.MEMORY._orphans) <= memory.ORPHANS


def test_a_file_can_be_opened_again_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    for k in (1, 2):
        con = ppp_duck.connect(path)
        con.execute(TABLE.replace("TABLE", "OR REPLACE TABLE")).fetchall()
        assert len(sizes(con, f"ppp_cluster('t', k := {k})")) == k
        con.close()
        with duckdb.connect(path, config={"threads": 1}) as other:  # another configuration: a new instance is needed
            assert other.execute("SELECT count(*) FROM t").fetchall() == [(60,)]


def test_on_a_cursor_and_on_two_connections() -> None:
    first = ppp_duck.connect()
    first.execute(TABLE).fetchall()
    cursor = ppp_duck.register(first.cursor())
    second = ppp_duck.connect()
    second.execute(TABLE.replace("60", "80")).fetchall()
    assert sizes(cursor, "ppp_cluster('t')") == [(0, 30), (1, 30)]
    assert sizes(second, "ppp_cluster('t')") == [(0, 40), (1, 40)]
    with pytest.raises(duckdb.CatalogException):
        cursor.cursor().execute("FROM ppp_cluster('t')")  # macros are temporary: each cursor is registered by itself


def test_on_a_read_only_database(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    with duckdb.connect(path) as con:
        con.execute(TABLE).fetchall()
    con = ppp_duck.connect(path, read_only=True)
    assert sizes(con, "ppp_cluster('t')") == [(0, 30), (1, 30)]
    con.close()


def test_an_attached_database(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    path = str(tmp_path / "w.duckdb")
    with duckdb.connect(path) as other:
        other.execute(TABLE).fetchall()
    con.execute(f"ATTACH '{path}' AS \"far away\" (READ_ONLY)").fetchall()
    assert sizes(con, "ppp_cluster('\"far away\".t')") == [(0, 30), (1, 30)]
    assert sizes(con, "ppp_cluster('\"far away\".main.t')") == [(0, 30), (1, 30)]


def test_registering_inside_a_transaction_that_is_rolled_back() -> None:
    con = duckdb.connect()
    con.execute(TABLE).fetchall()
    con.execute("BEGIN").fetchall()
    ppp_duck.register(con)
    assert sizes(con, "ppp_cluster('t')") == [(0, 30), (1, 30)]
    con.execute("ROLLBACK").fetchall()  # takes the temporary macros with it
    ppp_duck.register(con)
    assert sizes(con, "ppp_cluster('t')") == [(0, 30), (1, 30)]


@pytest.mark.parametrize("first", [True, False])
def test_registering_in_a_transaction_that_is_older_than_the_functions(first: bool) -> None:
    con = duckdb.connect()
    con.execute(TABLE).fetchall()
    other = con.cursor()
    con.execute("BEGIN; SELECT count(*) FROM t").fetchall()
    if not first:
        ppp_duck.register(other)
    with pytest.raises(ppp_duck.PPPError, match=r"^COMMIT or ROLLBACK, then call ppp_duck.register\(con\) again"):
        ppp_duck.register(con)
    con.execute("COMMIT").fetchall()
    ppp_duck.register(con)
    assert sizes(con, "ppp_cluster('t')") == [(0, 30), (1, 30)]


def test_connect_passes_its_arguments_on() -> None:
    con = ppp_duck.connect(config={"threads": 1})
    assert con.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_a_key_that_nothing_is_kept_under_says_so(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="run the statement again"):
        con.execute("SELECT ppp__assign('model:0123', NULL, {'number x': x}) FROM blobs").fetchall()
