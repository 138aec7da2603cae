"""``by := […]``: each group's clustering is the one it would have alone."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from conftest import Rows, refused
from hypothesis import given, settings
from hypothesis import strategies as st

import ppp_duck
from ppp_duck.models import table
from ppp_duck.running import measuring, memory

OPTIONS = "columns := ['x', 'y'], k := 2, covariance := 'diag'"
GROUPED = """
SELECT id, x, y, ['north', 'south', 'west', NULL][1 + (id % 4)::INTEGER] AS region, id % 2 AS n, (id % 3 - 1) / 2e0 AS f,
  DATE '2024-01-01' + (id % 2)::INTEGER AS d, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (id % 2) HOUR AS t,
  id % 2 = 0 AS b, 1 + id % 3 AS w, (id % 2 + 0.25)::DECIMAL(5, 2) AS dec
FROM blobs
"""


@pytest.fixture
def grouped(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE grouped AS {GROUPED}").fetchall()
    return con


def full(con: duckdb.DuckDBPyConnection, call: str, cte: str = "") -> Rows:
    return con.execute(
        f"{cte} SELECT id, COLUMNS('_id$|probability|distance|separable|reason') FROM {call} ORDER BY id"
    ).fetchall()


def cluster(
    con: duckdb.DuckDBPyConnection, by: str, source: str = "grouped", options: str = OPTIONS, cte: str = ""
) -> Rows:
    return full(con, f"ppp_cluster('{source}', by := {by}, output := 'full', {options})", cte)


BY = [["region"], ["n"], ["f"], ["d"], ["t"], ["b"], ["dec"], ["region", "n"], ["f", "d", "b"]]


@pytest.mark.parametrize("by", BY, ids=["-".join(one) for one in BY])
def test_each_group_as_if_alone(grouped: duckdb.DuckDBPyConnection, by: list[str]) -> None:
    found = cluster(grouped, str(by))
    grouped.execute(f"CREATE TABLE seg AS FROM ppp_fit('grouped', by := {by}, {OPTIONS})").fetchall()
    assert full(grouped, "ppp_predict('grouped', model := 'seg', output := 'full')") == found
    assert (
        full(grouped, "ppp_predict('s', model := 'm', output := 'full')", "WITH s AS (FROM grouped), m AS (FROM seg)")
        == found
    )
    assert cluster(grouped, str(by), "s", cte="WITH s AS (FROM grouped)") == found
    columns = ", ".join(by)
    texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in by)
    groups = grouped.execute(f"SELECT DISTINCT {texts} FROM grouped").fetchall()
    assert grouped.execute(f"SELECT count(*), count(DISTINCT ({columns})) FROM seg").fetchall()[0][0] == 2 * len(groups)
    alone: Rows = []
    for values in groups:
        where = " AND ".join(
            f"CAST({name} AS VARCHAR) IS NOT DISTINCT FROM ${place}" for place, name in enumerate(by, 1)
        )
        grouped.execute(f"CREATE OR REPLACE TABLE one AS FROM grouped WHERE {where}", list(values)).fetchall()
        alone += full(grouped, f"ppp_cluster('one', output := 'full', {OPTIONS})")
        sizes = grouped.execute(f"SELECT size, share, agreement, center FROM ppp_fit('one', {OPTIONS})").fetchall()
        stored = grouped.execute(
            f"SELECT size, share, agreement, center FROM seg WHERE {where} ORDER BY cluster_id", list(values)
        )
        assert stored.fetchall() == sizes
    assert sorted(alone) == found


def test_intervals_that_are_equal_to_duckdb_are_one_group(con: duckdb.DuckDBPyConnection) -> None:
    """A month is thirty days to it."""
    con.execute("CREATE TABLE leases AS SELECT * REPLACE (CASE WHEN id % 2 = 0 THEN INTERVAL 30 DAY ELSE INTERVAL 1 MONTH "
                "END AS tree) FROM blobs")  # fmt: skip
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('leases', by := ['tree'], {OPTIONS})").fetchall()
    assert con.execute("SELECT count(*), count(DISTINCT tree) FROM seg").fetchall() == [(2, 1)]
    found = con.execute("SELECT id, cluster_id FROM ppp_predict('leases', model := 'seg') ORDER BY id").fetchall()
    assert found == con.execute(f"SELECT id, cluster_id FROM ppp_cluster('blobs', {OPTIONS}) ORDER BY id").fetchall()


@pytest.mark.parametrize(
    "options",
    [
        "columns := ['x', 'y'], k := 2, covariance := 'spherical', weight := 'w'",
        "columns := ['x', 'y'], k := 2, covariance := 'spherical', missing := 'impute'",
        "columns := ['x', 'y'], k := 2, covariance := 'spherical', sample_size := 20",
        "columns := ['x', 'y'], covariance := 'spherical', k_max := 4",
        "exclude := ['id', 'd', 't'], k := 2, covariance := 'spherical'",
    ],
)
def test_with_other_options(grouped: duckdb.DuckDBPyConnection, options: str) -> None:
    grouped.execute(
        "INSERT INTO grouped (id, x, y, region, w) VALUES (900, NULL, 1, 'north', 1), (901, 1, NULL, 'south', 2)"
    )
    found = cluster(grouped, "['region']", options=options)
    alone: Rows = []
    for region in ("= 'north'", "= 'south'", "= 'west'", "IS NULL"):
        grouped.execute(
            f"CREATE OR REPLACE TABLE one AS SELECT * EXCLUDE (region) FROM grouped WHERE region {region}"
        ).fetchall()
        alone += full(grouped, f"ppp_cluster('one', output := 'full', {options})")
    assert sorted(alone) == found


def test_order_and_threads_do_not_matter(grouped: duckdb.DuckDBPyConnection) -> None:
    expected = cluster(grouped, "['region', 'n']")
    fit = f"SELECT * EXCLUDE (model) FROM ppp_fit('{{}}', by := ['region', 'n'], {OPTIONS})"
    models = grouped.execute(fit.format("grouped")).fetchall()
    grouped.execute("CREATE TABLE shuffled AS SELECT y, n, x, region, id FROM grouped ORDER BY hash(id)").fetchall()
    for threads in (1, 2, 4):
        grouped.execute(f"SET threads = {threads}").fetchall()
        assert cluster(grouped, "['region', 'n']", "shuffled") == expected
        assert grouped.execute(fit.format("shuffled")).fetchall() == models


ODD = """
SELECT * FROM (
  SELECT 'good' AS g, x, id FROM blobs WHERE id < 110
  UNION ALL SELECT 'constant', 5, 1000 + i FROM range(4) r(i)
  UNION ALL SELECT 'single', 5, 2000
  UNION ALL SELECT 'two', i, 3000 + i FROM range(2) r(i)
  UNION ALL SELECT 'nothing', NULL, 4000 + i FROM range(3) r(i))
