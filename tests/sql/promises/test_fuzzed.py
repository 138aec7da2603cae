"""What `make fuzz` found, each kind with the smallest table that shows it."""

from __future__ import annotations

import duckdb
import pytest
from conftest import refused

import ppp_duck
from ppp_duck.errors import show
from ppp_duck.models.model import SCORE_COLUMNS


@pytest.mark.parametrize("name", ["a\nb", "\n", 'a"\n"b', "it's\na"])
@pytest.mark.parametrize("options", ["", ", output := 'full'", ", sample_size := 20, refine := 2", ", by := ['g']"])
def test_a_name_of_several_lines(name: str, options: str) -> None:
    con = ppp_duck.connect()
    column = '"' + name.replace('"', '""') + '"'
    con.execute(f"CREATE TABLE t AS SELECT sin(i) + i % 2 * 9 AS {column}, cos(i) AS y, i % 3 AS g FROM range(90) r(i)")
    con.execute(f"CREATE TABLE plain AS SELECT {column} AS x, y, g FROM t")
    wanted = con.execute(f"FROM ppp_cluster('plain', k := 2{options})").fetchall()
    found = con.execute(f"FROM ppp_cluster('t', k := 2{options})")
    assert found.description[0][0] == name
    assert found.fetchall() == wanted
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', k := 2)").fetchall()
    assert {row[1] for row in con.execute("FROM ppp_profile('t', model := 'seg')").fetchall()} == {name, "y", "g"}
    assert len(con.execute("FROM ppp_evaluate('t', model := 'seg')").fetchall()) == 1


@pytest.mark.parametrize("covariance", ["spherical", "diag", "tied", "full"])
def test_categories_alone_under_every_form(covariance: str) -> None:
    """They have no covariance: every form is the same model."""
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE t AS SELECT ['a', 'b'][1 + i % 2] AS c, ['u', 'v'][1 + (i % 10 + i) % 2] AS d FROM range(90) r(i)"
    )
    wanted = con.execute("SELECT c, d, cluster_id FROM ppp_cluster('t', k := 2)").fetchall()
    for options in ("", ", refine := 3", ", output := 'full'"):
        call = f"ppp_cluster('t', k := 2, covariance := '{covariance}'{options})"
        assert con.execute(f"SELECT c, d, cluster_id FROM {call}").fetchall() == wanted


@pytest.mark.parametrize("value", ["CASE WHEN i < 0 THEN 'x' END", "[i, 2 * i]"])
def test_a_profile_without_a_number(value: str) -> None:
    """No text, and vectors, which have no mean in a profile."""
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE t AS SELECT {value} AS v FROM range(12) r(i)")
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', columns := ['v'], k := 1)").fetchall()
    assert {row[1] for row in con.execute("FROM ppp_profile('t', model := 'seg')").fetchall()} == {"v"}


def test_whole_numbers_that_differ_in_rows_without_weight() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t(x BIGINT, w DOUBLE)")
    con.execute("INSERT INTO t VALUES (0, 1), (0, 1), (0, 1), (0, 1), (5, 0), (7, 0)")
    assert len(con.execute("FROM ppp_cluster('t', weight := 'w')").fetchall()) == 6


def test_amounts_of_the_smallest_size() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT unnest([1e6, -5e-324, -0e0]) AS x")
    assert len(con.execute("FROM ppp_cluster('t', columns := ['x'])").fetchall()) == 3


def test_weights_beyond_a_bigint() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT sin(i) AS x, 1e100 AS w FROM range(60) r(i)").fetchall()
    found = con.execute(
        "SELECT \"set\", \"rows\", k FROM ppp_clusterability('t', columns := ['x'], weight := 'w', k := 2)"
    )
    assert [row[1] for row in found.fetchall()] == [None] * 3
    con.execute("UPDATE t SET w = 2").fetchall()
    found = con.execute("SELECT \"rows\" FROM ppp_clusterability('t', columns := ['x'], weight := 'w', k := 2)")
    assert found.fetchone() == (120,)


@pytest.mark.parametrize("size", [1e308, 1.0, 1e-310])
def test_what_sets_clusters_apart_has_no_unit(size: float) -> None:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE t AS SELECT (i % 2 - 0.5 + sin(i) / 9) * {size} AS x FROM range(90) r(i)").fetchall()
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', columns := ['x'], k := 2, scale := 'standard')").fetchall()
    (score,) = con.execute("SELECT score FROM ppp_compare('seg', a := 0)").fetchall()
    assert score[0] == pytest.approx(12.795, abs=0.01)


