"""``ppp_predict`` of the rows that were fitted, and of others."""

from __future__ import annotations

import duckdb
import pytest
from conftest import SEG, cluster, predict, refused

from ppp_duck.models.model import SCORE_COLUMNS


@pytest.mark.parametrize("covariance", ["spherical", "diag", "tied", "full"])
@pytest.mark.parametrize("scale", ["standard", "robust", "none"])
def test_predict_of_the_training_rows_is_cluster(con: duckdb.DuckDBPyConnection, covariance: str, scale: str) -> None:
    options = f"k := 4, covariance := '{covariance}', scale := '{scale}', separable_at := 0.99"
    con.execute("INSERT INTO blobs VALUES (900, NULL, 1, 'oak'), (901, 1, '-inf', 'oak'), (902, 1, 1, NULL)").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', {options})").fetchall()
    assert predict(con) == cluster(con, options=options)
    ids = "SELECT id, cluster_id FROM ppp_{} ORDER BY id"
    assert (
        con.execute(ids.format("predict('blobs', model := 'seg')")).fetchall()
        == con.execute(ids.format(f"cluster('blobs', {options})")).fetchall()
    )


@pytest.mark.parametrize("found", ["", "k_max := 4", "weight := 'w', columns := ['x', 'y']", "sample_size := 40"])
def test_predict_is_cluster_where_the_data_decide(con: duckdb.DuckDBPyConnection, found: str) -> None:
    con.execute("CREATE TABLE rows AS SELECT *, 1 + id % 3 AS w FROM blobs").fetchall()
    options = f"{found}, covariance := 'spherical'".lstrip(", ")
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', {options})").fetchall()
    assert predict(con, "rows") == cluster(con, "rows", options)


def test_a_new_category_is_other(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', max_categories := 2, {SEG})").fetchall()
    call = "SELECT * EXCLUDE (t) FROM ppp_predict('SELECT x, y, {} AS tree, tree AS t FROM blobs WHERE tree = ''ash''', model := 'seg', output := 'full') ORDER BY ALL"
    rows = con.execute(call.format("''never seen''")).fetchall()
    other = con.execute(call.format("tree")).fetchall()  # the third category is already one of the others
    assert [row[:2] + row[3:] for row in rows] == [row[:2] + row[3:] for row in other]
    assert {row[3] for row in rows} == {2}


def test_a_new_category_where_there_was_no_other(fitted: duckdb.DuckDBPyConnection) -> None:
    call = "SELECT cluster_id, reason FROM ppp_predict('SELECT x, y, ''fir'' AS tree FROM blobs WHERE id < 60', model := 'seg', output := 'full')"
    assert set(fitted.execute(call).fetchall()) == {(0, None)}  # its numbers decide


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("SELECT x, tree FROM blobs", "y is"),
        ("SELECT x FROM blobs", "tree, y are"),
        ("SELECT id FROM blobs", "tree, x, y are"),
        ("SELECT x, y::VARCHAR AS y, tree FROM blobs", "y is"),
        ("SELECT x, [y] AS y, tree FROM blobs", "y is"),
        ("SELECT x, y, id AS tree FROM blobs", "tree is"),
    ],
)
@pytest.mark.parametrize("place", ["query", "cte"])
def test_missing_features(fitted: duckdb.DuckDBPyConnection, source: str, lacking: str, place: str) -> None:
    quoted = source.replace("'", "''")
    for function in ("predict", "outliers", "evaluate", "profile"):
        call = f"FROM ppp_{function}('{quoted}', model := 'seg')"
        if place == "cte":
            call = f"WITH s AS ({source}) FROM ppp_{function}('s', model := 'seg')"
        message = "give the source the columns that the model was fitted to: {} missing, or of another kind of type"
        assert refused(fitted, call) == f"ppp_{function}: " + message.format(lacking)


