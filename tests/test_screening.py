"""What SQL says of a row's cluster is what the engine says of it, and most rows never reach Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_score import FORMS
from test_shortcut import points_near, ready

import ppp_duck
from ppp_duck import functions, rewrite, screening
from ppp_duck.calls import plan_call
from ppp_duck.engine import plain
from ppp_duck.loaded import Ready, keep
from ppp_duck.model import ModelSet
from ppp_duck.options import check_options
from ppp_duck.sources import Column, Source

ODD = [None, float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 1e100, 5e-324, -0.0, 0.0]


class Counted:
    """A function of Arrow columns that counts the rows that it sees."""

    def __init__(self) -> None:
        self.function, self.kind = functions.FUNCTIONS["ppp__assign"]
        self.rows = 0

    def __call__(self, *columns: pa.ChunkedArray) -> pa.Array:
        self.rows += len(columns[0])
        return self.function(*columns)


@contextmanager
def counting() -> Iterator[tuple[duckdb.DuckDBPyConnection, Counted]]:
    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(functions.FUNCTIONS, "ppp__assign", (counted, counted.kind))
        con = ppp_duck.connect()
    con.execute("SET threads = 8").fetchall()
    yield con, counted


def both_ways(one: Ready, values: dict[str, list[float | None]]) -> tuple[int, int]:
    """Compares the ids of rows of the model's columns and of others; returns how many Python saw, and of how many."""
    with counting() as (con, counted):
        rows = pa.table({name: pa.array(column, pa.float64()) for name, column in values.items()})
        con.register("rows", rows)
        source = Source("rows", "rows", tuple(Column(name, "DOUBLE") for name in values), True)
        call = plan_call("ppp_cluster", source, check_options("ppp_cluster", {"columns": list(values)}))
        key = keep(ModelSet((), (one.model,)), "ppp_cluster")
        fields = ", ".join(f"'n {name}': _ppp_source.{name}" for name in values)
        m = screening.components(call, source)
        assert m == screening.MOST_COMPONENTS
        score = f"ppp__assign(_ppp_model, NULL, {{{fields}}})"
        relation = "_ppp_source CROSS JOIN _ppp_screen LEFT JOIN _ppp_known ON true"
        stages = [
            ("_ppp_source", "NOT MATERIALIZED", "FROM rows"),
            ("_ppp_fit", "MATERIALIZED", f"SELECT '{key}' AS model"),
            ("_ppp_known", "MATERIALIZED", "SELECT 1 AS known WHERE false"),
            screening.stage(call, "_ppp_fit", m),
        ]
        screened = con.execute(rewrite.with_stages(stages, screening.scored(call, m, relation, score, "id"))).fetchall()
        seen, counted.rows = counted.rows, 0
        every = con.execute(f"SELECT *, ppp__assign('{key}', NULL, {{{fields}}}) FROM rows _ppp_source").fetchall()
        assert counted.rows == len(every) == rows.num_rows
        assert repr(screened) == repr(every)  # NaN is not equal to itself
        return seen, len(every)


def values_of(one: Ready, points: np.ndarray, rng: np.random.Generator) -> dict[str, list[float | None]]:
    """Rows of the model's columns in another order, with a column that is no feature among them."""
    columns = {f.name: (f.center + points[:, j] * f.scale).tolist() for j, f in enumerate(one.model.features)}
    names = [*columns, "dropped"]
    rng.shuffle(names)
    return {name: columns.get(name, [7.0] * len(points)) for name in names}


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10_000),
    merged=st.booleans(),
    d=st.integers(1, 8),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e9, 1e15]),
    impute=st.booleans(),
)
def test_ids_are_equal(form: str, seed: int, merged: bool, d: int, offset: float, impute: bool) -> None:
    one = ready(form, d, seed, merged, offset, impute)
    rng = np.random.default_rng(seed)
    means = one.model.clustering.mixture.means  # type: ignore[union-attr]
    values = values_of(one, np.concatenate([points_near(one, rng), means * 1e3]), rng)
    for row, odd in enumerate(ODD * 4):
        values[rng.choice(list(values))][row] = odd
    both_ways(one, values)


