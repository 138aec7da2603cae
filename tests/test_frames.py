"""Tables of pandas, polars and Arrow, and relations, in Python: rows unchanged, in their order, with their ids."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from conftest import BLOBS, THREE

import ppp_duck
from ppp_duck.doors.connections import CLOSED

N = 90
ODD = pd.DataFrame(
    {
        "x": [i % 3 * 9 + np.sin(i) for i in range(N)],
        "category": pd.Categorical(["a", "b", "c"] * (N // 3)),
        "code": pd.Categorical([1, 2, 3] * (N // 3)),
        "moment": pd.date_range("2024-01-01", periods=N, tz="Europe/Berlin"),
        "maybe": pd.array([None if i % 10 == 0 else i % 3 for i in range(N)], dtype="Int64"),
        "yes": pd.array([True, False, None] * (N // 3), dtype="boolean"),
        "mixed": [["z", 1, None][i % 3] for i in range(N)],
        "long": pd.to_timedelta(np.arange(N), unit="h"),
        7: range(N),
    },
    index=[f"row {i}" for i in range(N)],
)


def arrow(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    return relation.to_arrow_table()


@pytest.fixture(scope="module")
def table() -> pa.Table:
    with duckdb.connect() as con:
        return arrow(con.sql(BLOBS))


class Interchanged:
    """Knows the older protocol only."""

    def __init__(self, frame: pa.Table) -> None:
        self.frame = frame

    def __dataframe__(self, **options: Any) -> Any:
        return self.frame.__dataframe__(**options)


class Streamed:
    """Knows the PyCapsule interface only."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


FORMS: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas(),
    "pandas in arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.DataFrame(pl.from_arrow(table)).lazy(),
    "table": lambda table: table,
    "batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(),
    "dataset": pa.dataset.dataset,
    "stream": Streamed,
    "interchange": Interchanged,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_ids_of_sql(form: str, table: pa.Table) -> None:
    con = ppp_duck.connect()
    expected = con.execute("FROM ppp_cluster('table', output := 'full', prefix := 'p_')").fetchall()
    found = ppp_duck.cluster(FORMS[form](table), output="full", prefix="p_")
    assert found.fetchall() == expected
    assert found.fetchall() == expected  # again
    model = ppp_duck.fit(con, FORMS[form](table))
    assert model.k == 3
    scored = ppp_duck.predict(model, FORMS[form](table), output="full", prefix="p_")
    assert scored.fetchall() == expected
    assert model.evaluate(FORMS[form](table)).fetchall()[0][0] == 3
    assert len(model.profile(FORMS[form](table)).fetchall()) == 12


