"""``ppp_match`` of models that were fitted by groups: group by group, as a naive count in Python has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import said
from hypothesis import given, settings
from hypothesis import strategies as st

import ppp_duck

Rows = list[tuple[Any, ...]]
Clusters = dict[tuple[str | None, int | None], int]

# Each label of a group becomes a cluster, larger or smaller than in another group, so that its id differs.
FITTED = """
CREATE TABLE fitted AS SELECT g, label, label * 100e0 AS x
FROM (VALUES ('a', [3, 2, 1]), ('b', [1, 2, 3]), ('c', [2, 3, 1]), (NULL, [1, 3, 2])) AS v(g, sizes),
  range(3) l(label), range(3) r(i) WHERE i < sizes[1 + label]
"""
SPHERICAL = "k := 3, covariance := 'spherical'"
KNOWN = {"old": "g IS NULL OR g < 'c'", "new": "g IS NULL OR g > 'a'"}
FEATURE = {"old": "a", "new": "b"}
GROUPS = ("a", "b", "c", "d", None)  # the last but one is of neither model


@pytest.fixture(scope="module")
def models() -> duckdb.DuckDBPyConnection:
    """Models ``old`` of column ``a`` and ``new`` of column ``b``, by groups, and the same rows without: ``old_all``."""
    con = ppp_duck.connect()
    con.execute(FITTED)
    for name, where in KNOWN.items():
        con.execute(f"CREATE TABLE {name}_rows AS SELECT g, x AS {FEATURE[name]} FROM fitted WHERE {where}")
        options = f"columns := ['{FEATURE[name]}'], {SPHERICAL}"
        con.execute(f"CREATE TABLE {name} AS FROM ppp_fit('{name}_rows', by := ['g'], {options})").fetchall()
        con.execute(f"CREATE TABLE {name}_all AS FROM ppp_fit('{name}_rows', {options})").fetchall()
    return con


@pytest.fixture(scope="module")
def ids(models: duckdb.DuckDBPyConnection) -> dict[str, Clusters]:
    """By model the id of each label in each group; models without groups are of the one group None."""
    found: dict[str, Clusters] = {}
    for model in ("old", "new", "old_all", "new_all"):
        name, _, everything = model.partition("_")
        source = f"SELECT DISTINCT {'NULL' if everything else 'g'} AS g, label, x AS {FEATURE[name]} FROM fitted"
        rows = models.execute(
            f"SELECT g, label, cluster_id FROM ppp_predict('{source}', model := '{model}')"
        ).fetchall()
        found[model] = {(g, label): cluster for g, label, cluster in rows if cluster is not None}
    return found


def expected(rows: Rows, old: Clusters, new: Clusters) -> Rows:
    """The events, counted pair by pair; groups and ids in order, NULL last."""
    shared = Counter((g, old[g, a], new[g, b]) for g, a, b in rows if (g, a) in old and (g, b) in new)
    events: Rows = []
    for group in {g for g, _ in (*old, *new)}:
        before = [cluster for (g, _), cluster in old.items() if g == group]
        after = [cluster for (g, _), cluster in new.items() if g == group]
        went = {o: sum(shared[group, o, n] for n in after) for o in before}
        came = {n: sum(shared[group, o, n] for o in before) for n in after}
        pairs: Rows = []
        for o in before:
            for n in after:
                count = shared[group, o, n]
                most_of_old, most_of_new = count > went[o] / 2, count > came[n] / 2
                if most_of_old or most_of_new:
                    event = "kept" if most_of_old and most_of_new else "split" if most_of_new else "merged"
                    pairs.append((group, o, n, count, event))
        gone = set(before) - {o for _, o, *_ in pairs}
        born = set(after) - {n for _, _, n, *_ in pairs}
        events += pairs
        events += [(group, o, None, went[o], "gone") for o in gone]
        events += [(group, None, n, came[n], "born") for n in born]
    return sorted(events, key=lambda row: [(value is None, value or 0) for value in row[:3]])


LABEL = st.sampled_from([0, 1, 2, None])  # None: a missing value, so no id


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(GROUPS), LABEL, LABEL, st.integers(1, 9)), max_size=40))
def test_random_partitions(models: duckdb.DuckDBPyConnection, ids: dict[str, Clusters], counted: Rows) -> None:
    rows = [(g, a, b) for g, a, b, times in counted for _ in range(times)]
    models.execute("CREATE OR REPLACE TABLE compared (g VARCHAR, a DOUBLE, b DOUBLE)")
    if rows:
        models.execute(
            "INSERT INTO compared SELECT r.g, 100e0 * r.a, 100e0 * r.b FROM (SELECT unnest($1::STRUCT(g VARCHAR, a INTEGER, b INTEGER)[]) AS r)",
            [[{"g": g, "a": a, "b": b} for g, a, b in rows]],
        )
    found = models.execute("FROM ppp_match('old', 'new', 'compared')").fetchall()
    assert found == expected(rows, ids["old"], ids["new"])
    found = models.execute("FROM ppp_match('old_all', 'new_all', 'compared')").fetchall()
    ungrouped = expected([(None, a, b) for _, a, b in rows], ids["old_all"], ids["new_all"])
    assert found == [row[1:] for row in ungrouped]


def test_a_group_of_one_model_only(models: duckdb.DuckDBPyConnection) -> None:
    found = models.execute("FROM ppp_match('old', 'new', 'SELECT g, x AS a, x AS b FROM fitted')").fetchall()
    gone = [("a", cluster, None, 0, "gone") for cluster in range(3)]
    kept = [(g, cluster, cluster, 3 - cluster, "kept") for g in ("b", None) for cluster in range(3)]
    born = [("c", None, cluster, 0, "born") for cluster in range(3)]
    assert found == [*gone, *kept[:3], *born, *kept[3:]]


# Two models by region and n: of two clusters, which became three.
OPTIONS = "columns := ['x'], covariance := 'spherical'"
GROUPED = """
SELECT id, x + y / 100 AS x, ['north', 'south', NULL][1 + (id % 3)::INTEGER] AS region, 2 + 8 * (id % 2) AS n FROM blobs
"""


@pytest.fixture
def grouped(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE grouped AS {GROUPED}").fetchall()
    for name, k in (("old", 2), ("new", 3)):
        con.execute(f"CREATE TABLE {name} AS FROM ppp_fit('grouped', by := ['region', 'n'], k := {k}, {OPTIONS})")
    return con


def match(
    con: duckdb.DuckDBPyConnection, old: str = "old", new: str = "new", src: str = "grouped", cte: str = ""
) -> Rows:
    return con.execute(f"{cte} FROM ppp_match($1, $2, $3)", [old, new, src]).fetchall()


def test_each_group_as_if_alone(grouped: duckdb.DuckDBPyConnection) -> None:
    found = match(grouped)
    alone: Rows = []
    for region in ("north", "south", None):
        for n in (2, 10):
            grouped.execute(
                "CREATE OR REPLACE TABLE one AS FROM grouped WHERE region IS NOT DISTINCT FROM $1 AND n = $2",
                [region, n],
            )
            for name, k in (("one_old", 2), ("one_new", 3)):
                grouped.execute(f"CREATE OR REPLACE TABLE {name} AS FROM ppp_fit('one', k := {k}, {OPTIONS})")
            alone += [(region, n, *row) for row in match(grouped, "one_old", "one_new", "one")]
    assert found == alone
    assert {row[-1] for row in found} == {"kept", "split"}


def test_places_do_not_matter(grouped: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    expected = match(grouped)
    for name in ("old", "new", "grouped"):
        grouped.execute(f"CREATE VIEW {name}_view AS FROM {name}")
        grouped.execute(f"CREATE TEMP TABLE {name}_temp AS FROM {name}")
        for kind in ("parquet", "csv", "json"):
            grouped.execute(f"COPY {name} TO '{tmp_path}/{name}.{kind}'").fetchall()
    assert match(grouped, "old_view", "new_view", "grouped_view") == expected
    assert match(grouped, "old_temp", "new_temp", "grouped_temp") == expected
    assert match(grouped, "FROM old_temp", "FROM new_view", "FROM grouped ORDER BY hash(id)") == expected
    for kind in ("parquet", "csv", "json"):
        files = [f"{tmp_path}/{name}.{kind}" for name in ("old", "new", "grouped")]
        assert match(grouped, *files) == expected, kind
    cte = "WITH o AS (FROM old), n AS (FROM new), s AS (SELECT * FROM grouped)"
    assert match(grouped, "o", "n", "s", cte) == expected
    assert match(grouped, "o", "new", "grouped", cte) == expected
    made = ", ".join(
        f"{name} AS (FROM ppp_fit('grouped', by := ['region', 'n'], k := {k}, {OPTIONS}))"
        for name, k in (("o", 2), ("n", 3))
    )
    assert match(grouped, "o", "n", "grouped", f"WITH {made}") == expected
    for threads in (1, 4):
        grouped.execute(f"SET threads = {threads}").fetchall()
        assert match(grouped) == expected
    grouped.execute("CREATE VIEW changes AS FROM ppp_match('old', 'new', 'grouped')").fetchall()
    assert grouped.execute("FROM changes").fetchall() == expected
    assert {row[0]: row[1] for row in grouped.execute("DESCRIBE changes").fetchall()} == {
        "region": "VARCHAR", "n": "BIGINT", "old_id": "INTEGER", "new_id": "INTEGER", "shared_rows": "BIGINT",
        "event": "VARCHAR",
    }  # fmt: skip
    grouped.execute("PREPARE p AS FROM ppp_match($1, $2, $3)").fetchall()
    assert grouped.execute("EXECUTE p('old', 'new', 'grouped')").fetchall() == expected


def test_in_an_open_transaction(grouped: duckdb.DuckDBPyConnection) -> None:
    expected = match(grouped)
    grouped.execute("BEGIN")
    for name in ("old", "new", "grouped"):
        grouped.execute(f"CREATE TABLE {name}_now AS FROM {name}").fetchall()
    assert match(grouped, "old_now", "new_now", "grouped_now") == expected
    grouped.execute("DELETE FROM grouped WHERE n = 2").fetchall()
    assert [row for row in match(grouped) if row[4]] == [row for row in expected if row[1] == 10]
    grouped.execute("ROLLBACK")
    assert match(grouped) == expected


def test_names_and_values_of_groups(grouped: duckdb.DuckDBPyConnection) -> None:
    """Names in any case; values as texts, whatever their numeric type."""
    expected = match(grouped)
    again = 'SELECT x, region AS "Region", n::DOUBLE AS "N" FROM grouped'
    grouped.execute(f"CREATE TABLE other AS FROM ppp_fit('{again}', by := ['REGION', 'n'], k := 3, {OPTIONS})")
    assert match(grouped, new="other") == expected
    assert match(grouped, new="other", src="SELECT * REPLACE (n::VARCHAR AS n) FROM grouped") == expected
    described = grouped.execute("DESCRIBE FROM ppp_match('other', 'old', 'grouped')").fetchall()
    assert [row[0] for row in described[:2]] == ["Region", "N"]


@pytest.mark.parametrize("name", ["old_id", "event", "g", "shared_rows", "most_of_old", "key"])
def test_groups_called_like_columns_of_the_result(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(f"CREATE TABLE rows AS SELECT tree AS {name}, x FROM blobs").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', by := ['{name}'], k := 1, covariance := 'spherical')")
    assert match(con, "seg", "seg", "rows") == [
        ("ash", 0, 0, 40, "kept"), ("elm", 0, 0, 50, "kept"), ("oak", 0, 0, 60, "kept"),
    ]  # fmt: skip


def test_a_group_with_nothing_to_cluster_has_no_clusters(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE rows AS SELECT tree, CASE WHEN tree <> 'elm' THEN x END AS x FROM blobs").fetchall()
    for name, source in (("part", "rows"), ("whole", "blobs")):
        con.execute(f"CREATE TABLE {name} AS FROM ppp_fit('{source}', by := ['tree'], k := 1, columns := ['x'])")
    kept = [("ash", 0, 0, 40, "kept"), ("oak", 0, 0, 60, "kept")]
    assert match(con, "part", "part", "blobs") == kept
    assert match(con, "part", "whole", "blobs") == [kept[0], ("elm", None, 0, 0, "born"), kept[1]]
    assert match(con, "whole", "part", "blobs") == [kept[0], ("elm", 0, None, 0, "gone"), kept[1]]


def test_columns_added_to_a_model_do_not_part_its_groups(grouped: duckdb.DuckDBPyConnection) -> None:
    """A table may hold several models, told apart by a column: it comes along, as of the old one."""
    expected = match(grouped)
    grouped.execute("CREATE TABLE kept AS SELECT 9 AS month, * FROM old UNION ALL SELECT 1, * FROM new")
    found = match(grouped, "FROM kept WHERE month = 9", "FROM kept WHERE month = 1")
    assert found == [(9, *row) for row in expected]


ARGUMENTS = [
    ("('old', 'plain', 'grouped')",
     "fit plain again by region, n, as the old model was: it was fitted without groups"),
    ("('plain', 'new', 'grouped')",
     "fit new again without by, as the old model was: it was fitted by region, n"),
    ("('old', 'other', 'grouped')",
     "fit other again by region, n, as the old model was: it was fitted by region"),
    ("('other', 'old', 'FROM grouped WHERE false')",
     "fit old again by region, as the old model was: it was fitted by region, n"),
    ("('old', 'turned', 'grouped')",
     "fit turned again by region, n, as the old model was: it was fitted by n, region"),
    ("('old', 'new', 'SELECT x, n FROM grouped')",
     "give the source the columns that the model was fitted by: region is missing"),
    ("('old', 'FROM new WHERE n = 2', 'grouped')",
     "restore the query, or fit again: 3 of its 6 groups are missing"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[call for call, _ in ARGUMENTS])
def test_arguments(grouped: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    for name, by in (("plain", ""), ("other", ", by := ['region']"), ("turned", ", by := ['n', 'region']")):
        grouped.execute(f"CREATE TABLE {name} AS FROM ppp_fit('grouped', k := 2, {OPTIONS}{by})").fetchall()
    with pytest.raises(duckdb.Error) as caught:
        grouped.execute(f"FROM ppp_match{call}").fetchall()
    assert said(caught.value) == f"ppp_match: {message}"
