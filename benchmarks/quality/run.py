"""``python -m benchmarks.quality.run [--large] [--null]``: the labelled sets of ../shared/bench, or null data."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Ints

BENCH = Path(__file__).parents[3] / "shared" / "bench"
FOLDER = Path(__file__).parent / "cache"  # of what takes minutes


def features(table: pd.DataFrame, real: bool) -> Floats:
    """Geometric sets raw, real ones z-scored."""
    rows: Floats = table[[c for c in table if c[0] == "x" and c[1:].isdigit()]].to_numpy(float)
    if real:
        spread = rows.std(axis=0)
        rows = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return rows


@dataclass(frozen=True)
class Labelled:
    """A set with its reference labellings (0 = noise, left out of every score)."""

    name: str
    k: int
    rows: Floats
    references: list[Ints]


def labelled_sets(largest: int, bench: Path = BENCH) -> list[Labelled]:
    """The labelled sets of up to so many rows."""
    index = pd.read_csv(bench / "index.csv")
    sets = []
    for entry in index[(index.labelled == 1) & (index.n <= largest)].itertuples():
        table = pd.read_parquet(bench / entry.file)
        references = [table[c].to_numpy() for c in table if c.startswith("label")]
        sets.append(Labelled(entry.name, int(entry.k_true), features(table, entry.kind == "real"), references))
    return sets


def measure(one: Labelled) -> dict[str, object]:
    """k, the best score over the alternative labellings, inertia and seconds of the automatic fit."""
    start = time.perf_counter()
    found = fit(one.rows)
    seconds = time.perf_counter() - start
    ids = Scorer(found).assign(one.rows)
    return {
        "name": one.name,
        "k_true": one.k,
        "k": len(found.sizes),
        "m": len(found.component_cluster),
        "ari": max(adjusted_rand_score(y[y > 0], ids[y > 0]) for y in one.references),
        "ami": max(adjusted_mutual_info_score(y[y > 0], ids[y > 0]) for y in one.references),
        "inertia": float(((one.rows - found.centers[ids]) ** 2).sum()),
        "seconds": seconds,
    }


def labelled(largest: int) -> pd.DataFrame:
    """One line a set, printed as it comes."""
    lines = []
    for one in labelled_sets(largest):
        line = measure(one)
        lines.append(line)
        print(
            f"{line['name']:24} k {line['k_true']:3} found {line['k']:3} of {line['m']:3}  ari {line['ari']:.3f}  "
            f"{line['seconds']:.2f} s",
            flush=True,
        )
    return pd.DataFrame(lines)


def beside_others(ours: pd.DataFrame) -> pd.DataFrame:
    """Mean ARI and share of exact k of every automatic method, and ours on the sets which that method has."""
    others = pd.read_csv(BENCH / "baselines.csv")
    others = others[(others["mode"] == "auto") & (others.status == "ok")].merge(ours, on="name", suffixes=("", "_ours"))
    lines = [
        (
            method,
            len(sets),
            sets.ari_best.mean(),
            (sets.k_err == 0).mean(),
            sets.ari_ours.mean(),
            (sets.k == sets.k_true_ours).mean(),
        )
        for method, sets in others.groupby("method")
    ]
    table = pd.DataFrame(lines, columns=["method", "sets", "ari", "k exact", "ours: ari", "ours: k exact"])
    return table.sort_values("ari").round(3)


NULLS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "Gaussian": lambda rng, n, d: rng.normal(size=(n, d)),
    "uniform": lambda rng, n, d: rng.uniform(size=(n, d)),
    "ball": lambda rng, n, d: _directions(rng, n, d) * rng.uniform(size=(n, 1)) ** (1 / d),
    "t3": lambda rng, n, d: rng.normal(size=(n, d)) / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3),
    "exponential": lambda rng, n, d: rng.exponential(size=(n, d)),
    "lognormal": lambda rng, n, d: np.exp(0.6 * rng.normal(size=(n, d))),
    "rounded": lambda rng, n, d: np.rint(3 * rng.normal(size=(n, d))),
    "Likert": lambda rng, n, d: np.clip(np.rint(3 + rng.normal(size=(n, d))), 1, 5),
}


def _directions(rng: np.random.Generator, n: int, d: int) -> Floats:
    rows = rng.normal(size=(n, d))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def null_data(kind: str, n: int, d: int, seed: int) -> Floats:
    rows = NULLS[kind](np.random.default_rng([seed, n, d, list(NULLS).index(kind)]), n, d)
    return np.asarray((rows - rows.mean(axis=0)) / rows.std(axis=0))


def nulls(seeds: int, large: bool) -> None:
    """Share of null sets on which the answer is k = 1: of up to 20,000 rows, or of 65,000."""
    sizes, dimensions = ((65_000,), (2, 3, 5, 8)) if large else ((300, 2000, 20_000), (1, 2, 8, 32))
    for kind in NULLS:
        cases = [(n, d, s) for d in dimensions for n in sizes for s in range(seeds)]
        ks = [len(fit(null_data(kind, n, d, s)).sizes) for n, d, s in cases]
        wrong = {case: k for case, k in zip(cases, ks, strict=True) if k != 1}
        print(
            f"{kind:12} k = 1 in {np.mean(np.array(ks) == 1):.1%} of {len(ks)}; others, by (n, d, seed): {wrong}",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true", help="also sets of more than 20,000 rows (null: only them)")
    options.add_argument("--null", action="store_true", help="null data instead of labelled sets")
    options.add_argument("--seeds", type=int, default=2, help="null sets per kind, size and dimension")
    chosen = options.parse_args()
    if chosen.null:
        nulls(chosen.seeds, chosen.large)
        return
    ours = labelled(10**9 if chosen.large else 20_000)
    print(
        f"{len(ours)} sets: ARI {ours.ari.mean():.3f}, AMI {ours.ami.mean():.3f}, "
        f"k exact {(ours.k == ours.k_true).mean():.1%}, {ours.seconds.sum():.0f} s"
    )
    print(beside_others(ours).to_string(index=False))


if __name__ == "__main__":
    main()
