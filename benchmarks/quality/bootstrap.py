"""``python -m benchmarks.quality.bootstrap [--resamples 5] [--largest 20000]``: stability.

Each set is clustered, then resamples of it (rows drawn with replacement, fixed seed); the ARI of both labellings of the
set's own rows, and the spread of k. Beside it the choice that mclust stands for: full covariances by BIC, k from 1 to
15 or half as many again as the reference has, by scikit-learn, on the same resamples. Some 40 minutes.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from benchmarks.quality.run import labelled_sets
from ppp_duck.engine.pipeline import fit
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import Floats, Ints

Labelling = Callable[[Floats], Ints]


def ours(rows: Floats) -> Labelling:
    return Scorer(fit(rows)).assign


def mixture_by_bic(rows: Floats, most: int) -> Labelling:
    tried = [GaussianMixture(k, reg_covar=1e-6, random_state=0).fit(rows) for k in range(1, most + 1)]
    return min(tried, key=lambda one: one.bic(rows)).predict  # type: ignore[no-any-return]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--resamples", type=int, default=5)
    options.add_argument("--largest", type=int, default=20_000, help="rows of the largest set")
    chosen = options.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| set | k | ARI | k found | GMM + BIC: ARI | k found |\n|---|---|---|---|---|---|")
    means = []
    for one in labelled_sets(chosen.largest):
        rng = np.random.default_rng(len(one.rows))
        picks = [rng.integers(0, len(one.rows), len(one.rows)) for _ in range(chosen.resamples)]
        line = [one.name, str(one.k)]
        mean = []
        by_bic = partial(mixture_by_bic, most=max(15, one.k + one.k // 2))
        methods: tuple[Callable[[Floats], Labelling], ...] = (ours, by_bic)
        for method in methods:
            first = method(one.rows)(one.rows)
            others = [method(one.rows[pick])(one.rows) for pick in picks]
            ks = [len(np.unique(labels)) for labels in (first, *others)]
            mean.append(float(np.mean([adjusted_rand_score(first, labels) for labels in others])))
            line += [f"{mean[-1]:.3f}", f"{ks[0]} ({min(ks[1:])} to {max(ks[1:])})"]
        means.append(mean)
        print("| " + " | ".join(line) + " |", flush=True)
    table = np.array(means)
    print(f"| mean of {len(table)} | | {table[:, 0].mean():.3f} | | {table[:, 1].mean():.3f} | |")


if __name__ == "__main__":
    main()
