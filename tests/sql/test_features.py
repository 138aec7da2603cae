"""Types, categories and missing values: which columns and rows are clustered."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from conftest import THREE, TODAY, sizes

from ppp_duck.engine import pipeline

TYPED = {
    "TINYINT": "(x * 4)::TINYINT",
    "USMALLINT": "(x * 50 + 100)::USMALLINT",
    "INTEGER": "(x * 10)::INTEGER",
    "HUGEINT": "(x * 10)::HUGEINT * 100000000000000000000",
    "UHUGEINT": "(abs(x + 2) * 10)::UHUGEINT",
    "FLOAT": "x::FLOAT",
    "DECIMAL": "x::DECIMAL(12, 3)",
    "DECIMAL(38)": "x::DECIMAL(38, 10)",
    "DATE": "DATE '2020-01-01' + (x * 10)::INTEGER",
    "TIME": "TIME '00:00:00' + to_minutes((20 * abs(x + 2))::INTEGER)",
    "TIMESTAMP": "TIMESTAMP '1950-01-01' + to_days((x * 10)::INTEGER)",
    "TIMESTAMP_S": "(TIMESTAMP '1950-01-01' + to_days((x * 10)::INTEGER))::TIMESTAMP_S",
    "TIMESTAMP_MS": "(TIMESTAMP '1950-01-01' + to_days((x * 10)::INTEGER))::TIMESTAMP_MS",
    "TIMESTAMP_NS": "(TIMESTAMP '1990-01-01' + to_days((x * 10)::INTEGER))::TIMESTAMP_NS",
    "TIMESTAMPTZ": "(TIMESTAMP '1950-01-01' + to_days((x * 10)::INTEGER))::TIMESTAMPTZ",
    "INTERVAL": "to_hours((x * 10)::INTEGER)",
    "VARCHAR": "tree",
    "ENUM": "tree::ENUM('oak', 'elm', 'ash')",
    "LIST": "[x, y]",
    "INTEGER LIST": "[x, y]::INTEGER[]",
    "ARRAY": "[x, y]::FLOAT[2]",
    "BOOLEAN LIST of 1": "[x]",
}


@pytest.mark.parametrize("seen", [True, False], ids=["table", "cte"])
@pytest.mark.parametrize("kind", TYPED)
def test_every_type_is_a_feature(con: duckdb.DuckDBPyConnection, kind: str, seen: bool) -> None:
    """By a type that is known at bind time, and by one that only DuckDB knows when it binds the statement."""
    query = f"SELECT {TYPED[kind]} AS f FROM blobs"
    if seen:
        con.execute(f"CREATE TABLE typed AS {query}").fetchall()
        call = "FROM ppp_cluster('typed', columns := ['f'], k := 3)"
        found = con.execute(f"SELECT cluster_id, count(*) {call} GROUP BY ALL ORDER BY ALL").fetchall()
    else:
        call = "FROM ppp_cluster('typed', columns := ['f'], k := 3)"
        found = con.execute(
            f"WITH typed AS ({query}) SELECT cluster_id, count(*) {call} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert found == THREE


def test_a_boolean_is_a_feature(con: duckdb.DuckDBPyConnection) -> None:
    assert sizes(con, "ppp_cluster('SELECT x > 5 AS f FROM blobs', k := 2)") == [(0, 90), (1, 60)]


def test_columns_that_cannot_help_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE noisy AS SELECT *, 7 AS same, NULL::DOUBLE AS empty, 'k' || id AS code, '\\x01'::BLOB AS b, "
        "CASE WHEN id % 2 = 0 THEN 'c' || id END AS half_a_key FROM blobs"
    ).fetchall()
    assert sizes(con, "ppp_cluster('noisy')") == THREE
    expected = con.execute("SELECT id, cluster_id FROM ppp_cluster('blobs') ORDER BY id").fetchall()
    assert con.execute("SELECT id, cluster_id FROM ppp_cluster('noisy') ORDER BY id").fetchall() == expected


def test_exclude(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE loud AS SELECT *, (id % 2) * 1000 + sin(id) AS noise FROM blobs").fetchall()
    assert sizes(con, "ppp_cluster('loud', exclude := ['noise', 'ID'])") == THREE
    assert sizes(con, "ppp_cluster('loud', columns := ['x', 'noise'], exclude := ['noise'])") == THREE


HOLES = """
CREATE TABLE holes AS SELECT id, CASE id % 30 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN 'inf'::DOUBLE
WHEN 3 THEN '-inf'::DOUBLE ELSE x END AS x, y, CASE id % 30 WHEN 4 THEN NULL ELSE tree END AS tree FROM blobs
"""


def test_missing_skip_says_why(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLES).fetchall()
    rows = con.execute(
        "SELECT id % 30, * EXCLUDE (id, x, y, tree) FROM ppp_cluster('holes', missing := 'skip', output := 'full')"
    ).fetchall()
    assert len(rows) == 150
    causes = {0: "x is NULL", 1: "x is NaN", 2: "x is infinite", 3: "x is infinite", 4: "tree is NULL"}
    for place, *scores, reason in rows:
        assert reason == causes.get(place)
        assert all(score is None for score in scores) == (place in causes)
    assert sizes(con, "ppp_cluster('holes', missing := 'skip')")[-1] == (None, 25)


def test_every_row_with_a_feature_has_an_id(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLES).fetchall()
    con.execute("INSERT INTO holes (id, x) VALUES (900, NULL), (901, 'nan')").fetchall()
    call = "ppp_cluster('holes', columns := ['x', 'y', 'tree'], output := 'full')"
    assert con.execute(f"SELECT id, reason FROM {call} WHERE cluster_id IS NULL ORDER BY id").fetchall() == [
        (900, "tree is NULL"),
        (901, "tree is NULL"),
    ]
    query = (
        f"SELECT count(*), bool_and(probability BETWEEN 0.3 AND 1 AND distance >= 0) FROM {call} WHERE reason IS NULL"
    )
    assert con.execute(query).fetchall() == [(150, True)]
    assert sizes(con, call) == [*THREE, (None, 2)]


def test_missing_impute(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLES).fetchall()
    rows = con.execute("FROM ppp_cluster('holes', missing := 'impute', output := 'full')").fetchall()
    assert len(rows) == 150
    assert all(row[4] is not None and row[-1] is None for row in rows)


def test_missing_in_a_dropped_column_does_not_matter(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE sparse AS SELECT *, NULL::DOUBLE AS gone, nullif(7, id % 7) AS same FROM blobs"
    ).fetchall()
    con.execute("UPDATE sparse SET same = CASE WHEN id % 2 = 0 THEN 7 END").fetchall()
    assert sizes(con, "ppp_cluster('sparse')") == THREE


@pytest.mark.parametrize("seen", [True, False], ids=["table", "cte"])
def test_missing_in_a_vector(con: duckdb.DuckDBPyConnection, seen: bool) -> None:
    query = "SELECT CASE id % 50 WHEN 0 THEN NULL WHEN 1 THEN [NULL, y] WHEN 2 THEN ['inf'::DOUBLE, y] ELSE [x, y] END AS v FROM blobs"
    con.execute(f"CREATE TABLE vectors AS {query}").fetchall()
    cte = "" if seen else "WITH vectors AS (FROM main.vectors)"
    call = "SELECT reason, count(*) FROM ppp_cluster('vectors', columns := ['v'], output := 'full') GROUP BY ALL ORDER BY ALL"
    assert con.execute(f"{cte} {call}").fetchall() == [("v is NULL", 6), ("v is infinite", 3), (None, 141)]


def test_rare_categories_become_other(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE cities AS SELECT CASE WHEN i < 50 THEN 'a' WHEN i < 80 THEN 'b' ELSE 'r' || i // 2 END AS c "
                "FROM range(100) r(i)").fetchall()  # fmt: skip
    found = con.execute(
        "SELECT c[1], count(*), count(DISTINCT cluster_id) FROM ppp_cluster('cities', max_categories := 2, k := 3, "
        "columns := ['c']) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [("a", 50, 1), ("b", 30, 1), ("r", 20, 1)]


def test_categorical_ignore(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE trees AS SELECT x, y, ['p', 'q'][1 + id % 2] AS side FROM blobs").fetchall()
    assert sizes(con, "ppp_cluster('trees', categorical := 'ignore')") == THREE


def test_the_features_of_before_can_be_asked_for(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standardised numbers, indicators that weigh as much as one number, and no row with a hole."""
    con.execute(HOLES).fetchall()
    con.execute(
        "CREATE TABLE more AS SELECT *, (id * 7 % 5)::INTEGER AS few, exp(y / 3) AS money FROM holes"
    ).fetchall()
    seen, fit = [], pipeline.fit

    def spy(rows: np.ndarray, weights: np.ndarray, **options: object) -> object:
        seen.append(rows[np.lexsort(rows.T)])
        return fit(rows, weights, **options)

    monkeypatch.setattr(pipeline, "fit", spy)
    con.execute(f"FROM ppp_cluster('more', columns := ['few', 'money', 'tree', 'x', 'y'], {TODAY})").fetchall()
    rows = con.execute("SELECT few, money, x, y, tree FROM more WHERE isfinite(x) AND tree IS NOT NULL").fetchall()
    numbers = np.array([row[:4] for row in rows], dtype=float)
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    trees = np.array([[row[4] == tree for tree in ("oak", "elm", "ash")] for row in rows], dtype=float)
    trees = (trees - trees.mean(axis=0)) / np.sqrt(trees.var(axis=0).sum())
    expected = np.column_stack([numbers[:, :2], trees, numbers[:, 2:]])
    np.testing.assert_allclose(seen[0], expected[np.lexsort(expected.T)], rtol=1e-9, atol=1e-9)