@pytest.mark.parametrize("form", FORMS)
def test_few_rows_reach_python(form: str) -> None:
    one = ready(form, 4, 1, False, 1.0)
    rng = np.random.default_rng(0)
    seen, every = both_ways(one, values_of(one, rng.normal(size=(5000, 4)) * 2, rng))
    assert seen < 0.01 * every


def test_all_rows_do_where_the_screen_says_nothing() -> None:
    """Clusters of several components, digits lost to an offset, features that are almost one."""
    rng = np.random.default_rng(0)
    for one in (ready("diag", 2, 1, True, 1.0), ready("diag", 2, 1, False, 1e15)):
        seen, every = both_ways(one, values_of(one, rng.normal(size=(100, 2)), rng))
        assert seen == every
    assert plain._cancelled(np.array([[-0.5, 1.0, -0.5]]), 2) == float("inf")
    assert plain._cancelled(np.array([[-0.5, 0.0, -2.0]]), 2) == 2


# Four round clusters of normally distributed rows, and rows with holes.
ROWS = """
SELECT i AS id, 9 * (i % 4) + r * cos(v) AS x, (100 * ((i % 4) // 2) + 9 * r * sin(v))::{y} AS y, 3.0 AS c, 1 + i % 3 AS w
FROM (SELECT i, sqrt(-2 * ln((hash(2 * i) % 99991 + 1) / 1e5)) AS r, (hash(2 * i + 1) % 99991) / 1e5 * 2 * pi() AS v
  FROM range(4000) r(i))
UNION ALL SELECT 5000 + i, [NULL, 'nan'::DOUBLE, 'inf'::DOUBLE][1 + i % 3], [NULL, 0][1 + i % 2]::{y},
  [NULL, 3.0][1 + i % 2], i % 2 FROM range(50) r(i)
"""
CALLS = {
    "skip": "columns := ['x', 'y']",
    "impute": "columns := ['x', 'y'], missing := 'impute'",
    "chosen by itself": "exclude := ['id', 'w']",
    "weights": "columns := ['x', 'y'], weight := 'w'",
    "refined": "columns := ['x', 'y'], refine := 1",
    "k-means": "columns := ['x', 'y'], covariance := 'spherical', k := 4",
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
        assert len(predicted) == 4050
        for threads in (1, 2, 8):
            con.execute(f"SET threads = {threads}").fetchall()
            counted.rows = 0
            screened = con.execute(f"FROM ppp_cluster('rows', {CALLS[name]}) ORDER BY id").fetchall()
            assert repr(screened) == repr(predicted)
            assert counted.rows < 200 or name in NOT_SCREENED
        assert con.execute(f"SELECT count(*) FROM ppp_cluster('rows', {CALLS[name]})").fetchall() == [(4050,)]


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
        assert counted.rows < 300


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
        con.execute("CREATE TABLE ours AS SELECT * RENAME (x AS _ppp_s0, c AS _ppp_model) FROM rows").fetchall()
        ours = con.execute("FROM ppp_cluster('ours', columns := ['_ppp_s0', 'y'], k := 4) ORDER BY id").fetchall()
        assert repr(ours) == repr(plain_rows)


def test_the_planner_knows_how_many_rows() -> None:
    with counting() as (con, _):
        con.execute("CREATE TABLE rows AS SELECT i AS id, (i % 2) * 9 + sin(i) AS x FROM range(10000) r(i)").fetchall()
        ((_, plan),) = con.execute("EXPLAIN FROM ppp_cluster('rows', columns := ['x'], k := 2)").fetchall()
        found = re.findall(r"~([\d,]+) rows?", plan)
        assert max(int(number.replace(",", "")) for number in found) <= 20_000
