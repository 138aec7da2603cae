"""Every kind of bad input gets a message that says what to do; each is asserted in full."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from conftest import refused, said, sizes

import ppp_duck

VALUES = """
SELECT * FROM (VALUES (1.5, 'a', -1.0, 0, NULL::DOUBLE, 7), (2.5, 'b', 1.0, 0, NULL, 7), (9.0, 'a', 2.0, 0, NULL, 7)) v(
  income, city, signed, zero, nothing, same)
"""

COLUMNS = '"income", "city", "signed", "zero", "nothing", "same"'
EQUALS = "ppp_cluster: write := between an argument's name and its value, as in {}: = compares them"

CASES = [
    (
        "'customers', columns := ['incmoe']",
        f'ppp_cluster: no column "incmoe" in customers; it has {COLUMNS}; did you mean "income"?',
    ),
    (
        "'customers', columns := ['zzz']",
        f'ppp_cluster: no column "zzz" in customers; it has {COLUMNS}',
    ),
    (
        "'customers', exclude := ['citi']",
        f'ppp_cluster: no column "citi" in customers; it has {COLUMNS}; did you mean "city"?',
    ),
    (
        "'customers', weight := 'singed'",
        f'ppp_cluster: no column "singed" in customers; it has {COLUMNS}; did you mean "signed"?',
    ),
    ("'customers', weight := 'city'", "ppp_cluster: name a numeric column as weight, not city (VARCHAR)"),
    (
        "'customers', columns := ['income'], exclude := ['income']",
        "ppp_cluster: name columns to cluster by, customers leaves no usable one (the others are excluded, or name groups or "
        "weights)",
    ),
    (
        "'SELECT nothing, city, ''\\x01''::BLOB AS b FROM customers', categorical := 'ignore'",
        "ppp_cluster: name columns to cluster by, the query leaves no usable one (nothing: it has no values)",
    ),
    (
        "'SELECT city, ''x''::BLOB AS b FROM customers', categorical := 'ignore'",
        "ppp_cluster: name columns to cluster by, the query leaves no usable one "
        "(city: text, and categorical is 'ignore'; b: BLOB is no feature type)",
    ),
    (
        "'SELECT range AS id, range || ''x'' AS code FROM range(9)'",
        "ppp_cluster: name columns to cluster by, the query leaves no usable one "
        "(code: a key or a name: every value occurs once; id: it says which one: no value repeats, and its name says so)",
    ),
    (
        "'SELECT CASE WHEN range < 2 THEN ''same'' ELSE range || ''x'' END AS code FROM range(9)'",
        "ppp_cluster: name columns to cluster by, the query leaves no usable one "
        "(code: names, ids or free text: 8 different values, none of them common)",
    ),
    ("'customers', columns := ['income', 'city'], categorical := 'error'",
     "ppp_cluster: exclude city, or set categorical to 'auto', 'onehot' or 'ignore'"),
    ("'SELECT income, ''x''::BLOB AS b FROM customers', columns := ['income', 'b']",
     "ppp_cluster: leave b out of columns: BLOB is no feature type"),
    ("'customers', scale := 'standart'",
     "ppp_cluster: set scale to 'auto', 'standard', 'robust', 'log' or 'none', not 'standart'; did you mean 'standard'?"),
    ("'customers', missing := 'drop'", "ppp_cluster: set missing to 'auto', 'skip', 'impute' or 'error', not 'drop'"),
    ("'customers', categorical := 'one-hot'",
     "ppp_cluster: set categorical to 'auto', 'onehot', 'ignore' or 'error', not 'one-hot'; did you mean 'onehot'?"),
    ("'customers', covariance := 'Full'",
     "ppp_cluster: set covariance to 'auto', 'spherical', 'diag', 'tied' or 'full', not 'Full'; did you mean 'full'?"),
    ("'customers', output := 'all'", "ppp_cluster: set output to 'id' or 'full', not 'all'"),
    ("'customers', output := 3", "ppp_cluster: set output to 'id' or 'full', not 3"),
    ("'customers', prefix := 3", "ppp_cluster: set prefix to a string, not 3"),
    ("'customers', columns := 'income'",
     "ppp_cluster: set columns to a list of column names such as ['income'], not 'income'"),
    ("'customers', columns := []", "ppp_cluster: set columns to a list of column names such as ['income'], not []"),
    ("'customers', columns := ['income', NULL]",
     "ppp_cluster: set columns to a list of column names such as ['income'], not ['income', NULL]"),
    ("'customers', k := 0", "ppp_cluster: set k to a whole number from 1 up, not 0"),
    ("'customers', k := -2", "ppp_cluster: set k to a whole number from 1 up, not -2"),
    ("'customers', k := 2.5", "ppp_cluster: set k to a whole number from 1 up, not 2.5"),
    ("'customers', k := 'two'", "ppp_cluster: set k to a whole number from 1 up, not 'two'"),
    ("'customers', k := true", "ppp_cluster: set k to a whole number from 1 up, not true"),
    ("'customers', k := 4",
     "ppp_cluster: set k to 3 or less, the number of distinct rows to cluster, not 4"),
    ("'SELECT income FROM customers, range(100)', columns := ['income'], k := 4",
     "ppp_cluster: set k to 3 or less, the number of distinct rows to cluster, not 4"),
    ("'customers', k_max := 0", "ppp_cluster: set k_max to a whole number from 1 up, not 0"),
    ("'customers', k := 3, k_max := 2", "ppp_cluster: set k_max to k = 3 or more, or leave it out, not 2"),
    ("'customers', k := 3, sample_size := 2", "ppp_cluster: set sample_size to k = 3 or more, not 2"),
    ("'customers', sample_size := 1", "ppp_cluster: set sample_size to a whole number from 2 to 1000000000, not 1"),
    ("'customers', max_categories := 0", "ppp_cluster: set max_categories to a whole number from 1 to 1000, not 0"),
    ("'customers', separable_at := 1.5", "ppp_cluster: set separable_at to a number above 0 and up to 1, not 1.5"),
    ("'customers', separable_at := 'nan'::DOUBLE",
     "ppp_cluster: set separable_at to a number above 0 and up to 1, not nan"),
    ("'customers', weight := 'signed'",
     "ppp_cluster: give signed, the weight, values from 0 up: 1 of 3 rows have a negative one"),
    ("'customers', weight := 'zero'",
     "ppp_cluster: give zero, the weight, values from 0 up, one at least above 0: all 3 rows have 0 or NULL"),
    ("'customers', weight := 'nothing'",
     "ppp_cluster: give nothing, the weight, values from 0 up, one at least above 0: all 3 rows have 0 or NULL"),
    ("'SELECT income, ''inf''::DOUBLE AS w FROM customers', weight := 'w'",
     "ppp_cluster: give w, the weight, values from 0 up: 3 of 3 rows have NaN or infinity"),
    ("'customers', columns := ['nothing', 'income'], missing := 'error'",
     "ppp_cluster: set missing to 'auto', 'skip' or 'impute', or exclude nothing: 3 of 3 rows have NULL, NaN or infinity there"),
    ("'SELECT CASE WHEN income > 2 THEN [income, 1] ELSE [income] END AS v FROM customers'",
     "ppp_cluster: give every list in v the same length: the shortest has 1, the longest 2"),
    ("'SELECT []::DOUBLE[] AS v FROM customers', columns := ['v']",
     "ppp_cluster: leave v out of columns: its lists are empty"),
    ("NULL", "ppp_cluster: give the source first, as a string: a table, view, file or query such as "
             "ppp_cluster('customers'), not NULL"),
    ("42", "ppp_cluster: give the source first, as a string: a table, view, file or query such as "
           "ppp_cluster('customers'), not 42"),
    ("'  '", "ppp_cluster: give the source first, as a string: a table, view, file or query such as "
             "ppp_cluster('customers'), not '  '"),
    ("'DROP TABLE customers'", "ppp_cluster: make the source one SELECT, not DROP TABLE customers "
                               "(Only SELECT statements can be serialized to json)"),
    ("'SELECT 1 AS x; DROP TABLE customers'",
     "ppp_cluster: make the source one SELECT, not SELECT 1 AS x; DROP TABLE customers "
     "(Only SELECT statements can be serialized to json)"),
    ("'SELECT 1 AS x; SELECT 2 AS x'",
     "ppp_cluster: make the source one SELECT, not 2 statements: SELECT 1 AS x; SELECT 2 AS x"),
    ("'SELECT * FROM customers) --'",
     'ppp_cluster: make the source one SELECT, not SELECT * FROM customers) -- (syntax error at or near ")")'),
    ("'customers', k = 3", EQUALS.format("k := 3")),
    ("'customers', k_max = 3", EQUALS.format("k := 3")),
    ("'customers', columns = ['income']", EQUALS.format("k := 3")),
    ("'customers', scale = 'log'", EQUALS.format("k := 3")),
    ("'customers', k = 3, scale = 'log'", EQUALS.format("k := 3")),
    ("'customers', k := (1 = 2)", EQUALS.format("k := 3")),
    ("src = 'customers'", "ppp_cluster: give the source first, as a string: a table, view, file or query such as "
                          "ppp_cluster('customers'), not false"),
    ("'SELECT *, 1 AS Cluster_Id FROM customers'",
     "ppp_cluster: set prefix to a text such as 'ppp_': the query already has a column \"cluster_id\", "
     "which is also the name of a new one"),
]  # fmt: skip


@pytest.fixture
def customers(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE customers AS {VALUES}").fetchall()
    return con


@pytest.mark.parametrize(("call", "message"), CASES, ids=[call for call, _ in CASES])
def test_message(customers: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        customers.execute(f"FROM ppp_cluster({call})").fetchall()
    assert said(caught.value) == message
    assert customers.execute("SELECT count(*) FROM customers").fetchall() == [(3,)]


EQUALS_ELSEWHERE = [
    ("ppp_fit('customers', k = 3)", "ppp_fit", "k := 3"),
    ("ppp_separable('customers', k = 3)", "ppp_separable", "k := 3"),
    ("ppp_clusterability('customers', columns = ['city'])", "ppp_clusterability", "k := 3"),
    ("ppp_predict('customers', model = 'seg')", "ppp_predict", "model := 'seg'"),
    ("ppp_outliers('customers', contamination = 0.1)", "ppp_outliers", "model := 'seg'"),
    ("ppp_evaluate('customers', model = 'seg')", "ppp_evaluate", "model := 'seg'"),
    ("ppp_profile('customers', model = 'seg')", "ppp_profile", "model := 'seg'"),
    ("ppp_compare('seg', a = 0)", "ppp_compare", "a := 0"),
]


@pytest.mark.parametrize(("call", "function", "example"), EQUALS_ELSEWHERE)
def test_an_equals_sign(customers: duckdb.DuckDBPyConnection, call: str, function: str, example: str) -> None:
    message = EQUALS.format(example).replace("ppp_cluster", function)
    assert refused(customers, f"FROM {call}") == message


def test_a_query_with_a_parameter(customers: duckdb.DuckDBPyConnection) -> None:
    """The words are DuckDB's, and not those of all its versions."""
    for query in ("SELECT income FROM customers WHERE income > $1", "SELECT ? AS x", "SELECT $name AS x"):
        with pytest.raises(duckdb.Error, match=r"(?i)parameter"):
            customers.execute(f"FROM ppp_cluster('{query}')")