def test_names_on_connections(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    expected = con.execute("FROM ppp_cluster('blobs')").fetchall()
    assert ppp_duck.cluster(con, "blobs").fetchall() == expected
    con.execute(f"COPY blobs TO '{tmp_path / 'blobs.parquet'}'").fetchall()
    alone = ppp_duck.cluster(str(tmp_path / "blobs.parquet"))  # on the default connection
    assert alone.fetchall() == expected
    assert duckdb.sql("SELECT count(*) FROM alone").fetchall() == [(150,)]
    frame = con.execute("FROM blobs").df()
    assert ppp_duck.cluster(con, "frame").fetchall() == expected
    assert len(frame) == 150


def test_a_relation_and_one_of_that(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TEMP TABLE passing AS FROM blobs").fetchall()
    first = ppp_duck.cluster(con, con.sql("FROM passing WHERE id < 110"))
    again = ppp_duck.cluster(con, first.filter("cluster_id = 0"), prefix="p_", k=1)
    third = ppp_duck.cluster(con, again, prefix="q_", columns=["x"], k=1)
    assert third.columns == ["id", "x", "y", "tree", "cluster_id", "p_cluster_id", "q_cluster_id"]
    assert [row[0] for row in third.fetchall()] == list(range(60))
    con.execute("BEGIN; DELETE FROM passing WHERE id >= 60").fetchall()
    assert len(ppp_duck.cluster(con, con.sql("FROM passing"), k=1).fetchall()) == 60
    con.execute("ROLLBACK").fetchall()


def test_a_relation_by_the_name_of_its_variable(con: duckdb.DuckDBPyConnection) -> None:
    relation = con.sql("FROM blobs WHERE id < 110")
    assert con.execute("SELECT count(*) FROM ppp_cluster('relation')").fetchall() == [(110,)]
    assert relation.columns == ["id", "x", "y", "tree"]


def test_odd_types_of_pandas_come_back() -> None:
    found = ppp_duck.cluster(ODD).to_arrow_table()
    assert found.column_names == [*map(str, ODD.columns), "cluster_id"]
    for name in ("x", 7, "maybe", "yes"):
        values = [None if pd.isna(value) else value for value in ODD[name]]
        assert found.column(str(name)).to_pylist() == values
    assert found.column("category").to_pylist() == list(ODD["category"])
    assert found.column("mixed").to_pylist() == ["z", "1", None] * (N // 3)
    seconds = found.column("moment").cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    assert seconds == [round(moment.timestamp() * 1e6) for moment in ODD["moment"]]
    assert found.column("cluster_id").to_pylist() == [0, 1, 2] * (N // 3)


def test_the_order_of_many_rows() -> None:
    place = np.arange(300_000)
    many = pa.table({"place": place, "x": np.sin(place) + place % 2 * 9})
    for frame in (many, many.to_pandas(), pl.from_arrow(many)):
        found = ppp_duck.cluster(frame, columns=["x"], k=2, sample_size=2000)
        assert found.columns == ["place", "x", "cluster_id"]
        result = found.fetchnumpy()
        assert (result["place"] == place).all()
        assert [len(np.unique(result["cluster_id"][side::2])) for side in (0, 1)] == [1, 1]


def test_a_relation_keeps_what_it_needs(table: pa.Table) -> None:
    found = ppp_duck.cluster(table.to_pandas()).filter("cluster_id = 0")
    own = ppp_duck.cluster(duckdb.connect(), pl.from_arrow(table))
    gc.collect()
    assert len(found.fetchall()) == 60
    assert len(own.fetchall()) == 150


def test_nothing_is_left_on_a_connection(table: pa.Table) -> None:
    con = duckdb.connect()
    ppp_duck.cluster(con, table).fetchall()
    assert con.execute("SHOW ALL TABLES").fetchall() == []
    assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []


def test_a_connection_that_does_not_look_for_variables(table: pa.Table) -> None:
    """As those of ibis do not."""
    con = duckdb.connect(config={"python_enable_replacements": False})
    expected = ppp_duck.cluster(table).fetchall()
    for rows in (table, table.to_pandas(), con.from_arrow(table)):
        assert ppp_duck.cluster(con, rows).fetchall() == expected
        assert ppp_duck.fit(con, rows).predict(con, rows).filter("cluster_id = 0").fetchall()
    assert con.execute("SELECT current_setting('python_enable_replacements')").fetchall() == [(False,)]


@pytest.mark.parametrize("form", ["pandas", "polars", "table"])
def test_a_table_without_rows(form: str, table: pa.Table) -> None:
    none = FORMS[form](table.slice(0, 0))
    found = ppp_duck.cluster(none, output="full", prefix="p_")
    assert found.fetchall() == []
    assert found.columns == ppp_duck.cluster(table, output="full", prefix="p_").columns
    with pytest.raises(ppp_duck.FeatureError, match=r"^ppp_fit: give a source with rows, the .* has none$"):
        ppp_duck.fit(none)
    con = duckdb.connect()
    con.execute("CREATE TABLE empty (x DOUBLE)").fetchall()
    assert ppp_duck.cluster(con, "empty").columns == ["x", "cluster_id"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "A"]), '^rename a column: two have the same name to DuckDB, "a", "A"$'),
        (pd.DataFrame([[1, 2]], columns=[0, "0"]), '^rename a column: two have the same name to DuckDB, "0", "0"$'),
        (pd.DataFrame(index=range(3)), "^give a table with columns: it has none$"),
        (pd.Series([1.0]), "^give a table, not pandas.*Series: series.to_frame"),
        (pl.Series([1.0]), "^give a table, not polars.*Series: series.to_frame"),
        (pa.chunked_array([[1.0]]), "^give a table, not pyarrow.*Array, which Arrow cannot read as one"),
        (pd.DataFrame({"p": pd.period_range("2020-01", periods=3, freq="M"), "x": 1.0}), r"^convert \"p\", or leave it out: Data type 'period\[M\]' not"),
        (pa.table({"h": pa.array([1.0], pa.float16()), "x": [1.0]}), '^convert "h", or leave it out: '),
        (np.zeros((2, 2)), "^give a pandas, polars or Arrow table, .*, not numpy.ndarray: .* of an array, ppp_duck.PPP"),
        ({"x": [1.0]}, "^give a pandas, polars or Arrow table, .*, not dict: pyarrow.table"),
        (3, "^give a pandas, polars or Arrow table, .*, not int$"),
        (duckdb, "^give the rows behind the connection: "),
        (pd.DataFrame({"x": [1.0, 2.0], "cluster_id": [1, 2]}), "^ppp_cluster: set prefix to .* the DataFrame already has"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken(data: Any, said: str) -> None:
    with pytest.raises(ppp_duck.SourceError, match=said):
        ppp_duck.cluster(data)


def test_errors_name_the_function(table: pa.Table) -> None:
    with pytest.raises(
        ppp_duck.SourceError, match=r'^ppp_fit: no column "xx" in the table; it has .*; did you mean "x"'
    ):
        ppp_duck.fit(table, columns=["xx"])
    with pytest.raises(ppp_duck.OptionError, match=r"^ppp_cluster: no argument kk; did you mean k\?$"):
        ppp_duck.cluster(table, kk=3)
    with pytest.raises(ppp_duck.ModelError, match=r"^give a model, ppp_duck.fit"):
        ppp_duck.predict("seg", table)  # type: ignore[arg-type]
    with pytest.raises(ppp_duck.ModelError, match=r"^give a model, ppp_duck.fit.*, not Table$"):
        ppp_duck.predict(table, table)  # type: ignore[arg-type]


def test_a_relation_of_another_connection() -> None:
    relation = ppp_duck.connect().sql("SELECT i % 2 * 9 + sin(i) AS x FROM range(40) r(i)")
    with pytest.raises(ppp_duck.SourceError, match=r"^give the connection that made the relation"):
        ppp_duck.cluster(relation)


@pytest.mark.parametrize("by", [None, ["tree"]])
def test_a_model_pickles(by: list[str] | None, table: pa.Table, tmp_path: Path) -> None:
    model = ppp_duck.fit(duckdb.connect(), table, by=by)
    joblib.dump(model, tmp_path / "model")
    for other in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
        assert other == model
        assert hash(other) == hash(model)
        assert repr(other) == repr(model)
        assert other.fingerprint == model.fingerprint
        assert other.predict(table).fetchall() == model.predict(table).fetchall()
        assert other.centers().fetchall() == model.centers().fetchall()
    assert copy.deepcopy(model) is copy.copy(model) is model
    assert model != ppp_duck.fit(table, k=2)


HOSTILE = "<script>alert('1')</script>"


def test_a_model_shows_as_html(table: pa.Table) -> None:
    shown = ppp_duck.fit(table)._repr_html_()
    assert shown.count("<tr>") == 1 + 3
    for text in ("k = 3", "40.0%", "tree = oak 100% (others 0%)", "y 15.02 (others"):
        assert text in shown
    frame = table.to_pandas().rename(columns={"x": HOSTILE}).replace({"tree": {"oak": HOSTILE}})
    for by in (None, ["tree"]):
        shown = ppp_duck.fit(frame, by=by)._repr_html_()
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown
    many = ppp_duck.fit("SELECT i // 10 AS g, i % 2 * 9 + sin(i) AS x FROM range(300) r(i)", by=["g"], k=1)
    assert "and 10 more" in many._repr_html_()


@pytest.mark.parametrize(
    ("call", "unions"),
    [
        ("ppp_centers('seg')", ["center"]),
        ("ppp_compare('seg', a := 0)", ["value_a", "value_b"]),
        ("ppp_profile('rows', model := 'seg')", ["mean", "min", "median", "max", "overall_mean"]),
    ],
)
def test_every_client_reads_what_a_union_says(call: str, unions: list[str]) -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE rows AS SELECT *, DATE '2024-01-01' + (x * 10)::INTEGER AS day, x * 1e5 AS money, "
        f"TIME '12:00:00' AS noon FROM ({BLOBS})"
    ).fetchall()
    con.execute("CREATE TABLE seg AS FROM ppp_fit('rows', k := 3)").fetchall()
    plain = con.sql(f"SELECT * EXCLUDE ({', '.join(map(repr, unions)).replace(chr(39), chr(34))}) FROM {call}")
    frame = pl.DataFrame(pl.from_arrow(plain.to_arrow_table()))
    for name in unions:
        assert frame[f"{name}_number"].dtype == pl.Float64
        assert frame[f"{name}_text"].dtype == pl.String
        rows = con.execute(
            f'SELECT "{name}".number, "{name}".date, {name}_number, {name}_text FROM {call} WHERE "{name}" IS NOT NULL'
        ).fetchall()
        assert all(number is None or number == shown for number, _, shown, _ in rows)
        assert all(text for *_, text in rows)
        dates = [(date, number, text) for _, date, number, text in rows if date is not None]
        assert all(text == str(date) for date, _, text in dates)
        assert all(abs((date - date.fromtimestamp(0)).days - number) <= 0.5 for date, number, _ in dates)


def test_a_text_for_people() -> None:
    con = ppp_duck.connect()
    call = "SELECT ppp__shown(x, kind), ppp__plain(x, kind) FROM (VALUES ({}, '{}')) t(x, kind)"
    for value, kind, text, number in (
        ("1234567.8e0", "number", "1,234,568", 1234567.8), ("0.123456e0", "number", "0.1235", 0.123456),
        ("-1e20", "number", "-1e+20", -1e20), ("86400e0", "date", "1970-01-02", 1.0),
        ("3600.4e0", "time", "01:00:00", 3600.4), ("60e0", "timestamp", "1970-01-01 00:01:00", 60.0),
        ("90e0", "interval", "00:01:30", 90.0), ("NULL::DOUBLE", "number", None, None),
    ):  # fmt: skip
        assert con.execute(call.format(value, kind)).fetchall() == [(text, number)]


def test_ids_do_not_change_with_the_door(con: duckdb.DuckDBPyConnection) -> None:
    assert ppp_duck.cluster(con, "blobs").aggregate("cluster_id, count(*)").order("1").fetchall() == THREE


def test_a_path_names_a_file(tmp_path: Path, table: pa.Table) -> None:
    con = ppp_duck.connect()
    path = tmp_path / "it's a.parquet"
    con.from_arrow(table).write_parquet(str(path))
    by_name = ppp_duck.cluster(con, str(path)).fetchall()
    assert ppp_duck.cluster(con, path).fetchall() == by_name
    assert ppp_duck.cluster(path).fetchall() == by_name
    assert ppp_duck.fit(con, path).predict(path).fetchall() == by_name


def test_a_closed_connection_is_said_to_be_closed(table: pa.Table) -> None:
    con = ppp_duck.connect()
    model = ppp_duck.fit(con, table)
    con.close()
    calls = (
        lambda: ppp_duck.register(con), lambda: ppp_duck.fit(con, table), lambda: ppp_duck.fit(con, "t"),
        lambda: ppp_duck.cluster(con, "t"), lambda: model.predict(con, table), lambda: model.save(con, "seg"),
        lambda: ppp_duck.load(con, "seg"),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ppp_duck.PPPError) as caught:
            call()
        assert str(caught.value) == CLOSED, call