@pytest.mark.parametrize("options", ["", ", missing := 'impute'", ", missing := 'skip'", ", by := ['g']"])
@pytest.mark.parametrize("kind", ["DOUBLE[]", "DOUBLE[3]", "DOUBLE", "VARCHAR"])
def test_a_column_without_values(kind: str, options: str) -> None:
    con = ppp_duck.connect()
    con.execute(
        f"CREATE TABLE t AS SELECT sin(i) AS x, CAST(NULL AS {kind}) AS v, i % 2 AS g FROM range(40) r(i)"
    ).fetchall()
    call = f"ppp_cluster('t', columns := ['x', 'v'], output := 'full'{options})"
    found = con.execute(f"SELECT cluster_id, reason, count(*)::INTEGER FROM {call} GROUP BY ALL").fetchall()
    assert found == ([(None, "v is NULL", 40)] if "skip" in options else [(0, None, 40)])


def test_a_group_without_lists() -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE t AS SELECT sin(i) AS x, CASE WHEN i % 2 = 0 THEN [i, 2.0] END AS v, i % 2 AS g FROM range(40) r(i)"
    )
    found = con.execute(
        "SELECT g, count(cluster_id) FROM ppp_cluster('t', columns := ['x', 'v'], by := ['g']) GROUP BY g"
    )
    assert sorted(found.fetchall()) == [(0, 20), (1, 20)]


def test_lists_of_another_length_than_those_of_the_model() -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE seg AS FROM ppp_fit('SELECT [sin(i), cos(i)] AS v FROM range(40) r(i)', k := 1)"
    ).fetchall()
    for lists, length in (("[1, 2, 3]", 3), ("[1]", 1), ("[]", 0)):
        wanted = "ppp_predict: give every list in v the length that those of the model have, 2: one has "
        assert refused(con, f"FROM ppp_predict('SELECT {lists}::DOUBLE[] AS v', model := 'seg')") == f"{wanted}{length}"
    no_list = "SELECT count(*) FROM ppp_predict('SELECT NULL::DOUBLE[] AS v', model := 'seg') WHERE cluster_id IS NULL"
    assert con.execute(no_list).fetchall() == [(1,)]


@pytest.mark.skipif(duckdb.__version__ < "1.5", reason="DuckDB 1.4 has no VARIANT")
def test_a_variant_in_a_profile_is_a_text() -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE t AS SELECT sin(i) AS x, CAST(['a', 'b', 'b'][1 + i % 3] AS VARIANT) AS v FROM range(60) r(i)"
    )
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', k := 1)").fetchall()
    found = con.execute("SELECT top_value FROM ppp_profile('t', model := 'seg') WHERE \"column\" = 'v'")
    assert found.fetchall() == [("b",)]
    described = con.execute("DESCRIBE FROM ppp_cluster('t', output := 'full')").fetchall()
    assert [row[0] for row in described][2:] == list(SCORE_COLUMNS)


def test_rows_that_differ_in_their_holes_are_not_told_apart() -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE t AS SELECT 0e0 AS x, NULL::DOUBLE AS y, [NULL, 'a', 'b'][1 + i % 3] AS c, i % 2 AS g FROM range(60) r(i)"
    )
    call = "('t', columns := ['x', 'y', 'c'], k := {k}, covariance := 'tied')"
    wanted = "ppp_cluster: set k to 2 or less, the number of rows that differ in more than what is missing, not 3"
    assert refused(con, f"FROM ppp_cluster{call.format(k=3)}") == wanted
    assert con.execute(f"SELECT count(DISTINCT cluster_id) FROM ppp_cluster{call.format(k=2)}").fetchall() == [(2,)]
    by = "columns := ['x', 'y', 'c'], k := 3, by := ['g'], output := 'full'"
    found = con.execute(f"SELECT DISTINCT cluster_id, reason FROM ppp_cluster('t', {by})").fetchall()
    assert found == [(None, wanted.removeprefix("ppp_cluster: "))]


@pytest.mark.parametrize("name", ["rowid", "file_index", "FILE_INDEX"])
@pytest.mark.parametrize("kind", ["NULL", "true", "1", "'a'", "[NULL]"])
def test_columns_called_as_those_of_tables_and_files(name: str, kind: str) -> None:
    con = ppp_duck.connect()
    query = f'SELECT sin(i) AS x, {kind} AS "{name}" FROM range(40) r(i)'
    arrow = con.sql(query).to_arrow_table()
    con.register("framed", arrow)
    for src in (query, "framed", "cte"):
        cte = f"WITH cte AS ({query})" if src == "cte" else ""
        call = f"ppp_cluster({show(src)}, columns := ['x'], k := 2)"
        found = con.execute(f"{cte} FROM {call}")
        assert [column[0] for column in found.description] == ["x", name, "cluster_id"]
        assert len(found.fetchall()) == 40


