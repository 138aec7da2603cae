"""Writes seeds/: the customers of a shop and their orders, made by formula, so that they may be shipped."""

from __future__ import annotations

from pathlib import Path

import duckdb

# Six in ten are regulars, three bargain hunters, one is wholesale; each fiftieth has not ordered yet.
REGISTERED = """
SELECT c AS customer, ['Bari', 'Turin', 'Genoa'][1 + c % 7 % 3] AS city,
       CASE WHEN c % 10 < 6 THEN 'regular' WHEN c % 10 < 9 THEN 'bargain' ELSE 'wholesale' END AS kind
FROM range(1, 151) r(c)
"""
ORDERS = f"""
SELECT customer, DATE '2026-01-01' + ((customer * 7 + o * 11) % 60)::INTEGER AS day,
       round(CASE kind WHEN 'regular' THEN 42 WHEN 'bargain' THEN 18 ELSE 640 END
             * exp(0.25 * sin(customer * 3.1 + o * 1.7)), 2) AS amount,
       kind = 'bargain' AND (customer + o) % 5 > 0 AS discounted
FROM ({REGISTERED}), range(30) s(o)
WHERE customer % 50 > 0 AND o < CASE kind WHEN 'regular' THEN 5 WHEN 'bargain' THEN 14 ELSE 9 END
                                * exp(0.15 * (sin(customer * 1.7) + sin(customer * 2.9) + sin(customer * 5.3)))
ORDER BY customer, o
"""


def main(folder: Path = Path(__file__).parent / "seeds") -> None:
    con = duckdb.connect()
    con.sql(f"SELECT customer, city FROM ({REGISTERED}) ORDER BY customer").write_csv(str(folder / "registered.csv"))
    con.sql(ORDERS).write_csv(str(folder / "orders.csv"))


if __name__ == "__main__":
    main()
