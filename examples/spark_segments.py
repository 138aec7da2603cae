"""Customers are clustered on Spark; the model goes to DuckDB, which gives every row the same id.

``python examples/spark_segments.py``. It needs ``pip install 'ppp-duck[spark]'`` and Java 17 or newer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

import ppp_duck
from ppp_duck import spark

CUSTOMERS = """
SELECT id AS customer, element_at(array(420, 1800, 95), CAST(1 + id % 3 AS INT))
    * exp(0.2 * (sin(id * 3.7) + sin(id * 1.9)))
    AS spend, element_at(array(2, 9, 30), CAST(1 + id % 3 AS INT)) + 1.5 * cos(id * 1.3) AS visits,
  element_at(array('web', 'shop', 'web'), CAST(1 + id % 3 AS INT)) AS channel
FROM range(3000)
"""


def main() -> None:
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    customers = session.sql(CUSTOMERS)

    # Every row back, with a cluster_id. The key customer is left out by itself.
    spark.cluster(customers).groupBy("cluster_id").count().orderBy("cluster_id").show()

    # A model, stored as Parquet; any Spark, and DuckDB, reads it.
    model = spark.fit(customers, columns=["spend", "visits", "channel"])
    print(model)
    folder = Path(tempfile.mkdtemp())
    spark.to_table(model).write.parquet(str(folder / "seg"))
    scored = spark.predict(customers, model)
    scored.write.parquet(str(folder / "scored"))

    # The same model, and the same ids, in DuckDB.
    con = ppp_duck.connect()
    same = con.execute(
        "SELECT count(*), count(*) FILTER (cluster_id = ours) FROM ppp_predict("
        f"'SELECT * RENAME (cluster_id AS ours) FROM ''{folder}/scored/*.parquet''', model := '{folder}/seg/*.parquet')"
    ).fetchall()
    print(f"rows, and rows with the same id on DuckDB: {same}")


if __name__ == "__main__":
    main()
