"""``python -m benchmarks.processors``: are ids, k and stored models the same on every processor?

OpenBLAS has a kernel for each kind of processor, and numpy loops of its own. ``OPENBLAS_CORETYPE`` and
``NPY_DISABLE_CPU_FEATURES`` let one machine play the others. Each combination of kernel and threads is a process that
fits every case; what differs from the first one is listed. A kernel which this processor cannot run is left out. The
last one also moves what numpy's exp and log give by a unit in the last place, as another instruction set does.

    python -m benchmarks.processors                 sets, families and tables of up to 1,200 rows: some minutes
    python -m benchmarks.processors --all           all of them: hours
    python -m benchmarks.processors --python P ...  the same with other interpreters, too (numpy 1.26)
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ppp_duck
from benchmarks.quality import run
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats

KERNELS = ("Haswell", "Nehalem", "SandyBridge", "SkylakeX")
NEEDS = {"SkylakeX": "avx512f", "Haswell": "avx2", "SandyBridge": "avx"}  # without it: an illegal instruction
OLDER = {"Nehalem", "SandyBridge"}  # processors without what numpy's faster loops need
SMALL = 1200  # rows
PARTS = ("sets", "families", "tables")


@dataclass(frozen=True)
class Found:
    """What one process finds for one case."""

    ids: list[int]
    k: int
    model: bytes
    numbers: list[float]


@dataclass(frozen=True)
class Processor:
    """A process that plays a processor."""

    kernel: str
    threads: int
    python: str = sys.executable
    shaken: bool = False

    @property
    def name(self) -> str:
        other = "" if self.python == sys.executable else f", {self.python}"
        return f"{self.kernel}, {self.threads} thread{'s' * (self.threads > 1)}{other}" + ", shaken" * self.shaken

    def environment(self) -> dict[str, str]:
        found = dict(os.environ, OPENBLAS_CORETYPE=self.kernel, OPENBLAS_NUM_THREADS=str(self.threads))
        found.pop("NPY_DISABLE_CPU_FEATURES", None)
        if self.kernel in OLDER:
            found["NPY_DISABLE_CPU_FEATURES"] = " ".join(dispatched(self.python))
        return found


def dispatched(python: str) -> list[str]:
    """The sets of instructions that this interpreter's numpy chooses its loops by, of those that are here."""
    code = (
        "import importlib\n"
        "try: m = importlib.import_module('numpy._core._multiarray_umath')\n"
        "except ImportError: m = importlib.import_module('numpy.core._multiarray_umath')\n"
        "print(*[x for x in m.__cpu_dispatch__ if m.__cpu_features__[x]])"
    )
    clean = {name: value for name, value in os.environ.items() if name != "NPY_DISABLE_CPU_FEATURES"}
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, env=clean).stdout.split()


def runnable(kernel: str) -> bool:
    """Whether this processor has the instructions of a kernel; where that is not told, only the oldest is run."""
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.exists() else set()
    return NEEDS.get(kernel, "sse2") in flags


def numbers_of(value: Any) -> list[float]:
    """All numbers of a dataclass, in the order of its fields."""
    if is_dataclass(value):
        return [one for field in fields(value) for one in numbers_of(getattr(value, field.name))]
    if isinstance(value, tuple | list):
        return [one for part in value for one in numbers_of(part)]
    if isinstance(value, np.ndarray):
        return [float(one) for one in value.ravel()]
    return [float(value)] if isinstance(value, int | float) else []


def of_rows(rows: Floats) -> Found:
    clustering = fit(rows)
    return Found(Scorer(clustering).assign(rows).tolist(), len(clustering.sizes), b"", numbers_of(clustering))


