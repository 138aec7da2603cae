"""Measurements as people write them down: ``python -m benchmarks.tables.dirty [--tables N] [--first M]``.

Each table has one to four groups in two to five numbers, which are then rounded, heaped, capped, cut off, told as dates
or given a code for what is missing, and up to four columns of something else. Groups are 3.5 or more standard
deviations apart before that. Printed is each table whose k is wrong, or whose ARI is below 0.85, and the sums.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.tables.bare_call import Ints, cluster
from benchmarks.tables.families import Generator

Floats = NDArray[np.float64]
LAST = np.datetime64("9999-12-31")


def _some(g: Generator, x: Floats, least: float, most: float) -> NDArray[np.bool_]:
    """Rows by chance, as many as a share between two."""
    return g.random(len(x)) < g.uniform(least, most)


def _heaped(g: Generator, x: Floats) -> Floats:
    step = 10.0 ** np.floor(np.log10(x.std()))
    round_ones = _some(g, x, 0.2, 0.8)
    return np.asarray(np.where(round_ones, np.round(x / step) * step, np.round(x / step * 10) * step / 10))


def _days(x: Floats) -> NDArray[Any]:
    return np.asarray(np.datetime64("2024-01-01") + np.round((x - x.mean()) / x.std() * 90).astype("timedelta64[D]"))


DIRT: dict[str, Callable[[Generator, Floats], Any]] = {
    "plain": lambda g, x: x,
    "heaped": _heaped,
    "capped": lambda g, x: np.minimum(x, np.quantile(x, 0.93)),
    "both_ends": lambda g, x: np.clip(x, *np.quantile(x, [0.08, 0.9])).round(1),
    "zeros": lambda g, x: np.where(_some(g, x, 0.05, 0.2), 0, x),
    "minus_999": lambda g, x: np.where(_some(g, x, 0.01, 0.15), -999.0, x),
    "nines": lambda g, x: np.where(_some(g, x, 0.01, 0.1), 99999.0, x),
    "minus_one": lambda g, x: np.where(_some(g, x, 0.01, 0.15), -1.0, x),
    "whole": lambda g, x: np.round(x / x.std() * 8).astype(np.int64),
    "coarse": lambda g, x: np.round(x / x.std() * 3).astype(np.int64),
    "cents": lambda g, x: np.round(x, 2),
    "holes": lambda g, x: pa.array(x, mask=_some(g, x, 0.05, 0.35)),
    "nan": lambda g, x: np.where(_some(g, x, 0.05, 0.15), np.nan, x),
    "money": lambda g, x: np.round(np.exp((x - x.mean()) / x.std() * 1.2 + 4), 2),
    "day": lambda g, x: _days(x),
    "no_day": lambda g, x: np.where(_some(g, x, 0.05, 0.15), LAST, _days(x)),
    "single": lambda g, x: x.astype(np.float32),
    "broken": lambda g, x: np.where(_some(g, x, 0.002, 0.004), x * 1000, x),
    "negative": lambda g, x: -x,
}
OTHERS: dict[str, Callable[[Generator, int], Any]] = {
    "percent": lambda g, n: np.clip(np.round(g.normal(60, 40, n)), 0, 100),
    "price": lambda g, n: np.where(
        g.random(n) < 0.4, np.array([9.99, 19.99, 29.99])[g.integers(0, 3, n)], np.exp(g.normal(3, 0.7, n)).round(2)
    ),
    "orders": lambda g, n: np.where(g.random(n) < 0.3, 0, g.poisson(6, n)),
    "code": lambda g, n: g.integers(1, 7, n),
    "city": lambda g, n: np.array(["Oslo", "oslo", "OSLO", "Bergen", "bergen ", "Trondheim"])[g.integers(0, 6, n)],
    "answer": lambda g, n: np.array(["yes", "no", "", "N/A"])[g.choice(4, n, p=[0.5, 0.3, 0.1, 0.1])],
    "year": lambda g, n: g.integers(2015, 2026, n),
    "latitude": lambda g, n: np.round(g.normal(59, 3, n), 5),
    "phone": lambda g, n: g.integers(10**9, 10**10, n),
    "json": lambda g, n: np.array([f'{{"a": {one}}}' for one in g.integers(0, 1000, n)]),
    "hour": lambda g, n: g.integers(0, 24, n),
    "sku": lambda g, n: np.array([f"SKU-{one:05d}" for one in g.integers(0, n // 3 + 1, n)]),
    "agreed": lambda g, n: pa.array(g.random(n) < 0.5, mask=g.random(n) < 0.3),
    "customer": lambda g, n: g.integers(1000, 1002 + n // 8, n),
    "written": lambda g, n: np.datetime64("2025-01-01T00:00:00") + g.integers(0, 86400 * 365, n).astype("m8[s]"),
    "address": lambda g, n: np.array([f"10.0.{a}.{b}" for a, b in g.integers(0, 255, (n, 2))]),
    "status": lambda g, n: np.array(["ok", "failed", "pending"])[g.choice(3, n, p=[0.9, 0.06, 0.04])],
}


def made(seed: int) -> tuple[pa.Table, Ints]:
    """A table, and the group of each of its rows."""
    g = np.random.default_rng([99, seed])
    n, k, d = (
        int(g.choice([600, 2500, 8000])),
        int(g.choice([1, 2, 3, 4], p=[0.25, 0.2, 0.3, 0.25])),
        int(g.integers(2, 6)),
    )
    apart = g.uniform(5, 9)
    box, centers = apart * 1.6, np.zeros((k, d))
    while k > 1 and np.linalg.norm(centers[:, None] - centers, axis=2)[np.triu_indices(k, 1)].min() < max(apart, 3.5):
        centers, apart = g.uniform(0, box, (k, d)), apart * 0.995
    y = g.choice(k, n, p=g.dirichlet(np.full(k, 5.0)))
    turned = np.eye(d) + g.normal(0, 0.25 * (g.random() < 0.5), (d, d))
    x = centers[y] + g.normal(size=(n, d)) @ turned
    columns = {}
    for j in range(d):
        kind = str(g.choice(list(DIRT)))
        columns[f"{kind}_{j}"] = DIRT[kind](g, x[:, j] * 10 ** g.uniform(0, 2) + 10 ** g.uniform(1, 3))
    for j in range(int(g.integers(0, 5))):
        kind = str(g.choice(list(OTHERS)))
        columns[f"{kind}_{d + j}"] = OTHERS[kind](g, n)
    order = g.permutation(list(columns)).tolist()
    table = pa.table({name: pa.array(columns[name]) for name in order})
    times = g.integers(1, 4, n) if g.random() < 0.12 else np.ones(n, dtype=np.int64)  # some tables have rows twice
    return table.take(pa.array(np.repeat(np.arange(n), times))), np.repeat(y, times)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tables", type=int, default=100)
    options.add_argument("--first", type=int, default=0)
    given = options.parse_args()
    right, aris, with_id = [], [], []
    for seed in range(given.first, given.first + given.tables):
        table, y = made(seed)
        found, k = cluster(table), len(set(y.tolist()))
        right.append(found.k == k)
        aris.append(found.ari(y))
        with_id.append(float((found.ids >= 0).mean()))
        if not right[-1] or aris[-1] < 0.85:
            said = found.error or " ".join(table.column_names)
            print(f"{seed:4} {len(y):6} rows, k {k}, found {found.k}, ARI {aris[-1]:.2f}: {said}", flush=True)
    mean, ids = np.mean(aris), np.mean(with_id)
    print(f"{len(right)} tables: k right in {sum(right)}, mean ARI {mean:.3f}, rows with an id {ids:.2%}")


if __name__ == "__main__":
    main()
