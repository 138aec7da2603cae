"""What a running fit tells: to a function, on stderr, to nobody; and that none of it reaches a result."""

from __future__ import annotations

import gc
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import duckdb
import numpy as np
import pytest
from conftest import THREE, gaussians, said, sizes

import ppp_duck
from ppp_duck import Progress
from ppp_duck.binding.interface import FIT
from ppp_duck.engine import pipeline
from ppp_duck.running import progress, slices
from ppp_duck.running.memory import MEMORY
from ppp_duck.running.progress import Line, Stages, words

ORDER = [
    "preparing the rows", "splitting the rows", "merging the parts", "choosing k", "looking for valleys",
    "fitting the best one", "comparing with k-means", "done",
]  # fmt: skip


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short slices, and something to tell after each."""
    monkeypatch.setattr(slices, "SLICE", 0.005)
    monkeypatch.setattr(progress, "EVERY", 0.0)


class Waited:
    """An engine that goes on to its next stage when the function that watches was told of the last one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[Progress] = []
        real = pipeline.fit
        steps = [("tree", 1), ("merge", 9), ("diag", 3), ("valleys", 3), ("diag", 3), ("certificate", 3)]

        def fit(rows: np.ndarray, weights: np.ndarray, *, progress: Callable[[str, int], None], **options: object):
            before = len(self.told)
            for (step, k), stage in zip(steps, ORDER[1:], strict=False):
                while stage not in {one.stage for one in self.told[before:]}:
                    progress(step, k)
                    time.sleep(0.001)
            return real(rows, weights, **options)

        monkeypatch.setattr(pipeline, "fit", fit)


@pytest.fixture
def waited(often: None, monkeypatch: pytest.MonkeyPatch) -> Waited:
    return Waited(monkeypatch)


def stages(steps: Iterator[tuple[str, int]] | list[tuple[str, int]], k: int | None = None) -> list[str]:
    """The stages that steps of the engine belong to, each change once."""
    known, found = Stages(k), [ORDER[0]]
    for step, number in steps:
        known.step(step, number)
        if known.now[1] != found[-1]:
            found.append(known.now[1])
    return found


@pytest.mark.parametrize(
    ("options", "choosing"),
    [({}, "choosing k"), ({"covariance": "spherical"}, "choosing k"), ({"k": 4}, "trying mixtures"),
     ({"k": 4, "covariance": "spherical"}, "trying mixtures")],
)  # fmt: skip
def test_every_stage_of_the_real_engine_is_told_in_order(options: dict[str, object], choosing: str) -> None:
    steps: list[tuple[str, int]] = []
    pipeline.fit(gaussians(1, [90, 80, 70, 60], 3), progress=lambda step, k: steps.append((step, k)), **options)
    assert stages(steps, options.get("k")) == [choosing if one == "choosing k" else one for one in ORDER[:-1]]


def test_rows_without_structure_have_stages_in_order_too() -> None:
    for rows in (np.zeros((1, 2)), np.ones((50, 2)), np.arange(2.0)[:, None]):
        steps: list[tuple[str, int]] = []
        pipeline.fit(rows, progress=lambda step, k: steps.append((step, k)))
        found = stages(steps)
        assert found == sorted(found, key=ORDER.index)
        assert found[-1] == "comparing with k-means"


def test_candidates_are_counted_once_and_for_each_group() -> None:
    known = Stages(None)
    for step, k in [("tree", 1), ("k-means", 9), ("merge", 8), ("diag", 1), ("diag", 1), ("diag", 2), ("full", 2)]:
        known.step(step, k)
    assert known.now == (1, "choosing k", 2, 3)
    known.step("valleys", 2)
    assert known.now == (1, "looking for valleys", 2, 3)
    known.step("group", 2)
    assert known.now == (2, "preparing the rows", None, 0)
    known.step("reading all rows again", 3)
    assert known.now == (2, "reading all rows again", 3, 0)


def test_a_function_is_told_every_stage(con: duckdb.DuckDBPyConnection, waited: Waited) -> None:
    ppp_duck.register(con, progress=waited.told.append)
    assert sizes(con, "ppp_cluster('blobs')") == THREE
    told = waited.told
    assert {one.stage for one in told} | {ORDER[0]} == set(ORDER)  # the first may be over when it is told
    assert [ORDER.index(one.stage) for one in told] == sorted(ORDER.index(one.stage) for one in told)
    assert [one.elapsed for one in told] == sorted(one.elapsed for one in told)
    assert told[0].elapsed >= 0
    assert [one.stage for one in told].index("done") == len(told) - 1
    assert {(one.function, one.source, one.group, one.groups) for one in told} == {("ppp_cluster", "blobs", 1, 1)}
    assert {one.stage: (one.k, one.tried) for one in told}["choosing k"] == (3, 1)
    assert told[-1].k is None
    with pytest.raises(FrozenInstanceError):
        told[-1].k = 3  # type: ignore[misc]


