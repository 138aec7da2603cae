"""Names that a user may own: functions, and columns called as those inside a statement. No result changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import make
import pytest
from conftest import BLOBS, ROOT

import ppp_duck
from ppp_duck.binding.quoting import CALL, SYNTAX

FILES = [path for path in sorted((ROOT / "sql").rglob("*.sql")) if path.parent.name != "spark"]  # of DuckDB
STATEMENTS = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
MACROS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "sql").glob("*.sql")))
CALLED = sorted(set(re.findall(r"system\.main\.(\w+)\(", STATEMENTS)))
OURS = sorted({name.lower() for name in re.findall(r"\b(_?ppp_\w+|number_0|most|\w+)\b", STATEMENTS)})
FIT = "columns := ['x', 'y'], k := 3, covariance := 'diag'"
CALLS = [
    f"ppp_cluster('{{src}}', {FIT})",
    "ppp_cluster('{src}', columns := ['x', 'tree'], k := 3, output := 'full')",
    "ppp_cluster('{src}', columns := ['x'], by := ['tree'], weight := 'y2', k := 1, refine := 1, sample_size := 20)",
    f"ppp_separable('{{src}}', {FIT})",
    "ppp_clusterability('{src}', columns := ['x'], k := 3)",
    "ppp_predict('{src}', model := 'seg', output := 'full')",
    "ppp_outliers('{src}', model := 'seg', contamination := 0.1)",
    "ppp_evaluate('{src}', model := 'seg')",
    "ppp_profile('{src}', model := 'seg')",
    "ppp_match('seg', 'seg', '{src}')",
    "ppp_centers('seg')",
    "ppp_info('seg')",
]


def answers(con: duckdb.DuckDBPyConnection, src: str = "trees", cte: str = "") -> Iterator[tuple[str, list[str]]]:
    for call in CALLS:
        rows = con.execute(f"{cte} FROM {call.format(src=src)}").fetchall()
        yield call, sorted(map(repr, rows))


def trees(columns: str = "") -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE trees AS SELECT *, 1 + abs(y)::INTEGER AS y2 {columns} FROM ({BLOBS})").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('trees', {FIT})").fetchall()
    return con


def test_every_call_is_of_duckdbs_own_function() -> None:
    plain = {name for name in CALL.findall(STATEMENTS) if name and name not in SYNTAX}
    assert plain == set()
    assert {"epoch", "md5", "isfinite", "median", "pow", "ceil", "greatest", "query", "count"} <= set(CALLED)


def test_functions_of_the_user_change_nothing() -> None:
    con = trees()
    wanted = dict(answers(con))
    for name in set(CALLED) - {"struct_pack", "list_value", "struct_extract"}:  # DuckDB's own syntax: {…}, […], a.b
        con.execute(f'CREATE MACRO "{name}" (a) AS 7, (a, b) AS 7, (a, b, c) AS 7').fetchall()
    assert dict(answers(con)) == wanted
    again = con.execute(f"SELECT model FROM ppp_fit('trees', {FIT})").fetchall()
    assert again == con.execute("SELECT model FROM seg").fetchall()


def test_functions_of_the_user_are_those_of_his_query() -> None:
    con = trees()
    con.execute("CREATE MACRO greatest(a, b) AS a + 0 * b").fetchall()
    query = "ppp_cluster('SELECT greatest(x, 1000) AS x FROM trees', columns := [''x''], k := 1)".replace("''", "'")
    assert con.execute(f"SELECT max(x) < 100 FROM {query}").fetchall() == [(True,)]


# Every name in the statements that a column may have, beside the user's own.
OWNED = [name for name in OURS if name.startswith(("_ppp", "ppp__"))]
OWNED += ["most", "model", "known", "slots", "hashes", "scores", "number_0", "text_0", "helps_0", "s", "c"]
OWNED += ["zero_or_null_0", "number_0_factor", "text_0_hashes", "number_0_half_low", "uniform_key", "content_key"]
OWNED += ["row_group", "g", "passed", "said", "bucket", "share", "weight", "priority", "n"]


@pytest.mark.parametrize("src", ["trees", "cte", "SELECT * FROM trees"])
def test_columns_called_like_ours_come_back(src: str) -> None:
    """A source with every one of them: in its own columns it has what it had, in all others what it would have."""
    con, plain = trees(), trees()
    extra = ", ".join(f"'{name}' AS \"{name}\"" for name in OWNED)
    con.execute(f"CREATE OR REPLACE TABLE trees AS SELECT *, {extra} FROM trees").fetchall()
    cte = "WITH cte AS (FROM trees)" if src == "cte" else ""
    for call in [*CALLS[1:4], *CALLS[5:7]]:
        result = con.execute(f"{cte} FROM {call.format(src=src)}")
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        wanted = plain.execute(f"FROM {call.format(src='trees')}")
        kept = [column[0] for column in wanted.description]
        assert sorted(repr([row[one] for one in kept]) for row in rows) == sorted(
            map(repr, map(list, wanted.fetchall()))
        )
        assert all(row[name] == name for row in rows for name in OWNED), call


@pytest.mark.parametrize("name", ["_ppp_key", "_ppp_said", "ppp__of", "_ppp_group", "g"])
@pytest.mark.parametrize("seen", [True, False])
def test_groups_by_a_column_called_like_ours(name: str, seen: bool) -> None:
    con = trees()
    con.execute(f'CREATE TABLE named AS SELECT x, y, tree AS "{name}" FROM trees').fetchall()
    by = f"columns := ['x'], k := 1, by := ['{name}']"
    con.execute(f"CREATE TABLE by_name AS FROM ppp_fit('named', {by})").fetchall()
    con.execute("CREATE TABLE by_tree AS FROM ppp_fit('trees', columns := ['x'], k := 1, by := ['tree'])").fetchall()
    cte = "" if seen else "WITH m AS (FROM {0}), s AS (FROM {1})"
    for call in ["ppp_info('{0}')", "ppp_centers('{0}')", "ppp_evaluate('{1}', model := '{0}')",
                 "ppp_profile('{1}', model := '{0}')", "ppp_match('{0}', '{0}', '{1}')"]:  # fmt: skip
        found, wanted = (
            con.execute(
                f"{cte.format(*given)} FROM {call.format(*given) if seen else call.format('m', 's')}"
            ).fetchall()
            for given in (("by_name", "named"), ("by_tree", "trees"))
        )
        if "profile" in call:
            found, wanted = ([row for row in rows if row[2] == "x"] for rows in (found, wanted))
        if "info" in call:
            found, wanted = ([row for row in rows if row[1] in ("k", "rows", "agreement")] for rows in (found, wanted))
        assert [repr(row) for row in found] == [repr(row) for row in wanted], call


def test_the_names_are_those_of_the_statements() -> None:
    assert {"_ppp_score", "_ppp_surprise", "_ppp_key", "ppp__of", "ppp__place"} <= set(OWNED)
    assert set(make.CALLS)


def test_a_type_called_json_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """It is no name of a builtin type of DuckDB's, so that a user may own it."""
    calls = ("ppp_profile('blobs', model := 'seg')", "ppp_match('seg', 'seg', 'blobs')", "ppp_centers('seg')")
    con.execute("CREATE TABLE seg AS FROM ppp_fit('blobs', columns := ['x', 'y'], by := ['tree'])").fetchall()
    before = [con.execute(f"FROM {call}").fetchall() for call in calls]
    con.execute("CREATE TYPE json AS ENUM ('seg')").fetchall()
    assert [con.execute(f"FROM {call}").fetchall() for call in calls] == before
