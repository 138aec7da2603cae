"""``python -m benchmarks.quality.dip_table``: the quantiles in ``ppp_duck/engine/dip.py``."""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.dip import P_VALUES, SIZES, dip

DRAWS = {5000: 8_000}  # of each size; else 20,000


def main() -> None:
    for n in SIZES:
        rng = np.random.default_rng(n)
        drawn = np.sqrt(n) * np.array([dip(rng.uniform(size=n)) for _ in range(DRAWS.get(n, 20_000))])
        print("    (" + ", ".join(f"{q:.4f}" for q in np.quantile(drawn, 1 - np.array(P_VALUES))) + "),", flush=True)


if __name__ == "__main__":
    main()
