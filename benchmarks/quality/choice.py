"""``python -m benchmarks.quality.choice [rule …]``: rules of choice compared, each half of the sets judging the other.

A rule is one or more constants of the engine, such as ``modality.BAR=4,pair.CERTAIN=20``; the constants as they
stand are always the first rule. The sets of each battery fall into two halves by a hash of their names, repeats of one
table together. The rule that is best on one half (ARI + share of exact k) is reported on the other.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import time

import numpy as np
import pandas as pd

from benchmarks.quality.run import Labelled, labelled_sets, measure
from ppp_duck.models.model import Ints

REPEATS = {"sklearn/wine": "uci/wine", "sklearn/breast_cancer": "uci/wdbc"}
EXACT = ("a1", "a2", "a3", "d31", "r15", "s1", "unbalance", "hepta", "tetra", "twodiamonds", "lsun")
MANDATORY = {**dict.fromkeys(EXACT, 0), "s2": 1, "s3": 3, "s4": 3, "birch1": 3}  # how far k may be off


def halves_of(sets: list[Labelled], salt: str = "") -> Ints:
    """0 or 1 for each set: within a battery, in the order of a hash of name and salt, they alternate."""
    digest = {one.name: hashlib.sha256((REPEATS.get(one.name, one.name) + salt).encode()).hexdigest() for one in sets}
    own = [one.name for one in sets if one.name not in REPEATS]
    side = {}
    for battery in {name.split("/")[0] for name in own}:
        ranked = sorted((name for name in own if name.split("/")[0] == battery), key=digest.__getitem__)
        side.update({name: place % 2 for place, name in enumerate(ranked)})
    return np.array([side[REPEATS.get(one.name, one.name)] for one in sets])


def score(rule: str, sets: list[Labelled]) -> pd.DataFrame:
    """One line a set under the constants of a rule."""
    before = []
    for change in filter(None, rule.split(",")):
        where, value = change.split("=")
        place, _, name = where.rpartition(".")
        module = importlib.import_module("ppp_duck.engine." + place)
        old = getattr(module, name)
        before.append((module, name, old))
        setattr(module, name, type(old)(float(value)))
    lines = [measure(one) for one in sets]
    for module, name, old in before:
        setattr(module, name, old)
    return pd.DataFrame(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("rules", nargs="*")
    options.add_argument("--only", default="", help="sets whose name has this in it")
    options.add_argument("--large", action="store_true", help="also the sets of more than 20,000 rows")
    options.add_argument("--verbose", action="store_true", help="sets whose k or ARI is not as under the first rule")
    chosen = options.parse_args()
    sets = [one for one in labelled_sets(10**9 if chosen.large else 20_000) if chosen.only in one.name]
    side = halves_of(sets)
    worth, first = [], None
    for rule in ["", *chosen.rules]:
        start = time.perf_counter()
        found = score(rule, sets)
        exact = found.k == found.k_true
        halves = [(found.ari[side == h].mean(), exact[side == h].mean()) for h in (0, 1)]
        worth.append((rule, halves))
        failed = [
            f"{one.name} {one.k}"
            for one in found.itertuples()
            if abs(one.k - one.k_true) > MANDATORY.get(one.name.split("/")[1], one.k_true + one.k)
        ]
        print(
            f"{rule or 'as it stands':40} ARI {found.ari.mean():.3f} k {exact.mean():.1%} | "
            + " | ".join(f"{ari:.3f} {k:.1%}" for ari, k in halves)
            + f" | {time.perf_counter() - start:.0f} s; failed: {', '.join(failed)}",
            flush=True,
        )
        if first is None:
            first = found
        elif chosen.verbose:
            for a, b in zip(first.itertuples(), found.itertuples(), strict=True):
                if a.k != b.k or abs(a.ari - b.ari) > 0.02:
                    print(f"    {a.name:24} true {a.k_true:3}: {a.k:3} {a.ari:.3f} -> {b.k:3} {b.ari:.3f}")
    for tuned in (0, 1):
        rule, halves = max(worth, key=lambda one: sum(one[1][tuned]))
        print(
            f"best on half {tuned}: {rule or 'as it stands'}: ARI {halves[tuned][0]:.3f}, k {halves[tuned][1]:.1%}; "
            f"on the other half ARI {halves[1 - tuned][0]:.3f}, k {halves[1 - tuned][1]:.1%}"
        )


if __name__ == "__main__":
    main()
