"""``python -m benchmarks.quality.speed [n d k]``: time and memory of ``fit`` alone, k unknown, one thread."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

from ppp_duck.engine.pipeline import fit
from ppp_duck.models.model import Floats

# rows, features, clusters in them, seconds that are the aim
SIZES = ((150, 4, 3, 0.3), (5_000, 2, 15, 2), (65_536, 8, 10, 10), (65_536, 64, 10, 30), (100_000, 384, 20, 60))


def blobs(n: int, d: int, k: int) -> Floats:
    """Overlapping Gaussians: centers of spread 3 in two features, less in more, so that they overlap alike."""
    rng = np.random.default_rng(n + d)
    centers = rng.normal(size=(k, d)) * (3 * np.sqrt(k) / 2 if d == 2 else 6 / np.sqrt(np.sqrt(d)))
    rows = rng.normal(size=(n, d))
    rows += centers[rng.integers(0, k, n)]
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("size", nargs="*", type=int)
    chosen = options.parse_args()
    if chosen.size:
        rows = blobs(*chosen.size)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start, processor = time.perf_counter(), time.process_time()
        found = fit(rows)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{seconds:.2f} s ({processor:.2f} of processor), k {len(found.sizes)}, peak {peak:.0f} MB, "
            f"{before:.0f} MB before the fit"
        )
        return
    for n, d, k, aim in SIZES:  # a process each, for the peak
        command = [sys.executable, "-m", "benchmarks.quality.speed", str(n), str(d), str(k)]
        line = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        print(f"{n:7} x {d:3}, {k:2} clusters: {line}; aim {aim} s", flush=True)


if __name__ == "__main__":
    main()
