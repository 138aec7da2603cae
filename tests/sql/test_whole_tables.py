"""Tables as people have them: keys, holes, categories, money, counts and broken values, clustered by the bare call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

import ppp_duck


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return ppp_duck.connect()


def made(con: duckdb.DuckDBPyConnection, name: str = "t", **columns: Any) -> None:
    con.from_arrow(pa.table({column: pa.array(values, from_pandas=True) for column, values in columns.items()})).create(
        name
    )


def ids(con: duckdb.DuckDBPyConnection, options: str = "", source: str = "t") -> np.ndarray:
    """Cluster ids in the order of ``row``, a column that is no feature; -1 for none."""
    call = f"ppp_cluster('{source}'{', ' if options else ''}{options})"
    found = con.execute(f"SELECT coalesce(cluster_id, -1) AS id FROM {call} ORDER BY row").fetchnumpy()["id"]
    return np.asarray(found)


def sizes(found: np.ndarray) -> list[int]:
    return np.bincount(found[found >= 0]).tolist()


def told(con: duckdb.DuckDBPyConnection, options: str = "", source: str = "t", cte: str = "") -> dict[str, str]:
    con.execute(
        f"CREATE OR REPLACE TABLE told AS {cte} FROM ppp_fit('{source}'{', ' if options else ''}{options})"
    ).fetchall()
    return dict(con.execute("FROM ppp_info('told')").fetchall())


def features(info: Mapping[str, str]) -> list[str]:
    """The names of the columns that were used."""
    return sorted(part.split(" (")[0] for part in info["columns_used"].split("), "))


def blobs(
    rng: np.random.Generator, each: tuple[int, ...] = (300, 200), d: int = 2, apart: float = 9.0
) -> tuple[np.ndarray, np.ndarray]:
    """Round clusters along the diagonal, and their labels."""
    label = np.repeat(np.arange(len(each)), each)
    return rng.normal(size=(len(label), d)) + apart * label[:, None], label


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [3, 5, 8, 40])
def test_categories_that_tell_each_other(columns: int) -> None:
    """Three kinds of rows, and every column says which: no row is between them."""
    con = ppp_duck.connect()
    told = ", ".join(f"['a', 'b', 'c'][1 + (i * {1 + j % 2}) % 3] AS t{j}" for j in range(columns))
    con.execute(f"CREATE TABLE t AS SELECT {told} FROM range(600) r(i)")
    found = con.execute("SELECT t0, count(*), count(DISTINCT cluster_id) FROM ppp_cluster('t') GROUP BY t0").fetchall()
    assert sorted(found) == [("a", 200, 1), ("b", 200, 1), ("c", 200, 1)]
    assert con.execute("SELECT count(DISTINCT cluster_id) FROM ppp_cluster('t')").fetchone() == (3,)


def test_keys_names_and_moments_are_left_out_and_said(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    x, label = blobs(rng)
    n = len(x)
    made(
        con, row=np.arange(n), a=x[:, 0], b=x[:, 1],
        account_id=rng.integers(0, 120, n),
        full_name=[f"name {i}" for i in rng.permutation(n)],
        city=[f"city {i}" for i in rng.integers(0, 400, n)],
        written=np.datetime64("2024-01-01T00:00:00") + np.sort(rng.integers(0, 10**7, n)).astype("m8[s]"),
        currency=["EUR"] * n,
        note=np.where(rng.random(n) < 0.5, None, "x").tolist(),
        serial=rng.permutation(n) * 7 + 100_000,
    )  # fmt: skip
    info = told(con)
    assert features(info) == ["a", "b"]
    out = {name.removeprefix("column_dropped: ") for name in info if name.startswith("column_dropped")}
    assert out == {"row", "account_id", "full_name", "city", "written", "currency", "note", "serial"}
    assert all(len(info[f"column_dropped: {name}"]) > 9 for name in out)
    assert adjusted_rand_score(label, ids(con)) == 1


def test_whole_measures_that_never_repeat_stay(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(2)
    label = np.repeat([0, 1], [300, 200])
    cents = np.unique(np.exp(rng.normal(9, 0.5, 900) + 4.5 * (np.arange(900) % 2)).astype(int))
    cents = rng.permutation(cents)[:500]
    made(con, row=np.arange(500), cents=cents, size=rng.normal(size=500) + 8 * label)
    assert features(told(con)) == ["cents", "size"]


def test_named_columns_always_win(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(3)
    x, _ = blobs(rng)
    made(con, row=np.arange(500), x=x[:, 0], same=["a"] * 500, code=[f"c{i % 250}" for i in range(500)],
         empty=np.where(np.arange(500) % 10 > 0, np.nan, x[:, 1]))  # fmt: skip
    for columns in (["row"], ["code"], ["empty"], ["row", "x", "same"]):
        assert features(told(con, f"columns := {columns}")) == sorted(columns)
    assert "column_dropped: row" not in told(con, "columns := ['row', 'x']")


# --- categories -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coins", [4, 8, 16])
@pytest.mark.parametrize("words", ["booleans", "texts", "numbers"])
def test_coin_flips_are_one_cluster(con: duckdb.DuckDBPyConnection, coins: int, words: str) -> None:
    flips = np.random.default_rng(coins).random((600, coins)) < np.linspace(0.3, 0.7, coins)
    columns = {"booleans": flips, "texts": np.where(flips, "yes", "no").astype(object), "numbers": flips.astype(int)}[
        words
    ]
    made(con, row=np.arange(600), **{f"q{j}": column.tolist() for j, column in enumerate(columns.T)})
    assert sizes(ids(con)) == [600]


def test_classes_of_answers_are_found(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(6)
    label = np.repeat([0, 1, 2], [250, 200, 150])
    likely = rng.permuted(np.repeat([[0.9], [0.1], [0.5]], 16, axis=1) + np.zeros((3, 16)), axis=0)
    answers = rng.random((600, 16)) < likely[label]
    made(con, row=np.arange(600), **{f"q{j}": column.tolist() for j, column in enumerate(answers.T)})
    assert adjusted_rand_score(label, ids(con)) > 0.85


@pytest.mark.parametrize("rows", [300, 900, 3000])
def test_classes_that_few_questions_tell_apart(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Two of three classes differ in three of six answers: without one of these, the others say too little."""
    rng = np.random.default_rng(33)
    label = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    first, second, third = np.eye(4)[[0, 1, 2]] * 0.8 + 0.05
    likely = [[first, second, third]] * 2 + [[first, second, 0.7 * third + 0.3 * first], *[[first, second, first]] * 3]
    answers = {f"q{j}": [f"a{rng.choice(4, p=own[one])}" for one in label] for j, own in enumerate(likely)}
    made(con, row=np.arange(rows), **answers)
    found = ids(con)
    assert len(sizes(found)) == 3
    assert adjusted_rand_score(label, found) > 0.8


