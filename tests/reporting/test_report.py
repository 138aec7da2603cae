"""The report: one HTML file that opens offline in a real browser, and shows hostile data as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pytest
from chromium import browser, needed, opened
from selenium.webdriver.support.ui import WebDriverWait

import ppp_duck

HOSTILE = """
CREATE TABLE "hostile <b>" AS SELECT (i % 3) * 9 + sin(i) AS "<script>document.title = 'owned'</script>",
    ['</script><img src=x onerror="document.title=''owned''">', '{{7*7}}', '"quote" & <!-- <script>'][1 + i % 3]
    AS "a""b'c<img src=y>", i AS "&amp;" FROM range(300) r(i);
CREATE TABLE trees AS SELECT ['oak', 'ash', 'small'][CASE WHEN i > 596 THEN 3 ELSE 1 + i % 2 END] AS tree,
    CASE WHEN i <= 596 THEN (i // 3 % 2) * 8 + sin(i * 1.3) END AS x,
    CASE WHEN i <= 596 THEN cos(i * 2.1) END AS y,
    CASE WHEN i <= 596 THEN TIMESTAMP '2024-01-01' + to_seconds(i // 3 % 2 * 2e7 + 1e6 * sin(i)) END AS "the first time that a tree was seen"
    FROM range(600) r(i);
CREATE TABLE one AS SELECT sin(i * 1.3) + sin(i * 2.7) + sin(i * 5.1) AS x FROM range(400) r(i);
CREATE TABLE sixty AS SELECT i % 60 % 8 * 20 + sin(i * 1.7) AS x, i % 60 // 8 * 20 + cos(i * 2.3) AS y FROM range(1200) r(i);
CREATE TABLE shops AS SELECT i AS shop, 3 AS always, (i % 2) * 50 + 5 * sin(i) AS "revenue", ['web', 'shop'][1 + i % 2] AS kind
    FROM range(400) r(i);
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = ppp_duck.connect()
    con.execute(HOSTILE)
    yield con
    con.close()


def text_of(html: str) -> str:
    """What a reader sees: no script, no style, no element."""
    body = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def specs_of(html: str) -> Any:
    (found,) = re.findall(r'<script type="application/json" id="specs">(.*?)</script>', html, re.DOTALL)
    return json.loads(found)


def test_it_tells_what_was_clustered_and_how(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    html = ppp_duck.report(con, "shops", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert len(html.encode()) < 3_000_000
    said = text_of(html)
    for words in (
        "The clusters of shops", "rows 400", "k 2:", "how sure clear:", "high revenue", "kind web", "a key: no value repeats",
        "CREATE TABLE segments AS FROM ppp_fit(&#39;shops&#39;);", "rows near its centre",
        "Score it elsewhere This is the model as plain SQL",
    ):  # fmt: skip
        assert words in said, words
    assert len(specs_of(html)) == 5


def test_the_sql_in_it_does_it_again(con: duckdb.DuckDBPyConnection) -> None:
    html = ppp_duck.report(con, "shops", columns=["revenue"], k=3)
    sql = re.search(r"<code>(CREATE.*?)</code>", html, re.DOTALL)
    assert sql
    text = sql[1].replace("&#39;", "'").replace("&#34;", '"')
    assert text.startswith("CREATE TABLE segments AS FROM ppp_fit('shops', columns := ['revenue'], k := 3);")
    with con.cursor() as cursor:
        ppp_duck.register(cursor)
        create, scored = text.split(";\n")
        cursor.execute(create)
        rows = cursor.sql(scored.rstrip(";")).project("revenue, cluster_id").fetchall()
        cursor.execute("DROP TABLE segments")
    assert sorted(rows) == sorted(
        con.sql("SELECT revenue, cluster_id FROM ppp_cluster('shops', columns := ['revenue'], k := 3)").fetchall()
    )


def test_the_sql_of_a_query_is_the_query_and_of_a_frame_a_place_for_its_name(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT revenue FROM shops WHERE kind <> 'none'"
    sql = re.search(r"<code>(CREATE.*?);\n", unescape(ppp_duck.report(con, query)), re.DOTALL)
    assert sql
    with con.cursor() as cursor:
        ppp_duck.register(cursor)
        cursor.execute(sql[1]).fetchall()
        cursor.execute("DROP TABLE segments").fetchall()
    of_frame = text_of(unescape(ppp_duck.report(con, con.sql(query).to_arrow_table())))
    assert ", and the name of a table for {source} : CREATE TABLE segments AS FROM ppp_fit('{source}');" in of_frame


def test_categories_of_a_column_with_a_long_name_are_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    html = ppp_duck.report(
        con, 'SELECT revenue, kind AS "the kind of the shop that the revenue was made in" FROM shops'
    )
    labels = {"the kind of the shop that the rev… = web", "the kind of the shop that the re… = shop"}
    assert all(f">{label}</td>" in html for label in labels)
    profile = next(spec for spec in specs_of(html) if "What the clusters" in spec["title"]["text"])
    (cells,) = profile["datasets"].values() if "datasets" in profile else [profile["data"]["values"]]
    assert labels < {cell["feature"] for cell in cells}


def test_the_sql_in_it_scores_without_the_package(con: duckdb.DuckDBPyConnection) -> None:
    html = ppp_duck.report(con, "shops", columns=["revenue"], k=2)
    found = re.findall(r"<pre><code>(.*?)</code></pre>", html, re.DOTALL)[1]
    sql = unescape(found).replace("{source}", "shops")
    with duckdb.connect() as plain:
        plain.register("shops", con.sql("FROM shops").to_arrow_table())
        rows = plain.execute(sql).fetchall()
    assert sorted(rows) == sorted(con.execute("FROM ppp_cluster('shops', columns := ['revenue'], k := 2)").fetchall())


def test_it_is_the_same_every_time(con: duckdb.DuckDBPyConnection) -> None:
    assert ppp_duck.report(con, "shops") == ppp_duck.report(con, "shops")


def test_a_model_is_reported_as_it_is(con: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.fit(con, "shops", k=4)
    assert ppp_duck.report(con, "shops", model=model) == ppp_duck.report(con, "shops", k=4)
    with pytest.raises(ppp_duck.OptionError, match=r'^report: leave out "k", or the model'):
        ppp_duck.report(con, "shops", model=model, k=3)


def test_a_frame_may_stand_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    frame = con.sql("FROM shops").to_arrow_table()
    html = ppp_duck.report(frame, path=tmp_path / "alone.html")
    assert html == ppp_duck.report(con, frame) == (tmp_path / "alone.html").read_text(encoding="utf-8")
    model = ppp_duck.fit(frame)
    assert ppp_duck.report(frame, model=model) == html


def test_what_cannot_be_reported_is_said_before_the_fit(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(ppp_duck.ModelError, match=r"^report: give a model, ppp_duck.fit.*, not 'shops'$"):
        ppp_duck.report(con, "shops", model="shops")  # type: ignore[arg-type]
    wrong: Any
    for wrong in (tmp_path / "nowhere" / "report.html", 3):
        with pytest.raises(ppp_duck.SourceError, match=r"^report: give the path of a file in a folder that is there"):
            ppp_duck.report(con, "shops", wrong)


def test_groups_have_chapters_and_a_group_without_clusters_says_why(con: duckdb.DuckDBPyConnection) -> None:
    said = text_of(ppp_duck.report(con, "trees", by=["tree"]))
    for words in ("trees, tree = oak", "trees, tree = ash", "trees, tree = small", "No clusters:"):
        assert words in said, words


def test_hostile_names_and_values_are_text(con: duckdb.DuckDBPyConnection) -> None:
    html = ppp_duck.report(con, '"hostile <b>"')
    assert "{{7*7}}" in text_of(html)
    page = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)  # without the library and the line that draws
    assert "<img" not in page
    assert page.count("<script") == 1  # the specifications
    assert specs_of(html)  # what ends the element is not in it


# A short word beside a long figure is not cut.
ONE_LINE = """
const lines = (one) => { const all = document.createRange(); all.selectNodeContents(one); return all.getClientRects().length; };
const words = [...document.querySelectorAll('.facts th')].filter((one) => /^[a-z]+$/.test(one.textContent));
return words.length > 0 && words.every((one) => lines(one) === 1);
"""
CONTRASTS = """
const numbers = (color) => color.match(/[0-9.]+/g).slice(0, 3).map(Number);
const light = (color) => numbers(color).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, i) => sum + [0.2126, 0.7152, 0.0722][i] * one, 0);
const paper = light(getComputedStyle(document.body).backgroundColor);
return [...document.querySelectorAll('.picture :is(.role-axis, .role-legend, .role-title) text')]
    .map((one) => light(getComputedStyle(one).fill))
    .map((ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
"""
WIDER = "return [...document.querySelectorAll('.picture')].filter(one => one.scrollWidth > one.clientWidth).length"
# How much of the width of a section its pictures use.
USED = """
const right = (one) => one.getBoundingClientRect().right, all = [...document.querySelectorAll('.picture svg.marks')];
const page = document.querySelector('section').getBoundingClientRect();
return (Math.max(...all.map(right)) - page.left) / page.width;
"""
LARGE = "return [...document.querySelectorAll('.picture svg.marks')].filter(one => one.clientWidth > 700).length"


@pytest.mark.chromium
def test_a_browser_shows_it_without_an_error_and_without_the_network(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    needed()
    options: dict[str, dict[str, Any]] = {
        '"hostile <b>"': {},
        "one": {},
        "sixty": {"k": 60},
        "trees": {"by": ["tree"], "columns": ["x", "y", "the first time that a tree was seen"]},
    }
    with browser() as driver:
        for place, (source, own) in enumerate(options.items()):
            path = tmp_path / f"report{place}.html"
            html = ppp_duck.report(con, source, path, **own)
            for width, dark in ((1440, True), (1280, False), (390, True)):
                page = opened(driver, path, width, dark)
                assert page.errors == []
                assert page.requests == [path.as_uri()]
                assert page.drawn == len(specs_of(html))
                assert "owned" not in page.title
                assert page.scroll_width <= width  # nothing sticks out of a phone
                assert driver.execute_script(ONE_LINE)
                assert min(driver.execute_script(CONTRASTS)) >= 4.5  # what WCAG 2 asks of text
                # on a phone only the two pictures with a cell for each of sixty clusters are wider than it
                most = 2 if source == "sixty" and width < 600 else 0
                WebDriverWait(driver, 60).until(lambda one, most=most: one.execute_script(WIDER) <= most)
                WebDriverWait(driver, 60).until(lambda one: one.execute_script(USED) > 0.9)
                # what is wider than paper would be made smaller in print
                assert driver.execute_script(LARGE) <= (2 if source == "sixty" else 0)
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
            metrics = {"width": 720, "height": 1000, "deviceScaleFactor": 1, "mobile": False}  # as wide as A4
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            assert driver.execute_script(WIDER) == 0  # on paper nothing scrolls


def test_sql_that_is_too_long_for_the_page(con: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"sin(i * {place}.37) + i % 3 * 3 AS c{place}" for place in range(10))
    wide = con.sql(f"SELECT {columns} FROM range(300) r(i)")
    model = ppp_duck.fit(con, wide, k=6, covariance="full")
    said = text_of(ppp_duck.report(con, wide, model=model))
    assert f"Score it elsewhere The text has {len(model.sql()):,} letters, which is too long for this page." in said
    assert "This is the model as plain SQL" not in said
