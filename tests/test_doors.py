"""Every door opens: what was registered, and what was not, finds the functions."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy
from conftest import BLOBS, THREE, refused, sizes

import ppp_duck
from ppp_duck.running.memory import MEMORY, VISITORS

BLOBS_OF = "CREATE TABLE blobs AS " + BLOBS


def test_a_cursor_finds_every_function(fitted: duckdb.DuckDBPyConnection) -> None:
    cursor = fitted.cursor()
    names = [name for (name,) in fitted.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE starts_with(function_name, 'ppp_') "
        "AND NOT starts_with(function_name, 'ppp__') AND function_type = 'table_macro'").fetchall()]  # fmt: skip
    there = cursor.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE database_name = 'ppp' "
        "AND NOT starts_with(function_name, '_') AND function_type = 'table_macro'"
    ).fetchall()
    assert {f"ppp_{name}" for (name,) in there} == set(names)
    for call in (
        "cluster('blobs', output := 'full')", "fit('blobs')", "predict('blobs', model := 'seg', output := 'full')",
        "separable('blobs')", "clusterability('blobs')", "centers('seg')", "profile('blobs', model := 'seg')",
        "trials('seg')", "evaluate('blobs', model := 'seg')", "info('seg')", "compare('seg', a := 0)",
        "match('seg', 'seg', 'blobs')", "outliers('blobs', model := 'seg')",
    ):  # fmt: skip
        expected = fitted.execute(f"FROM ppp_{call}").fetchall()
        assert cursor.execute(f"FROM ppp.{call}").fetchall() == expected, call
        assert fitted.execute(f"FROM ppp.{call}").fetchall() == expected, call


def test_a_cursor_that_writes_the_other_name_is_told_this_one(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException, match=r'Did you mean "ppp.cluster"\?'):
        con.cursor().execute("FROM ppp_cluster('blobs')")


def test_another_connection_to_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    first = ppp_duck.connect(path)
    first.execute(BLOBS_OF).fetchall()
    other = duckdb.connect(path)
    assert sizes(other, "ppp.cluster('blobs')") == THREE
    other.execute("CREATE VIEW segments AS FROM ppp.cluster('blobs')").fetchall()
    assert sizes(first.cursor(), "segments") == THREE
    first.close()
    assert "call ppp_duck.register(con) on this connection" in refused(other, "FROM ppp.cluster('blobs')")
    ppp_duck.register(other)
    assert sizes(other.cursor(), "segments") == THREE
    other.close()
    with duckdb.connect(path) as plain:  # nothing is in the file but what the user made
        assert plain.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall() == [("w",)]
        assert not plain.execute("FROM duckdb_functions() WHERE starts_with(function_name, 'ppp_')").fetchall()


def test_what_a_cursor_can_name(con: duckdb.DuckDBPyConnection) -> None:
    cursor = con.cursor()
    cursor.execute("CREATE SCHEMA east; CREATE TABLE east.rows AS FROM blobs WHERE id < 110; USE east").fetchall()
    assert sizes(cursor, "ppp.cluster('rows')") == THREE[:2]  # its own search path
    frame = cursor.execute("FROM rows").df()
    assert len(cursor.execute("FROM ppp.cluster('frame')").fetchall()) == len(frame) == 110  # a variable of Python
    cursor.execute("CREATE TEMP TABLE passing AS FROM rows").fetchall()
    assert sizes(cursor, "ppp.cluster('passing')") == THREE[:2]  # its own temporary table
    with pytest.raises(duckdb.CatalogException):  # of another connection nobody sees one
        con.execute("FROM ppp.cluster('passing', columns := ['x', 'y'])")
    con.execute("BEGIN; DELETE FROM blobs WHERE id >= 110").fetchall()
    assert sizes(cursor, "ppp.cluster('main.blobs')") == THREE  # not committed
    assert sizes(con, "ppp.cluster('blobs')") == THREE[:2]
    con.execute("ROLLBACK").fetchall()


def test_a_schema_of_the_same_name(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA ppp").fetchall()
    with pytest.raises(duckdb.BinderException, match="fully qualified path"):
        con.cursor().execute("FROM ppp.cluster('blobs')")
    assert sizes(con.cursor(), "ppp.main.cluster('blobs')") == THREE


def test_a_database_of_the_same_name(tmp_path: Path) -> None:
    con = duckdb.connect(str(tmp_path / "ppp.duckdb"))
    con.execute(BLOBS_OF).fetchall()
    line = r"^write ppp_duck.register\(con, catalog='functions'\)"
    with pytest.warns(ppp_duck.CatalogWarning, match=line) as told:
        ppp_duck.register(con)
    assert told[0].filename == __file__
    assert sizes(con, "ppp_cluster('blobs')") == THREE
    with pytest.raises(ppp_duck.CatalogError, match=line):
        ppp_duck.register(con, catalog="ppp")
    ppp_duck.register(con, catalog="functions")
    assert sizes(con.cursor(), "functions.cluster('blobs')") == THREE
    con.close()


def test_a_database_that_takes_no_catalog(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    with duckdb.connect(path) as con:
        con.execute(BLOBS_OF).fetchall()
    con = ppp_duck.connect(path, read_only=True)  # no word of it in a script
    with pytest.raises(ppp_duck.CatalogError, match=r"^call ppp_duck.register\(cursor\) for each cursor") as raised:
        ppp_duck.register(con, catalog="ppp")
    assert "read-only mode" in str(raised.value)
    assert sizes(ppp_duck.register(con.cursor()), "ppp_cluster('blobs')") == THREE
    con.close()


def test_no_catalog_is_asked_for() -> None:
    con = ppp_duck.connect(catalog=False)
    assert con.execute("SELECT count(*) FROM duckdb_databases() WHERE NOT internal").fetchall() == [(1,)]
    with pytest.raises(ppp_duck.OptionError, match=r"^register: set catalog to a name, None or False, not true"):
        ppp_duck.register(con, catalog=True)


def test_a_catalog_that_was_detached_comes_back(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DETACH ppp").fetchall()
    ppp_duck.register(con)
    assert sizes(con.cursor(), "ppp.cluster('blobs')") == THREE


def test_what_unregistered_connections_keep_is_bounded(fitted: duckdb.DuckDBPyConnection) -> None:
    before = len(MEMORY.keys("model:"))
    cursors = [fitted.cursor() for _ in range(VISITORS + 10)]
    for cursor in cursors:
        assert cursor.execute("SELECT count(*) FROM ppp.predict('blobs', model := 'seg')").fetchall() == [(150,)]
    assert len(MEMORY.keys("model:")) <= before + VISITORS
    assert len([one for one in MEMORY._statements if one < 0]) == VISITORS


def test_statements_of_two_cursors_do_not_disturb_each_other(fitted: duckdb.DuckDBPyConnection) -> None:
    first, second = fitted.cursor(), fitted.cursor()
    result = first.execute("FROM ppp.predict('SELECT x, y, tree FROM blobs, range(2000)', model := 'seg')")
    begun = result.fetchmany(10)
    for _ in range(3):
        second.execute("FROM ppp.predict('blobs', model := 'seg')").fetchall()
    assert len(begun) + len(result.fetchall()) == 300_000


def test_a_cursor_tells_what_its_database_chose() -> None:
    told: list[str] = []
    con = ppp_duck.connect(notes=told.append)
    con.execute("CREATE TABLE t AS SELECT 1 AS one, i % 2 * 9 + sin(i) AS x FROM range(40) r(i)").fetchall()
    con.cursor().execute("FROM ppp.cluster('t')").fetchall()
    assert len(told) == 1


@pytest.mark.parametrize("door", [lambda: duckdb, duckdb.default_connection])
def test_the_default_connection(door: Callable[[], Any]) -> None:
    assert ppp_duck.register(door()) is door()
    gc.collect()
    call = "cluster('SELECT i % 2 * 9 + sin(i) AS x FROM range(40) r(i)')"
    assert sizes(duckdb.default_connection(), f"ppp_{call}") == [(0, 20), (1, 20)]
    assert sizes(duckdb.default_connection().cursor(), f"ppp.{call}") == [(0, 20), (1, 20)]


@pytest.mark.parametrize("place", [":memory:", "w.duckdb"])
def test_an_engine_and_its_connections(place: str, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"duckdb:///{place if place == ':memory:' else tmp_path / place}")
    call = sqlalchemy.text("SELECT cluster_id, count(*) FROM ppp_cluster('blobs') GROUP BY ALL ORDER BY ALL")
    with engine.begin() as con:
        con.exec_driver_sql(BLOBS_OF)
    for _ in range(2):  # again changes nothing
        assert ppp_duck.register(engine) is engine
    with engine.connect() as con:
        assert [tuple(row) for row in con.execute(call)] == THREE
        con.rollback()
        assert [tuple(row) for row in con.execute(call)] == THREE
    engine.dispose()
    if place != ":memory:":
        with engine.connect() as con, engine.connect() as other:  # new ones, two at once
            assert [tuple(row) for row in con.execute(call)] == [tuple(row) for row in other.execute(call)] == THREE
    engine.dispose()


def test_a_connection_of_an_engine() -> None:
    engine = sqlalchemy.create_engine("duckdb:///:memory:")
    with engine.connect() as con:
        con.exec_driver_sql(BLOBS_OF)
        con.commit()
        assert ppp_duck.register(con) is con
        assert ppp_duck.fit(con, "blobs").k == 3
    with pytest.raises(ppp_duck.PPPError, match=r"^give one connection, not a SQLAlchemy engine: with engine.connect"):
        ppp_duck.fit(engine, "blobs")
    engine.dispose()


def test_what_is_no_connection() -> None:
    with pytest.raises(ppp_duck.PPPError, match=r"^give a DuckDB connection such as .*, not str$"):
        ppp_duck.register("warehouse.duckdb")
    with pytest.raises(ppp_duck.PPPError, match=r"^give an engine of DuckDB, such as .*, not sqlite$"):
        ppp_duck.register(sqlalchemy.create_engine("sqlite://"))


NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import duckdb, ppp_duck

con = ppp_duck.register(ppp_duck.connect())
con.execute("CREATE TABLE t AS SELECT i % 2 * 9 + sin(i) AS x, i % 3 AS g FROM range(300) r(i)").fetchall()
con.execute("CREATE TABLE seg AS FROM ppp_fit('t', columns := ['x'])").fetchall()

def shown(query):
    return shell.display_formatter.format(con.sql(query))[0]

model = ppp_duck.load(con, "seg")
for query in ("FROM ppp_fit('t', columns := ['x'])", "FROM seg"):
    assert shown(query) == {"text/plain": repr(model), "text/html": model._repr_html_()}
assert "in 3 groups by g" in shown("FROM ppp_fit('t', columns := ['x'], by := ['g'])")["text/html"]
plain = duckdb.connect()
for query in ("FROM seg WHERE cluster_id = 1", "FROM t LIMIT 2"):  # no model, or not the whole
    plain.register("rows", con.sql(query).to_arrow_table())
    own = plain.sql("FROM rows")
    bundle = getattr(own, "_repr_mimebundle_", None)
    # IPython leaves out the empty line at the end
    assert shown(query) == (bundle() if bundle else {"text/plain": repr(own).rstrip("\\n")})
"""


def test_a_notebook_shows_the_relation_of_a_model_as_the_model() -> None:
    done = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
