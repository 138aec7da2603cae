"""``refine := r``: all rows improve what was fitted to a sample of them, ``==`` in every order, storage and thread."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import TODAY, said

import ppp_duck
from ppp_duck.binding.interface import MEASUREMENT
from ppp_duck.running import memory, refining

# Three overlapping clusters of 3,000 distinct rows and more; a category, a vector, weights, groups and holes.
ROWS = """
SELECT i AS id,
       (i % 3) * 2.5 + sin(i * 12.9898) * 43758.5453 % 1 * 2 + cos(i * 0.37) AS x,
       (i % 3 - 1) * 2.0 * (i % 2) + sin(i * 78.233) * 12543.123 % 1 * 2 AS y,
       ['a', 'b', 'c', NULL][1 + i % 3 + (i % 97 = 0)::INTEGER] AS c,
       CASE WHEN i % 31 > 0 THEN [(i % 3) * 3 + cos(i * 1.7), sin(i * 0.9)] END AS v,
       i % 4 + i % 3 / 8 AS w,
       ['north', 'south', NULL][1 + (i % 7) % 3] AS g
FROM range(3000) r(i)
"""
SAMPLE = "sample_size := 300"


CALLS = {
    "open": "columns := ['x', 'y'], covariance := 'diag'",
    "k-means": "columns := ['x', 'y'], covariance := 'spherical', k := 3, missing := 'skip'",
    "diag": "columns := ['x', 'y'], covariance := 'diag', k := 4",
    "tied": "columns := ['x', 'y'], covariance := 'tied', k := 3",
    "full": "columns := ['x', 'y'], covariance := 'full', k := 3",
    "one": "columns := ['x', 'y'], k := 1",
    "kinds": "columns := ['x', 'c', 'v'], covariance := 'diag', k := 3",
    "indicators": f"columns := ['x', 'c', 'v'], covariance := 'diag', k := 3, {TODAY}",
    "imputed": "columns := ['x', 'c', 'v'], missing := 'impute', scale := 'robust', covariance := 'spherical', k := 3",
    "weighted": "columns := ['x', 'y'], weight := 'w', covariance := 'full', k := 3",
    "grouped": "columns := ['x', 'y'], by := ['g'], covariance := 'full', k := 2, weight := 'w'",
    "unscaled": "columns := ['x', 'y'], scale := 'none', covariance := 'spherical', k_max := 4",
}
Rows = list[tuple[Any, ...]]


@pytest.fixture
def made() -> duckdb.DuckDBPyConnection:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE made AS {ROWS}").fetchall()
    return con


def full(con: duckdb.DuckDBPyConnection, options: str, source: str = "made", cte: str = "") -> Rows:
    """Everything that is said of every row."""
    return con.execute(
        f"{cte} SELECT id, COLUMNS('_id$|probability|distance|separable|reason') "
        f"FROM ppp_cluster('{source}', {options}, {SAMPLE}, output := 'full') ORDER BY id"
    ).fetchall()


def fit(con: duckdb.DuckDBPyConnection, options: str, source: str = "made", sample: str = SAMPLE) -> Rows:
    con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('{source}', {options}, {sample})").fetchall()
    return con.execute("FROM seg").fetchall()


@pytest.mark.parametrize("name", CALLS)
def test_threads_order_and_storage_do_not_matter(made: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    options = f"{CALLS[name]}, refine := 2"
    made.execute("SET threads = 1").fetchall()
    expected, model = full(made, options), fit(made, options)
    assert expected != full(made, CALLS[name])
    made.execute("CREATE TABLE shuffled AS SELECT w, g, v, c, y, x, id FROM made ORDER BY hash(id)").fetchall()
    made.execute("CREATE VIEW seen AS FROM shuffled").fetchall()
    made.execute(f"COPY shuffled TO '{tmp_path}/f.parquet' (ROW_GROUP_SIZE 500)").fetchall()
    for threads, source in ((2, "shuffled"), (4, "seen"), (4, f"{tmp_path}/f.parquet")):
        made.execute(f"SET threads = {threads}").fetchall()
        assert full(made, options, source) == expected
    assert full(made, options, "passing", "WITH passing AS (FROM shuffled)") == expected
    told = "SELECT * EXCLUDE (model), json_extract(model, ['$.components', '$.cells', '$.spread', '$.mean']) FROM seg"
    before = made.execute(told).fetchall()
    assert len(fit(made, options, "seen")) == len(model)
    assert made.execute(told).fetchall() == before


def test_rows_of_several_threads_at_once() -> None:
    """DuckDB gives a thread 122,880 rows of a table: three of them work here."""
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE large AS SELECT i, i % 3 * 4 + sin(i * 1.7) + cos(i * 0.013) AS x, cos(i * 0.71) * (1 + i % 3) AS y, "
        "0.1 + i % 7 AS w FROM range(300000) r(i)"
    ).fetchall()
    con.execute("CREATE TABLE mixed_up AS SELECT y, w, x, i FROM large ORDER BY hash(i)").fetchall()
    found = []
    for threads, source in ((1, "large"), (2, "mixed_up"), (4, "large")):
        con.execute(f"SET threads = {threads}").fetchall()
        call = f"ppp_fit('{source}', columns := ['x', 'y'], weight := 'w', covariance := 'full', k := 3, {SAMPLE}, refine := 2)"
        con.execute(f"CREATE OR REPLACE TABLE seg AS FROM {call}").fetchall()
        con.execute(
            f"CREATE OR REPLACE TABLE ids AS FROM ppp_predict('{source}', model := 'seg', output := 'full')"
        ).fetchall()
        told = "sum(cluster_id * i), sum(hash(i, cluster_id, probability, distance)::HUGEINT)"
        found.append((
            con.execute("SELECT * EXCLUDE (model) FROM seg").fetchall(), con.execute(f"SELECT {told} FROM ids").fetchall()
        ))  # fmt: skip
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", CALLS)
def test_predict_of_the_training_rows_is_cluster(made: duckdb.DuckDBPyConnection, name: str) -> None:
    fit(made, f"{CALLS[name]}, refine := 1")
    columns = "id, COLUMNS('_id$|probability|distance|separable|reason')"
    predicted = f"SELECT {columns} FROM ppp_predict('made', model := 'seg', output := 'full') ORDER BY id"
    assert made.execute(predicted).fetchall() == full(made, f"{CALLS[name]}, refine := 1")
    ids = f"SELECT cluster_id FROM ppp_cluster('made', {CALLS[name]}, {SAMPLE}, refine := 1) ORDER BY id"
    assert made.execute(ids).fetchall() == [(row[1],) for row in full(made, f"{CALLS[name]}, refine := 1")]


@pytest.mark.parametrize("name", ["open", "k-means", "indicators", "weighted", "grouped"])
def test_the_figures_of_a_model_are_those_of_all_rows(made: duckdb.DuckDBPyConnection, name: str) -> None:
    """But for the means of logarithms and of categories, which stay those of the sample."""
    options = f"{CALLS[name]}, refine := 1" + ("" if "scale" in CALLS[name] else ", scale := 'standard'")
    fit(made, options)
    by, weight = ("g, " if name == "grouped" else ""), ("w" if "weight" in options else "1")
    made.execute(
        f"CREATE TABLE scored AS SELECT *, {weight} AS weight FROM ppp_predict('made', model := 'seg', output := 'full') "
        f"WHERE cluster_id IS NOT NULL AND {weight} > 0"
    ).fetchall()
    model = made.execute(
        f"SELECT {by}cluster_id, size, share, agreement, (center->>'$.x')::DOUBLE FROM seg ORDER BY ALL"
    ).fetchall()
    kmeans = f"o.kmeans_id = scored.cluster_id {'AND o.g IS NOT DISTINCT FROM scored.g' if by else ''}"
    counted = made.execute(
        f"SELECT {by}cluster_id, sum(weight), sum(weight) / sum(sum(weight)) OVER ({'PARTITION BY g' if by else ''}), "
        "2 * coalesce(sum(weight) FILTER (kmeans_id = cluster_id), 0) / "
        f"(sum(weight) + coalesce((SELECT sum(o.weight) FROM scored o WHERE {kmeans}), 0)), "
        f"sum(weight * x) / sum(weight) FROM scored GROUP BY {by}cluster_id ORDER BY ALL"
    ).fetchall()
    names = len(by and "g") + 1
    assert [row[:names] for row in model] == [row[:names] for row in counted]
    for row, expected in zip(model, counted, strict=True):
        assert row[names:] == pytest.approx(expected[names:], rel=1e-9, abs=1e-9)
    sizes = [row[-4] for row in model]
    if not by:
        assert sizes == sorted(sizes, reverse=True)
        spread = made.execute(
            "SELECT stddev FROM ppp_centers('seg') WHERE feature = 'x' ORDER BY cluster_id"
        ).fetchall()
        told = "sqrt(sum(weight * x * x) / sum(weight) - (sum(weight * x) / sum(weight)) ** 2)"
        expected = made.execute(f"SELECT {told} FROM scored GROUP BY cluster_id ORDER BY cluster_id").fetchall()
        assert [one for (one,) in spread] == [pytest.approx(one, rel=1e-9) for (one,) in expected]


@pytest.mark.parametrize("name", ["open", "weighted", "grouped"])
def test_it_changes_nothing_where_the_fit_saw_every_row(made: duckdb.DuckDBPyConnection, name: str) -> None:
    found = []
    for refine in ("", ", refine := 3"):
        rows = fit(made, CALLS[name] + refine, sample="sample_size := 3000")
        scored = made.execute(
            "SELECT COLUMNS('.*') FROM ppp_predict('made', model := 'seg', output := 'full') ORDER BY id"
        )
        found.append(([row[:-1] for row in rows], scored.fetchall()))
    assert found[0] == found[1]
    told = made.execute("SELECT DISTINCT value FROM ppp_info('seg') WHERE property = 'refined'").fetchall()
    assert told == [("not needed: the fit saw all distinct rows",)]


def test_no_row_is_read_for_it_where_the_fit_saw_every_row(
    made: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = []
    real = refining.refine
    monkeypatch.setattr(refining, "refine", lambda *a: passed.append(len(a[2].values)) or real(*a))
    made.execute(
        "SELECT * FROM ppp_cluster('made', columns := ['x'], k := 2, covariance := 'diag', refine := 3)"
    ).fetchall()
    assert not passed
    fit(made, "columns := ['x'], k := 2, covariance := 'diag', refine := 3")
    assert sum(passed) == 4 * 3000


def test_some_groups_are_refined(made: duckdb.DuckDBPyConnection) -> None:
    """A group that the sample holds keeps its clustering; the others get that which they would have alone."""
    made.execute("DELETE FROM made WHERE g = 'north' AND id > 200").fetchall()
    options = "columns := ['x', 'y'], k := 2, covariance := 'diag'"
    plain, found = (full(made, f"{options}, by := ['g']{refine}") for refine in ("", ", refine := 2"))
    north = {id_ for (id_,) in made.execute("SELECT id FROM made WHERE g = 'north'").fetchall()}
    assert [row for row in plain if row[0] in north] == [row for row in found if row[0] in north]
    assert [row for row in plain if row[0] not in north] != [row for row in found if row[0] not in north]
    made.execute("CREATE TABLE south AS FROM made WHERE g = 'south'").fetchall()
    alone = full(made, f"{options}, refine := 2", "south")
    assert [row for row in found if row[0] in {one[0] for one in alone}] == alone
    fit(made, f"{options}, by := ['g'], refine := 2")
    told = made.execute("SELECT g, value FROM ppp_info('seg') WHERE property = 'refined' ORDER BY g").fetchall()
    assert told == [
        ("north", "not needed: the fit saw all distinct rows"),
        ("south", "2 passes over all rows"),
        (None, "2 passes over all rows"),
    ]


def test_a_row_twice_is_a_row_of_weight_two(made: duckdb.DuckDBPyConnection) -> None:
    made.execute("CREATE TABLE once AS SELECT id, x, y, 1 + id % 3 AS times FROM made").fetchall()
    made.execute("CREATE TABLE often AS SELECT id, x, y FROM once, range(3) r(i) WHERE i < times").fetchall()
    for options in ("covariance := 'full', k := 3", "covariance := 'spherical', k := 3", "covariance := 'tied'"):
        options = f"columns := ['x', 'y'], {options}, refine := 2"
        weighted = full(made, f"{options}, weight := 'times'", "once")
        assert sorted(set(full(made, options, "often"))) == weighted


def test_rows_that_are_not_fitted_do_not_count(made: duckdb.DuckDBPyConnection) -> None:
    options = "columns := ['x', 'y'], weight := 'w', covariance := 'full', k := 3, refine := 2, missing := 'skip'"
    made.execute("DELETE FROM made WHERE w = 0").fetchall()
    expected, model = full(made, options), fit(made, options)
    made.execute(
        "INSERT INTO made (id, x, y, w) VALUES (9000, NULL, 1, 1), (9001, 'nan', 1, 1), (9002, 1, '-inf', 1), "
        "(9003, 90, 90, 0), (9004, 90, 90, NULL)"
    ).fetchall()
    assert full(made, options)[: len(expected)] == expected
    assert [row[:-1] for row in fit(made, options)] == [row[:-1] for row in model]


@pytest.mark.parametrize("name", ["diag", "tied", "full", "k-means"])
def test_it_improves_the_fit(made: duckdb.DuckDBPyConnection, name: str) -> None:
    reached = []
    for refine in (0, 1, 4):
        fit(made, f"{CALLS[name]}, refine := {refine}", sample="sample_size := 100")
        what = "-inertia" if name == "k-means" else "log_likelihood"
        reached += made.execute(f"SELECT {what} FROM ppp_evaluate('made', model := 'seg')").fetchall()
    assert reached == sorted(reached)
    assert reached[0] < reached[2]


def test_k_means_comes_to_a_fixed_point_of_all_rows(made: duckdb.DuckDBPyConnection) -> None:
    """Where one more pass changes nothing, nearly as good as the best k-means of all rows: it is a local optimum."""
    options = "columns := ['x', 'y'], covariance := 'spherical', k := 3, scale := 'none'"
    sizes, inertia = [], []
    for passes in (19, 20):
        fit(made, f"{options}, refine := {passes}")
        sizes.append(made.execute("SELECT size FROM seg ORDER BY cluster_id").fetchall())
        inertia += made.execute("SELECT inertia FROM ppp_evaluate('made', model := 'seg')").fetchall()
    assert sizes[0] == sizes[1]
    assert inertia[0] == inertia[1]
    made.execute(f"CREATE TABLE best AS FROM ppp_fit('made', {options})").fetchall()
    ((best,),) = made.execute("SELECT inertia FROM ppp_evaluate('made', model := 'best')").fetchall()
    assert math.isclose(inertia[1][0], best, rel_tol=1e-3)


def test_separable(made: duckdb.DuckDBPyConnection) -> None:
    options = f"columns := ['x', 'y'], covariance := 'full', k := 3, refine := 2, {SAMPLE}"
    query = "SELECT id, cluster_id, probability FROM {} ORDER BY id"
    expected = query.format(f"ppp_cluster('made', {options}, output := 'full') WHERE is_separable")
    rows = made.execute(query.format(f"ppp_separable('made', {options})")).fetchall()
    assert rows == made.execute(expected).fetchall()
    assert 0 < len(rows) < 3000


def test_what_a_model_says_of_it(made: duckdb.DuckDBPyConnection) -> None:
    prints = set()
    for refine in (0, 1, 2):
        fit(made, f"columns := ['x', 'y'], covariance := 'diag', k := 3, refine := {refine}")
        told = dict(made.execute("FROM ppp_info('seg')").fetchall())
        assert told["option: refine"] == str(refine)
        assert told["sample"] == "300 distinct rows"
        assert told.get("refined") == [None, "1 pass over all rows", "2 passes over all rows"][refine]
        prints.add(told["fingerprint"])
    assert len(prints) == 3


def test_nothing_to_fit(made: duckdb.DuckDBPyConnection) -> None:
    call = "FROM ppp_fit('{}', columns := ['x'], sample_size := 10, refine := 2)"
    assert made.execute(call.format("SELECT * FROM made WHERE false")).fetchall() == []
    rows = made.execute(call.format("SELECT NULL::DOUBLE AS x FROM made")).fetchall()
    assert [row[0] for row in rows] == [None]
    assert made.execute(
        "SELECT count(cluster_id) FROM ppp_cluster('SELECT * FROM made WHERE false', columns := ['x'], refine := 2)"
    ).fetchall() == [(0,)]


def test_wherever_it_stands(made: duckdb.DuckDBPyConnection) -> None:
    options = f"columns := ['x', 'y'], covariance := 'diag', k := 3, {SAMPLE}, refine := 2"
    query = f"SELECT id, cluster_id FROM ppp_cluster('made', {options}) ORDER BY id"
    expected = made.execute(query).fetchall()
    made.execute(f"CREATE VIEW ids AS {query}").fetchall()
    made.execute(f"PREPARE p AS {query}").fetchall()
    for _ in range(2):
        assert made.execute("FROM ids").fetchall() == made.execute("EXECUTE p").fetchall() == expected
    both = f"SELECT a.cluster_id = b.cluster_id, count(*) FROM ({query}) a JOIN ({query}) b USING (id) GROUP BY 1"
    assert made.execute(both).fetchall() == [(True, 3000)]
    # a source whose own columns have names that we might use ourselves
    made.execute("CREATE TABLE named AS SELECT id, x AS model, y AS passed FROM made").fetchall()
    made.execute(
        f"SELECT * FROM ppp_cluster('named', {options.replace(chr(39) + 'x', chr(39) + 'model').replace(chr(39) + 'y', chr(39) + 'passed')})"
    ).fetchall()
    model = ppp_duck.fit(made, "made", columns=["x", "y"], covariance="diag", k=3, sample_size=300, refine=2)
    assert model.predict(made, "made").project("id, cluster_id").order("id").fetchall() == expected


def test_twenty_passes_and_no_more(made: duckdb.DuckDBPyConnection) -> None:
    fit(made, "columns := ['x'], covariance := 'diag', k := 2, refine := 20")
    told = dict(made.execute("FROM ppp_info('seg')").fetchall())
    assert told["refined"] == "20 passes over all rows"
    for refine, shown in (("21", "21"), ("-1", "-1"), ("1.5", "1.5"), ("'all'", "'all'")):
        with pytest.raises(duckdb.Error) as caught:
            made.execute(f"FROM ppp_fit('made', refine := {refine})").fetchall()
        assert said(caught.value) == f"ppp_fit: set refine to a whole number from 0 to 20, not {shown}"


def test_at_the_same_time(made: duckdb.DuckDBPyConnection) -> None:
    calls = [f"columns := ['x', 'y'], covariance := 'diag', k := {k}, refine := 2" for k in (2, 3, 4, 5)]
    alone = [full(made, call) for call in calls]
    together: dict[str, Rows] = {}

    def run(call: str, cursor: duckdb.DuckDBPyConnection) -> None:
        together[call] = full(ppp_duck.register(cursor), call)

    threads = [threading.Thread(target=run, args=(call, made.cursor())) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[call] for call in calls] == alone


def test_interrupt_during_a_pass(made: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    real = refining.refine

    def refine(*arguments: Any) -> None:
        begun.set()
        stopped.wait(30)
        real(*arguments)

    stopped = threading.Event()

    def stop() -> None:
        assert begun.wait(30)
        made.interrupt()
        stopped.set()

    monkeypatch.setattr(refining, "refine", refine)
    made.execute("CREATE TABLE many AS SELECT x + i * 1e-3 AS x FROM made, range(20) r(i)").fetchall()
    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(duckdb.InterruptException):
        made.execute(
            f"CREATE TABLE out AS FROM ppp_cluster('many', k := 2, covariance := 'diag', {SAMPLE}, refine := 1)"
        ).fetchall()
    stopper.join()
    monkeypatch.undo()
    assert made.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'out'").fetchall() == [(0,)]
    assert len(full(made, f"{CALLS['diag']}, refine := 1")) == 3000


def test_an_ended_refinement_is_forgotten(made: duckdb.DuckDBPyConnection) -> None:
    before = memory.MEMORY.keys(MEASUREMENT)
    fit(made, "columns := ['x'], covariance := 'diag', k := 2, refine := 1")
    fit(made, "columns := ['x'], covariance := 'diag', k := 2, by := ['g'], refine := 1")
    assert memory.MEMORY.keys(MEASUREMENT) == before
