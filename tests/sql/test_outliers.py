"""The rows that a model does not expect, and those that it is sure of."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from conftest import said


@pytest.fixture
def planted(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(
        "CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x', 'y'], k := 3, covariance := 'full', missing := 'skip')"
    ).fetchall()
    con.execute(
        "INSERT INTO blobs VALUES (900, 200, 200, 'oak'), (901, -90, 3, 'oak'), (902, NULL, 3, 'oak'), (903, 'nan', 3, 'oak')"
    )
    return con


def outliers(
    con: duckdb.DuckDBPyConnection, source: str = "blobs", more: str = "", cte: str = ""
) -> list[tuple[Any, ...]]:
    call = f"{cte} SELECT id, outlier_score, is_outlier FROM ppp_outliers('{source}', model := 'seg'{more}) ORDER BY id"
    return con.execute(call).fetchall()


def test_planted_outliers_are_on_top(planted: duckdb.DuckDBPyConnection) -> None:
    rows = outliers(planted, more=", contamination := 0.02")
    assert len(rows) == 154
    scored = [row for row in rows if row[1] is not None]
    assert [row[0] for row in sorted(scored, key=lambda row: -row[1])][:2] == [900, 901]
    assert {row[0] for row in rows if row[2]} >= {900, 901}
    assert [row for row in rows if row[0] in (902, 903)] == [(902, None, None), (903, None, None)]
    assert all(row[2] is not None for row in scored)


def test_a_row_with_holes_has_a_score(planted: duckdb.DuckDBPyConnection) -> None:
    """With missing := 'auto', of what it has. Without any feature it has none."""
    planted.execute(
        "CREATE OR REPLACE TABLE seg AS FROM ppp_fit('FROM blobs WHERE id < 900', columns := ['x', 'y'])"
    ).fetchall()
    planted.execute(
        "INSERT INTO blobs VALUES (904, NULL, 'nan', 'oak'), (905, 'nan', 900, 'oak'), (906, 3e7, 3e7, 'oak')"
    ).fetchall()
    rows = outliers(planted, more=", contamination := 0.03")
    assert {row[0] for row in rows if row[1] is None} == {904}
    assert {row[0] for row in rows if row[2]} >= {900, 901, 905, 906}


def test_a_value_far_out_is_an_outlier(planted: duckdb.DuckDBPyConnection) -> None:
    planted.execute(
        "CREATE OR REPLACE TABLE seg AS FROM ppp_fit('FROM blobs WHERE id < 900', columns := ['x', 'y'])"
    ).fetchall()
    planted.execute("INSERT INTO blobs VALUES (906, -1e6, 15, 'oak'), (907, -1e6, 3, 'oak')").fetchall()
    assert {row[0] for row in outliers(planted, more=", contamination := 0.03") if row[2]} >= {900, 901, 906, 907}


@pytest.mark.parametrize("contamination", [0.001, 0.01, 0.1, 0.25, 0.5])
def test_contamination_is_the_most_there_are(planted: duckdb.DuckDBPyConnection, contamination: float) -> None:
    rows = outliers(planted, more=f", contamination := {contamination}")
    marked = [row[1] for row in rows if row[2]]
    rest = [row[1] for row in rows if row[2] is False]
    assert len(marked) <= contamination * 152
    assert len(marked) >= contamination * 152 - 1
    assert not marked or min(marked) > max(rest)


def test_ties_are_not_marked(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x'], k := 1, covariance := 'spherical')"
    ).fetchall()
    rows = outliers(con, "SELECT range AS id, 1 AS x FROM range(50)", ", contamination := 0.5")
    assert {row[2] for row in rows} == {False}


def test_scores_do_not_depend_on_place_order_or_threads(planted: duckdb.DuckDBPyConnection) -> None:
    expected = outliers(planted)
    planted.execute("CREATE TABLE shuffled AS SELECT y, id, x FROM blobs ORDER BY hash(id)").fetchall()
    for threads in (1, 2, 4):
        planted.execute(f"SET threads = {threads}").fetchall()
        assert outliers(planted, "shuffled") == expected
        assert outliers(planted, "s", cte="WITH s AS (FROM shuffled)") == expected
    assert outliers(planted, "FROM blobs WHERE false") == []
    result = planted.execute("FROM ppp_outliers('blobs', model := 'seg', prefix := 'o_')")
    assert [column[0] for column in result.description] == ["id", "x", "y", "tree", "o_outlier_score", "o_is_outlier"]


@pytest.mark.parametrize("more", ["", ", separable_at := 0.999", ", by := ['tree']"])
def test_separable_is_cluster_where_is_separable(con: duckdb.DuckDBPyConnection, more: str) -> None:
    con.execute(
        "CREATE TABLE mixed AS SELECT id, x / 6 AS x, y / 6 + sin(id) AS y, tree FROM blobs UNION ALL SELECT 900, NULL, 1, 'oak'"
    )
    options = f"columns := ['x', 'y'], k := 3, covariance := 'full'{more}"
    found = con.execute(f"FROM ppp_separable('mixed', {options}) ORDER BY id")
    assert [column[0] for column in found.description][4:] == ["cluster_id", "probability"]
    rows = found.fetchall()
    full = f"FROM ppp_cluster('mixed', output := 'full', {options})"
    expected = con.execute(
        f"SELECT id, x, y, tree, cluster_id, probability {full} WHERE is_separable ORDER BY id"
    ).fetchall()
    assert rows == expected
    assert 0 < len(rows) < 151
    cte = f"WITH s AS (FROM mixed) FROM ppp_separable('s', {options}) ORDER BY id"
    assert con.execute(cte).fetchall() == expected


ARGUMENTS = [
    ("outliers('blobs', model := 'seg', contamination := 0)",
     "ppp_outliers: set contamination to a number above 0 and up to 0.5, not 0"),
    ("outliers('blobs', model := 'seg', contamination := 0.6)",
     "ppp_outliers: set contamination to a number above 0 and up to 0.5, not 0.6"),
    ("outliers('blobs', model := 'seg', contamination := 'few')",
     "ppp_outliers: set contamination to a number above 0 and up to 0.5, not 'few'"),
    ("outliers('blobs')",
     "ppp_outliers: name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM ppp_fit(...)"),
    ("outliers('SELECT *, 1 AS is_outlier FROM blobs', model := 'seg')",
     "ppp_outliers: set prefix to a text such as 'ppp_': the query already has a column \"is_outlier\", which is "
     "also the name of a new one"),
    ("match('seg', 'seg', 'SELECT id FROM blobs')",
     "ppp_match: give the source the columns that the model was fitted to: x, y are missing, or of another kind of type"),
    ("separable('blobs', k := 0)", "ppp_separable: set k to a whole number from 1 up, not 0"),
    ("separable('SELECT *, 1 AS probability FROM blobs')",
     "ppp_separable: set prefix to a text such as 'ppp_': the query already has a column \"probability\", which "
     "is also the name of a new one"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[one[:60] for one, _ in ARGUMENTS])
def test_arguments(planted: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        planted.execute(f"FROM ppp_{call}").fetchall()
    assert said(caught.value) == message
