"""What models say of themselves and of rows, against SQL's own aggregates."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from conftest import TODAY, refused, said

TYPED = """
SELECT id, x, y, tree, DATE '2024-01-01' + (id * 3)::INTEGER AS d, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL (id * 7) MINUTE AS t,
  TIME '08:00:00' + INTERVAL (id) MINUTE AS o, INTERVAL (id * 10) SECOND AS v, id % 3 = 0 AS b, [x, id % 2] AS l,
  ['p', 'q', 'r', 's'][1 + (id % 7 % 4)::INTEGER] AS c, CASE WHEN id % 10 > 0 THEN x * 2 END AS holes, (y * 10)::INTEGER AS whole
FROM blobs
"""
FEATURES = "columns := ['x', 'y', 'tree', 'd', 't', 'o', 'v', 'b', 'l', 'c'], k := 3, covariance := 'diag', max_categories := 3"
ABOUT = 1e-9


@pytest.fixture
def typed(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE typed AS {TYPED}").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('typed', {FEATURES})").fetchall()
    con.execute("CREATE TABLE scored AS FROM ppp_predict('typed', model := 'seg')").fetchall()
    return con


def table(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = con.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def info(con: duckdb.DuckDBPyConnection, source: str, options: str = "", cte: str = "") -> dict[str, str]:
    con.execute(f"CREATE OR REPLACE TABLE told AS {cte} FROM ppp_fit('{source}'{options})").fetchall()
    return dict(con.execute("FROM ppp_info('told')").fetchall())


EPOCHS = {"d": "epoch({}) / 86400", "t": "epoch({})", "o": "epoch({})", "v": "epoch({})", "b": "{}::INTEGER"}


@pytest.mark.parametrize("missing", ["auto", "skip", "impute"])
def test_centers_of_values_at_the_end_of_the_range(con: duckdb.DuckDBPyConnection, missing: str) -> None:
    """Squares and sums of them overflow: figures are worked out in units of the largest."""
    values = "CASE WHEN id % 7 = 0 THEN NULL WHEN id % 5 = 0 THEN 1.5e308 ELSE -1e308 END"
    con.execute(f"CREATE TABLE huge AS SELECT {values} AS b FROM blobs").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('huge', k := 1, missing := '{missing}')").fetchall()
    ((center, spread),) = con.execute("SELECT center.number, stddev FROM ppp_centers('seg')").fetchall()
    ((low, high),) = con.execute("SELECT count(*) FILTER (b < 0), count(*) FILTER (b > 0) FROM huge").fetchall()
    known = np.array([-1.0] * low + [1.5] * high)  # what stands in for a missing value is none
    assert center / 1e308 == pytest.approx(known.mean())
    assert spread / 1e308 == pytest.approx(known.std())


def test_centers_are_means_in_the_units_of_the_columns(typed: duckdb.DuckDBPyConnection) -> None:
    rows = table(
        typed,
        "SELECT * EXCLUDE (center), center.number AS number, center.date AS d, center.time AS o, center.timestamp AS t, center.interval AS v FROM ppp_centers('seg')",
    )
    assert {row["feature"] for row in rows} == {"x", "y", "tree", "d", "t", "o", "v", "b", "l[1]", "l[2]", "c"}
    for row in rows:
        feature = row["feature"].partition("[")[0]
        value = (
            f"{feature}[{row['feature'][2]}]" if "[" in row["feature"] else EPOCHS.get(feature, "{}").format(feature)
        )
        where = f"FROM scored WHERE cluster_id = {row['cluster_id']}"
        if row["category"] is not None:
            rest = "NOT IN ('p', 'q', 'r')" if row["category"] == "(other)" else f"= '{row['category']}'"
            ((share,),) = typed.execute(f"SELECT avg(({feature} {rest})::INTEGER) {where}").fetchall()
            assert row["share"] == pytest.approx(share, abs=ABOUT)
            continue
        ((mean, spread),) = typed.execute(f"SELECT avg({value}), stddev_pop({value}) {where}").fetchall()
        assert row["stddev"] == pytest.approx(spread, rel=1e-6, abs=1e-6), row
        member = {"d": "DATE '1970-01-01' + round({})::INTEGER", "t": "make_timestamp(round({} * 1e6)::BIGINT)",
                  "o": "TIME '00:00:00' + to_microseconds(round({} * 1e6)::BIGINT)",
                  "v": "to_microseconds(round({} * 1e6)::BIGINT)"}.get(feature)  # fmt: skip
        if member is None:
            assert row["number"] == pytest.approx(mean, abs=ABOUT)
        else:
            ((expected,),) = typed.execute(f"SELECT {member.format(f'{mean!r}::DOUBLE')}").fetchall()
            assert (
                abs((row[feature] if feature != "o" else 0) - expected).total_seconds() < 1e-3
                if feature in "tv"
                else row[feature] == expected
            )
    assert sum(row["category"] == "(other)" for row in rows) == 3


def test_profile_is_sqls_aggregates(typed: duckdb.DuckDBPyConnection) -> None:
    typed.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('typed', {FEATURES}, missing := 'skip')").fetchall()
    typed.execute("INSERT INTO typed (id, x, c) VALUES (900, NULL, 'p'), (901, 3, NULL)").fetchall()
    typed.execute("CREATE OR REPLACE TABLE scored AS FROM ppp_predict('typed', model := 'seg')").fetchall()
    rows = table(typed, "FROM ppp_profile('typed', model := 'seg')")
    columns = [row[0] for row in typed.execute("DESCRIBE typed").fetchall()]
    assert [(row["cluster_id"], row["column"]) for row in rows] == [
        (cluster, column) for cluster in (0, 1, 2, None) for column in sorted(columns)
    ]
    for row in rows:
        column = row["column"]
        where = f"FROM scored WHERE cluster_id IS NOT DISTINCT FROM {'NULL' if row['cluster_id'] is None else row['cluster_id']}"
        assert typed.execute(f"SELECT count({column}), count(*) - count({column}) {where}").fetchall() == [
            (row["n"], row["nulls"])
        ]
        if column == "l":
            assert [row[name] for name in ("mean", "stddev", "min", "median", "max", "top_value", "lift")] == [None] * 7
        elif column in ("tree", "c"):
            low, high, top = typed.execute(
                f"SELECT min({column}), max({column}), mode({column} ORDER BY {column}) {where}"
            ).fetchall()[0]
            counts = dict(
                typed.execute(f"SELECT {column}, count(*) {where} AND {column} IS NOT NULL GROUP BY ALL").fetchall()
            )
            top = min(counts, key=lambda value: (-counts[value], value)) if counts else None
            assert (row["min"], row["max"], row["top_value"], row["mean"]) == (low, high, top, None)
            if top is not None:
                ((overall,),) = typed.execute(f"SELECT avg(({column} = '{top}')::INTEGER) FROM scored").fetchall()
                assert row["lift"] == pytest.approx(counts[top] / row["n"] / overall)
        else:
            number = EPOCHS.get(column, "{}").format(column)
            mean, spread, everywhere = typed.execute(
                f"SELECT avg({number}), stddev_pop({number}), (SELECT avg({number}) FROM scored) {where}"
            ).fetchall()[0]
            assert row["stddev"] == (None if spread is None else pytest.approx(spread, rel=1e-7, abs=1e-7)), row
            plain = column in ("id", "x", "y", "holes", "whole", "b")
            if plain:
                assert row["mean"] == (None if mean is None else pytest.approx(mean, abs=1e-7))
                assert row["overall_mean"] == pytest.approx(everywhere, abs=1e-7)
                lift = None if mean is None else pytest.approx(mean / everywhere, abs=1e-7)
                assert row["lift"] == lift
                extremes = typed.execute(f"SELECT min({number}), median({number}), max({number}) {where}").fetchall()[0]
            else:
                assert row["lift"] is None
                extremes = typed.execute(f"SELECT min({column}), max({column}) {where}").fetchall()[0]
                extremes = (extremes[0], row["median"], extremes[1])
                assert (row["mean"] is None) == (mean is None)
            assert (row["min"], row["median"], row["max"]) == extremes, row


def test_profile_does_not_depend_on_order_place_or_threads(typed: duckdb.DuckDBPyConnection) -> None:
    expected = typed.execute("FROM ppp_profile('typed', model := 'seg')").fetchall()
    typed.execute("CREATE TABLE shuffled AS FROM typed ORDER BY hash(id)").fetchall()
    typed.execute("CREATE VIEW watch AS FROM ppp_profile('shuffled', model := 'seg')").fetchall()
    for threads in (1, 2, 4):
        typed.execute(f"SET threads = {threads}").fetchall()
        assert typed.execute("FROM watch").fetchall() == expected
        assert (
            typed.execute("WITH s AS (FROM shuffled), m AS (FROM seg) FROM ppp_profile('s', model := 'm')").fetchall()
            == expected
        )
    assert typed.execute("FROM ppp_profile('FROM typed WHERE false', model := 'seg')").fetchall() == []


def test_profile_of_extreme_values(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x'], k := 1, covariance := 'spherical')"
    ).fetchall()
    con.execute(
        "CREATE TABLE far AS SELECT x, unnest([1e300, -1e300, 'inf', 'nan', NULL]) AS big, unnest([1e-300, 3e-300, 2e-300, NULL, NULL]) AS small FROM blobs LIMIT 5"
    )
    found = {row["column"]: row for row in table(con, "FROM ppp_profile('far', model := 'seg')")}
    assert (found["big"]["mean"], found["big"]["stddev"], found["big"]["min"], found["big"]["n"]) == (
        0.0,
        1e300,
        -1e300,
        4,
    )
    assert found["small"]["stddev"] == pytest.approx((2 / 3) ** 0.5 * 1e-300)


def test_compare_is_cohens_d(typed: duckdb.DuckDBPyConnection) -> None:
    for b, others in (("NULL", "cluster_id <> 0"), ("2", "cluster_id = 2")):
        rows = table(typed, f"FROM ppp_compare('seg', a := 0, b := {b})")
        assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
        found = {row["feature"]: row for row in rows}
        assert found["tree = oak"]["score"] == float("inf")
        for name, value in (
            ("x", "x"),
            ("y", "y"),
            ("b", "b::INTEGER"),
            ("l[2]", "l[2]"),
            ("c = p", "(c = 'p')::INTEGER"),
            ("c = (other)", "(c = 's')::INTEGER"),
        ):
            query = f"SELECT avg({value}), var_pop({value}) FROM scored WHERE "
            ((mean_a, variance_a),) = typed.execute(query + "cluster_id = 0").fetchall()
            ((mean_b, variance_b),) = typed.execute(query + others).fetchall()
            assert (found[name]["value_a"], found[name]["value_b"]) == (
                pytest.approx(mean_a, abs=ABOUT),
                pytest.approx(mean_b, abs=ABOUT),
            )
            assert found[name]["score"] == pytest.approx(
                abs(mean_a - mean_b) / ((variance_a + variance_b) / 2) ** 0.5, abs=1e-9
            )


def test_compare_of_one_cluster_and_of_none(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE one AS FROM ppp_fit('blobs', k := 1, covariance := 'diag')").fetchall()
    assert con.execute("FROM ppp_compare('one', a := 0)").fetchall() == []


def test_compare_in_the_groups_that_have_the_clusters(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""CREATE TABLE groups AS SELECT i % 3 AS g, CASE WHEN i % 3 < 2 THEN (i % 3) * (i % 2) * 9 + sin(i) END AS x
        FROM range(300) r(i)""").fetchall()  # group 0 has one cluster, group 1 two, group 2 none
    con.execute("CREATE TABLE grouped AS FROM ppp_fit('groups', columns := ['x'], by := ['g'])").fetchall()
    assert con.execute("SELECT g, feature FROM ppp_compare('grouped', a := 0, b := 1)").fetchall() == [(1, "x")]
    assert con.execute("SELECT g, feature FROM ppp_compare('grouped', a := 0)").fetchall() == [(1, "x")]
    assert refused(con, "FROM ppp_compare('grouped', a := 0, b := 2)").startswith("ppp_compare: ")