def test_a_vector_of_floats_is_the_same_vector_of_doubles(con: duckdb.DuckDBPyConnection) -> None:
    """It stays FLOAT on its way, which takes half the memory; all arithmetic is that of DOUBLE."""
    con.execute("CREATE TABLE floats AS SELECT id, [x / 3, y / 7, x * y]::FLOAT[3] AS v FROM blobs")
    con.execute("CREATE TABLE doubles AS SELECT id, v::DOUBLE[] AS v FROM floats")
    for options in (
        "",
        ", sample_size := 40",
        ", covariance := 'full', k := 3",
        ", scale := 'robust', missing := 'impute'",
    ):
        found = [
            con.execute(
                f"FROM ppp_cluster('{name}', columns := ['v'], output := 'full'{options}) ORDER BY id"
            ).fetchall()
            for name in ("floats", "doubles")
        ]
        assert [(row[0], *row[2:]) for row in found[0]] == [(row[0], *row[2:]) for row in found[1]]
        prints = [
            con.execute("SELECT value FROM ppp_info('m') WHERE property = 'fingerprint'").fetchall()
            for name in ("floats", "doubles")
            if con.execute(f"CREATE OR REPLACE TABLE m AS FROM ppp_fit('{name}', columns := ['v']{options})")
        ]
        assert prints[0] == prints[1]
