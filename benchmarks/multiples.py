"""What each way of scoring takes, as multiples of the floor: ``python -m benchmarks.multiples [--rows N] [--write]``.

The floor is plain SQL that scores rows against known centres (benchmarks/scale/steps.py) and writes them to a table, as
all steps do. Everything is run in one process, the steps one after the other, so many times over; what counts is the
median of each. Models are fitted and stored before: only ``ppp_cluster`` is measured with its fit. The table of two
categories has two texts beside the eight numbers, of 3 and 5 values that go with the clusters. ``--write`` puts what
was found into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.scale import steps
from benchmarks.scale.report import BEGIN, END, machine, multiples, table
from benchmarks.scale.run import RESULTS
from benchmarks.scale.tables import Table, build, connect

MIXED = """CREATE TABLE mixed AS SELECT *,
  ['web', 'shop', 'phone'][1 + (id % 10 + hash(id) % 7 // 6)::BIGINT % 3] AS channel,
  ['north', 'east', 'south', 'west', 'centre'][1 + (id % 10 + hash(id + 1) % 5 // 4)::BIGINT % 5] AS region
FROM points"""
# What is measured, the bound that its multiple is to keep, and its statement.
STEPS = {
    "ppp_predict": (2.0, "FROM ppp_predict('points', model := 'seg')"),
    "ppp_cluster": (3.3, "FROM ppp_cluster('points', exclude := ['id'])"),
    "ppp_predict, full": (5.0, "FROM ppp_predict('points', model := 'seg', output := 'full')"),
    "ppp_cluster, full": (5.0, "FROM ppp_cluster('points', exclude := ['id'], output := 'full')"),
    "ppp_predict, two categories": (6.0, "FROM ppp_predict('mixed', model := 'seg_mixed')"),
    "ppp_cluster, two categories": (6.0, "FROM ppp_cluster('mixed', exclude := ['id'])"),
    "ppp_outliers": (4.0, "FROM ppp_outliers('points', model := 'seg')"),
    "ppp_profile": (10.0, "FROM ppp_profile('points', model := 'seg')"),
    "ppp_evaluate": (12.0, "FROM ppp_evaluate('points', model := 'seg')"),
}  # fmt: skip


def prepare(con: duckdb.DuckDBPyConnection, points: Table) -> None:
    """The tables, and a model of each."""
    build(con, points)
    con.execute(MIXED).fetchall()
    con.execute("CREATE TABLE seg AS FROM ppp_fit('points', exclude := ['id'])").fetchall()
    con.execute("CREATE TABLE seg_mixed AS FROM ppp_fit('mixed', exclude := ['id'])").fetchall()


def measured(
    con: duckdb.DuckDBPyConnection, points: Table, wanted: list[str], runs: int
) -> dict[str, tuple[float, float]]:
    """Median seconds of the floor and of every step that is wanted: of the clock, and of all processors."""

    def create(query: str) -> Callable[[], object]:
        return lambda: con.execute(f"CREATE OR REPLACE TABLE out AS {query}").fetchall()

    calls = {"floor": lambda: steps.floor(con, points), **{name: create(STEPS[name][1]) for name in wanted}}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            con.execute("DROP TABLE IF EXISTS out").fetchall()
            clock, processors = time.perf_counter(), time.process_time()
            call()
            found[name].append((time.perf_counter() - clock, time.process_time() - processors))
    return {name: (median(one[0] for one in both), median(one[1] for one in both)) for name, both in found.items()}


def report(rows: int, runs: int, seconds: dict[str, tuple[float, float]]) -> str:
    """The bounds are of the clock; with other work on the machine multiples of processor time say more."""
    lines = []
    for name, (clock, processors) in seconds.items():
        bound, times = STEPS[name][0] if name in STEPS else 1.0, clock / seconds["floor"][0]
        numbers = [f"{clock:.3f}", f"{times:.2f}", f"{bound:g}", "yes" if times <= bound else "no"]
        lines.append([name, *numbers, f"{processors:.3f}", f"{processors / seconds['floor'][1]:.2f}"])
    said = f"`python -m benchmarks.multiples`: {rows:,} rows x 8, medians of {runs}. {machine()}.\n"
    head = ["step", "seconds", "/ floor", "bound", "met", "processor seconds", "/ floor's"]
    return "\n".join([said, table(head, lines)])


def write(path: Path, text: str) -> None:
    """Put the report behind that of benchmarks/scale/run.py, in the place of the one that is there."""
    old = path.read_text(encoding="utf-8")
    head = old.replace(multiples(old), "").rstrip()
    path.write_text(f"{head}\n{BEGIN}\n## Multiples of the floor\n\n{text}\n{END}", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--steps", nargs="+", default=list(STEPS), choices=list(STEPS), metavar="STEP")
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    points = Table(chosen.rows, 8)
    con = connect(points, ":memory:")
    prepare(con, points)
    text = report(chosen.rows, chosen.runs, measured(con, points, chosen.steps, chosen.runs))
    print(text)
    if chosen.write:
        write(RESULTS, text)


if __name__ == "__main__":
    main()