def test_a_sample_of_the_least_weights_is_refined() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT i % 2 * 9 + sin(i) AS x, 5e-324 AS w FROM range(40) r(i)").fetchall()
    call = "ppp_cluster('t', columns := ['x'], weight := 'w', k := 2, sample_size := 10, refine := 3)"
    assert con.execute(f"SELECT count(DISTINCT cluster_id), count(cluster_id) FROM {call}").fetchall() == [(2, 40)]


def test_a_sample_in_which_no_column_helps_is_refined() -> None:
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT CASE WHEN i % 2 = 0 THEN 3 END AS x, "
                "CASE WHEN i % 14 > 0 THEN CAST([-5, -14, -9][1 + i % 3] AS DECIMAL(38, 0)) END AS y FROM range(280) r(i)")  # fmt: skip
    call = "ppp_fit('t', sample_size := 2, refine := 3, scale := 'standard')"
    (row,) = con.execute(f"SELECT cluster_id, share FROM {call}").fetchall()
    assert row == (0, 1.0)


def test_a_number_that_is_one_value_but_for_rounding_is_scored_as_it_was_fitted() -> None:
    """4.6e18 has steps of 512 as a DOUBLE: 1,000 apart is no distance, in the fit or in what is scored."""
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE t AS SELECT 2::HUGEINT ** 62 + i % 3 * 600 AS big, i % 4 * i % 11 AS x FROM range(90) r(i)"
    )
    for scale in ("auto", "standard", "robust"):
        call = f"columns := ['big', 'x'], k := 4, scale := '{scale}'"
        con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('t', {call})").fetchall()
        sizes = con.execute("SELECT cluster_id, size FROM seg ORDER BY cluster_id").fetchall()
        scored = "FROM ppp_predict('t', model := 'seg', output := 'full')"
        assert con.execute(f"SELECT cluster_id, count(*) {scored} GROUP BY 1 ORDER BY 1").fetchall() == sizes
        ((farthest,),) = con.execute(f"SELECT max(distance) {scored}").fetchall()
        assert farthest < 10


def test_rows_of_weight_0_do_not_say_what_a_column_is() -> None:
    """They lie beyond the extremes of the others; a bin for them was no INTEGER."""
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT CASE WHEN i % 5 = 0 THEN 0 ELSE 10 ** 15 + i % 4 * 1250 END::HUGEINT AS x, "
                "sin(i) AS y, (i % 5 > 0)::INT AS w FROM range(60) r(i)")  # fmt: skip
    found = con.execute("SELECT count(cluster_id) FROM ppp_cluster('t', weight := 'w')").fetchall()
    assert found == [(60,)]
    con.execute("CREATE TABLE heavy AS SELECT * EXCLUDE (w) FROM t WHERE w > 0")
    used = "SELECT value FROM ppp_info({}) WHERE property IN ('k', 'columns_used') ORDER BY property"
    con.execute("CREATE TABLE a AS FROM ppp_fit('t', weight := 'w')").fetchall()
    con.execute("CREATE TABLE b AS FROM ppp_fit('heavy')").fetchall()
    assert con.execute(used.format("'a'")).fetchall() == con.execute(used.format("'b'")).fetchall()


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_S", "TIMESTAMP_NS"])
def test_groups_of_infinite_dates(kind: str) -> None:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE t AS SELECT i % 3 AS x, ['infinity', '-infinity', '2020-01-01'][1 + i // 20]::{kind} AS g "
                "FROM range(60) r(i)")  # fmt: skip
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t', columns := ['x'], by := ['g'], k := 2)").fetchall()
    found = con.execute(
        "SELECT g::VARCHAR, count(cluster_id) FROM ppp_predict('t', model := 'seg') GROUP BY 1"
    ).fetchall()
    assert sorted(count for _, count in found) == [20, 20, 20]
    assert {"infinity", "-infinity"} < {name for name, _ in found}
    assert con.execute("SELECT count(DISTINCT g) FROM ppp_info('seg')").fetchall() == [(3,)]


def test_values_far_out_are_not_told_apart() -> None:
    """Two rows that differ only in how far out they are: one is as good as the other, and k says so."""
    con = ppp_duck.connect()
    con.execute("CREATE TABLE t AS SELECT sin(i) * i AS x, i % 5 AS y FROM range(120) r(i) "
                "UNION ALL SELECT unnest([1e6, 2e6]), 1")  # fmt: skip
    wanted = "ppp_cluster: set k to 121 or less, the number of distinct rows to cluster, not 122"
    assert refused(con, "FROM ppp_cluster('t', columns := ['x', 'y'], k := 122)") == wanted