@pytest.mark.parametrize(
    "source",
    [
        "SELECT tree, y, x, id FROM blobs",
        "SELECT id, X: x, Y: y, TREE: tree FROM blobs",
        "SELECT *, ''::BLOB AS b, {'a': 1} AS s, [[1]] AS l, NULL AS z, x AS \"ppp__row x\", 1 AS \"ppp__row\" FROM blobs",
        "SELECT * REPLACE (tree::ENUM('oak', 'elm', 'ash') AS tree) FROM blobs",
        "SELECT *, 7 AS row_weight, 8 AS number_0, 9 AS model, 10 AS content_key, 11 AS _ppp_source, 12 AS _ppp_model, 13 AS _ppp_rows FROM blobs",
    ],
)
@pytest.mark.parametrize("place", ["query", "cte"])
def test_other_order_case_and_columns(fitted: duckdb.DuckDBPyConnection, source: str, place: str) -> None:
    expected = {row[0]: row[4:] for row in cluster(fitted)}
    fitted.execute(f"CREATE TABLE plain AS {source.replace('NULL AS z', 'NULL::INTEGER AS z')}").fetchall()
    if place == "query":
        result = fitted.execute("FROM ppp_predict($1, model := 'seg', output := 'full')", [source])
    else:
        result = fitted.execute(f"WITH s AS ({source}) FROM ppp_predict('s', model := 'seg', output := 'full')")
    names = [column[0] for column in result.description]
    rows = result.fetchall()
    width = len(names) - len(SCORE_COLUMNS)
    id_place = names.index("id")
    assert {row[id_place]: row[width:] for row in rows} == expected
    kept = fitted.execute("FROM plain")
    assert names[:width] == [column[0] for column in kept.description]
    assert {row[id_place]: row[:width] for row in rows} == {row[id_place]: row for row in kept.fetchall()}


