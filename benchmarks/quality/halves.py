"""``python -m benchmarks.quality.halves``: constants picked on one half of the labelled sets, reported on the other.

Every rule of ``GRID`` is asked on every labelled set of up to 6,000 rows (some 10 minutes, kept in the cache folder).
A rule is picked in one of two ways: the best on a half, or the middle of all rules that are no worse than the best
there by more than one standard error of the paired differences over the sets (Breiman et al. 1984), so that chance
picks less. Shown for each measure of worth: what is picked on each half and what it gives on the other, then the loss
over many other splits.

The loss is the mean ARI of both tuned halves less that of both reported halves: that one half is harder cancels.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from benchmarks.quality.choice import halves_of
from benchmarks.quality.run import FOLDER, Labelled, labelled_sets
from ppp_duck import engine
from ppp_duck.engine import line, modality, pair, pipeline
from ppp_duck.engine.mixture import Rows
from ppp_duck.models.model import Floats, Ints, Mixture

# From off or weak to strong; ends and steps follow from what each constant means, not from what was found good.
GRID = {
    "BAR": (3.0, 4.0, 5.0, 6.0, 7.0),
    "CAP": (2.0, 3.0, 4.0, 5.0, 6.0),
    "CERTAIN": (10.0, 15.0, 20.0, 30.0, 1e9),
    "GAUSSIAN": (0.0, 2.0, 4.0, 6.0),
}
STANDS = (modality.BAR, pair.CAP, pair.CERTAIN, pair.GAUSSIAN)
RULES = list(itertools.product(*GRID.values()))
STEPS = np.array(list(np.ndindex(*(len(values) for values in GRID.values()))))
APART = np.abs(STEPS[:, None] - STEPS[None]).sum(axis=2)  # steps of the grid between two rules
SPLITS = 100
WITHIN = 0.03

Pick = Callable[[Floats], int]


def fitted(rows: Floats) -> tuple[Mixture, tuple[Mixture, Rows, Floats]]:
    """The fitted mixture, all of its components, and what ``modality.clusters`` is asked about it."""
    clusters, asked = modality.clusters, []

    def one_cluster(*given: object) -> Ints:
        asked.append(given)
        return np.zeros(len(given[0].means), dtype=np.int64)  # type: ignore[attr-defined]

    modality.clusters = one_cluster  # type: ignore[assignment]
    try:
        found = pipeline.fit(rows, report=False)
    finally:
        modality.clusters = clusters
    return found.mixture, asked[-1]  # type: ignore[return-value]


def on_one_set(one: Labelled) -> Floats:
    """ARI and k under every rule, and under the constants as they stand ``(rules + 1, 2)``."""
    lines: list[tuple[float, int]] = []
    mixture, asked = fitted(one.rows)
    measured: dict[bytes, tuple[float, int]] = {}
    gain, fit = line.gain, line.fit
    line.gain, line.fit = kept(gain), kept(partial(exact, fit))  # no rule changes what they are
    for rule in (*RULES, STANDS):
        modality.BAR, pair.CAP, pair.CERTAIN, pair.GAUSSIAN = rule
        group = modality.clusters(*asked)
        if group.tobytes() not in measured:
            ids = pipeline._assign(one.rows, mixture, group, None)
            ari = max(adjusted_rand_score(y[y > 0], ids[y > 0]) for y in one.references)
            measured[group.tobytes()] = ari, len(np.unique(ids))
        lines.append(measured[group.tobytes()])
    line.gain, line.fit = gain, fit
    modality.BAR, pair.CAP, pair.CERTAIN, pair.GAUSSIAN = STANDS
    return np.array(lines)


def exact(fit: Callable[..., float], *given: object) -> float:
    """``fit`` to its end, whatever matters."""
    return fit(*given[:-1], -np.inf)


def kept(function: Callable[..., float]) -> Callable[..., float]:
    """The function with its results kept, by its first argument: a fit asks each line once."""
    known: dict[bytes, float] = {}

    def asked(counts: Floats, *more: object) -> float:
        if counts.tobytes() not in known:
            known[counts.tobytes()] = function(counts, *more)
        return known[counts.tobytes()]

    return asked


def every_set(sets: list[Labelled]) -> Floats:
    """ARI and k ``(sets, rules + 1, 2)``, kept for as long as the engine and the grid are the same."""
    source = [path.read_bytes() for path in sorted(Path(engine.__path__[0]).rglob("*.py"))]
    digest = hashlib.sha256(b"".join([repr(GRID).encode(), *source])).hexdigest()[:12]
    kept = FOLDER / f"halves-{digest}.npy"
    if not kept.exists():
        table = []
        for one in sets:
            table.append(on_one_set(one))
            print(one.name, flush=True)
        FOLDER.mkdir(exist_ok=True)
        np.save(kept, np.array(table))
    return np.asarray(np.load(kept))


def best(worth: Floats) -> int:
    """The rule of highest mean worth; ``worth`` is ``(sets, rules)``."""
    return int(np.argmax(worth.mean(axis=0)))


def middle(worth: Floats) -> int:
    """Of the rules within one standard error of the best, that with the fewest steps to all of them (ties: best)."""
    behind = worth[:, [best(worth)]] - worth
    error = behind.std(axis=0, ddof=1) / np.sqrt(len(worth))
    near = np.flatnonzero(behind.mean(axis=0) <= error + 1e-12)
    steps = APART[np.ix_(near, near)].sum(axis=1)
    central = near[steps == steps.min()]
    return int(central[np.argmax(worth.mean(axis=0)[central])])


def name(rule: int) -> str:
    return " ".join(f"{value:.3g}" for value in RULES[rule])


def main() -> None:
    sets = labelled_sets(6_000)
    found = every_set(sets)
    ari, k = found[:, :-1, 0], found[:, :-1, 1]
    own_ari, own_k = found[:, -1, 0], found[:, -1, 1]  # under the constants as they stand
    truth = np.array([one.k for one in sets])[:, None]
    exact = (k == truth).astype(float)
    halves = halves_of(sets)
    splits = [halves_of(sets, f"#{i}") for i in range(SPLITS)]
    worths = {"ARI + k exact": ari + exact, "ARI": ari, "ARI - |log k/true|": ari - np.abs(np.log(k / truth))}
    picks: dict[str, Pick] = {"best": best, "middle within one standard error": middle}
    print(f"rules: {', '.join(GRID)}; {len(RULES)} of them, {len(sets)} sets")
    for (worth_name, worth), (way, pick) in itertools.product(worths.items(), picks.items()):
        rule = pick(worth)
        print(f"{worth_name}, {way}; all sets: {name(rule)}: {ari[:, rule].mean():.3f}, {exact[:, rule].mean():.0%}")
        for half in (0, 1):
            rule = pick(worth[halves == half])
            own, other = (
                f"{ari[at, rule].mean():.3f}, {exact[at, rule].mean():.0%}" for at in (halves == half, halves != half)
            )
            print(f"    half {half} picks {name(rule)}: {own}; on the other half {other}")
        lines = []
        for side in splits:
            rules = [pick(worth[side == half]) for half in (0, 1)]
            tuned = np.mean([ari[side == half, rule].mean() for half, rule in enumerate(rules)])
            reported = np.mean([ari[side != half, rule].mean() for half, rule in enumerate(rules)])
            lines.append(
                (tuned - reported, reported, np.mean([exact[side != h, r].mean() for h, r in enumerate(rules)]))
            )
        loss, reported_ari, reported_k = np.array(lines).T
        print(
            f"    {SPLITS} splits: loss {loss.mean():.3f} (worst {loss.max():.3f}, at most {WITHIN} in "
            f"{np.mean(loss <= WITHIN):.0%}); reported {reported_ari.mean():.3f}, {reported_k.mean():.0%}"
        )
    gaps = np.array([abs(own_ari[side == 0].mean() - own_ari[side == 1].mean()) for side in splits])
    print(
        f"as it stands ({' '.join(map(str, STANDS))}): {own_ari.mean():.3f}, {(own_k == truth[:, 0]).mean():.0%}; "
        f"its halves differ by {gaps.mean():.3f} on average, by at most {WITHIN} in {np.mean(gaps <= WITHIN):.0%} "
        f"of {SPLITS} splits"
    )


if __name__ == "__main__":
    main()