def test_without_access_to_files(tmp_path: Path) -> None:
    con = ppp_duck.connect()
    (tmp_path / "t.csv").write_text("x\n1\n2\n")
    assert sizes(con, f"ppp_cluster('{tmp_path}/t.csv')") == [(0, 2)]
    con.execute("SET enable_external_access = false").fetchall()
    for source in (f"{tmp_path}/t.csv", f"FROM read_csv(''{tmp_path}/t.csv'')"):
        with pytest.raises(duckdb.Error, match="file system operations are disabled by configuration"):
            con.execute(f"FROM ppp_cluster('{source}')")


def test_a_name_that_is_a_variable_of_ours(customers: duckdb.DuckDBPyConnection) -> None:
    """DuckDB looks for variables where it is called from, which is in this package."""
    for name in ("cursor", "source", "function", "query"):
        with pytest.raises(duckdb.CatalogException, match=f"Table with name {name} does not exist"):
            customers.execute(f"FROM ppp_cluster('{name}')")


def test_writing_inside_a_with_is_refused(customers: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 2 would run it; 1.4 does not even parse it. Either way nothing is written."""
    for trick in (
        "WITH gone AS (DELETE FROM customers RETURNING *) FROM gone",
        "SELECT * FROM (WITH x AS (INSERT INTO customers FROM customers RETURNING *) FROM x)",
    ):
        with pytest.raises(duckdb.Error) as caught:
            customers.execute("FROM ppp_cluster($1, columns := ['income'])", [trick]).fetchall()
        assert said(caught.value).startswith("ppp_cluster: make the source one SELECT")
        assert customers.execute("SELECT count(*) FROM customers").fetchall() == [(3,)]


def test_names_are_never_run(customers: duckdb.DuckDBPyConnection) -> None:
    for trick in ('customers"; DROP TABLE customers; --', 'customers"); DROP TABLE customers; --', "x' OR '1'='1"):
        with pytest.raises(duckdb.Error):
            customers.execute("FROM ppp_cluster($1, columns := ['income'])", [trick]).fetchall()
        with pytest.raises(duckdb.Error):
            customers.execute("FROM ppp_cluster('customers', columns := [$1])", [trick]).fetchall()
        named = customers.execute("FROM ppp_cluster('customers', columns := ['income'], prefix := $1)", [trick])
        assert named.description[-1][0] == trick + "cluster_id"
        assert len(named.fetchall()) == 3


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("customer", 'Table with name customer does not exist!\nDid you mean "customers"'),
        ("nowhere.at_all", "does not exist"),
        ("no/such.parquet", 'No files found that match the pattern "no/such.parquet"'),
        ("SELECT cluster_id FROM nowhere", "Table with name nowhere does not exist"),
        ("SELECT incmoe FROM customers", 'Referenced column "incmoe" not found in FROM clause'),
    ],
)
def test_why_a_source_cannot_be_read_is_duckdbs_own_error(
    customers: duckdb.DuckDBPyConnection, source: str, reason: str
) -> None:
    for options in ("", ", columns := ['income']"):
        with pytest.raises(duckdb.Error, match=re.escape(reason)):
            customers.execute(f"FROM ppp_cluster('{source}'{options})")


def test_an_unknown_argument_is_duckdbs_own_error_and_lists_the_arguments(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match="k_max := NULL, weight := NULL, scale := 'auto'"):
        con.execute("FROM ppp_cluster('blobs', clusters := 3)")


def test_a_name_clash_in_a_cte_names_prefix(con: duckdb.DuckDBPyConnection) -> None:
    message = refused(con, "WITH c AS (SELECT *, 1 AS cluster_id FROM blobs) FROM ppp_cluster('c', columns := ['x'])")
    assert message.startswith("ppp_cluster: set prefix to a text such as 'ppp_': c already has a column")


def test_a_text_of_a_cte_obeys_categorical(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error) as caught:
        con.execute("WITH c AS (FROM blobs) FROM ppp_cluster('c', columns := ['tree'], categorical := 'error')")
    assert said(caught.value) == "ppp_cluster: exclude tree, or set categorical to 'auto', 'onehot' or 'ignore'"


@pytest.mark.parametrize("where", ["true", "x > 12", "id = 7"])
def test_rows_that_are_all_alike_are_one_cluster(con: duckdb.DuckDBPyConnection, where: str) -> None:
    con.execute(f"CREATE TABLE alike AS SELECT 5.0e0 AS a, 'same' AS b, NULL::DOUBLE AS c FROM blobs WHERE {where}")
    ((cluster, size),) = sizes(con, "ppp_cluster('alike')")
    assert cluster == 0
    assert sizes(con, "ppp_cluster('alike', columns := ['a', 'b'])") == [(0, size)]
    rows = con.execute("FROM ppp_cluster('alike', output := 'full')").fetchall()
    assert {row[3:] for row in rows} == {(0, 1.0, None, None, 0.0, 0, True, None)}


def test_one_row(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("FROM ppp_cluster('SELECT 1 AS x')").fetchall() == [(1, 0)]
    assert con.execute("FROM ppp_cluster('SELECT 1.5 AS x, ''a'' AS c', columns := ['x', 'c'])").fetchall() == [
        (pytest.approx(1.5), "a", 0)
    ]


def test_extreme_values_neither_fail_nor_hide_the_rest(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE far AS SELECT x * 1e300 AS x, y * 1e-300 AS y FROM blobs").fetchall()
    assert sizes(con, "ppp_cluster('far')") == [(0, 60), (1, 50), (2, 40)]
    con.execute("INSERT INTO far VALUES (1.7e308, 0), (-1.7e308, 0)").fetchall()
    assert sum(size for _, size in sizes(con, "ppp_cluster('far')")) == 152