def test_groups_are_counted(con: duckdb.DuckDBPyConnection, waited: Waited) -> None:
    ppp_duck.register(con, progress=waited.told.append)
    con.execute("FROM ppp_fit('blobs', columns := ['x', 'y'], by := ['tree'])").fetchall()
    assert [one.group for one in waited.told] == sorted(one.group for one in waited.told)
    assert {one.groups for one in waited.told} == {3}
    assert {one.group for one in waited.told} == {1, 2, 3}
    assert waited.told[-1].function == "ppp_fit"


def test_no_row_no_group_no_trouble(con: duckdb.DuckDBPyConnection) -> None:
    told: list[Progress] = []
    ppp_duck.register(con, progress=told.append)
    assert con.execute("FROM ppp_cluster('FROM blobs WHERE false', by := ['tree'])").fetchall() == []
    assert [(one.stage, one.group, one.groups) for one in told][-1] == ("done", 1, 1)


def test_results_do_not_depend_on_it(con: duckdb.DuckDBPyConnection, often: None) -> None:
    calls = [
        "FROM ppp_cluster('blobs', output := 'full') ORDER BY id",
        "FROM ppp_fit('blobs')",
        "FROM ppp_cluster('blobs', columns := ['x', 'y'], by := ['tree'], output := 'full') ORDER BY id",
    ]
    found = []
    for choice in (False, True, lambda _: time.sleep(0.002)):
        ppp_duck.register(con, progress=choice)
        found.append([con.execute(call).fetchall() for call in calls])
    assert found[1:] == found[:1] * 2


def all_fits_end() -> None:
    for thread in [one for one in threading.enumerate() if one.name == "ppp_duck fit"]:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("statement", ["CREATE TABLE out AS {}", "INSERT INTO kept {}", "{}"])
def test_what_the_function_raises_ends_the_statement(con: duckdb.DuckDBPyConnection, statement: str) -> None:
    def broken(_: Progress) -> None:
        raise ZeroDivisionError("too far")

    con.execute("CREATE TABLE kept AS SELECT *, 0 AS cluster_id FROM blobs LIMIT 3").fetchall()
    before = set(MEMORY.keys(FIT))  # of connections of other tests
    ppp_duck.register(con, progress=broken)
    with pytest.raises(duckdb.Error) as error:
        con.execute(statement.format("FROM ppp_cluster('blobs')")).fetchall()
    assert said(error.value) == (
        "ppp_cluster: look at the function given to register as progress, it raised ZeroDivisionError: too far"
    )
    with pytest.raises(ppp_duck.PPPError, match=r"ppp_fit: look at the function .* ZeroDivisionError: too far"):
        ppp_duck.fit(con, "blobs")
    assert con.execute("SELECT count(*) FROM kept").fetchall() == [(3,)]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'out'").fetchall() == [(0,)]
    assert set(MEMORY.keys(FIT)) <= before
    all_fits_end()
    ppp_duck.register(con, progress=False)
    assert sizes(con, "ppp_cluster('blobs')") == THREE


