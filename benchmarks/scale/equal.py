"""``python -m benchmarks.scale.equal [--table "10M x 8"] [--rows …]``: equal however they are stored or run.

``ppp_cluster`` with all its columns on 1, 2 and 4 threads, of the table shuffled and of a Parquet file: how many rows
differ, ``==``, from those of one thread, joined by ``id``; how many ids of the call without ``output``, which SQL may
tell by itself, differ from them; and whether the fingerprint of ``ppp_fit`` is the same. Ends with 1 if anything
differs. Ten million rows take minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace

import duckdb

from benchmarks.scale.tables import TABLES, Table, build, connect
from ppp_duck.models.model import SCORE_COLUMNS

THREADS = (1, 2, 4)


def result(con: duckdb.DuckDBPyConnection, table: Table, source: str, name: str) -> list[tuple[str, ...]]:
    """Puts ids and all that belongs to them into the table ``name``, ids alone into ``ids``; returns fingerprints."""
    call = f"ppp_cluster('{source}', {table.options}, output := 'full')"
    con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT id, {', '.join(SCORE_COLUMNS)} FROM {call}").fetchall()
    plain = f"SELECT id, cluster_id FROM ppp_cluster('{source}', {table.options})"
    con.execute(f"CREATE OR REPLACE TABLE ids AS {plain}").fetchall()
    con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('{source}', {table.options})").fetchall()
    return con.execute("FROM ppp_info('seg') WHERE property = 'fingerprint' ORDER BY ALL").fetchall()


def differences(con: duckdb.DuckDBPyConnection) -> int:
    """Rows of ``expected`` and ``found`` that are not in the other, or not the same there."""
    sides = [", ".join(f"{side}.{name}" for name in SCORE_COLUMNS) for side in ("expected", "found")]
    same = f"expected.id = found.id AND ({sides[0]}) IS NOT DISTINCT FROM ({sides[1]})"
    joined = "expected FULL JOIN found ON expected.id = found.id"
    ((count,),) = con.execute(f"SELECT count(*) FROM {joined} WHERE ({same}) IS NOT TRUE").fetchall()
    return int(count)


def other_ids(con: duckdb.DuckDBPyConnection) -> int:
    """Rows of ``expected`` and ``ids`` that are not in the other, or have another id there."""
    joined = "expected FULL JOIN ids ON expected.id = ids.id"
    same = "expected.id = ids.id AND expected.cluster_id IS NOT DISTINCT FROM ids.cluster_id"
    ((count,),) = con.execute(f"SELECT count(*) FROM {joined} WHERE ({same}) IS NOT TRUE").fetchall()
    return int(count)


def compare(con: duckdb.DuckDBPyConnection, table: Table, directory: str) -> bool:
    """Prints a line for each way; whether all are equal."""
    file = f"{directory}/points.parquet"
    con.execute("CREATE TABLE shuffled AS FROM points ORDER BY hash(id)").fetchall()
    con.execute(f"COPY points TO '{file}' (FORMAT parquet)").fetchall()
    ways = [("points", threads) for threads in THREADS] + [(source, THREADS[-1]) for source in ("shuffled", file)]
    fingerprints, equal = None, True  # the first way is what the others are compared with
    print("| source | threads | rows | rows that differ | ids alone that differ | fingerprint |")
    print("|---|---|---|---|---|---|")
    for source, threads in ways:
        con.execute(f"SET threads = {threads}").fetchall()
        found = result(con, table, source, "expected" if fingerprints is None else "found")
        count, fingerprints = (0, found) if fingerprints is None else (differences(con), fingerprints)
        ids = other_ids(con)
        equal = equal and not count and not ids and found == fingerprints
        name = "Parquet" if source == file else source
        mark = "equal" if found == fingerprints else "DIFFERS"
        print(f"| {name} | {threads} | {table.rows} | {count} | {ids} | {mark} |", flush=True)
    ((rows,),) = con.execute("SELECT count(*) FROM expected").fetchall()
    return equal and rows == table.rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--table", default="10M x 8", choices=[*TABLES])
    options.add_argument("--rows", type=int, help="default: those of the table")
    chosen = options.parse_args()
    table = TABLES[chosen.table]
    table = replace(table, rows=chosen.rows or table.rows)
    with tempfile.TemporaryDirectory() as directory:
        con = connect(table, f"{directory}/points.db" if table.memory_limit else ":memory:")
        build(con, table)
        equal = compare(con, table, directory)
        con.close()
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
