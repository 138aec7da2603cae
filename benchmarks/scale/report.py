"""benchmarks/RESULTS.md: the lines that were measured, their ratios, and which bounds they keep.

The file is its own store: what a call of the command did not measure is read from it and stays. Only lines of one call
are divided by one another.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata

from benchmarks.scale.steps import WHAT
from benchmarks.scale.tables import TABLES

COLUMNS = [
    "table", "step", "call", "runs", "seconds", "/ floor", "/ KMeans", "fit, seconds", "peak MiB", "above copy", "k",
]  # fmt: skip


@dataclass(frozen=True)
class Line:
    """``call`` counts the calls of the command, ``runs`` the repetitions whose median ``seconds`` is."""

    table: str
    step: str
    call: int
    runs: int
    seconds: float
    fit: float | None
    peak: int
    k: int


Lines = Mapping[tuple[str, str], Line]

# What benchmarks/multiples.py writes into the same file, at its end.
BEGIN, END = "\n<!-- multiples -->\n", "\n<!-- end of multiples -->\n"


def multiples(text: str) -> str:
    """The section of benchmarks/multiples.py in a written report, with its marks; nothing where there is none."""
    return f"{BEGIN}{text.partition(BEGIN)[2].partition(END)[0]}{END}" if BEGIN in text else ""


def table(columns: list[str], rows: list[list[str]]) -> str:
    return "\n".join(
        [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *(f"| {' | '.join(r)} |" for r in rows)]
    )


def cells(line: Line, lines: Lines) -> list[str]:
    """Of one line; what compares it with a line of another call stays empty."""

    def base(step: str) -> Line | None:
        other = lines.get((line.table, step))
        return other if other and other.call == line.call else None

    ratios = [f"{line.seconds / other.seconds:.2f}" if (other := base(step)) else "" for step in ("floor", "KMeans")]
    above = str(line.peak - copied.peak) if (copied := base("copy")) else ""
    fit = "" if line.fit is None else f"{line.fit:g}"
    numbers = [str(line.call), str(line.runs), f"{line.seconds:g}", *ratios, fit, str(line.peak), above, str(line.k)]
    return [line.table, line.step, *numbers]


def read(text: str) -> tuple[dict[tuple[str, str], Line], dict[int, str]]:
    """The lines of a written report, and the machine of every call."""
    lines, machines = {}, {}
    for row in text.splitlines():
        if row.startswith("- call "):
            number, machine = row.removeprefix("- call ").split(": ", 1)
            machines[int(number)] = machine
        found = [cell.strip() for cell in row.strip("|").split("|")]
        if row.startswith("| ") and len(found) == len(COLUMNS) and found[0] in TABLES and found[1] in WHAT:
            name, step, call, runs, seconds, _, _, fit, peak, _, k = found
            taken = float(fit) if fit else None
            lines[name, step] = Line(name, step, int(call), int(runs), float(seconds), taken, int(peak), int(k))
    return lines, machines


@dataclass(frozen=True)
class Bound:
    """``numbers`` gives what was measured and what is allowed, from the lines that it needs."""

    text: str
    needs: list[tuple[str, str]]
    numbers: Callable[..., tuple[float, float]]
    unit: str = "s"


def bounds() -> list[Bound]:
    ours, small, large = ("10M x 8", "ppp_cluster"), ("10M x 8, 2 GB", "ppp_cluster"), ("100M x 8, 2 GB", "ppp_cluster")
    repeated = "10M x 8, 500 distinct"

    def faster(step: str) -> Bound:
        needs = [(repeated, step), ("10M x 8", step)]
        return Bound(f"{repeated}: `{step}` faster than all distinct", needs, lambda a, b: (a.seconds, b.seconds))

    return [
        Bound(
            "10M x 8: `ppp_cluster` at most 3 x floor + its fit",
            [ours, ("10M x 8", "floor")],
            lambda own, floor: (own.seconds, 3 * floor.seconds + (own.fit or 0)),
        ),
        Bound(
            "10M x 8: `ppp_cluster` at most 0.5 x KMeans",
            [ours, ("10M x 8", "KMeans")],
            lambda own, other: (own.seconds, other.seconds / 2),
        ),
        Bound(
            "10M x 8: `ppp_cluster` at most 1/20 of the sweep",
            [ours, ("10M x 8", "sweep")],
            lambda own, other: (own.seconds, other.seconds / 20),
        ),
        Bound(
            "100M x 8, 2 GB: `ppp_cluster` at most 12 x the one of 10M x 8, 2 GB",
            [large, small],
            lambda own, other: (own.seconds, 12 * other.seconds),
        ),
        Bound(
            "100M x 8, 2 GB: peak of `ppp_cluster` less than 1.5 GB above `copy`",
            [large, ("100M x 8, 2 GB", "copy")],
            lambda own, other: (own.peak - other.peak, 1.5e9 / 2**20),
            "MiB",
        ),
        faster("ppp_cluster"),
        faster("ppp_fit"),
    ]


def verdicts(lines: Lines) -> list[list[str]]:
    """A row for each bound whose lines are there."""
    rows = []
    for bound in bounds():
        if not all(need in lines for need in bound.needs):
            continue
        used = [lines[need] for need in bound.needs]
        measured, allowed = bound.numbers(*used)
        numbers = [f"{measured:.2f} {bound.unit}", f"{allowed:.2f} {bound.unit}", f"{measured / allowed:.2f}"]
        met = "yes" if measured <= allowed else "**no**"
        rows.append([bound.text, *numbers, met, ", ".join(str(call) for call in sorted({line.call for line in used}))])
    return rows


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {metadata.version(name)}" for name in ("duckdb", "numpy", "scikit-learn")]
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.machine()}; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def report(lines: Lines, machines: Mapping[int, str]) -> str:
    order = sorted(lines.values(), key=lambda line: ([*TABLES].index(line.table), [*WHAT].index(line.step)))
    calls = sorted({line.call for line in order})
    met = verdicts(lines)
    head = ["bound", "measured", "allowed", "measured / allowed", "met", "call"]
    return "\n".join(
        [
            "# Large tables\n",
            "Written by `python -m benchmarks.scale.run`. *seconds* is the median of so many *runs*. Every step has a "
            "process of its own; *peak* is that of the whole process, with DuckDB and, where no memory limit is named, "
            "the table in memory; *above copy* is what it is above the peak of `copy`, negative if below. Lines with "
            "the same *call* were measured by one call of the command, one after the other; a ratio to a line of "
            "another call would compare two states of a machine, and is left out. Under *Bounds* such pairs are "
            "compared, and both calls named.\n",
            *(f"- `{step}`: {what}." for step, what in WHAT.items()),
            "",
            *(f"- call {call}: {machines.get(call, 'not recorded')}" for call in calls),
            "",
            table(COLUMNS, [cells(line, lines) for line in order]),
            "\n## Bounds\n",
            table(head, met) if met else "None: the tables that have bounds were not measured.",
            "",
        ]
    )
