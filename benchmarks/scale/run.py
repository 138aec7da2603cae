r"""Time and memory on large tables: ``python -m benchmarks.scale.run [--tables …] [--steps …] [--runs 5] [--rows …]``.

Without arguments (``make bench``) it takes some minutes: the tables of one million rows x 8, every step but the sweep.
The whole takes hours::

    python -m benchmarks.scale.run --tables "1M x 8" "1M x 8, 500 distinct" "10M x 8" "10M x 8, 500 distinct"
    python -m benchmarks.scale.run --tables "10M x 32" "1M x FLOAT[384]"
    python -m benchmarks.scale.run --tables "10M x 8, 2 GB" "100M x 8, 2 GB" --steps copy floor ppp_cluster ppp_fit \
        ppp_predict
    python -m benchmarks.scale.run --tables "1M x 4, 1000 groups" --runs 1
    python -m benchmarks.scale.run --tables "10M x 8" --steps sweep --runs 1
    python -m benchmarks.scale.equal

The results go to benchmarks/RESULTS.md: what was measured is written anew after each step, every other line stays. A
step that fails loses its line. ``--rows`` is for trying it out: it cuts the tables, and prints instead of writing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.scale import steps
from benchmarks.scale.report import Line, machine, multiples, read, report
from benchmarks.scale.tables import TABLES, Table, build, connect
from ppp_duck.engine import pipeline

RESULTS = Path(__file__).parents[1] / "RESULTS.md"
QUICK = ["1M x 8", "1M x 8, 500 distinct"]


def cut(name: str, rows: int | None) -> Table:
    table = TABLES[name]
    return replace(table, rows=min(rows or table.rows, table.rows))


def child(name: str, step: str, runs: int, rows: int | None, database: str) -> None:
    """One step, or ``build``, which makes the file that the steps then read: a peak should not be that of making it."""
    table = cut(name, rows)
    fits: list[float] = []
    own = pipeline.fit

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = own(*arguments, **options)
        fits.append(time.perf_counter() - start)
        return result

    pipeline.fit = timed
    con = connect(table, database)
    if step == "build" or database == ":memory:":
        build(con, table)
    if step == "build":
        con.close()
        print("null")
        return
    if step == "ppp_predict":
        steps.fit(con, table)
    steps.load(step)
    seconds, inside, k = [], [], 0
    for _ in range(runs):
        fits.clear()
        start = time.perf_counter()
        k = steps.STEPS[step](con, table)
        seconds.append(time.perf_counter() - start)
        inside.append(sum(fits))
    for left in ("out", "seg"):  # the next step finds the file as this one did
        con.execute(f"DROP TABLE IF EXISTS {left}").fetchall()
    con.close()
    line = {
        "seconds": round(statistics.median(seconds), 3),
        "fit": round(statistics.median(inside), 3) if fits else None,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "k": k,
    }
    print(json.dumps(line))


def start(*arguments: Any) -> dict[str, Any] | None:
    """What the step printed, or None if it failed; ``arguments`` are those of ``child``."""
    command = [sys.executable, "-m", "benchmarks.scale.run", "--child", json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        print(f"{arguments[0]}, {arguments[1]}: FAILED: {said[-1]}", flush=True)
        return None
    found: dict[str, Any] | None = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure(tables: list[str], wanted: list[str], runs: int, rows: int | None) -> bool:
    """Whether every step came to its end."""
    lines, machines = read(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and not rows else ({}, {})
    call = 1 + max((line.call for line in lines.values()), default=0)
    machines[call] = machine()
    whole = True
    for name in tables:
        with tempfile.TemporaryDirectory() as directory:
            database = ":memory:"
            if TABLES[name].memory_limit:
                database = f"{directory}/points.db"
                start(name, "build", 1, rows, database)
            for step in wanted:
                if not steps.applies(step, TABLES[name]) or (step == "faiss" and not importlib.util.find_spec("faiss")):
                    continue
                found = start(name, step, runs, rows, database)
                lines.pop((name, step), None)
                if found is None:
                    whole = False
                else:
                    print(name, step, found, flush=True)
                    lines[name, step] = Line(name, step, call, runs, **found)
                if not rows:
                    beside = multiples(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else ""
                    RESULTS.write_text(report(lines, machines) + beside, encoding="utf-8")
    if rows:
        print(report(lines, machines))
    return whole


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tables", nargs="+", default=QUICK, choices=[*TABLES], metavar="TABLE")
    quick = [step for step in steps.STEPS if step != "sweep"]
    options.add_argument("--steps", nargs="+", default=quick, choices=[*steps.STEPS], metavar="STEP")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--rows", type=int)
    options.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(*chosen.child)
    elif not measure(chosen.tables, chosen.steps, chosen.runs, chosen.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
