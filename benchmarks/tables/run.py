"""``python -m benchmarks.tables.run [--quick] [--seeds 4] [--only far]``: what the bare call makes of whole tables.

A line a case: what was wanted, what came out, and whether that will do. Seeds of the first half are those that rules
may be tuned on; the others are reported only.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import ppp_duck
from benchmarks.tables.bare_call import Found, cluster
from benchmarks.tables.families import FAMILIES, Generator, bare

BENCH = Path(__file__).parents[3] / "shared" / "bench" / "data"
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOISE_ARI = 0.95
HOLES_LOSS = 0.05
CLASSES_PART = 0.9  # of the ARI of k-means with k given


@dataclass(frozen=True)
class Line:
    part: str
    case: str
    half: str
    wanted: str
    found: str
    right: bool
    score: float = np.nan
    seconds: float = 0.0


def rng(seed: int, name: str) -> Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def numbered(x: Floats, name: str = "x") -> dict[str, Any]:
    return {f"{name}{i}": column for i, column in enumerate(np.asarray(x).T)}


def blobs(g: Generator, n: int, d: int, k: int, gap: float) -> tuple[Floats, Ints]:
    """Round Gaussians at the corners of a simplex, or along a line, the nearest ``gap`` standard deviations apart."""
    y = g.integers(k, size=n)
    centers = (
        gap * np.eye(max(d, k))[:k, :d] / np.sqrt(2)
        if d >= k
        else gap * np.stack([np.arange(k), np.arange(k) ** 2 % 3], 1)[:, :d]
    )
    return centers[y] + g.normal(size=(n, d)), y


class Runner:
    """Prints lines as they come, and keeps them."""

    def __init__(self, seeds: int, quick: bool) -> None:
        self.seeds, self.quick, self.lines = seeds, quick, list[Line]()

    def halves(self) -> Iterator[tuple[int, str]]:
        for seed in range(self.seeds):
            yield seed, "tuned" if seed < (self.seeds + 1) // 2 else "held out"

    def some(self, values: Iterable[Any]) -> list[Any]:
        return list(values)[:1] if self.quick else list(values)

    def tell(
        self, part: str, case: str, half: str, wanted: str, found: Found, y: Ints, least: float | None = None
    ) -> None:
        """A line about ids: ``least`` is the least ARI; None: exactly as many clusters as there are segments."""
        k, ari, ids = len(set(y[y >= 0].tolist())), found.ari(y), float((found.ids >= 0).mean())
        right = (found.k == k if least is None else ari >= least) and ids > 0.995
        self.note(
            Line(part, case, half, wanted, found.error or f"k {found.k}, ARI {ari:.3f}, ids {ids:.1%}", right, ari)
        )

    def note(self, line: Line) -> None:
        self.lines.append(line)
        wrong = "" if line.right else "WRONG"
        print(f"{line.part:9} {line.case:44} {line.half:9} {line.wanted:24} {line.found:34} {wrong}", flush=True)


def families(run: Runner) -> None:
    for name, (k, make) in FAMILIES.items():
        for seed, half in run.halves():
            made, y = make(rng(seed, name))
            marks = {bare(column): column for column in made.column_names}
            start = time.perf_counter()
            found = cluster(made.rename_columns(list(marks)))
            keys = [column for column, mark in marks.items() if mark.startswith("key_") and column in found.used]
            lost = [column for column, mark in marks.items() if mark.startswith("real_") and column not in found.used]
            ari, ids, seconds = found.ari(y), float((found.ids >= 0).mean()), time.perf_counter() - start
            said = (
                f"k {found.k}, ARI {ari:.2f}" + (f", keys {keys}" if keys else "") + (f", lost {lost}" if lost else "")
            )
            right = found.k == k and ids > 0.995 and not keys and not lost
            run.note(Line("families", f"{name} {seed}", half, f"k {k}", found.error or said, right, ari, seconds))


def flips(run: Runner) -> None:
    kinds: dict[str, Callable[[Any], Any]] = {
        "booleans": lambda x: x,
        "yes/no": lambda x: np.where(x, "yes", "no"),
        "0/1": lambda x: x.astype(int),
    }
    for seed, half in run.halves():
        for count in run.some((8, 4, 16, 24)):
            x = rng(seed, f"flips{count}").random((2000, count)) < 0.5
            for kind, form in kinds.items():
                table = {name: pa.array(column) for name, column in numbered(form(x)).items()}
                run.tell("flips", f"{count} {kind}", half, "k 1", cluster(table), np.zeros(2000, dtype=np.int64))


def classes(run: Runner) -> None:
    for seed, half in run.halves():
        for n in run.some((2000, 600)):
            g = rng(seed, f"classes{n}")
            y, chances = g.integers(3, size=n), g.choice([0.15, 0.85], size=(3, 16))
            x = g.random((n, 16)) < chances[y]
            least = CLASSES_PART * adjusted_rand_score(y, KMeans(3, n_init=20, random_state=0).fit_predict(x))
            for kind, form in {"booleans": x, "yes/no": np.where(x, "yes", "no"), "0/1": x.astype(int)}.items():
                found = cluster({name: pa.array(column) for name, column in numbered(form).items()})
                run.tell("classes", f"3 classes, 16 {kind}, {n} rows", half, f"ARI >= {least:.3f}", found, y, least)


def poisson(run: Runner) -> None:
    for seed, half in run.halves():
        for mean in run.some((1.2, 0.3, 0.6, 3.0, 10.0, 30.0)):
            for n in run.some((2000, 500)):
                g = rng(seed, f"poisson{mean}{n}")
                table = {"visits": g.poisson(mean, n), "a": g.normal(size=n), "b": g.normal(size=n)}
                run.tell(
                    "poisson",
                    f"mean {mean:g} beside two plain, {n} rows",
                    half,
                    "k 1",
                    cluster(table),
                    np.zeros(n, dtype=np.int64),
                )


def noise(run: Runner) -> None:
    for seed, half in run.halves():
        for count in run.some((3, 1, 10)):
            for levels in run.some((4, 2, 12)):
                g = rng(seed, f"noise{count}{levels}")
                x, y = blobs(g, 1500, 2, 3, 8.0)
                table = numbered(x) | {f"kind{i}": [f"k{j}" for j in g.integers(0, levels, 1500)] for i in range(count)}
                for options in ({}, {"k": 3}):
                    case = f"{count} of {levels} levels" + (", k := 3" if options else "")
                    run.tell("noise", case, half, f"ARI >= {NOISE_ARI}", cluster(table, **options), y, NOISE_ARI)


def far(run: Runner) -> None:
    """One row far away: the clusters of 600 and 400 stay, as many rows as there are have an id."""
    for n in run.some((1000, 100, 10_000)):
        for d in (1, 2):
            for factor in run.some((500.0, 10.0, 30.0, 100.0, 1e4, 1e6, 1e9)):
                g = rng(0, f"far{n}{d}")
                y = np.repeat([0, 1], [6 * n // 10, 4 * n // 10])
                x = g.normal(size=(n, d)) + 10.0 * y[:, None] * np.eye(d)[0]
                for options in ({}, {"k": 2}):
                    found = cluster(numbered(np.vstack([x, np.full((1, d), 10.0 * factor)])), **options)
                    sizes = np.sort(np.bincount(found.ids[:n][found.ids[:n] >= 0], minlength=2))[::-1][:3]
                    kept = adjusted_rand_score(y, found.ids[:n]) > 0.98 and found.k <= 3 and found.ids[-1] >= 0
                    case = f"1 in {n:,}, {d}-D, x {factor:g}" + (", k := 2" if options else "")
                    run.note(
                        Line(
                            "far",
                            case,
                            "held out",
                            "two stay, the row has an id",
                            found.error or f"{sizes.tolist()}, row {found.ids[-1]}",
                            kept,
                        )
                    )


def limit(x: Floats, holes: NDArray[np.bool_], y: Ints) -> float:
    """The most there is: ARI of the labels that Gaussians of labelled rows find most probable from what rows have."""
    labels, score = np.unique(y), np.empty((len(x), len(np.unique(y))))
    for j, label in enumerate(labels):
        own = x[y == label]
        mean, covariance = own.mean(axis=0), np.cov(own.T)
        for i, has in enumerate(~holes):
            part, gap = covariance[np.ix_(has, has)], x[i, has] - mean[has]
            score[i, j] = np.log(len(own)) - 0.5 * (gap @ np.linalg.solve(part, gap) + np.linalg.slogdet(part)[1])
    return float(adjusted_rand_score(y, labels[score.argmax(axis=1)]))


def holed(run: Runner) -> None:
    sets = {name: pd.read_parquet(BENCH / f"{name}.parquet") for name in ("sipu/s1", "uci/wine", "Rpkg/penguins")}
    x, y = blobs(rng(0, "holes"), 2000, 8, 4, 6.0)
    sets["gaussians 8-D"] = pd.DataFrame({f"x{i + 1}": column for i, column in enumerate(x.T)} | {"label": y + 1})
    for name, rows in run.some(sets.items()):
        columns = [column for column in rows if column[0] == "x" and column[1:].isdigit()]
        x, y = rows[columns].to_numpy(float), rows["label"].to_numpy()
        whole = cluster(numbered(x)).ari(y - 1)
        for seed, half in run.halves():
            holes = rng(seed, name).random(x.shape) < 0.1
            empty = np.flatnonzero(holes.all(axis=1))
            holes[empty, 0] = False  # a row without any value has no id
            table = {f"x{i}": pa.array(x[:, i], mask=holes[:, i]) for i in range(len(columns))}
            least = min(whole, limit(x, holes, y)) - HOLES_LOSS  # of 2-D rows with holes nobody can tell all
            run.tell("holes", f"{name}, whole {whole:.3f}", half, f"ARI >= {least:.3f}", cluster(table), y - 1, least)


def rounded(run: Runner) -> None:
    for seed, half in run.halves():
        for n, d in run.some(((1000, 2), (1000, 1), (3000, 4))):
            g = rng(seed, f"rounded{n}{d}")
            x, y = blobs(g, n, d, 2, 6.0)
            for scale in (1.0, 3.0):
                run.tell(
                    "rounded",
                    f"sd {scale:g}, {n} x {d}",
                    half,
                    "k 2",
                    cluster(numbered(np.round(scale * x).astype(int))),
                    y,
                )
            run.tell(
                "rounded",
                f"one, {n} x {d}",
                half,
                "k 1",
                cluster(numbered(np.round(2 * g.normal(size=(n, d))).astype(int))),
                0 * y,
            )


def zeros(run: Runner) -> None:
    for seed, half in run.halves():
        for share in run.some((0.5, 0.1, 0.3, 0.8, 0.95)):
            g = rng(seed, f"zeros{share}")
            amounts = {
                f"paid{i}": np.where(g.random(2000) < share, 0.0, np.round(np.exp(g.normal(3, 0.8, 2000)), 2))
                for i in range(2)
            }
            run.tell(
                "zeros",
                f"{share:.0%} zeros, nothing else",
                half,
                "k 1",
                cluster(amounts | {"a": g.normal(size=2000)}),
                np.zeros(2000, dtype=np.int64),
            )
            x, y = blobs(g, 2000, 2, 3, 8.0)
            run.tell(
                "zeros",
                f"{share:.0%} zeros beside three",
                half,
                f"ARI >= {NOISE_ARI}",
                cluster(amounts | numbered(x)),
                y,
                NOISE_ARI,
            )


def broken(run: Runner) -> None:
    for seed, half in run.halves():
        for kind in run.some(("in all columns", "in one column", "each its own way")):
            g = rng(seed, f"broken{kind}")
            x, y = blobs(g, 2000, 3, 3, 8.0)
            if kind == "in one column":
                x[:10, 1] += 1000
            else:
                x[:10] += 1000 * (g.normal(size=(10, 3)) if kind == "each its own way" else 1)
            run.tell(
                "broken",
                f"ten rows 1,000 sd away {kind}",
                half,
                "k 3 of the others",
                cluster(numbered(x)),
                np.where(np.arange(2000) < 10, -1, y),
                NOISE_ARI,
            )


def scored(table: pa.Table, threads: int, source: str = "t") -> list[tuple[Any, ...]]:
    """Id and probability of each row, in the order of ``_n``."""
    con = ppp_duck.connect(progress=False)
    con.execute(f"SET threads = {threads}")
    con.register("given", table)
    con.execute("CREATE TABLE t AS FROM given").fetchall()
    call = f"ppp_cluster('{source}', exclude := ['_n'], output := 'full')"
    return con.execute(f"SELECT cluster_id, round(probability, 9) FROM {call} ORDER BY _n").fetchall()


def repeatable(run: Runner) -> None:
    """The same ids from a shuffled table, from Parquet, by one thread, and by the bare call."""
    for name in run.some(("stays", "employees", "shop", "machines", "skips")):
        made, _ = FAMILIES[name][1](rng(0, name))
        made = made.rename_columns([bare(column) for column in made.column_names]).append_column(
            "_n", pa.array(np.arange(len(made)))
        )
        order = rng(1, name).permutation(len(made))
        found = {"table": scored(made, 4), "shuffled": scored(made.take(order), 1)}
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "made.parquet"
            pq.write_table(made, file)
            found["file"] = scored(made, 2, str(file))
        found["fit and predict"] = [(int(one),) for one in cluster(made.drop(["_n"])).ids]
        differ = [
            way
            for way, rows in found.items()
            if [r[0] for r in rows] != [r[0] for r in found["table"]]
            or (way != "fit and predict" and rows != found["table"])
        ]
        run.note(
            Line("repeat", name, "held out", "the same ids", f"differs: {differ}" if differ else "the same", not differ)
        )


PARTS: tuple[Callable[[Runner], None], ...] = (
    families,
    flips,
    classes,
    poisson,
    noise,
    far,
    holed,
    rounded,
    zeros,
    broken,
    repeatable,
)


def summary(lines: list[Line]) -> str:
    table = pd.DataFrame(lines)
    table["part"] = table.part + ", " + table.half
    found = table.groupby("part", sort=False).agg(
        cases=("right", "size"), right=("right", "mean"), ari=("score", "mean"), least=("score", "min")
    )
    return str(found.round(3).to_string())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="one case of each part")
    options.add_argument("--seeds", type=int, default=4)
    options.add_argument("--only", default="", help="part of the name of a part")
    chosen = options.parse_args()
    run = Runner(1 if chosen.quick else chosen.seeds, chosen.quick)
    for part in PARTS:
        if chosen.only in part.__name__:
            part(run)
    print(summary(run.lines))


if __name__ == "__main__":
    main()