"""


def test_odd_groups_do_not_disturb_the_others(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE odd AS {ODD}").fetchall()
    found = "SELECT g, cluster_id, reason, count(*) FROM {} GROUP BY ALL ORDER BY ALL"
    decided = con.execute(
        found.format("ppp_cluster('odd', columns := ['x'], by := ['g'], output := 'full')")
    ).fetchall()
    assert decided == [
        ("constant", 0, None, 4), ("good", 0, None, 60), ("good", 1, None, 50), ("nothing", None, "x is NULL", 3),
        ("single", 0, None, 1), ("two", 0, None, 2),
    ]  # fmt: skip
    given = con.execute(
        found.format("ppp_cluster('odd', columns := ['x'], k := 2, by := ['g'], output := 'full')")
    ).fetchall()
    few = "set k to 1 or less, the number of distinct rows to cluster, not 2"
    assert given == [
        ("constant", None, few, 4), ("good", 0, None, 60), ("good", 1, None, 50), ("nothing", None, "x is NULL", 3),
        ("single", None, few, 1), ("two", 0, None, 1), ("two", 1, None, 1),
    ]  # fmt: skip
    con.execute("CREATE TABLE seg AS FROM ppp_fit('odd', columns := ['x'], k := 2, by := ['g'])").fetchall()
    assert con.execute("SELECT g, cluster_id, size FROM seg").fetchall() == [
        ("constant", None, 0), ("good", 0, 60), ("good", 1, 50), ("nothing", None, 0), ("single", None, 0),
        ("two", 0, 1), ("two", 1, 1),
    ]  # fmt: skip
    assert con.execute(found.format("ppp_predict('odd', model := 'seg', output := 'full')")).fetchall() == given
    told = con.execute("SELECT g, value FROM ppp_info('seg') WHERE property = 'reason'").fetchall()
    assert told == [("constant", few), ("nothing", "no row to fit had all its features"), ("single", few)]
    evaluated = con.execute("SELECT g, k, rows, skipped FROM ppp_evaluate('odd', model := 'seg') ORDER BY g").fetchall()
    assert evaluated == [
        ("constant", 0, 0, 4), ("good", 2, 110, 0), ("nothing", 0, 0, 3), ("single", 0, 0, 1), ("two", 2, 2, 0),
    ]  # fmt: skip


def test_a_group_without_weight(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE rows AS SELECT *, CASE WHEN tree = 'elm' THEN 0 ELSE 1 END AS w FROM blobs").fetchall()
    call = "ppp_cluster('rows', columns := ['x'], weight := 'w', by := ['tree'], k := 1, output := 'full')"
    assert con.execute(
        f"SELECT tree, cluster_id, reason, count(*) FROM {call} GROUP BY ALL ORDER BY ALL"
    ).fetchall() == [
        ("ash", 0, None, 40),
        ("elm", None, "give w, the weight, values from 0 up, one at least above 0: all 50 rows have 0 or NULL", 50),
        ("oak", 0, None, 60),
    ]


def test_unknown_groups_at_predict(grouped: duckdb.DuckDBPyConnection) -> None:
    grouped.execute(f"CREATE TABLE seg AS FROM ppp_fit('grouped', by := ['n'], {OPTIONS})").fetchall()
    source = "SELECT x, y, unnest([0, 1, 2, NULL]) AS n FROM grouped LIMIT 4"
    for cte, name in (("", source), (f"WITH s AS ({source})", "s")):
        call = f"{cte} SELECT n, cluster_id IS NULL, reason FROM ppp_predict($1, model := 'seg', output := 'full')"
        assert grouped.execute(call, [name]).fetchall() == [
            (0, False, None), (1, False, None), (2, True, "no model for this group"), (None, True, "no model for this group"),
        ]  # fmt: skip
    for kind in ("DOUBLE", "DECIMAL(9,3)", "VARCHAR", "HUGEINT"):
        call = f"FROM ppp_predict('SELECT * REPLACE (n::{kind} AS n) FROM grouped', model := 'seg')"
        assert grouped.execute(f"SELECT count(cluster_id) FROM ({call})").fetchall() == [(150,)], kind


@settings(max_examples=6, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
        max_size=4,
        min_size=1,
        unique=True,
    )
)
def test_any_text_names_a_group(names: list[str]) -> None:
    con = SHARED
    con.execute(
        "CREATE OR REPLACE TABLE named AS SELECT unnest($1::VARCHAR[]) AS g, i + 0.5e0 AS x FROM range(3) r(i)", [names]
    )
    con.execute(
        "CREATE OR REPLACE TABLE seg AS FROM ppp_fit('named', by := ['g'], k := 1, covariance := 'spherical')"
    ).fetchall()
    expected = sorted((name, 3) for name in names)
    for call in ("ppp_predict('named', model := 'seg')", "ppp_profile('named', model := 'seg') WHERE \"column\" = 'x'"):
        count = "count(cluster_id)" if "predict" in call else "sum(n)::INTEGER"
        assert sorted(con.execute(f"SELECT g, {count} FROM {call} GROUP BY g").fetchall()) == expected
    assert sorted(con.execute("SELECT g, rows FROM ppp_evaluate('named', model := 'seg')").fetchall()) == expected


SHARED = ppp_duck.connect()


def test_every_function_tells_the_group(grouped: duckdb.DuckDBPyConnection) -> None:
    grouped.execute(f"CREATE TABLE seg AS FROM ppp_fit('grouped', by := ['region', 'n'], {OPTIONS})").fetchall()
    groups = grouped.execute("SELECT DISTINCT region, n FROM grouped ORDER BY ALL").fetchall()
    for call in ("centers('seg')", "trials('seg')", "info('seg')", "compare('seg', a := 0)",
                 "evaluate('grouped', model := 'seg')", "profile('grouped', model := 'seg', by := ['region', 'N'])"):  # fmt: skip
        result = grouped.execute(f"SELECT * FROM ppp_{call}")
        assert [column[0] for column in result.description][:2] == ["region", "n"], call
        found = grouped.execute(f"SELECT DISTINCT region, n FROM ppp_{call} ORDER BY ALL").fetchall()
        assert found == groups, call
    alone = grouped.execute(
        "SELECT * EXCLUDE (region, n) FROM ppp_evaluate('grouped', model := 'seg') WHERE region = 'south'"
    ).fetchall()
    grouped.execute("CREATE TABLE one AS FROM grouped WHERE region = 'south'").fetchall()
    grouped.execute(f"CREATE TABLE seg_one AS FROM ppp_fit('one', {OPTIONS})").fetchall()
    assert grouped.execute("FROM ppp_evaluate('one', model := 'seg_one')").fetchall() == alone
    outliers = grouped.execute(
        "SELECT id, outlier_score FROM ppp_outliers('grouped', model := 'seg') WHERE region = 'south' ORDER BY id"
    )
    assert (
        outliers.fetchall()
        == grouped.execute(
            "SELECT id, outlier_score FROM ppp_outliers('one', model := 'seg_one') ORDER BY id"
        ).fetchall()
    )


def test_exported_and_read_back(grouped: duckdb.DuckDBPyConnection, tmp_path: object) -> None:
    expected = cluster(grouped, "['region', 't']")
    grouped.execute(f"CREATE TABLE seg AS FROM ppp_fit('grouped', by := ['region', 't'], {OPTIONS})").fetchall()
    for kind in ("parquet", "csv", "json"):
        grouped.execute(f"COPY seg TO '{tmp_path}/seg.{kind}'").fetchall()
        assert full(grouped, f"ppp_predict('grouped', model := '{tmp_path}/seg.{kind}', output := 'full')") == expected


def test_results_may_be_read_in_several_chunks(grouped: duckdb.DuckDBPyConnection) -> None:
    """As for more groups than DuckDB hands to a function at once; after the last one the measurement is over."""
    result = grouped.execute(f"FROM ppp_fit('grouped', by := ['n'], {OPTIONS})")
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def column(value: object) -> pa.ChunkedArray:
        return pa.chunked_array([[value]])

    key = memory.keep(table.from_rows("seg", rows), "ppp_evaluate", (0, 0))
    measurement = measuring.measure(column(key))[0].as_py()
    for row in rows:
        if row["cluster_id"] == 0:
            (told,) = measuring.evaluated(column(f"{measurement} 0"), column(row["model"]), column(0)).to_pylist()
            assert (told[0]["k"], told[0]["rows"]) == (2, 0)
    with pytest.raises(ppp_duck.PPPError, match="ppp_evaluate: run the statement again"):
        memory.running(measurement)


@pytest.mark.parametrize("name", ["k", "rows", "n", "g"])
def test_groups_called_like_columns_of_a_result(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(f"CREATE TABLE rows AS SELECT tree AS {name}, x FROM blobs").fetchall()
    con.execute(
        f"CREATE TABLE seg AS FROM ppp_fit('rows', by := ['{name}'], k := 1, covariance := 'spherical')"
    ).fetchall()
    found = con.execute("FROM ppp_evaluate('rows', model := 'seg')").fetchall()
    assert sorted((row[0], row[2]) for row in found) == [("ash", 40), ("elm", 50), ("oak", 60)]


ARGUMENTS = [
    ("FROM ppp_fit('SELECT tree AS Center, x FROM blobs', by := ['center'])",
     "ppp_fit: rename Center in the source, for instance with a SELECT as source: a model has a column of that name"),
    ("FROM ppp_cluster('SELECT [1] AS v, x FROM blobs', by := ['v'])",
     "ppp_cluster: leave v out of by: INTEGER[] cannot name a group"),
    ("FROM ppp_predict('grouped', model := 'seg', by := ['regoin'])",
     "ppp_predict: leave by out, or fit seg again by regoin: it was fitted by region, n"),
    ("FROM ppp_predict('grouped', model := 'seg', by := ['n', 'region'])",
     "ppp_predict: leave by out, or fit seg again by n, region: it was fitted by region, n"),
    ("FROM ppp_predict('SELECT x, y, n FROM grouped', model := 'seg')",
     "ppp_predict: give the source the columns that the model was fitted by: region is missing"),
    ("WITH s AS (SELECT x, y FROM grouped) FROM ppp_evaluate('s', model := 'seg')",
     "ppp_evaluate: give the source the columns that the model was fitted by: region, n are missing"),
    ("FROM ppp_predict('grouped', model := 'FROM seg WHERE n = 0')",
     "ppp_predict: restore the query, or fit again: 2 of its 4 groups are missing"),
    ("FROM ppp_predict('grouped', model := 'FROM seg WHERE NOT (region = ''north'' AND cluster_id = 1)')",
     "ppp_predict: restore the query, or fit again: cluster 1 of group ['north', '0'] is missing, of 2"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "message"), ARGUMENTS, ids=[one[:70] for one, _ in ARGUMENTS])
def test_arguments(grouped: duckdb.DuckDBPyConnection, statement: str, message: str) -> None:
    grouped.execute(f"CREATE TABLE seg AS FROM ppp_fit('grouped', by := ['region', 'n'], {OPTIONS})").fetchall()
    assert refused(grouped, statement) == message
