"""Runs queries.sql, statement by statement, on a connection in memory."""

from __future__ import annotations

from pathlib import Path

import ppp_duck


def main() -> None:
    con = ppp_duck.connect()
    for statement in con.extract_statements((Path(__file__).parent / "queries.sql").read_text(encoding="utf-8")):
        rows = con.execute(statement).fetchall()
        print(f"{len(rows)} rows, the first: {rows[0] if rows else None}")


if __name__ == "__main__":
    main()
