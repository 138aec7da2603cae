"""Fit in DuckDB, score in PostgreSQL: writes ``score_in_postgres.sql``, which ``psql -f`` runs without this package."""

from __future__ import annotations

from pathlib import Path

import ppp_duck

TABLE = """-- Made by make_score_in_postgres.py: a model that was fitted in DuckDB gives rows in PostgreSQL clusters.
CREATE TEMP TABLE customers (id integer, spend double precision, channel text);
INSERT INTO customers VALUES (1, 0.3, 'web'), (2, 9.1, 'shop'), (3, 18.4, 'web'), (4, NULL, 'shop'), (5, 8.8, 'fax');

CREATE TEMP VIEW clusters AS
"""
ROWS = "SELECT i AS id, 9.0 * (i % 3) + sin(i) AS spend, ['web', 'shop'][1 + i % 2] AS channel FROM range(300) r(i)"


def main() -> None:
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE customers AS {ROWS}").fetchall()
    model = ppp_duck.fit(con, "customers", columns=["spend", "channel"], k=3)
    text = TABLE + model.sql("postgres", source="customers", output="full") + ";\n\n"
    text += "SELECT id, cluster_id, round(probability::numeric, 3) AS probability FROM clusters ORDER BY id;\n"
    path = Path(__file__).parent / "score_in_postgres.sql"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    print("\n".join(text.splitlines()[:8]))


if __name__ == "__main__":
    main()