def test_other_numeric_types(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE whole AS SELECT id, round(x)::INTEGER AS x, round(y)::INTEGER AS y FROM blobs").fetchall()
    options = "columns := ['x', 'y'], " + SEG
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('whole', {options})").fetchall()
    expected = {row[0]: row[3:] for row in cluster(con, "whole", options)}
    for kind in ("DOUBLE", "DECIMAL(9,2)", "FLOAT", "BIGINT", "HUGEINT", "TINYINT"):
        source = f"SELECT id, x::{kind} AS x, y::{kind} AS y FROM whole"
        assert {row[0]: row[3:] for row in predict(con, source)} == expected, kind
        assert {row[0]: row[3:] for row in predict(con, "s", cte=f"WITH s AS ({source})")} == expected, kind


HOLES = "SELECT * FROM (VALUES (1, NULL, 1.0, 'oak'), (2, 1, 'inf'::DOUBLE, 'oak'), (3, 1, 1, NULL), (4, 1, 1, 'oak')) v(id, x, y, tree)"


@pytest.mark.parametrize("missing", ["skip", "error", "impute"])
def test_missing_values(con: duckdb.DuckDBPyConnection, missing: str) -> None:
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('blobs', missing := '{missing}', {SEG})").fetchall()
    rows = [(row[0], row[4], row[-1]) for row in predict(con, HOLES)]
    if missing == "impute":
        assert [row[0] for row in rows] == [1, 2, 3, 4]
        assert all(row[1] is not None and row[2] is None for row in rows)
    else:  # a prediction never fails for want of a value: the row says why it has no cluster
        assert rows == [(1, None, "x is NULL"), (2, None, "y is infinite"), (3, None, "tree is NULL"), (4, 0, None)]
    assert [(row[0], row[4], row[-1]) for row in predict(con, "s", cte=f"WITH s AS ({HOLES})")] == rows


def test_a_feature_without_a_type(fitted: duckdb.DuckDBPyConnection) -> None:
    source = "SELECT x, NULL AS y, tree FROM blobs LIMIT 3"
    fitted.execute(f"CREATE TABLE skips AS FROM ppp_fit('blobs', {SEG}, missing := 'skip')").fetchall()
    for place in (("", source), (f"WITH s AS ({source})", "s")):
        rows = predict(fitted, place[1], cte=place[0])
        assert [(row[3], row[-1]) for row in rows] == [(0, None)] * 3  # x and tree tell the cluster
        rows = predict(fitted, place[1], "skips", cte=place[0])
        assert [(row[3], row[-1]) for row in rows] == [(None, "y is NULL")] * 3


@pytest.mark.parametrize("output", ["id", "full"])
def test_no_rows(fitted: duckdb.DuckDBPyConnection, output: str) -> None:
    call = f"FROM ppp_predict('FROM blobs WHERE false', model := 'seg', output := '{output}')"
    assert fitted.execute(call).fetchall() == []


def test_names(con: duckdb.DuckDBPyConnection) -> None:
    names = ['the "x"', "it's; y --", "größe 数", "Straße"]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    con.execute("CREATE TABLE odd AS SELECT x, y, x + sin(9 * y), tree FROM blobs").fetchall()
    con.execute(f'CREATE TABLE "o\'d; d" AS FROM odd o({quoted})').fetchall()
    con.execute(f"CREATE TABLE \"the 'm'; o\" AS FROM ppp_fit('o''d; d', {SEG})").fetchall()
    expected = con.execute(f"FROM ppp_cluster('o''d; d', output := 'full', {SEG}) ORDER BY ALL").fetchall()
    assert predict(con, "o'd; d", "the 'm'; o") == expected
    assert predict(con, "s", "the 'm'; o", 'WITH s AS (FROM "o\'d; d")') == expected
    for name in names:
        told = con.execute("SELECT feature FROM ppp_centers($1) WHERE feature = $2", ["the 'm'; o", name]).fetchall()
        assert told, name
        mean = 'SELECT count(*), count(mean), count(top_value) FROM ppp_profile($1, model := $2) WHERE "column" = $3'
        ((rows, means, tops),) = con.execute(mean, ["o'd; d", "the 'm'; o", name]).fetchall()
        assert (rows, means + tops) == (3, 3), name


def test_clashing_names(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute("CREATE TABLE out AS FROM ppp_predict('blobs', model := 'seg')").fetchall()
    for cte, source in (("", "out"), ("WITH s AS (FROM out)", "s")):
        assert refused(fitted, f"{cte} FROM ppp_predict('{source}', model := 'seg')") == (
            f"ppp_predict: set prefix to a text such as 'ppp_': {source} already has a column \"cluster_id\", which "
            "is also the name of a new one"
        )
    for cte, source in (("", "out"), ("WITH s AS (FROM out)", "s")):
        found = fitted.execute(
            f"{cte} FROM ppp_predict('{source}', model := 'seg', prefix := 'new_', output := 'full')"
        )
        assert [column[0] for column in found.description][5:7] == ["new_cluster_id", "new_probability"]
        assert all(row[4] == row[5] for row in found.fetchall())


ARGUMENTS = [
    ("predict('blobs')", "name the model, for instance model := 'seg' after CREATE TABLE seg AS FROM ppp_fit(...)"),
    ("predict('blobs', model := 3)", "set model to a string, not 3"),
    ("predict('blobs', model := 'seg', output := 'al')", "set output to 'id' or 'full', not 'al'"),
    ("predict('blobs', model := 'seg', prefix := 1)", "set prefix to a string, not 1"),
    ("predict('blobs', model := 'seg', by := 'tree')",
     "set by to a list of column names such as ['tree'], not 'tree'"),
    ("predict('blobs', model := 'seg', by := ['tree'])",
     "leave by out, or fit seg again by tree: it was fitted without groups"),
    ("predict(NULL, model := 'seg')",
     "give the source first, as a string: a table, view, file or query such as ppp_predict('customers'), not NULL"),
    ("predict('blobs', model := '')",
     "name the model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not ''"),
    ("centers(NULL)",
     "name the model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not NULL"),
    ("match('seg', 5, 'blobs')",
     "name the new model, as a string: a table, view, file or query with what ppp_fit made, such as 'seg', not 5"),
    ("match('seg', 'seg', NULL)",
     "give the source first, as a string: a table, view, file or query such as ppp_match('customers'), not NULL"),
    ("match('blobs', 'seg', 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("match('seg', 'blobs', 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("info('blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("predict('blobs', model := 'DROP TABLE seg')",
     "make the model one SELECT, not DROP TABLE seg (Only SELECT statements can be serialized to json)"),
    ("predict('blobs', model := 'blobs')", 'name a model that ppp_fit made: blobs has no column "cluster_id"'),
    ("fit('blobs', k := 0)", "set k to a whole number from 1 up, not 0"),
    ("fit('blobs', k := 151)", "set k to 150 or less, the number of distinct rows to cluster, not 151"),
    ("fit('blobs', by := ['tre'])", 'no column "tre" in blobs; it has "id", "x", "y", "tree"; did you mean "tree"?'),
    ("fit(3)", "give the source first, as a string: a table, view, file or query such as ppp_fit('customers'), not 3"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[call for call, _ in ARGUMENTS])
def test_arguments(fitted: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    function = call.partition("(")[0]
    assert refused(fitted, f"FROM ppp_{call}") == f"ppp_{function}: {message}"
