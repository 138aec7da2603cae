"""The Python side: fit, load and Model say what the SQL functions say."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from conftest import BLOBS

import ppp_duck

IDS = "SELECT id, cluster_id FROM {} ORDER BY id"


@pytest.fixture
def plain() -> duckdb.DuckDBPyConnection:
    """A connection that knows nothing of us yet."""
    con = duckdb.connect()
    con.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
    return con


def test_fit_is_ppp_fit(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs", columns=["x", "y"], k=3, scale="robust", separable_at=0.5)
    call = "FROM ppp_fit('blobs', columns := ['x', 'y'], k := 3, scale := 'robust', separable_at := 0.5)"
    expected, found = plain.sql(call), plain.sql(model.query)
    assert found.columns == expected.columns
    assert found.types == expected.types
    assert found.fetchall() == expected.fetchall()
    assert model.k == 3


def test_predict_is_ppp_cluster(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs", k=3)
    scored = model.predict(plain, "blobs", output="full", prefix="p_").order("id").fetchall()
    assert scored == plain.execute("FROM ppp_cluster('blobs', k := 3, output := 'full') ORDER BY id").fetchall()


def test_clusters_that_are_not_there_cannot_be_compared(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs", k=3)
    assert len(model.compare(0).fetchall()) == len(model.compare(0, 1).fetchall()) > 0
    with pytest.raises(ppp_duck.ModelError, match=r"^ppp_compare: set a to a cluster from 0 to 2, not 99$"):
        model.compare(99)
    with pytest.raises(ppp_duck.ModelError, match=r"^ppp_compare: set b to a cluster from 0 to 2, not 3$"):
        model.compare(0, 3)


def test_save_and_load(plain: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    model = ppp_duck.fit(plain, "blobs", k=3, by=["tree"])
    model.save(plain, "seg")
    with pytest.raises(ppp_duck.ModelError) as raised:
        model.save(plain, "main.seg")
    assert str(raised.value) == "set replace=True, or choose another name: main.seg already exists"
    with pytest.raises(
        ppp_duck.ModelError, match=r"^create the schema before, or choose another name: Schema with name"
    ):
        model.save(plain, "nowhere.seg")
    for name in ("a..b", 3, None):
        with pytest.raises(ppp_duck.SourceError, match=r"^give the model a table name such as"):
            model.save(plain, name)
    model.save(plain, 'main."seg"', replace=True)
    loaded = ppp_duck.load(plain, "seg")
    assert loaded.query == model.query
    assert loaded.fingerprint == model.fingerprint
    assert repr(loaded) == repr(model)
    path = str(tmp_path / "seg.parquet")
    plain.execute(f"COPY seg TO '{path}'").fetchall()
    other = ppp_duck.connect()
    other.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
    assert ppp_duck.load(other, path).predict(other, "blobs").order("id").fetchall() == (
        model.predict(plain, "blobs").order("id").fetchall()
    )
    assert {row[0] for row in plain.execute("SELECT table_name FROM duckdb_tables()").fetchall()} == {"blobs", "seg"}


def test_the_relations_are_those_of_the_functions(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs")
    model.save(plain, "seg")
    for relation, call in (
        (model.centers(), "ppp_centers('seg')"),
        (model.trials(), "ppp_trials('seg')"),
        (model.info(), "ppp_info('seg')"),
        (model.compare(0, 2), "ppp_compare('seg', a := 0, b := 2)"),
        (model.evaluate(plain, "blobs"), "ppp_evaluate('blobs', model := 'seg')"),
        (model.profile(plain, "blobs"), "ppp_profile('blobs', model := 'seg')"),
    ):
        assert relation.fetchall() == plain.execute(f"FROM {call}").fetchall(), call


def test_a_dataframe_by_the_name_of_a_variable(plain: duckdb.DuckDBPyConnection) -> None:
    frame = plain.execute("FROM blobs").df()
    model = ppp_duck.fit(plain, "frame", columns=["x", "y"])
    assert model.k == 3
    assert len(model.predict(plain, "frame").fetchall()) == len(frame)
    assert plain.execute("SELECT current_setting('python_scan_all_frames')").fetchall() == [(False,)]


def test_errors_are_ours(plain: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ppp_duck.OptionError, match=r"^ppp_fit: no argument kk; did you mean k\?$"):
        ppp_duck.fit(plain, "blobs", kk=3)
    with pytest.raises(ppp_duck.OptionError, match=r"^ppp_fit: set k to 150 or less"):
        ppp_duck.fit(plain, "blobs", k=1000)
    with pytest.raises(
        ppp_duck.SourceError,
        match=r'^ppp_fit: no column "xx" in blobs; it has "id", "x", "y", "tree"; did you mean "x"\?$',
    ):
        ppp_duck.fit(plain, "blobs", columns=["xx"])
    with pytest.raises(
        ppp_duck.ModelError, match=r'^name a model that ppp_fit made: blobs has no column "cluster_id"$'
    ):
        ppp_duck.load(plain, "blobs")
    with pytest.raises(ppp_duck.SourceError, match=r"^give the model a table name"):
        ppp_duck.fit(plain, "blobs", k=1).save(plain, "a..b")
    nowhere = (
        r'^name a table, view, file or variable that DuckDB finds: .*blbos does not exist!\nDid you mean "blobs"\?$'
    )
    for call in (ppp_duck.fit, ppp_duck.cluster, ppp_duck.load, ppp_duck.fit(plain, "blobs", k=1).predict):
        with pytest.raises(ppp_duck.SourceError, match=nowhere):
            call(plain, "blbos")


def test_what_the_source_lacks_is_said_before_a_row_is_read(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs", columns=["x", "y", "tree"], k=3)
    lists = ppp_duck.fit(plain, "SELECT [x, y] AS v FROM blobs", k=3)
    groups = ppp_duck.fit(plain, "blobs", columns=["x"], by=["tree"])
    for answer in ("predict", "evaluate", "profile"):
        message = rf"^ppp_{answer}: give the source the columns that the model was fitted "
        for source in ("SELECT x, tree FROM blobs", "SELECT x, [y] AS y, tree FROM blobs"):
            for rows in (source, plain.sql(source).to_arrow_table()):
                with pytest.raises(
                    ppp_duck.ModelError, match=message + "to: y is missing, or of another kind of type$"
                ):
                    getattr(model, answer)(plain, rows)
        with pytest.raises(ppp_duck.ModelError, match=message + "by: tree is missing$"):
            getattr(groups, answer)(plain, "SELECT x FROM blobs")
        for source in (
            "SELECT X: x, y::DECIMAL(9, 2) AS Y, tree::VARCHAR AS Tree FROM blobs",
            "SELECT 1 AS x, NULL AS y, 'oak' AS tree",
        ):
            assert getattr(model, answer)(plain, source).fetchall()
    shorter = "SELECT [x] AS v FROM blobs"  # the rows alone can tell
    with pytest.raises(duckdb.Error, match=r"ppp_predict: give every list in v the length"):
        lists.predict(plain, shorter).fetchall()
    for picture in (lambda: ppp_duck.plot.map(lists, shorter), lambda: ppp_duck.report(plain, shorter, model=lists)):
        with pytest.raises(ppp_duck.FeatureError, match=r"^(plot\.map|report): give every list in v the length"):
            picture()


def test_the_caller_sees_no_statement_that_he_did_not_write(plain: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(duckdb.BinderException) as raised:
        ppp_duck.fit(plain, "SELECT z FROM blobs")
    assert 'Referenced column "z" not found' in str(raised.value)
    assert "LINE" not in str(raised.value)
    nowhere = str(tmp_path / "nowhere.parquet")
    for call in (ppp_duck.fit, ppp_duck.cluster, ppp_duck.load):
        with pytest.raises(ppp_duck.SourceError, match=r"^name a table, view, file or variable .* \"" + nowhere):
            call(plain, nowhere)
    with pytest.raises(ppp_duck.OptionError, match=r"^ppp_cluster: set k to 150 or less"):
        ppp_duck.cluster(plain, "blobs", k=1000)


def test_a_name_alone_that_only_another_connection_knows(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs")
    advice = r"^name a table, .* that DuckDB finds, or give before it the connection that does: .* blobs does not exist"
    for call in (ppp_duck.fit, ppp_duck.cluster, lambda name: model.predict(duckdb, name)):
        with pytest.raises(ppp_duck.SourceError, match=advice):
            call("blobs")


def test_a_name_alone_is_of_the_connection_that_fitted(plain: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(plain, "blobs")
    assert model.predict("blobs").fetchall() == model.predict(plain, "blobs").fetchall()
    assert model.evaluate("blobs").fetchall() == model.evaluate(plain, "blobs").fetchall()


def test_a_repr_can_be_read(plain: duckdb.DuckDBPyConnection) -> None:
    lines = repr(ppp_duck.fit(plain, "blobs")).splitlines()
    assert lines[0] == "Model of blobs: k = 3, agreement 1.000"
    assert lines[2] == "  cluster 1: size 50, tree elm, x 12.02, y 15.02"
