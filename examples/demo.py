"""The whole of it on real data: 178 Italian wines, 13 measurements each, in a DuckDB file on disk.

The three growers are known and are *not* shown to the clustering; they are compared with what it finds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
from sklearn.datasets import load_wine

import ppp_duck

QUERY = """
CREATE TABLE clustered AS
FROM ppp_cluster('wines', exclude := ['grower'], output := 'full')
"""
COMPARE = "SELECT cluster_id, grower, count(*) AS wines FROM clustered GROUP BY ALL ORDER BY ALL"
CENTERS = """
SELECT cluster_id, count(*) AS wines, round(avg(alcohol), 2) AS alcohol, round(avg(flavanoids), 2) AS flavanoids,
       round(avg(color_intensity), 2) AS color, round(avg(proline)) AS proline,
       round(avg(is_separable::INTEGER), 2) AS separable
FROM clustered GROUP BY cluster_id ORDER BY cluster_id
"""


def main() -> None:
    bunch = load_wine()
    wines = pa.table({**dict(zip(bunch.feature_names, bunch.data.T, strict=True)), "grower": bunch.target})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cellar.duckdb"
        con = ppp_duck.connect(path)
        con.execute("CREATE TABLE wines AS SELECT * FROM wines").fetchall()
        print(f"{wines.num_rows} wines, {wines.num_columns - 1} measurements each, in {path.name}.")
        print(QUERY)
        con.execute(QUERY).fetchall()
        print("The clusters it found, with some of their means:\n")
        con.sql(CENTERS).show()
        print("And the growers, which it was not told:\n")
        con.sql(COMPARE).show()
        report = Path(tempfile.mkdtemp(prefix="ppp_duck_")) / "wines.html"
        ppp_duck.report(con, "wines", report, exclude=["grower"])
        print(f"The same with pictures, to open in a browser: {report.as_uri()}")
        con.close()


if __name__ == "__main__":
    main()