def of_table(path: Path, threads: int) -> Found:
    con = ppp_duck.connect(progress=False)
    con.execute(f"SET threads = {threads}")
    con.execute(f"CREATE TABLE t AS FROM '{path}'").fetchall()
    con.execute("CREATE TABLE model AS FROM ppp_fit('t')").fetchall()
    ids = con.execute("SELECT cluster_id FROM ppp_predict('t', model := 'model')").fetchall()
    model = con.execute("SELECT * FROM model ORDER BY cluster_id").fetchall()
    text = repr(model)
    numbers = [float(one) for one in re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", text)]
    return Found([-1 if one is None else one for (one,) in ids], len(model), text.encode(), numbers)


def families(bench: Path, largest: int) -> list[tuple[str, Floats]]:
    """The rows of each family, made once: their maker multiplies matrices, which every kernel rounds its own way."""
    spec = importlib.util.spec_from_file_location("families", bench / "families.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = []
    for _, name, _, make in module.CASES:
        rows, _ = make(np.random.default_rng([0, *map(ord, name)]))
        if len(rows) <= largest:
            found.append((name, np.asarray(module.standard(rows))))
    return found


def cases(bench: Path, made: Path, part: str, largest: int, threads: int) -> Iterator[tuple[str, Callable[[], Found]]]:
    """The cases of a part; nothing of one is read before it is asked."""
    if part == "sets":
        for one in run.labelled_sets(largest, bench):
            yield one.name, lambda one=one: of_rows(one.rows)  # type: ignore[misc]
    elif part == "families":
        for name, rows in pickle.loads(made.read_bytes()):
            yield f"families: {name}", lambda rows=rows: of_rows(rows)  # type: ignore[misc]
    else:
        for path in sorted((bench / "data" / "tables").glob("*.parquet")):
            yield f"tables: {path.stem}", lambda path=path: of_table(path, threads)  # type: ignore[misc]


def shake() -> None:
    """Moves what exp and log give by one unit in the last place, up, down or not: as the last bit of the value says."""

    def shaken(function: Callable[..., Any]) -> Callable[..., Any]:
        def moved(x: Any, *args: Any, **named: Any) -> Any:
            found = function(x, *args, **named)
            values = np.asarray(found)
            if values.dtype != np.float64:
                return found
            last = (np.array(values, order="C", ndmin=1).view(np.int64).reshape(values.shape) >> 1) % 3
            other = np.where(last == 0, np.nextafter(values, np.inf), values)
            other = np.where((last == 1) & (values != 0), np.nextafter(values, -np.inf), other)
            if named.get("out") is not None:
                named["out"][...] = other
                return named["out"]
            return other[()]

        return moved

    for name in ("exp", "log"):
        setattr(np, name, shaken(getattr(np, name)))


def child(options: argparse.Namespace) -> None:
    """Fits the cases and writes what it found, one after the other."""
    if options.shaken:
        shake()
    wanted = re.compile(options.only)
    with open(options.child, "wb") as file:
        for part in options.part:
            for name, find in cases(options.bench, options.made, part, options.rows, options.threads):
                if wanted.search(name):
                    pickle.dump((name, find()), file)
                    file.flush()


def found_by(one: Processor, options: argparse.Namespace, folder: str) -> dict[str, Found]:
    """What a processor finds, by case."""
    out = Path(folder) / "found"
    command = [one.python, "-m", "benchmarks.processors", "--child", str(out), "--threads", str(one.threads)]
    command += ["--rows", str(options.rows), "--bench", str(options.bench), "--only", options.only]
    command += ["--made", str(options.made)]
    command += ["--part", *options.part, *(["--shaken"] if one.shaken else [])]
    subprocess.run(command, check=True, env=one.environment(), cwd=Path(__file__).parents[1])
    found: dict[str, Found] = {}
    with out.open("rb") as file:
        while True:
            try:
                name, value = pickle.load(file)
            except EOFError:
                return found
            found[name] = value


def differences(first: dict[str, Found], other: dict[str, Found]) -> dict[str, list[str]]:
    """The cases, by what differs: 'ids', 'k' or 'model'."""
    found: dict[str, list[str]] = {"ids": [], "k": [], "model": []}
    for name, one in first.items():
        two = other[name]
        if one.k != two.k:
            found["k"].append(f"{name} ({one.k}, {two.k})")
        if one.ids != two.ids:
            rows = sum(a != b for a, b in zip(one.ids, two.ids, strict=True))
            found["ids"].append(f"{name} ({rows} of {len(one.ids)} rows)")
        if (one.numbers, one.model) != (two.numbers, two.model):
            found["model"].append(f"{name} ({largest_gap(one.numbers, two.numbers)})")
    return found


def largest_gap(one: list[float], two: list[float]) -> str:
    """The largest difference of two models' numbers, as a share of them."""
    if len(one) != len(two):
        return "another shape"
    a, b = np.array(one), np.array(two)
    gaps = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-9)
    return f"{np.count_nonzero(a != b)} of {len(a)} numbers, by up to {np.nanmax(gaps, initial=0.0):.1g}"


def processors(options: argparse.Namespace) -> list[Processor]:
    kernels = [kernel for kernel in options.kernels if runnable(kernel)]
    for kernel in sorted(set(options.kernels) - set(kernels)):
        print(f"{kernel}: not run, this processor lacks {NEEDS.get(kernel, 'it')}")
    found = [Processor(kernel, threads) for kernel in kernels for threads in options.threads_of]
    found += [Processor(kernel, 1, python) for python in options.python for kernel in kernels]
    if options.shake:
        found.append(Processor(kernels[-1], 1, shaken=True))
    return found


def arguments() -> argparse.Namespace:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--all", action="store_true", help="cases of any number of rows")
    told.add_argument("--rows", type=int, default=SMALL, help="of the largest case (tables: all are taken)")
    told.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    told.add_argument("--only", default="", help="cases whose name has this regular expression")
    told.add_argument("--kernels", nargs="+", default=KERNELS)
    told.add_argument("--threads-of", nargs="+", type=int, default=(1, 2), help="numbers of threads")
    told.add_argument("--python", nargs="+", default=(), help="interpreters with another numpy")
    told.add_argument("--no-shake", dest="shake", action="store_false", help="without another exp and log")
    told.add_argument("--bench", type=Path, default=run.BENCH, help="where the sets lie")
    told.add_argument("--child", help=argparse.SUPPRESS)
    told.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    told.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    told.add_argument("--shaken", action="store_true", help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.all:
        options.rows = 10**9
    return options


def main() -> None:
    options = arguments()
    if options.child:
        child(options)
        return
    first: dict[str, Found] | None = None
    with tempfile.TemporaryDirectory() as folder:
        options.made = Path(folder) / "families"
        made = families(options.bench, options.rows) if "families" in options.part else []
        options.made.write_bytes(pickle.dumps(made))
        for one in processors(options):
            start = time.perf_counter()
            found = found_by(one, options, folder)
            seconds = time.perf_counter() - start
            if first is None:
                first = found
                print(f"{one.name}: {len(found)} cases, {seconds:.0f} s; the others are compared with it", flush=True)
                continue
            print(f"{one.name}: {seconds:.0f} s; what differs", flush=True)
            for what, names in differences(first, found).items():
                print(f"  {what}: {len(names) or 'none'}", *names, sep="\n    " if names else "")


if __name__ == "__main__":
    main()
