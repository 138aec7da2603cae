"""What the benchmarks of large tables and of k write, compare and draw; times are not tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import numpy as np
import pytest

from benchmarks import multiples
from benchmarks.quality import power
from benchmarks.scale import equal, run, steps
from benchmarks.scale.report import COLUMNS, Line, cells, read, report, verdicts
from benchmarks.scale.tables import TABLES, Table, build, centers, connect

Lines = dict[tuple[str, str], Line]


def lines(*found: Line) -> Lines:
    return {(line.table, line.step): line for line in found}


def line(table: str, step: str, seconds: float, call: int = 1, peak: int = 500, fit: float | None = None) -> Line:
    return Line(table, step, call, 5, seconds, fit, peak, 10)


SOME = lines(
    line("1M x 8", "copy", 0.1, peak=400),
    line("1M x 8", "floor", 0.113),
    line("1M x 8", "KMeans", 2.0, call=2),
    line("1M x 8", "ppp_cluster", 1.808, fit=1.19),
    line("10M x 8, 2 GB", "ppp_cluster", 5.0, call=2),
)


def test_what_is_written_is_read_again() -> None:
    machines = {1: "2 cores: small", 2: "8 cores"}
    text = report(SOME, machines)
    assert read(text) == (SOME, machines)
    assert report(*read(text)) == text


def test_calls_without_lines_are_not_mentioned() -> None:
    assert "call 3" not in report(SOME, {1: "a", 2: "b", 3: "c"})


def test_the_written_results_can_be_read() -> None:
    text = run.RESULTS.read_text(encoding="utf-8")
    found, machines = read(text)
    assert len(found) == sum(row.split(" | ")[0][2:] in TABLES for row in text.splitlines())
    assert {one.call for one in found.values()} == set(machines)


def test_ratios_are_within_one_call() -> None:
    found = dict(zip(COLUMNS, cells(SOME["1M x 8", "ppp_cluster"], SOME), strict=True))
    assert (found["/ floor"], found["/ KMeans"], found["above copy"]) == ("16.00", "", "100")
    assert cells(SOME["1M x 8", "KMeans"], SOME)[COLUMNS.index("/ KMeans")] == "1.00"


def test_bounds_need_their_lines() -> None:
    assert verdicts(SOME) == []


@pytest.mark.parametrize(("seconds", "met"), [(4.0, "yes"), (4.1, "**no**")])
def test_a_bound(seconds: float, met: str) -> None:
    own = line("10M x 8", "ppp_cluster", seconds, fit=1.0)
    ((_, measured, allowed, _, found, calls),) = verdicts(lines(own, line("10M x 8", "floor", 1.0)))
    assert (measured, allowed, found, calls) == (f"{seconds:.2f} s", "4.00 s", met, "1")


def test_all_bounds() -> None:
    table = "10M x 8"
    wanted = [line(table, step, 1.0) for step in ("floor", "KMeans", "ppp_cluster", "ppp_fit")]
    wanted += [line("10M x 8, 500 distinct", step, 0.5) for step in ("ppp_cluster", "ppp_fit")]
    wanted += [line(f"{rows}M x 8, 2 GB", "ppp_cluster", rows / 10, peak=2000) for rows in (10, 100)]
    wanted += [line("100M x 8, 2 GB", "copy", 9.0, peak=100), line(table, "sweep", 30.0, call=2)]
    found = verdicts(lines(*wanted))
    assert [row[4] for row in found] == ["yes", "**no**", "yes", "yes", "**no**", "yes", "yes"]
    assert [row[5] for row in found] == ["1", "1", "1, 2", "1", "1", "1", "1"]


def test_only_what_was_run_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = {"seconds": 0.25, "fit": None, "peak": 450, "k": 10}
    monkeypatch.setattr(run, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(run, "start", lambda name, step, *_: None if step == "KMeans" else fresh)
    run.RESULTS.write_text(report(SOME, {1: "a", 2: "b"}), encoding="utf-8")
    assert run.measure(["1M x 8"], ["floor"], 3, None)
    assert not run.measure(["1M x 8"], ["KMeans"], 3, None)
    found, machines = read(run.RESULTS.read_text(encoding="utf-8"))
    expected = {**SOME, ("1M x 8", "floor"): Line("1M x 8", "floor", 3, 3, **fresh)}
    del expected["1M x 8", "KMeans"]
    assert found == expected
    assert list(machines) == [1, 2, 3]


def test_multiples_stay_at_the_end_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(run, "start", lambda *_: {"seconds": 0.25, "fit": None, "peak": 450, "k": 10})
    run.RESULTS.write_text(report(SOME, {1: "a", 2: "b"}), encoding="utf-8")
    for words in ("first", "second"):
        multiples.write(run.RESULTS, multiples.report(5, 1, {"floor": (2.0, 3.0), "ppp_predict": (5.0, 6.0)}) + words)
        assert run.measure(["1M x 8"], ["floor"], 3, None)
        text = run.RESULTS.read_text(encoding="utf-8")
        assert text.count("## Multiples of the floor") == 1
        assert f"\n| ppp_predict | 5.000 | 2.50 | 2 | no | 6.000 | 2.00 |{words}\n" in text
    assert "first" not in text


def test_multiples_are_measured() -> None:
    points = Table(3000, 8)
    con = connect(points, ":memory:")
    multiples.prepare(con, points)
    found = multiples.measured(con, points, list(multiples.STEPS), 1)
    assert list(found) == ["floor", *multiples.STEPS]
    assert all(clock > 0 for clock, _ in found.values())


def test_groups_have_no_round_trip() -> None:
    groups = TABLES["1M x 4, 1000 groups"]
    assert [step for step in steps.STEPS if steps.applies(step, groups)] == [
        "copy", "ppp_cluster", "ppp_fit", "ppp_predict",
    ]  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect(Table(2000, 3), ":memory:")
    yield connection
    connection.close()


@pytest.mark.parametrize("vector", [False, True])
def test_the_floor_finds_the_nearest_centre(con: duckdb.DuckDBPyConnection, vector: bool) -> None:
    table = Table(2000, 3, vector=vector)
    build(con, table)
    assert steps.floor(con, table) == 10
    columns = con.execute("SELECT * EXCLUDE (id, cluster_id) FROM out ORDER BY id").fetchnumpy()
    rows = np.stack(list(columns["v"])) if vector else np.stack(list(columns.values()), axis=1)
    nearest = ((rows[:, None] - np.array(centers(con, 3))) ** 2).sum(axis=2).argmin(axis=1)
    found = con.execute("SELECT cluster_id FROM out ORDER BY id").fetchnumpy()["cluster_id"]
    assert (found == nearest).all()


def test_a_round_trip_joins_every_row_and_keeps_floats(con: duckdb.DuckDBPyConnection) -> None:
    table = Table(500, 3, vector=True)
    build(con, table)
    ids, rows = steps.scaled(con, table)
    assert (rows.dtype, rows.shape) == (np.float32, (500, 3))
    steps.join_back(con, ids[::-1], np.arange(500)[::-1])
    assert con.execute("SELECT count(*), count(*) FILTER (id = cluster_id) FROM out").fetchall() == [(500, 500)]


def test_differences_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"NULL AS {name}" for name in equal.SCORE_COLUMNS if name != "cluster_id")
    con.execute(
        f"CREATE TABLE expected AS SELECT i AS id, i % 3 AS cluster_id, {columns} FROM range(9) r(i)"
    ).fetchall()
    con.execute("CREATE TABLE found AS FROM expected").fetchall()
    assert equal.differences(con) == 0
    con.execute("UPDATE found SET cluster_id = NULL WHERE id = 4").fetchall()
    assert equal.differences(con) == 1
    con.execute("UPDATE found SET id = 99 WHERE id = 5").fetchall()
    assert equal.differences(con) == 3
    con.execute("CREATE TABLE ids AS SELECT id, cluster_id FROM expected").fetchall()
    assert equal.other_ids(con) == 0
    con.execute("UPDATE ids SET cluster_id = 5 WHERE id = 4").fetchall()
    con.execute("DELETE FROM ids WHERE id = 6").fetchall()
    assert equal.other_ids(con) == 2


@pytest.mark.parametrize("wrong", [None, "points", "shuffled", "ids"])
def test_a_difference_is_said(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str | None
) -> None:
    table = Table(2000, 3)
    build(con, table)
    nothing = ", ".join(f"NULL AS {name}" for name in equal.SCORE_COLUMNS if name != "cluster_id")

    def result(con: duckdb.DuckDBPyConnection, table: Table, source: str, name: str) -> list[tuple[str, ...]]:
        found = "(id = 7)::INTEGER" if source == wrong and name == "found" else "0"
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT id, {found} AS cluster_id, {nothing} FROM points")
        other = "(id = 7)::INTEGER" if wrong == "ids" else "0"
        con.execute(f"CREATE OR REPLACE TABLE ids AS SELECT id, {other} AS cluster_id FROM points").fetchall()
        return [("same",)]

    monkeypatch.setattr(equal, "result", result)
    assert equal.compare(con, table, str(tmp_path)) == (wrong is None)


def test_groups_are_seen_where_they_are_apart() -> None:
    rows = power.table(6.0, 100, 2, seed=0)
    assert np.allclose([rows.mean(axis=0), rows.std(axis=0)], [[0, 0], [1, 1]])
    assert power.share(2, 6.0, 100, 1, tables=2) == power.share(1, 0.0, 100, 1, tables=2) == 1.0
    assert power.share(2, 2.0, 100, 1, tables=2) == 0.0


def test_the_picture_is_drawn_of_the_figures_in_it() -> None:
    text = power.PICTURE.read_text(encoding="utf-8")
    found = power.read(text)
    assert list(found) == [(features, rows) for features in power.FEATURES for rows in power.ROWS]
    assert power.svg(found) == text


def test_every_figure_has_its_mark_and_every_line_its_label() -> None:
    shares = {(features, rows): [1.0] * 8 for features in power.FEATURES for rows in power.ROWS}
    picture = ElementTree.fromstring(power.svg(shares))
    within = {name: picture.findall(f".//{{http://www.w3.org/2000/svg}}{name}") for name in ("g", "text")}
    assert len(within["g"]) == len(shares) * (len(power.DISTANCES) + 1)
    labels = [one for one in within["text"] if one.text in ("3,000 rows", "1,000", "300", "100")]
    heights = sorted({float(one.get("y", "")) for one in labels})
    assert len(labels) == len(shares)
    assert np.diff(heights).tolist() == [power.LABEL] * 3


def test_labels_stay_apart_and_inside() -> None:
    bottom = float(power.TOP + power.HEIGHT)
    assert power.spread([bottom, bottom]) == [bottom - power.LABEL, bottom]
    assert power.spread([100.0, 101.0, 200.0]) == [100.0, 100.0 + power.LABEL, 200.0]
