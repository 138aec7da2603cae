"""Spark: ``ppp_duck.spark.cluster`` against MLlib's KMeans, whole, and a thousand groups on one core and on two.

``python -m benchmarks.spark [--rows N] [--times N] [--groups N] [--data FOLDER]``. It needs the extra ``[spark]`` and
Java. Both read the same Parquet file and write Parquet, in turns; KMeans is given k, ``cluster`` finds it.

The driver is two processes: Python, whose memory is measured above that of the idle session, and the JVM, which does
the work of the executors, too, on ``local``. It takes what it is allowed: ``--memory 1g`` shows that so much will do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession

from ppp_duck import spark

FEATURES = [f"x{j}" for j in range(8)]
K = 10


def rows_query(rows: int) -> str:
    """``K`` round clusters in 8 columns, the same in each run."""
    noise = (
        "sqrt(-2 * ln((hash(i * 16 + {j}) % 1000003 + 1) / 1000004)) * cos(hash(i * 16 + {j} + 8) % 1000003 / 159155.0)"
    )
    columns = ", ".join(
        f"((i % {K}) * {(3 * j + 1) % K} % {K}) * 3 + {noise.format(j=j)} AS x{j}" for j in range(len(FEATURES))
    )
    return f"SELECT {columns} FROM range({rows}) t(i)"


@contextmanager
def session(cores: int, memory: str = "3g") -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.memory", memory).config("spark.log.level", "ERROR")
    found = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    try:
        yield found
    finally:
        found.stop()


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def resident(pid: int | str = "self") -> float:
    """Megabytes of memory that a process has now (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def worked() -> dict[int, float]:
    """The seconds of processor time of each Python worker: a child of a child of the JVM, itself a child of ours."""
    ours = {os.getpid(): 0}
    took: dict[int, float] = {}
    for path in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        with suppress(OSError):  # it has ended
            _, parent, *rest = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(parent) in ours:
                own = int(path.parent.name)
                ours[own] = ours[int(parent)] + 1
                if ours[own] == 3:
                    took[own] = (int(rest[9]) + int(rest[10])) / os.sysconf("SC_CLK_TCK")
    return took


@contextmanager
def peak() -> Iterator[list[float]]:
    """The most memory of this process while it lasts, above what it had."""
    found, done, idle = [0.0], threading.Event(), resident()

    def watch() -> None:
        while not done.wait(0.02):
            found[0] = max(found[0], resident() - idle)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def cluster(df: DataFrame, out: str) -> None:
    spark.cluster(df).write.mode("overwrite").parquet(out)


def kmeans(df: DataFrame, out: str) -> None:
    rows = VectorAssembler(inputCols=FEATURES, outputCol="features").transform(df)
    found = KMeans(k=K, seed=1).fit(rows).transform(rows)
    found.drop("features").write.mode("overwrite").parquet(out)


def whole(folder: Path, rows: int, times: int, allowed: str) -> None:
    path = str(folder / f"rows_{rows}.parquet")
    duckdb.connect().execute(f"COPY ({rows_query(rows)}) TO '{path}' (ROW_GROUP_SIZE 250000)").fetchall()
    with session(2, allowed) as own:
        df = own.read.parquet(path)
        ways: dict[str, Callable[[], Any]] = {
            "cluster, k found": lambda: cluster(df, str(folder / "ours")),
            "KMeans, k given": lambda: kmeans(df, str(folder / "theirs")),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        memory = []
        for _ in range(times):
            for name, way in ways.items():
                with peak() as most:
                    took[name].append(seconds(way))
                memory += [most[0]] if name.startswith("cluster") else []
        k = own.read.parquet(str(folder / "ours")).select("cluster_id").distinct().count()
    print(f"{rows:,} x {len(FEATURES)}, local[2], spark.driver.memory {allowed}, {times} runs in turns")
    for name, all_times in took.items():
        said = ", ".join(f"{one:.1f}" for one in all_times)
        print(f"  {name}: median {statistics.median(all_times):.1f} s ({said})")
    ours, theirs = (statistics.median(one) for one in took.values())
    print(f"  ratio {ours / theirs:.2f}; k found: {k}; memory of the driver's Python above idle: {max(memory):.0f} MB")


def groups(folder: Path, count: int, each: int) -> None:
    path = str(folder / f"groups_{count}.parquet")
    query = (
        f"SELECT i % {count} AS g, x0, x1 FROM (SELECT *, row_number() OVER () AS i FROM ({rows_query(count * each)}))"
    )
    duckdb.connect().execute(f"COPY ({query}) TO '{path}'").fetchall()
    print(f"{count:,} groups of {each:,} rows x 2, fit")
    took, most = [], []
    for cores in (1, 2):
        with session(cores) as own:
            df, before = own.read.parquet(path), worked()
            took.append(seconds(lambda df=df: spark.fit(df, by=["g"])))  # type: ignore[misc]
            since = [time - before.get(worker, 0.0) for worker, time in worked().items()]
            times = [round(one, 1) for one in since if one > 1]  # some do nothing
            most.append(max(times))
            print(f"  local[{cores}]: {took[-1]:.1f} s; processor time of the workers {', '.join(map(str, times))} s")
    print(f"  2 cores against 1: {took[0] / took[1]:.2f} times as quick, {most[0] / most[1]:.2f} by processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--each", type=int, default=1000)
    parser.add_argument("--memory", default="3g", help="spark.driver.memory")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.data or Path(temporary)
        if given.rows:
            whole(folder, given.rows, given.times, given.memory)
        if given.groups:
            groups(folder, given.groups, given.each)


if __name__ == "__main__":
    main()