def test_independent_categories_are_one_cluster(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(7)
    made(con, row=np.arange(800), **{f"c{j}": [f"v{i}" for i in rng.integers(0, 3 + j, 800)] for j in range(4)})
    assert sizes(ids(con)) == [800]


@pytest.mark.parametrize("noise", [1, 3])
def test_categories_of_noise_hide_no_clusters(con: duckdb.DuckDBPyConnection, noise: int) -> None:
    rng = np.random.default_rng(8)
    x, label = blobs(rng, (300, 200, 100))
    made(con, row=np.arange(600), a=x[:, 0], b=x[:, 1],
         **{f"c{j}": [f"v{i}" for i in rng.integers(0, 4, 600)] for j in range(noise)})  # fmt: skip
    assert adjusted_rand_score(label, ids(con)) > 0.99
    assert adjusted_rand_score(label, ids(con, "k := 3")) > 0.99


def test_a_category_tells_clusters_apart_that_numbers_do_not(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(9)
    label = np.repeat([0, 1], [400, 200])
    letters = [
        [
            f"{'xy'[own]}{i}" if rng.random() < 0.9 else "z"
            for own, i in zip(label, rng.integers(0, 2, 600), strict=True)
        ]
        for _ in range(4)
    ]
    made(con, row=np.arange(600), a=rng.normal(size=600), **{f"c{j}": one for j, one in enumerate(letters)})
    assert adjusted_rand_score(label, ids(con)) > 0.95


# --- counts, grids, spikes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0.3, 1.2, 4.0])
def test_counts_beside_plain_columns_are_one_cluster(con: duckdb.DuckDBPyConnection, mean: float) -> None:
    rng = np.random.default_rng(10)
    made(con, row=np.arange(800), visits=rng.poisson(mean, 800), a=rng.normal(size=800), b=rng.normal(size=800))
    assert sizes(ids(con)) == [800]


@pytest.mark.parametrize("spread", [1.5, 4.0])
def test_whole_numbers_are_no_clusters(con: duckdb.DuckDBPyConnection, spread: float) -> None:
    rng = np.random.default_rng(11)
    x, label = blobs(rng, (400, 300), apart=6.0)
    made(con, row=np.arange(700), a=np.round(x[:, 0] * spread).astype(int), b=np.round(x[:, 1] * spread))
    found = ids(con)
    assert len(sizes(found)) == 2
    assert adjusted_rand_score(label, found) > 0.97


def test_zeros_of_an_amount_are_one_value(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(12)
    amount = np.where(rng.random(900) < 0.4, 0.0, np.round(np.exp(rng.normal(3, 0.6, 900)), 2))
    made(con, row=np.arange(900), amount=amount, a=rng.normal(size=900), b=rng.normal(size=900))
    assert sizes(ids(con)) == [900]


ENDS = {
    "percent": lambda rng, n: np.clip(np.round(rng.normal(60, 40, n)), 0, 100),
    "share": lambda rng, n: np.clip(rng.normal(0.5, 0.6, n), 0, 1).round(3),
    "capped": lambda rng, n: np.minimum(rng.normal(50, 10, n), 62.0),
    "prices": lambda rng, n: np.where(
        rng.random(n) < 0.5,
        np.array([9.99, 19.99, 29.99, 49.99, 99.0])[rng.integers(0, 5, n)],
        np.round(np.exp(rng.normal(3, 0.8, n)), 2),
    ),
    "age": lambda rng, n: (lambda age: np.where(rng.random(n) < 0.5, np.round(age, -1), np.round(age)))(
        rng.normal(45, 15, n)
    ),
    "income": lambda rng, n: (lambda pay: np.where(rng.random(n) < 0.6, np.round(pay, -4), np.round(pay)))(
        np.exp(rng.normal(10.5, 0.5, n))
    ),
}


@pytest.mark.parametrize("kind", ENDS)
def test_frequent_values_are_no_clusters(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Both ends of a scale, the top of a capped column, prices, what people round: alone and beside two groups."""
    rng = np.random.default_rng(26)
    column, label = ENDS[kind](rng, 1500), rng.integers(0, 2, 1500)
    made(con, row=np.arange(1500), frequent=column, a=rng.normal(size=1500))
    assert sizes(ids(con)) == [1500]
    made(con, "groups", row=np.arange(1500), frequent=column, a=label * 7 + rng.normal(size=1500))
    assert adjusted_rand_score(label, ids(con, source="groups")) > 0.97


@pytest.mark.parametrize("kind", ["capped", "within"])
def test_a_frequent_value_belongs_to_its_neighbours(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Where one number tells two groups apart, the value at which it is capped is in the upper one."""
    rng = np.random.default_rng(27)
    label = np.repeat([0, 1], 400)
    x = label * 7 + rng.normal(size=800)
    column = np.minimum(x, 8.0) if kind == "capped" else np.where((label == 1) & (rng.random(800) < 0.3), 7.0, x)
    made(con, row=np.arange(800), a=column, b=rng.normal(size=800))
    assert adjusted_rand_score(label, ids(con)) > 0.97


def test_rounded_ages_of_two_groups_are_no_ids(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(28)
    label = rng.integers(0, 2, 2500)
    age = label * 45 + 40 + rng.normal(size=2500) * 12
    made(
        con,
        row=np.arange(2500),
        a=rng.normal(size=2500),
        seen=np.where(rng.random(2500) < 0.7, age.round(-1), age.round()).astype(int),
    )
    assert adjusted_rand_score(label, ids(con)) > 0.8


# --- money and far rows -------------------------------------------------------------------------------------------------


def test_money_is_a_logarithm(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(13)
    label = np.repeat([0, 1, 2], [400, 300, 200])
    places = np.array([[3.0, 5.0], [6.0, 5.5], [5.0, 9.0]])
    money = np.round(np.exp(places[label] + rng.normal(size=(900, 2)) * 0.6), 2)
    made(con, row=np.arange(900), spend=money[:, 0], debt=money[:, 1])
    found = ids(con)
    assert len(sizes(found)) == 3
    assert adjusted_rand_score(label, found) > 0.9
    assert told(con)["columns_used"].count("logarithm") == 2
    # centres are told in the units of the column
    rows = con.execute(
        "SELECT feature, min(center.number), max(center.number) FROM ppp_centers('told') GROUP BY 1"
    ).fetchall()
    for feature, low, high in rows:
        amounts = money[:, ["spend", "debt"].index(feature)]
        assert amounts.min() < low < high < amounts.max()


@pytest.mark.parametrize("factor", [10.0, 1e3, 1e6, 1e12, -1e6])
@pytest.mark.parametrize("rows", [100, 1000])
def test_one_far_row_moves_nothing(con: duckdb.DuckDBPyConnection, rows: int, factor: float) -> None:
    rng = np.random.default_rng(14)
    x, label = blobs(rng, (rows * 3 // 5, rows * 2 // 5), apart=10.0)
    x[-1, 0] = 10 * factor
    made(con, row=np.arange(rows), a=x[:, 0], b=x[:, 1])
    for options in ("", "k := 2"):
        found = ids(con, options)
        assert (found >= 0).all()
        assert adjusted_rand_score(label[:-1], found[:-1]) == 1
        assert len(sizes(found)) == 2 + (not options and sizes(found)[-1] == 1)
    if abs(factor) > 100:
        ((reason,),) = con.execute(
            f"SELECT reason FROM ppp_cluster('t', output := 'full') WHERE row = {rows - 1}"
        ).fetchall()
        assert reason == "a is far out"


@pytest.mark.parametrize("far", [(-1e6, 1e6), (-1e30, 2e30), (1e300,), (-1e308, 1.7e308)])
def test_far_rows_on_both_sides_and_of_any_size_move_nothing(
    con: duckdb.DuckDBPyConnection, far: tuple[float, ...]
) -> None:
    """What is far out on one side does not make what is far out on the other look near."""
    x, label = blobs(np.random.default_rng(14), (600, 400), apart=10.0)
    x[-len(far) :, 0] = far
    made(con, row=np.arange(1000), a=x[:, 0], b=x[:, 1])
    for options in ("", "k := 2"):
        found = ids(con, options)
        assert adjusted_rand_score(label[: -len(far)], found[: -len(far)]) == 1
        assert sizes(found)[:2] == [600, 400]
    said = con.execute("SELECT count(*) FROM ppp_cluster('t', output := 'full') WHERE reason = 'a is far out'")
    assert said.fetchall() == [(len(far),)]


@pytest.mark.parametrize("code", [-999, -1, 0, 999])
@pytest.mark.parametrize("share", [0.015, 0.04, 0.1])
def test_a_code_for_what_is_not_known_makes_no_cluster(con: duckdb.DuckDBPyConnection, code: int, share: float) -> None:
    """Ages and amounts of three groups, some of them written as a code."""
    rng = np.random.default_rng(31)
    label = np.repeat([0, 1, 2], [500, 300, 200])
    age = rng.normal(np.array([30, 50, 65])[label], 5).round()
    income = np.exp(rng.normal(np.array([7, 8, 9.2])[label], 0.25)).round(2)
    age[rng.random(1000) < share], income[rng.random(1000) < share] = code, code if code != 999 else 99999
    made(con, row=np.arange(1000), age=age, income=income, visits=rng.poisson(np.array([3, 12, 5])[label]))
    found = ids(con)
    assert len(sizes(found)) == 3
    assert adjusted_rand_score(label, found) > 0.93


def test_an_end_that_many_rows_have_is_no_code_of_itself(con: duckdb.DuckDBPyConnection) -> None:
    """What is capped, and a value of an area that all of its rows have, stay numbers."""
    rng = np.random.default_rng(32)
    capped = np.minimum(rng.normal(40, 8, 600).round(1), 57.0)  # a cap of 2 % and more is set apart
    area = np.repeat(rng.normal(0.5, 0.1, 30).round(3), 20)
    made(con, row=np.arange(600), capped=capped, area=area, x=rng.normal(size=600))
    assert "apart" not in told(con)["columns_used"]


@pytest.mark.parametrize("far", ["-9223372036854775808", "9.2e18", "1e15", "1e30", "1.7e308"])
@pytest.mark.parametrize("columns", ["['a']", "['a', 'b']", "['a', 'b', 'wide']"])
def test_a_sentinel_does_not_choose_the_sample(con: duckdb.DuckDBPyConnection, far: str, columns: str) -> None:
    """Beyond ``sample_size`` rows are sampled by keys, which must tell them apart whatever one value is."""
    con.execute(f"""CREATE TABLE t AS SELECT i AS row, 10 * (i % 5 < 2)::INT AS label,
          label + sqrt(-2 * ln((i * 7919 % 20011 + 1) / 20012)) * cos(2 * pi() * (i * 104729 % 20011) / 20011) AS a,
          label + (i * 15485863 % 1000) / 500 AS b FROM range(20000) r(i)
        UNION ALL SELECT -1, 0, {far}, 1""").fetchall()
    if "wide" in columns:
        con.execute(
            "CREATE OR REPLACE TABLE t AS SELECT * FROM t, (SELECT " + ", ".join(f"0 AS x{i}" for i in range(70)) + ")"
        )
        columns = "['a', 'b', " + ", ".join(f"'x{i}'" for i in range(70)) + "]"
    call = f"ppp_cluster('t', columns := {columns}, sample_size := 1000)"
    found = con.execute(
        f"SELECT cluster_id, label, count(*) FROM {call} WHERE row >= 0 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [(0, 0, 12000), (1, 10, 8000)]


def test_ten_broken_rows(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(15)
    x, label = blobs(rng, (600, 400, 300), apart=8.0)
    broken = rng.permutation(1300)[:10]
    x[broken] *= 1000
    made(con, row=np.arange(1300), a=x[:, 0], b=x[:, 1])
    found = ids(con)
    whole = np.setdiff1d(np.arange(1300), broken)
    assert (found >= 0).all()
    assert adjusted_rand_score(label[whole], found[whole]) > 0.99


# --- holes --------------------------------------------------------------------------------------------------------------


def holed(rng: np.random.Generator, share: float = 0.1) -> tuple[dict[str, Any], np.ndarray]:
    """Three clusters in three numbers and a text, with holes everywhere; the last two rows have no value at all."""
    x, label = blobs(rng, (250, 150, 102), d=3)
    text = np.array(["oak", "elm", "ash"], dtype=object)[
        np.where(rng.random(502) < 0.9, label, rng.integers(0, 3, 502))
    ]
    holes = rng.random((502, 4)) < share
    holes[-2:] = True
    x[holes[:, :3]], text[holes[:, 3]] = np.nan, None
    return {"row": np.arange(502), "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "tree": text.tolist()}, label


def test_every_row_with_a_feature_has_an_id(con: duckdb.DuckDBPyConnection) -> None:
    columns, label = holed(np.random.default_rng(16))
    made(con, **columns)
    found = ids(con)
    assert found[-2:].tolist() == [-1, -1]
    assert (found[:-2] >= 0).all()
    assert len(sizes(found)) == 3
    assert adjusted_rand_score(label[:-2], found[:-2]) > 0.97
    rows = con.execute(
        "SELECT reason, count(*) FROM ppp_cluster('t', output := 'full') GROUP BY 1 ORDER BY 2"
    ).fetchall()
    assert rows == [("a is NULL", 2), (None, 500)]
    info = told(con)
    assert (info["rows"], info["rows_used"], info["rows_skipped"]) == ("502", "500", "2")
    assert info["rows_incomplete: tree"].split()[0] == str(sum(value is None for value in columns["tree"]))


def test_a_hole_leaves_a_row_unsure(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(17)
    label = np.repeat([0, 1, 2], 200)
    places = np.array([[0, 0], [0, 12], [12, 0]])
    x = places[label] + rng.normal(size=(600, 2))
    x[:6, 1] = np.nan  # of the first cluster, or of the second
    made(con, row=np.arange(600), a=x[:, 0], b=x[:, 1])
    rows = con.execute(
        "SELECT row, probability, second_probability, reason FROM ppp_cluster('t', output := 'full') ORDER BY row"
    ).fetchall()
    for _, probability, second, reason in rows[:6]:
        assert 0.4 < second <= probability < 0.6
        assert reason is None
    assert all(probability > 0.99 for _, probability, _, _ in rows[6:])


def test_a_mostly_empty_column_costs_no_rows(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(18)
    x, label = blobs(rng)
    made(con, row=np.arange(500), a=x[:, 0], b=x[:, 1], rare=np.where(rng.random(500) < 0.98, np.nan, 5.0))
    info = told(con)
    assert "missing" in info["column_dropped: rare"]
    assert info["rows_used"] == "500"
    assert adjusted_rand_score(label, ids(con)) == 1


def test_predict_rows_with_holes_and_unseen_categories(con: duckdb.DuckDBPyConnection) -> None:
    columns, label = holed(np.random.default_rng(19), share=0.05)
    made(con, **columns)
    con.execute("CREATE TABLE seg AS FROM ppp_fit('t')").fetchall()
    call = "FROM ppp_predict('{}', model := 'seg', output := 'full') ORDER BY row"
    scored = con.execute(call.format("t")).fetchall()
    assert scored == con.execute("FROM ppp_cluster('t', output := 'full') ORDER BY row").fetchall()
    owner = {int(own): scored[int(np.flatnonzero(label == own)[5])][5] for own in range(3)}
    con.execute(
        "CREATE TABLE new (row INTEGER, a DOUBLE, b DOUBLE, c DOUBLE, tree VARCHAR);"
        "INSERT INTO new VALUES (0, 0, NULL, NULL, 'baobab'), (1, NULL, 9, 'nan', NULL), (2, NULL, NULL, NULL, 'ash'), "
        "(3, NULL, NULL, NULL, NULL), (4, 18, 18, 18, 'baobab'), (5, 'inf', 18, 18, 'ash'), (6, 1e15, 0, 0, 'oak')"
    )
    found = con.execute(call.format("new")).fetchall()
    assert [row[5] for row in found] == [owner[0], owner[1], owner[2], None, owner[2], owner[2], owner[0]]
    assert [row[-1] for row in found] == [None, None, None, "a is NULL", None, None, "a is far out"]


# --- the same rows give the same ids --------------------------------------------------------------------------------------


def whole(rng: np.random.Generator, n: int = 600) -> dict[str, Any]:
    """A table of everything: a key, money with zeros, a count, a date, a category with holes, a boolean, a far row."""
    label = rng.permutation(np.arange(n) % 3)
    money = np.where(
        rng.random(n) < 0.2, 0.0, np.round(np.exp(np.array([3.0, 5, 7])[label] + rng.normal(size=n) * 0.5), 2)
    )
    size = rng.normal(size=n) + np.array([0.0, 7, 0])[label]
    size[rng.random(n) < 0.1], size[7] = np.nan, 1e9
    return {
        "row": rng.permutation(n),
        "money": money,
        "size": size,
        "visits": rng.poisson(np.array([1.0, 3, 9])[label]),
        "since": np.datetime64("2020-01-01", "D") + rng.gamma(2, 40 + 60 * label).astype("m8[D]"),
        "plan": np.where(rng.random(n) < 0.15, None, np.array(["a", "b", "c", "d"], dtype=object)[(label + (rng.random(n) < 0.2)) % 4]).tolist(),
        "active": (rng.random(n) < np.array([0.2, 0.5, 0.9])[label]).tolist(),
    }  # fmt: skip


def everything(
    con: duckdb.DuckDBPyConnection, source: str, options: str = "", cte: str = ""
) -> list[tuple[object, ...]]:
    query = (
        f"{cte} SELECT row, COLUMNS('cluster_id|kmeans_id|probability|distance|separable|reason') "
        f"FROM ppp_cluster('{source}', output := 'full'{options}) ORDER BY row"
    )
    return con.execute(query).fetchall()


def test_storage_order_and_threads_do_not_matter(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made(con, **whole(np.random.default_rng(20)))
    expected, info = everything(con, "t"), told(con)
    names = features(info)
    assert names == ["active", "money", "plan", "since", "size", "visits"]
    assert len({row[1] for row in expected}) > 1
    con.execute(
        "CREATE TABLE shuffled AS SELECT visits, row, since, size, plan, money, active FROM t ORDER BY hash(row)"
    ).fetchall()
    con.execute("CREATE VIEW seen AS FROM shuffled").fetchall()
    con.execute(f"COPY shuffled TO '{tmp_path}/t.parquet' (ROW_GROUP_SIZE 200)").fetchall()
    sources = ["shuffled", "seen", f"{tmp_path}/t.parquet", "SELECT * FROM shuffled"]
    for threads, source in [(1, "t"), (4, "t"), *((4, source) for source in sources)]:
        con.execute(f"SET threads = {threads}").fetchall()
        assert everything(con, source) == expected, source
        assert told(con, source=source.replace("'", "''"))["fingerprint"] == info["fingerprint"], source
    named = f", columns := {names}"
    by_name = everything(con, "t", named)
    assert everything(con, "passing", named, "WITH passing AS (FROM shuffled)") == by_name
    mark = told(con, named.removeprefix(", "))["fingerprint"]
    assert told(con, named.removeprefix(", "), "passing", "WITH passing AS (FROM shuffled)")["fingerprint"] == mark


def test_a_frame_has_the_ids_of_the_table(con: duckdb.DuckDBPyConnection) -> None:
    made(con, **whole(np.random.default_rng(20)))
    frame = con.execute("FROM t ORDER BY hash(row)").df()
    assert isinstance(frame, pd.DataFrame)
    query = "SELECT row, COLUMNS('cluster_id|kmeans_id|probability|distance|separable|reason') FROM ppp_cluster('frame', output := 'full') ORDER BY row"
    found = con.execute(query).fetchall()
    assert found == everything(con, "t")
    con.execute("CREATE TABLE told_frame AS FROM ppp_fit('frame')").fetchall()
    marks = {dict(con.execute(f"FROM ppp_info('{name}')").fetchall())["fingerprint"] for name in ("told_frame",)}
    assert marks == {told(con)["fingerprint"]}


def test_each_group_has_the_clustering_that_it_has_alone(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(21)
    parts = [whole(rng, 240), whole(rng, 330)]
    columns = {name: np.concatenate([np.array(part[name]) for part in parts]) for name in parts[0]}
    columns["row"] = np.arange(570)
    made(con, region=["north"] * 240 + ["south"] * 330, **{name: values.tolist() for name, values in columns.items()})
    by = everything(con, "t", ", by := ['region']")
    alone = [
        row
        for region in ("north", "south")
        for row in everything(con, f"SELECT * EXCLUDE (region) FROM t WHERE region = ''{region}''")
    ]
    assert by == sorted(alone)


def test_three_heaps_of_few_whole_numbers(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(22)
    label = np.repeat([0, 1, 2], [60, 50, 40])
    made(con, row=np.arange(150), x=np.array([0, 12, 30])[label] + rng.integers(-1, 2, 150))
    assert adjusted_rand_score(label, ids(con, "columns := ['x'], k := 3")) == 1


def test_few_values_in_heaps_are_a_number(con: duckdb.DuckDBPyConnection) -> None:
    """Levels have no order; heaps far apart show one. Codes of two parts, answers and a code for missing stay levels."""
    i = np.arange(600)
    made(con, row=i, spend=np.array([1.0, 1.2, 1.1, 9.0, 9.1, 9.3])[i % 6])
    assert ids(con, "columns := ['spend']").tolist() == ids(con, "columns := ['spend'], k := 2").tolist()
    assert adjusted_rand_score(i % 6 < 3, ids(con, "columns := ['spend']")) == 1
    for place, levels in enumerate(([101, 102, 201, 202], [1, 2, 3, 4, 5, 99], [1, 2, 3, 4, 5])):
        made(
            con,
            f"codes{place}",
            row=i,
            code=np.array(levels)[i * 7919 % 997 % len(levels)],
            y=np.sin(i * 1.3) + np.sin(i * 2.9),
        )
        assert set(ids(con, source=f"codes{place}")) == {0}, levels


@pytest.mark.parametrize("broken", [1e9 - 1, 1e12, -1e9])
def test_a_sentinel_among_amounts_over_three_decades(con: duckdb.DuckDBPyConnection, broken: float) -> None:
    i = np.arange(700)
    kind = np.repeat([0, 1, 2], [440, 160, 100])
    wave = np.sin(i * 1.3) + np.sin(i * 2.9) + np.sin(i * 7.1)
    revenue = np.round(np.array([60, 900, 12_000])[kind] * np.exp(0.3 * wave), 2)
    made(con, row=i, revenue=revenue, noise=np.sin(i * 0.7) + np.cos(i * 5.3))
    made(con, "broken", row=i, revenue=np.where(i == 5, broken, revenue), noise=np.sin(i * 0.7) + np.cos(i * 5.3))
    others = i != 5
    assert adjusted_rand_score(kind, ids(con)) > 0.98
    assert (ids(con)[others] == ids(con, source="broken")[others]).all()
    said = con.execute(
        "SELECT row, reason FROM ppp_cluster('broken', output := 'full') WHERE reason IS NOT NULL"
    ).fetchall()
    assert said == [(5, "revenue is far out")]


# --- what is known to be wrong ----------------------------------------------------------------------------------------------


@pytest.mark.xfail(reason="a signed logarithm is chosen, and its valley at zero cuts the cluster that lies there")
def test_a_cluster_around_zero_stays_whole(con: duckdb.DuckDBPyConnection) -> None:
    label = np.repeat([0, 1], 20)
    made(con, row=np.arange(40), y=np.cos(np.arange(40) % 10) + 10 * label)
    assert adjusted_rand_score(label, ids(con, "columns := ['y'], k := 2")) == 1


def test_positions_of_vectors_lie_on_grids(con: duckdb.DuckDBPyConnection) -> None:
    """Lists of small whole numbers: each combination was a cluster. Groups that their positions tell are found."""
    n, rng = 1000, np.random.default_rng(5)
    group = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    flips, answers = rng.integers(0, 2, (n, 8)), rng.integers(1, 6, (n, 6))
    chances = np.where(np.arange(15) // 5 == np.arange(3)[:, None], 0.9, 0.1)
    flags = (rng.random((n, 15)) < chances[group]).astype(int)
    for position, wanted in ((flips, group * 0), (answers, group * 0), (flags, group)):
        made(con, row=range(n), code=position.tolist())
        assert adjusted_rand_score(wanted, ids(con, "columns := ['code']")) > 0.9
        con.execute("DROP TABLE t")


def test_customers_beside_their_orders(con: duckdb.DuckDBPyConnection) -> None:
    """Each customer is there as often as he ordered: three kinds of customers were up to 29 clusters, none up to 48."""
    rng = np.random.default_rng(8)
    kind = rng.choice(3, 500, p=[0.5, 0.3, 0.2])
    orders = rng.pareto(1.5, 500) + 1
    customer = rng.choice(500, 6000, p=orders / orders.sum())
    a, b = rng.normal(size=(2, 500))
    made(con, "none", row=range(6000), income=a[customer].round(2), age=b[customer].round(2))
    of_kinds = {"income": (a + 6 * (kind == 1)).round(2), "age": (b + 6 * (kind == 2)).round(2)}
    made(con, "kinds", row=range(6000), **{name: values[customer] for name, values in of_kinds.items()})
    columns = "columns := ['income', 'age']"
    assert sizes(ids(con, columns, "none")) == [6000]
    found = ids(con, columns, "kinds")
    assert adjusted_rand_score(kind[customer], found) > 0.98
    # sizes are of rows, and means, too
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('kinds', {columns})").fetchall()
    told = con.execute(
        "SELECT cluster_id, sum(size) FROM seg WHERE cluster_id >= 0 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert [size for _, size in told] == sizes(found)
    info = dict(con.execute("FROM ppp_info('seg')").fetchall())
    assert info["copies"].startswith("88 % of the rows are copies, equal in all columns used more often than by chance")
    said: list[str] = []
    ppp_duck.register(con, notes=said.append)
    con.execute(f"FROM ppp_cluster('kinds', {columns})").fetchall()
    assert said == [f"ppp_cluster('kinds'): {info['copies']}; ppp_info says it in full"]
    # asked to count all, they do
    con.execute("CREATE TABLE weighed AS SELECT *, 1 AS w FROM kinds").fetchall()
    assert len(sizes(ids(con, f"{columns}, weight := 'w'", "weighed"))) > 3


def test_what_is_known_of_customers_beside_orders_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    """Five numbers of each customer, an amount of each order: 300 customers without groups were 72 clusters."""
    rng = np.random.default_rng([3, 0, 2000])
    kind = rng.choice(3, 300, p=[0.5, 0.3, 0.2])
    orders = rng.pareto(2, 300) + 1
    of = rng.choice(300, 2000, p=orders / orders.sum())
    known = {
        "balance": np.exp(7 + rng.normal(size=300)).round(2),
        "lat": (51 + 0.3 * rng.normal(size=300)).round(5),
        "lon": (8 + 0.5 * rng.normal(size=300)).round(5),
        "age": (40 + 9 * rng.normal(size=300)).round(),
        "score": rng.normal(size=300).round(3),
    }
    own = {"row": np.arange(2000), "customer_id": of, "amount": np.exp(3 + 0.8 * rng.normal(size=2000)).round(2)}
    made(con, "none", **own, **{name: values[of] for name, values in known.items()})
    assert sizes(ids(con, source="none")) == [2000]
    info = dict(con.execute("FROM ppp_info('FROM ppp_fit(''none'')')").fetchall())
    assert info["joined"].startswith("rows count as ")
    known["lat"] += 4 * (kind == 1)
    known["lon"] += 6 * (kind == 2)
    made(con, "kinds", **own, **{name: values[of] for name, values in known.items()})
    assert adjusted_rand_score(kind[of], ids(con, source="kinds")) > 0.95


@pytest.mark.parametrize("value", [None, float("nan"), 1e12])
def test_copies_beside_rows_that_tell_nothing(con: duckdb.DuckDBPyConnection, value: float | None) -> None:
    """Rows without a value that is near were left out of what copies count, and the fit ended with an error of numpy."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(120, 2)).round(2)[rng.integers(0, 120, 600)].T.tolist()
    beside = 6 if value == 1e12 else 400  # more of them would not be far out
    made(
        con, row=range(600 + beside), **{n: [*known, *[value] * beside] for n, known in zip("ab", points, strict=True)}
    )
    for options, wanted in (("", 1), ("k := 2", 2), ("missing := 'skip'", 1)):
        found = ids(con, options)
        assert len(found) == 600 + beside
        assert len(set(found[:600].tolist())) == wanted
