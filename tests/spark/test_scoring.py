"""How Spark scores: quick where a row's cluster is in no doubt, and the same ids where it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import needed, spark_session

import ppp_duck

pytestmark = pytest.mark.spark
ROWS = "SELECT i AS id, 9 * (i % 3) + sin(i * i) AS x, 6 * (i % 2) + cos(i * 7) AS y, i % 5 + sin(i) AS z FROM range(3000) r(i)"
# Far out, between clusters and not there: the screen leaves them to the exact sums.
DOUBTFUL = """
SELECT i AS id, [4.5, 1e9, -1e300, 'inf', '-inf', 'nan', NULL, 0, 5e-324, 4.4][1 + i % 10]::DOUBLE AS x,
  [3.0, NULL, 'nan', 6, 1e200, 0][1 + i // 10 % 6]::DOUBLE AS y, [2.0, NULL, 1e7][1 + i // 60 % 3]::DOUBLE AS z
FROM range(180) r(i) UNION ALL SELECT id + 1000, x, y, z FROM rows
"""


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    needed("spark")
    with ppp_duck.connect() as made:
        made.execute(f"CREATE TABLE rows AS {ROWS}").fetchall()
        made.execute(f"CREATE TABLE doubtful AS {DOUBTFUL}").fetchall()
        made.execute("CREATE TABLE trees AS SELECT *, ['oak', 'elm', 'ash'][1 + id % 3] AS tree FROM rows").fetchall()
        made.execute("CREATE TABLE few AS SELECT * REPLACE (nullif(tree, 'ash') AS tree) FROM trees").fetchall()
        yield made


def frame(con: duckdb.DuckDBPyConnection, name: str, folder: Path) -> Any:
    con.execute(f"COPY {name} TO '{folder / name}.parquet'").fetchall()
    return spark_session().read.parquet(str(folder / f"{name}.parquet"))


def ids(df: Any) -> list[Any]:
    return df.orderBy("id").select("cluster_id").toArrow()["cluster_id"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("covariance", ["diag", "tied", "full"])
@pytest.mark.parametrize("missing", ["auto", "skip"])
def test_rows_in_doubt(con: duckdb.DuckDBPyConnection, tmp_path: Path, covariance: str, missing: str) -> None:
    from ppp_duck import spark

    model = ppp_duck.fit(con, "rows", exclude=["id"], covariance=covariance, missing=missing)
    wanted = model.predict(con, "doubtful").order("id").project("cluster_id").fetchall()
    found = spark.predict(frame(con, "doubtful", tmp_path), model)
    assert ids(found) == [one for (one,) in wanted]


def test_what_is_long_is_compiled(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """A method of more than 8,000 bytes is not: so what would be one is in no whole stage, whose lines have a star."""
    from ppp_duck import spark

    model = ppp_duck.fit(con, "rows", exclude=["id"], covariance="full")
    spark.predict(frame(con, "rows", tmp_path), model).explain()
    lines = [line.lstrip(" +-:") for line in capsys.readouterr().out.splitlines()]
    long = [line for line in lines if "array_sort" in line]
    assert len(long) > 10
    assert all(line.startswith("Project") for line in long)
    assert any(line.startswith("*(") for line in lines)


@pytest.mark.parametrize(
    ("table", "missing"), [("rows", "skip"), ("doubtful", "auto"), ("trees", "skip"), ("few", "auto")]
)
def test_whole_rows_need_no_text_about_holes(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str, missing: str
) -> None:  # fmt: skip
    from ppp_duck import spark
    from ppp_duck.spark.fitting import fit_to_score

    df = frame(con, table, tmp_path)
    options = {"columns": [name for name in df.columns if name != "id"], "k": 6}
    assert fit_to_score("ppp_cluster", df, options).models[0].missing == missing
    wanted = con.execute(f"FROM ppp_cluster('{table}', columns := {options['columns']}, k := 6) ORDER BY id").fetchall()
    assert ids(spark.cluster(df, **options)) == [row[-1] for row in wanted]


def test_weights_hide_holes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The extremes of rows that weigh nothing are not known."""
    from ppp_duck.spark.fitting import fit_to_score

    con.execute("CREATE OR REPLACE TABLE weighed AS SELECT *, (id % 9)::DOUBLE AS weight FROM rows").fetchall()
    options = {"columns": ["x", "y", "z"], "k": 6, "weight": "weight"}
    models = fit_to_score("ppp_cluster", frame(con, "weighed", tmp_path), options)
    assert models.models[0].missing == "auto"
