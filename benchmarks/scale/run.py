"""``python -m benchmarks.scale.run [--tables …] [--steps …] [--runs 3]``: one table of ratios, benchmarks/RESULTS.md.

The lines of the tables that are run are written anew, those of the others stay. Every step runs in a process of its
own, on a table that SQL made from the row number; its time is the median of the runs, its memory the peak of the whole
process, DuckDB and the table (where it is in memory) included.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import ppp_duck
from ppp_duck.engine import pipeline

RESULTS = Path(__file__).parents[1] / "RESULTS.md"
CLUSTERS = 10
SWEEP = range(2, 21)


@dataclass(frozen=True)
class Table:
    """``distinct`` rows repeated up to ``rows``; ``memory_limit`` means: in a DuckDB file, under this limit.

    With ``groups``, every group is clustered by itself.
    """

    rows: int
    features: int
    distinct: int | None = None
    vector: bool = False
    memory_limit: str | None = None
    groups: int | None = None

    @property
    def options(self) -> str:
        return "exclude := ['id']" + (", by := ['store']" if self.groups else "")


TABLES = {
    "1M x 8": Table(1_000_000, 8),
    "1M x 8, 500 distinct": Table(1_000_000, 8, 500),
    "1M x 4, 1000 groups": Table(1_000_000, 4, groups=1000),
    "10M x 8": Table(10_000_000, 8),
    "10M x 8, 500 distinct": Table(10_000_000, 8, 500),
    "10M x 32": Table(10_000_000, 32),
    "1M x FLOAT[384]": Table(1_000_000, 384, vector=True),
    "100M x 8, 2 GB": Table(100_000_000, 8, memory_limit="2GB"),
}
QUICK = ["1M x 8", "1M x 8, 500 distinct"]


def center(cluster: str, feature: int) -> str:
    return f"(hash({cluster} * 77 + {feature}) % 1000) / 60e0"


def build(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Ten round clusters, and every twentieth row uniform noise; all from a hash of the row number ``j``."""
    uniform = "((hash(j * 1000 + {}) % 1000003) + 0.5e0) / 1000003e0"
    values = [
        f"CASE WHEN j % 20 = 19 THEN 18 * {uniform.format(2 * f)} ELSE sqrt(-2 * ln({uniform.format(2 * f)})) "
        f"* cos(2 * pi() * {uniform.format(2 * f + 1)}) + {center(f'(j % {CLUSTERS})', f)} END"
        for f in range(table.features)
    ]
    if table.vector:
        columns = f"[{', '.join(values)}]::FLOAT[] AS v"
    else:
        columns = ", ".join(f"{value} AS f{f}" for f, value in enumerate(values))
    if table.groups:
        columns += f", i // 20 % {table.groups} AS store"
    j = "i" if table.distinct is None else f"i % {table.distinct}"
    numbers = f"SELECT i, {j} AS j FROM range({table.rows}) r(i)"
    con.execute(f"CREATE TABLE points AS SELECT i AS id, {columns} FROM ({numbers})").fetchall()


