"""``python -m benchmarks.fuzz --tables 2000 --first 0``: hostile tables by number, none of which may break a promise.

A table is all its number says, so ``--tables 1 --first N`` shows a failure again. Ends with 1 where there was one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

from benchmarks.fuzz.checks import check, opened
from benchmarks.fuzz.tables import call, table

LIMIT = 300  # seconds for all statements about one table


def failures(number: int, refusals: Counter[str]) -> list[str]:
    given = table(number)
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        case = opened(given, Path(folder))
        watch = threading.Timer(LIMIT, case.con.interrupt)
        watch.start()
        try:
            found.extend(check(case, lambda words: refusals.update([words])))
        except Exception as error:  # a table is judged, and the next one follows
            found.append(f"{type(error).__name__}: {error}")
        finally:
            watch.cancel()
            case.con.close()
    if found:
        kinds = ", ".join(f"{c.name!r} {c.kind}" for c in given.columns)
        print(f"table {number}: {given.rows} rows of {kinds}\n  {call('ppp_cluster', 't', case.full)} {given.source}")
        print("".join(f"  {failure}\n" for failure in found), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, help="begin no table after that time")
    asked = parser.parse_args()
    warnings.simplefilter("error", RuntimeWarning)  # numpy's: a number is not what was meant
    start, done, broken = time.monotonic(), 0, []
    refusals: Counter[str] = Counter()
    for number in range(asked.first, asked.first + asked.tables):
        if asked.seconds and time.monotonic() - start > asked.seconds:
            break
        if failures(number, refusals):
            broken.append(number)
        done += 1
        if done % 20 == 0:
            print(f"{done} tables, {time.monotonic() - start:.0f} s", flush=True)
    took = time.monotonic() - start
    print(f"{done} tables from {asked.first} in {took:.0f} s, {refusals.total()} refused by the package")
    print("".join(f"  {count} x {words[:200]}\n" for words, count in refusals.most_common(40)), end="")
    print(f"{len(broken)} failures{': ' + ', '.join(map(str, broken)) if broken else ''}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
