"""Fits and scores on Spark Connect, in a process of its own: a session is one kind or the other. Prints JSON."""

from __future__ import annotations

import json
import sys


def main(path: str, folder: str) -> None:
    from pyspark.sql import SparkSession

    from ppp_duck import spark

    session = SparkSession.builder.remote("local[2]").getOrCreate()
    df = session.read.parquet(path)
    assert type(df).__module__.startswith("pyspark.sql.connect")
    model = spark.fit(df, columns=["x", "city", "day"], k=3)
    ids = [tuple(row) for row in spark.predict(df, model).select("id", "cluster_id").collect()]
    groups = spark.fit(df, columns=["x"], by=["year"], k=2)
    spark.to_table(model).write.parquet(f"{folder}/seg")
    stored = spark.from_table(session.read.parquet(f"{folder}/seg"))
    own = spark.PPP(featuresCol=["x", "city", "day"], k=3).fit(df)
    own.write().overwrite().save(f"{folder}/model")
    again = spark.PPPModel.load(f"{folder}/model").transform(df)
    said = {
        "fingerprint": model.fingerprint, "ids": sorted(ids), "groups": groups.fingerprint,
        "stored": stored.query == model.query,
        "transformed": sorted(tuple(row) for row in again.select("id", "prediction").collect()),
    }  # fmt: skip
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
