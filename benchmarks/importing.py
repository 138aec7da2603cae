"""What ``import ppp_duck`` takes beside ``import duckdb, numpy, pyarrow``: ``python -m benchmarks.importing``.

The engine is imported when it is first used: that is the last line, which is what a script waits for.
Each import is a process of its own, with compiled modules. The figure is processor seconds, the smallest of RUNS.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile

RUNS = 15
STATEMENTS = ("import duckdb, numpy, pyarrow", "import ppp_duck", "from ppp_duck import connect")


def seconds(statement: str, cache: str) -> float:
    """Processor seconds of a process that does nothing else."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        runs = [[seconds(statement, cache) for statement in STATEMENTS] for _ in range(RUNS + 1)]
    least = [min(times) for times in zip(*runs[1:], strict=True)]  # the first one compiles
    for statement, took in zip(STATEMENTS, least, strict=True):
        print(f"{took:.3f} s  {took / least[0]:.2f}  {statement}")


if __name__ == "__main__":
    main()