def test_the_function_may_interrupt(
    con: duckdb.DuckDBPyConnection, waited: Waited, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(slices, "PATIENCE", 0.5)

    def stop(one: Progress) -> None:
        con.interrupt()

    ppp_duck.register(con, progress=stop)
    with pytest.raises(duckdb.InterruptException):
        con.execute("CREATE TABLE out AS FROM ppp_cluster('blobs')").fetchall()
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'out'").fetchall() == [(0,)]
    all_fits_end()


def test_it_is_not_called_on_the_thread_that_fits(con: duckdb.DuckDBPyConnection, often: None) -> None:
    names: set[str] = set()
    ppp_duck.register(con, progress=lambda _: names.add(threading.current_thread().name))
    assert sizes(con, "ppp_cluster('blobs')") == THREE
    assert names
    assert "ppp_duck fit" not in names


def test_each_connection_has_its_own(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    told: dict[str, list[Progress]] = {name: [] for name in ("first", "cursor", "again", "other")}
    ppp_duck.register(con, progress=told["first"].append)
    cursor = ppp_duck.register(con.cursor(), told["cursor"].append)
    silent = ppp_duck.register(con.cursor())
    other = ppp_duck.connect(tmp_path / "w.duckdb", progress=told["other"].append)
    other.execute("CREATE TABLE t AS SELECT (i % 2) * 10 + sin(i) AS x FROM range(60) r(i)").fetchall()

    def heard(run: Callable[[], object]) -> set[str]:
        for calls in told.values():
            calls.clear()
        run()
        return {name for name, calls in told.items() if calls}

    call = "FROM ppp_cluster('blobs')"
    con.execute(f"CREATE VIEW v AS {call}; PREPARE p AS {call}")
    assert heard(lambda: con.execute(call).fetchall()) == {"first"}
    assert heard(lambda: cursor.execute(call).fetchall()) == {"cursor"}
    assert heard(lambda: silent.execute(call).fetchall()) == set()
    assert heard(lambda: other.execute("FROM ppp_cluster('t')").fetchall()) == {"other"}
    assert heard(lambda: cursor.execute("FROM v").fetchall()) == {"cursor"}  # a view keeps the call, not its text
    assert heard(lambda: silent.execute("FROM v").fetchall()) == set()
    assert heard(lambda: con.execute("EXECUTE p").fetchall()) == {"first"}
    ppp_duck.register(con)
    assert heard(lambda: ppp_duck.fit(con, "blobs")) == {"first"}
    ppp_duck.register(con, progress=told["again"].append)
    assert heard(lambda: con.execute("EXECUTE p").fetchall()) == {"again"}
    ppp_duck.register(con, progress=False)
    assert heard(lambda: con.execute(call).fetchall()) == set()


def test_the_choice_goes_with_the_connection() -> None:
    gc.collect()
    known = len(progress._choices)
    con = ppp_duck.connect(progress=lambda _: None, catalog=False)
    assert len(progress._choices) == known + 1
    con.close()
    del con
    gc.collect()
    assert len(progress._choices) == known


def test_it_must_be_a_choice(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ppp_duck.OptionError, match=r"register: set progress to True, False, None or a function of one "
                       r"ppp_duck.Progress, not 'yes'"):  # fmt: skip
        ppp_duck.register(con, progress="yes")  # type: ignore[arg-type]
    with pytest.raises(ppp_duck.OptionError):
        ppp_duck.connect(progress=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("choice", [None, False])
def test_a_script_is_silent(
    con: duckdb.DuckDBPyConnection, choice: bool | None, often: None, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(progress, "QUIET", 0.0)
    ppp_duck.register(con, progress=choice)
    assert sizes(con, "ppp_cluster('blobs')") == THREE
    assert capfd.readouterr() == ("", "")


def test_true_always_says_something(con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]) -> None:
    ppp_duck.register(con, progress=True)
    assert sizes(con, "ppp_cluster('blobs')") == THREE
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"ppp_cluster\('blobs'\): done, \d+\.\d s\n", err.splitlines(keepends=True)[-1])
    assert "\r" not in err


def at(stage: str, elapsed: float = 2.0) -> Progress:
    return Progress("ppp_fit", "t", 1, 1, stage, None, 0, elapsed)


class Notebook(io.StringIO):
    """As Jupyter's stderr: no terminal, known by the package it comes from."""

    __module__ = "ipykernel.iostream"


def test_a_notebook_rewrites_its_line_and_keeps_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = Notebook()
    line = Line(stream, always=False)
    line.show(at("choosing k"))
    line.show(at("done"))
    assert stream.getvalue() == "\rppp_fit('t'): choosing k, 0 t\rppp_fit('t'): done, 2.0 s    \n"
    Line(stream := Notebook(), always=False).show(at("done"))
    assert stream.getvalue() == ""  # too short a fit to be told of


def test_a_line_does_not_write_over_a_prompt_that_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Notebook()
    line = Line(stream, always=True)
    line.show(at("choosing k"))
    before = stream.getvalue()
    monkeypatch.setattr(sys, "last_value", KeyboardInterrupt(), raising=False)
    line.show(at("done"))
    line.clear()
    assert stream.getvalue() == before != ""


def test_long_and_strange_names_keep_to_one_line() -> None:
    found = words(Progress("ppp_fit", "a\nb\x1b[2J" + "x" * 99, 1, 1, "done", None, 0, 1.0))
    assert found == "ppp_fit('a b [2J" + "x" * 30 + "...'): done, 1.0 s"


SESSION = """
import ppp_duck
from ppp_duck.running import progress, slices
slices.SLICE = 0.005
progress.QUIET = progress.EVERY = 0.0
con = ppp_duck.connect()
con.execute("SET enable_progress_bar = false").fetchall()  # DuckDB's own, which is on at a prompt
con.execute("CREATE TABLE t AS SELECT (i % 3) * 10 + sin(i) AS x FROM range(900) r(i)").fetchall()
print(len(con.execute("FROM ppp_cluster('t')").fetchall()))
"""


def on_a_terminal(*options: str) -> tuple[str, str]:
    """What a session prints whose stderr is a terminal: there, and on stdout."""
    pty = pytest.importorskip("pty")
    terminal, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "70", "PYTHONPATH": str(Path(ppp_duck.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, *options, "-c", SESSION], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
        env=environment, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(terminal, 4096):
                seen += part
        except OSError:  # how Linux tells that nobody writes to the terminal any more
            pass
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(terminal)
    assert process.returncode == 0, seen
    return seen.decode(), out


def test_somebody_at_a_terminal_sees_a_line_that_goes_away() -> None:
    seen, out = on_a_terminal("-i")
    shown = seen.split("\r")
    assert out.startswith("900\n")
    assert re.fullmatch(r"ppp_cluster\('t'\): [a-z -]+(, \d+ tried)?, \d+\.\d s +", shown[1])
    lines = [one for one in shown if one.startswith("ppp_cluster")]
    assert {len(one) for one in lines} == {69}
    assert " " * 69 in shown[shown.index(lines[-1]) + 1 :]
    assert not any("done" in one for one in lines)


def test_a_script_at_a_terminal_is_silent() -> None:
    assert on_a_terminal() == ("", "900\n")
