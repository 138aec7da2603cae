"""Pictures: what they show is what the model says, of the rows that their content chooses."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest
import vl_convert
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import ppp_duck
from ppp_duck import plot
from ppp_duck.plot import axes
from ppp_duck.plot.directions import discriminating
from ppp_duck.plot.group import model_of
from ppp_duck.plot.sample import sample

TABLES = """
CREATE TABLE three AS SELECT i, (i % 3) * 9 + sin(i * 1.3) + sin(i * 2.7) AS x, sin(i) AS y,
    CASE WHEN i % 7 > 0 THEN (i % 3) * 5 + cos(i * 1.1) END AS w, ['a', 'b', 'c'][1 + i % 3] AS "a ""name"
    FROM range(7000) r(i);
CREATE TABLE one AS SELECT sin(i * 1.3) + sin(i * 2.7) + sin(i * 5.1) AS x FROM range(400) r(i);
CREATE TABLE trees AS SELECT ['oak', 'ash', NULL][1 + i % 3] AS tree, (i // 3 % 2) * 8 + sin(i * 1.3) AS x,
    cos(i * 2.1) AS y FROM range(900) r(i);
CREATE TABLE texts AS SELECT ['a', 'b', 'c'][1 + i % 3] AS p, ['x', 'y', 'z'][1 + (i % 3 + CAST(i % 11 = 0 AS INT)) % 3] AS q
    FROM range(900) r(i);
CREATE TABLE constant AS SELECT 1 AS a FROM range(50);
CREATE TABLE wide AS SELECT i % 4 AS _0{more} FROM range(300) r(i);
""".replace("{more}", "".join(f", (i % 4) * {j % 5} + sin(i * {1.1 + j * 0.37}) AS f{j}" for j in range(70)))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = ppp_duck.connect()
    con.execute(TABLES)
    yield con
    con.close()


def values(chart: Any, layer: int = 0) -> list[dict[str, Any]]:
    """The rows of a layer of a chart."""
    spec = chart.to_dict()
    part = spec["layer"][layer] if "layer" in spec else spec
    data = part.get("data", spec.get("data"))
    return spec["datasets"][data["name"]] if "name" in data else data["values"]


@pytest.mark.parametrize("table", ["trees", "one", "texts", "constant", "wide"])
def test_every_picture_of_every_kind_of_model_is_drawn(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Vega itself draws it: nothing in the specification is wrong."""
    model = ppp_duck.fit(con, table, **({"covariance": "diag", "k": 4} if table == "wide" else {}))
    charts = [
        plot.map(model, table), plot.agreement(model, table), plot.profile(model), plot.sizes(model), plot.trials(model)
    ]  # fmt: skip
    for chart in charts:
        text = vl_convert.vegalite_to_svg(chart.to_dict())
        assert text.startswith("<svg")


def test_the_map_shows_rows_in_their_clusters(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", k=3, covariance="diag")
    shown = values(plot.map(model, "three"))
    assert len(shown) == 5000
    assert {row["cluster"] for row in shown} == {str(i) for i in range(model.k)}
    fitted = model_of(model, None, "")
    seen = sample(model, fitted, "three", "")
    rows = [int(text[seen.columns.index("i")] or "") for text in seen.texts]
    ids = dict(model.predict(con, "three").project("i, cluster_id").fetchall())
    assert [ids[row] for row in rows] == seen.scores.cluster_id.tolist()


def test_one_column_is_shown_in_its_own_units(con: duckdb.DuckDBPyConnection) -> None:
    rows = "SELECT {} AS a FROM range(200) r(i)"
    for column, title, own in (
        ("1e-9 * (i % 2 * 9 + sin(i))", "a", True),
        ("1e9 * (i % 2 * 9 + sin(i))", "a", True),
        ("DATE '2024-01-01' + (i % 2 * 300 + i % 9)::INTEGER", "a, scaled", False),
    ):
        source = rows.format(column)
        chart = plot.map(ppp_duck.fit(con, source), source)
        assert chart.to_dict()["encoding"]["x"]["title"] == title
        if own:
            expected = sorted(x for (x,) in con.execute(source).fetchall())
            spread = expected[-1] - expected[0]
            assert sorted(one["x"] for one in values(chart)) == pytest.approx(expected, abs=1e-4 * spread)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("FROM texts", {"k": 3}),
        ("FROM texts", {"k": 3, "categorical": "onehot"}),
        ("SELECT p FROM texts", {"k": 3}),
        ("SELECT p, i % 3 * 4 + sin(i) AS \"a = b\", q FROM (SELECT *, row_number() OVER () - 1 AS i FROM texts)", {}),
        ("SELECT i % 2 + 1 AS a, i % 2 * 2 + i % 3 % 2 AS b, ['x', 'y'][1 + i % 2] AS c FROM range(900) r(i)", {"k": 2}),
    ],
)  # fmt: skip
def test_an_axis_says_what_its_ends_are(con: duckdb.DuckDBPyConnection, query: str, options: dict[str, Any]) -> None:
    """A number rises along it, or falls; a row of a category lies further to its end than others."""
    model = ppp_duck.fit(con, query, **options)
    fitted = model_of(model, None, "")
    seen = sample(model, fitted, query, "")
    for column in discriminating(seen.points, seen.scores.cluster_id).T:
        words = axes.title(fitted, column).split("  ")
        assert words
        for sign, name in ((word[0], word[2:]) for word in words):
            column_name, _, category = (name, "", "") if name in seen.columns else name.rpartition(" = ")
            texts = [row[seen.columns.index(column_name)] for row in seen.texts]
            rising = np.array([text == category if category else float(text or "nan") for text in texts], dtype=float)
            trend = np.corrcoef(seen.points @ column, rising)[0, 1]
            assert trend > 0.3 if sign == "+" else trend < -0.3