def test_one_trial_is_chosen(typed: duckdb.DuckDBPyConnection) -> None:
    typed.execute(
        "CREATE TABLE found AS FROM ppp_fit('blobs', columns := ['x', 'y'], k_max := 5, covariance := 'diag')"
    ).fetchall()
    rows = table(typed, "FROM ppp_trials('found')")
    (chosen,) = [row for row in rows if row["chosen"]]
    told = dict(typed.execute("FROM ppp_info('found')").fetchall())
    assert (str(chosen["k"]), chosen["covariance"], chosen["why"]) == (
        told["k"],
        told["covariance"],
        told["chosen_because"],
    )
    assert len(rows) > 1
    assert all(row["why"] for row in rows)
    described = typed.execute("SELECT count(*) FROM found").fetchall()
    assert described == [(chosen["k"],)]


def test_the_fingerprint_is_that_of_the_data_and_the_options(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE rows AS SELECT x, y, tree, 1 + id % 3 AS w FROM blobs").fetchall()
    con.execute("CREATE TABLE shuffled AS SELECT w, tree, y, x FROM rows ORDER BY hash(x)").fetchall()
    con.execute("CREATE TEMP TABLE passing AS FROM shuffled").fetchall()
    options = ", columns := ['x', 'y', 'tree'], weight := 'w', k := 2, covariance := 'spherical'"
    mark = info(con, "rows", options)["fingerprint"]
    assert len(mark) == 32
    for threads in (1, 2):
        con.execute(f"SET threads = {threads}").fetchall()
        for cte, source in (("", "shuffled"), ("", "passing"), ("", "FROM rows"), ("WITH s AS (FROM shuffled)", "s")):
            assert info(con, source, options, cte)["fingerprint"] == mark, source
    assert info(con, "rows", options.replace("'x', 'y', 'tree'", "'tree', 'y', 'x'"))["fingerprint"] == mark
    others = [
        info(con, "rows", options.replace("k := 2", "k := 3")), info(con, "rows", options + ", separable_at := 0.9"),
        info(con, "rows", options + ", scale := 'robust'"), info(con, "rows", options.replace(", weight := 'w'", "")),
        info(con, "SELECT * REPLACE (x + (x = (SELECT max(x) FROM rows))::INTEGER * 1e-12 AS x) FROM rows", options),
        info(con, "SELECT * REPLACE (w + (x = (SELECT min(x) FROM rows))::INTEGER AS w) FROM rows", options),
        info(con, "SELECT * REPLACE (CASE WHEN y = (SELECT max(y) FROM rows) THEN ''ash'' ELSE tree END AS tree) FROM rows", options),
        info(con, "FROM rows LIMIT 149", options), info(con, "FROM rows UNION ALL (FROM rows LIMIT 1)", options),
    ]  # fmt: skip
    marks = [mark, *(one["fingerprint"] for one in others)]
    assert len(set(marks)) == len(marks)


def test_info_says_what_was_dropped_and_skipped(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE rows AS SELECT *, 7 AS same, NULL::DOUBLE AS nothing, ''::BLOB AS b, 'n' || id AS name FROM blobs "
        "UNION ALL SELECT 900 + i, NULL, 1, 'oak', 7, NULL, '', 'n' FROM range(2) r(i) "
        "UNION ALL SELECT 910, 1, 'nan'::DOUBLE, NULL, 7, NULL, '', 'm'"
    ).fetchall()
    dropped = {
        "column_dropped: b": "BLOB is no feature type", "column_dropped: id": "a key: no value repeats",
        "column_dropped: name": "names, ids or free text: 152 different values, none of them common",
        "column_dropped: nothing": "it has no values", "column_dropped: same": "it has one value only",
    }  # fmt: skip
    found = info(con, "rows", ", k := 2, covariance := 'spherical'")
    assert {name: value for name, value in found.items() if name.startswith(("column", "rows"))} == {
        "rows": "153", "rows_used": "153", "rows_skipped": "0",
        "rows_incomplete: x": "2 NULL, NaN or infinite", "rows_incomplete: y": "1 NULL, NaN or infinite",
        "rows_incomplete: tree": "1 NULL, NaN or infinite",
        "columns_used": "tree (VARCHAR, as category), x (DOUBLE, as number), y (DOUBLE, as number)", **dropped,
    }  # fmt: skip
    found = info(con, "rows", f", k := 2, covariance := 'spherical', {TODAY}")
    assert {name: value for name, value in found.items() if name.startswith(("column", "rows"))} == {
        "rows": "153", "rows_used": "150", "rows_skipped": "3",
        "rows_skipped: x": "2 NULL, NaN or infinite", "rows_skipped: y": "1 NULL, NaN or infinite",
        "rows_skipped: tree": "1 NULL, NaN or infinite",
        "columns_used": "tree (VARCHAR, as text), x (DOUBLE, as number), y (DOUBLE, as number)", **dropped,
    }  # fmt: skip
    found = info(con, "rows", ", k := 2, covariance := 'spherical', missing := 'impute', columns := ['x', 'y']")
    assert (found["rows_used"], found["rows_skipped"], found["rows_imputed: x"]) == (
        "153",
        "0",
        "2 NULL, NaN or infinite",
    )
    assert (found["option: k"], found["option: missing"], found["option: columns"]) == ("2", "'impute'", "['x', 'y']")


ARGUMENTS = [
    ("compare('seg')", "ppp_compare: name a cluster, for instance a := 0"),
    ("compare('seg', a := 1, b := 1)", "ppp_compare: set b to another cluster than a, or leave it out, not 1"),
    ("compare('seg', a := 3)", "ppp_compare: set a to a cluster from 0 to 2, not 3"),
    ("compare('seg', a := 0, b := 10)", "ppp_compare: set b to a cluster from 0 to 2, not 10"),
    ("compare('seg', a := -1)", "ppp_compare: set a to a whole number from 0 up, not -1"),
    ("profile('typed')",
     "ppp_profile: name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM ppp_fit(...)"),
    ("trials('typed')", 'ppp_trials: name a model that ppp_fit made: typed has no column "cluster_id"'),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[one for one, _ in ARGUMENTS])
def test_arguments(typed: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        typed.execute(f"FROM ppp_{call}").fetchall()
    assert said(caught.value) == message


def test_a_value_apart_is_told_in_the_words_of_its_column(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""CREATE TABLE visits AS SELECT (i % 2) * 9 + sin(i) AS spend,
      CASE WHEN i % 3 = 0 THEN DATE '1999-12-31' ELSE DATE '2024-01-01' + (hash(i) % 900)::INTEGER END AS last_seen
      FROM range(600) r(i)""").fetchall()
    con.execute("CREATE TABLE seg AS FROM ppp_fit('visits', columns := ['spend', 'last_seen'])").fetchall()
    ((used,),) = con.execute("SELECT value FROM ppp_info('seg') WHERE property = 'columns_used'").fetchall()
    assert "last_seen (DATE, as number, with 1999-12-31 apart)" in used