def floor(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Plain SQL that scores every row against the known centres: the largest of c x - c c / 2."""
    scores = []
    for c in range(CLUSTERS):
        (values,) = con.execute("SELECT " + ", ".join(center(str(c), f) for f in range(table.features))).fetchall()
        terms = [f"{v:.17e} * f{f}" for f, v in enumerate(values)]
        scores.append(f"{' + '.join(terms)} + {-sum(v * v for v in values) / 2:.17e} AS s{c}")
    best = f"greatest({', '.join(f's{c}' for c in range(CLUSTERS))})"
    case = "CASE " + " ".join(f"WHEN s{c} = best THEN {c}" for c in range(CLUSTERS)) + " END"
    scored = f"SELECT *, {best} AS best FROM (SELECT *, {', '.join(scores)} FROM points)"
    names = ", ".join(["id", *(f"f{f}" for f in range(table.features))])
    con.execute(f"CREATE OR REPLACE TABLE out AS SELECT {names}, {case} AS cluster_id FROM ({scored})").fetchall()
    return CLUSTERS


def cluster(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute(f"CREATE OR REPLACE TABLE out AS FROM ppp_cluster('points', {table.options})").fetchall()
    ((k,),) = con.execute("SELECT count(DISTINCT cluster_id) FROM out").fetchall()
    return int(k)


def fit(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('points', {table.options})").fetchall()
    ((k,),) = con.execute("SELECT count(DISTINCT cluster_id) FROM seg").fetchall()
    return int(k)


def predict(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute("CREATE OR REPLACE TABLE out AS FROM ppp_predict('points', model := 'seg')").fetchall()
    ((k,),) = con.execute("SELECT count(DISTINCT cluster_id) FROM out").fetchall()
    return int(k)


def scaled(con: duckdb.DuckDBPyConnection, table: Table) -> Any:
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    frame = con.sql("SELECT * EXCLUDE (id) FROM points").df()
    rows = np.stack(frame["v"].to_list()) if table.vector else frame.to_numpy()
    return StandardScaler().fit_transform(rows)


def join_back(con: duckdb.DuckDBPyConnection, labels: Any) -> int:
    import pandas as pd

    found = pd.DataFrame({"id": con.sql("SELECT id FROM points").fetchnumpy()["id"], "cluster_id": labels})
    assert len(found)
    joined = "SELECT points.*, cluster_id FROM points JOIN found USING (id)"
    con.execute(f"CREATE OR REPLACE TABLE out AS {joined}").fetchall()
    return CLUSTERS


def kmeans(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    from sklearn.cluster import KMeans

    return join_back(con, KMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(scaled(con, table)))


def minibatch(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    from sklearn.cluster import MiniBatchKMeans

    return join_back(con, MiniBatchKMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(scaled(con, table)))


def faiss(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    import faiss as library  # type: ignore[import-not-found, import-untyped, unused-ignore]

    rows = scaled(con, table).astype("float32")
    model = library.Kmeans(rows.shape[1], CLUSTERS, niter=25, seed=0)
    model.train(rows)
    return join_back(con, model.index.search(rows, 1)[1][:, 0])


def sweep(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """K-means for every k from 2 to 20, and the k of the best silhouette on 10,000 rows."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rows = scaled(con, table)
    best: tuple[float, int, Any] = (-2.0, 0, None)
    for k in SWEEP:
        labels = KMeans(k, n_init=1, random_state=0).fit_predict(rows)
        score = float(silhouette_score(rows, labels, sample_size=10_000, random_state=0))
        if score > best[0]:
            best = score, k, labels
    join_back(con, best[2])
    return best[1]


STEPS: dict[str, Callable[[duckdb.DuckDBPyConnection, Table], int]] = {
    "floor": floor,
    "ppp_cluster": cluster,
    "ppp_fit": fit,
    "ppp_predict": predict,
    "KMeans": kmeans,
    "MiniBatchKMeans": minibatch,
    "faiss": faiss,
    "sweep": sweep,
}
WHAT = {
    "floor": "plain SQL that scores rows against known centres",
    "ppp_cluster": "one statement, k not given; *fit* is the part of it that the engine takes",
    "ppp_fit": "the model alone, stored as a table",
    "ppp_predict": "scoring with that stored model",
    "KMeans": "fetch into pandas, StandardScaler, scikit-learn KMeans with k given and n_init=1, ids joined back",
    "MiniBatchKMeans": "the same with MiniBatchKMeans",
    "faiss": "the same with faiss.Kmeans, 25 iterations",
    "sweep": "the same with KMeans for k = 2 to 20, the best silhouette on 10,000 rows",
}


def child(name: str, step: str, runs: int) -> None:
    table = TABLES[name]
    fits: list[float] = []
    own = pipeline.fit

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = own(*arguments, **options)
        fits.append(time.perf_counter() - start)
        return result

    pipeline.fit = timed
    with tempfile.TemporaryDirectory() as directory:
        con = ppp_duck.connect(f"{directory}/points.db" if table.memory_limit else ":memory:")
        con.execute("SET enable_progress_bar = false").fetchall()
        if table.memory_limit:
            con.execute(f"SET memory_limit = '{table.memory_limit}'").fetchall()
            con.execute("SET preserve_insertion_order = false").fetchall()
        build(con, table)
        if step == "ppp_predict":
            fit(con, table)
            fits.clear()
        seconds, k = [], 0
        for _ in range(runs):
            start = time.perf_counter()
            k = STEPS[step](con, table)
            seconds.append(time.perf_counter() - start)
        con.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {
        "seconds": statistics.median(seconds),
        "fit": sum(fits) / runs if fits else None,
        "peak": peak,
        "k": k,
    }
    print(json.dumps(line))


def measure(name: str, step: str, runs: int) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.scale.run", "--child", name, step, "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}, {step}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def kept(names: list[str]) -> list[str]:
    """The lines that stay: of tables that are not among those."""
    if not RESULTS.exists():
        return []
    cells = [line.split(" | ") for line in RESULTS.read_text().splitlines() if line.startswith("| ")]
    own = [line for line in cells if line[0][2:] in TABLES and line[0][2:] not in names]
    return [" | ".join(line) for line in own]


def report(lines: list[str]) -> str:
    import numpy
    import sklearn

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, numpy {numpy.__version__}"
    explained = "\n".join(f"- `{step}`: {what}." for step, what in WHAT.items())
    columns = ["table", "step", "runs", "seconds", "/ floor", "/ KMeans", "fit, seconds", "peak MB", "k"]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    return (
        f"# Large tables\n\nWritten by `python -m benchmarks.scale.run`; medians. {os.cpu_count()} cores, "
        f"{memory:.0f} GB, {platform.machine()}; {versions}, scikit-learn {sklearn.__version__}. "
        "Every step in a process of its own; *peak* is the whole process, with DuckDB and the table in memory.\n\n"
        f"{explained}\n\n{head}\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--tables", nargs="*", default=QUICK, choices=[*TABLES], help="default: those that take minutes"
    )
    options.add_argument("--steps", nargs="*", default=[s for s in STEPS if s != "sweep"], choices=[*STEPS])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child[0], chosen.child[1], chosen.runs)
        return
    lines = kept(chosen.tables)
    for name in chosen.tables:
        base: dict[str, float] = {}
        rows = []
        for step in chosen.steps:
            if (TABLES[name].groups and not step.startswith("ppp_")) or (step == "floor" and TABLES[name].vector):
                continue
            if step == "faiss" and not importlib.util.find_spec("faiss"):
                continue
            found = measure(name, step, chosen.runs)
            if found is not None:
                base[step] = found["seconds"]
                rows.append((step, found))
                print(name, step, {key: value and round(value, 2) for key, value in found.items()}, flush=True)
        for step, found in rows:
            ratios = [f"{found['seconds'] / base[other]:.2f}" if other in base else "" for other in ("floor", "KMeans")]
            fit = "" if found["fit"] is None else f"{found['fit']:.2f}"
            cells = [
                name,
                step,
                str(chosen.runs),
                f"{found['seconds']:.2f}",
                *ratios,
                fit,
                f"{found['peak']:.0f}",
                str(found["k"]),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines.sort(key=lambda line: list(TABLES).index(line.split(" | ")[0][2:]))
        RESULTS.write_text(report(lines))


if __name__ == "__main__":
    main()