def test_an_axis_names_a_value_apart(con: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT CASE WHEN i % 3 = 0 THEN 0 ELSE 20 + 3 * sin(i * 1.3) END AS spend, cos(i * 2.1) + i % 3 AS y
        FROM range(900) r(i)"""
    encoding = plot.map(ppp_duck.fit(con, query), query).to_dict()["layer"][0]["encoding"]
    words = {word[2:] for axis in ("x", "y") for word in encoding[axis]["title"].split("  ")}
    assert "spend = 0" in words <= {"spend", "spend = 0", "y"}


def test_the_rows_of_a_map_are_chosen_by_content(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", k=3, covariance="diag")
    here = plot.map(model, "three").to_dict()
    for source in ("SELECT * FROM three ORDER BY sin(i * 5)", "SELECT w, y, x, * EXCLUDE (x, y, w) FROM three"):
        assert plot.map(model, source).to_dict() == here


def test_few_rows_are_all_there(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "texts", k=3)
    assert len(sample(model, model_of(model, None, ""), "texts", "").texts) == 900


def test_a_row_without_a_cluster_is_counted(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", missing="skip", columns=["x", "w"], k=3, covariance="diag")
    title = plot.map(model, "three").to_dict()["title"]
    seen = sample(model, model_of(model, None, ""), "three", "")
    assert seen.lacking + len(seen.texts) == 5000
    assert any(f"{seen.lacking} rows without a cluster" in line for line in title["subtitle"])


def test_the_profile_is_in_spreads_of_all_rows(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", columns=["x", "y"], k=3, covariance="diag")
    rows = con.sql("SELECT x, y, cluster_id FROM ppp_cluster('three', columns := ['x', 'y'])").fetchall()
    table = np.array(rows)
    for cell in values(plot.profile(model)):
        column = table[:, ["x", "y"].index(cell["feature"])]
        own = column[table[:, 2] == int(cell["cluster"])]
        assert cell["spreads"] == pytest.approx((own.mean() - column.mean()) / column.std(), rel=1e-6, abs=1e-9)


def test_a_profile_shows_the_strongest_of_many_features(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "wide", k=4, covariance="diag")
    shown = {cell["feature"]: cell["rank"] for cell in values(plot.profile(model))}
    assert len(shown) == 60
    assert "the 60 strongest of 71 differences" in str(plot.profile(model).to_dict()["title"])


def test_the_chosen_trial_is_marked(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", columns=["x", "y"], k=3, covariance="diag")
    (chosen,) = [row for row in values(plot.trials(model)) if row["chosen"]]
    assert chosen["k"] == model.k == 3


def test_sizes_are_those_of_the_model(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "three", columns=["x", "y"], k=3, covariance="diag")
    assert sum(row["size"] for row in values(plot.sizes(model))) == 7000


def test_of_groups_one_is_shown(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "trees", by=["tree"])
    for group in (["oak"], ["ash"], [None]):
        seen = sample(model, model_of(model, group, ""), "trees", "")
        assert {row[seen.columns.index("tree")] for row in seen.texts} == set(group)
        assert len(seen.texts) == 300
    message = r"^plot.sizes: set group to the value of \"tree\", such as .* \(it has \['ash'\], \['oak'\], \[None\]\), not None"
    with pytest.raises(ppp_duck.OptionError, match=message):
        plot.sizes(model)
    with pytest.raises(ppp_duck.OptionError, match="the model has no groups, not \\['oak'\\]"):
        plot.sizes(ppp_duck.fit(con, "one"), group=["oak"])


def test_a_group_is_named_by_its_values_as_the_source_has_them(con: duckdb.DuckDBPyConnection) -> None:
    day = "DATE '2024-01-01' + (i % 2)::INTEGER AS day"
    query = f"SELECT i % 2 + 1 AS year, i % 2 = 0 AS odd, {day}, i % 3 * 9 + sin(i * 1.3) AS x FROM range(300) r(i)"

    def told(by: list[str], group: object) -> str:
        return str(plot.sizes(ppp_duck.fit(con, query, columns=["x"], by=by), group=group).to_dict()["title"]["text"])

    for group in ([1], (1,), ["1"], 1, "1"):
        assert told(["year"], group).endswith("year = 1")
    assert told(["odd"], True).endswith("odd = true")
    assert told(["year", "day"], [2, datetime.date(2024, 1, 2)]).endswith("year = 2, day = 2024-01-02")
    with pytest.raises(
        ppp_duck.OptionError, match=r"the values of \"year\", \"day\", such as group=\['1', '2024-01-01'\]"
    ):
        told(["year", "day"], 1)
    with pytest.raises(ppp_duck.OptionError, match=r"such as group=\['2024-01-02'\].*, not '2024-02-02'"):
        told(["day"], "2024-02-02")


def test_a_source_that_lacks_a_column_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ppp_duck.SourceError, match=r'^plot.map: no column "y" in one'):
        plot.map(ppp_duck.fit(con, "trees", columns=["x", "y"], k=2), "one")


@pytest.mark.parametrize("given", ["trees", None, 3])
def test_what_is_no_model_is_refused(con: duckdb.DuckDBPyConnection, given: Any) -> None:
    for picture, *rest in (
        (plot.sizes,),
        (plot.profile,),
        (plot.trials,),
        (plot.map, "trees"),
        (plot.agreement, "trees"),
    ):
        with pytest.raises(ppp_duck.ModelError, match=rf"^plot.{picture.__name__}: give a model, ppp_duck.fit"):
            picture(given, *rest)


def test_the_directions_are_those_of_fisher() -> None:
    """scikit-learn's eigen solver spans the same plane."""
    rng = np.random.default_rng(3)
    labels = np.arange(600) % 4
    points = rng.normal(size=(600, 5)) @ rng.normal(size=(5, 5)) + rng.normal(size=(4, 5))[labels] * 6
    ours = np.linalg.qr(discriminating(points, labels))[0]
    theirs = np.linalg.qr(LinearDiscriminantAnalysis(solver="eigen").fit(points, labels).scalings_[:, :2])[0]
    assert np.linalg.svd(ours.T @ theirs)[1] == pytest.approx([1, 1], abs=1e-4)


@pytest.mark.parametrize("clusters", [1, 2])
def test_where_clusters_are_few_the_spread_within_them_is_shown(clusters: int) -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(200, 4)) * [1, 5, 2, 1]
    columns = discriminating(points, np.arange(200) % clusters)
    assert columns.shape == (4, 2)
    assert np.linalg.norm(columns, axis=0) == pytest.approx([1, 1])


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = "import sys, ppp_duck; print({'altair', 'jinja2', 'vl_convert', 'pandas', 'sklearn', 'sqlglot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_altair_it_is_said_what_to_install() -> None:
    code = "import sys; sys.modules['altair'] = None\nimport ppp_duck\ntry:\n  ppp_duck.plot\nexcept ppp_duck.PPPError as error: print(error)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.startswith("install the pictures with: pip install 'ppp-duck[plot]', in a clone pip install '.[plot]'")
