"""Runs a file of SQL, statement by statement, in memory: ``python run_queries.py [segmentation.sql]``."""

from __future__ import annotations

import sys
from pathlib import Path

import ppp_duck


def main(name: str = "queries.sql") -> None:
    con = ppp_duck.connect()
    for statement in con.extract_statements((Path(__file__).parent / name).read_text(encoding="utf-8")):
        rows = con.execute(statement).fetchall()
        print(f"{len(rows)} rows, the first: {rows[0] if rows else None}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
