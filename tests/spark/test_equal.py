"""DataFrames of any partitioning have DuckDB's fingerprint, model and ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import needed, spark_session
from spark_rows import BEYOND_ROWS, CASES, Case, connection, content

import ppp_duck
from ppp_duck.models.model import SCORE_COLUMNS

pytestmark = pytest.mark.spark
EXACT = [name for name, kind in SCORE_COLUMNS.items() if kind != "DOUBLE" and name != "second_cluster_id"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def con(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    needed("spark")
    with connection(folder) as made:
        yield made


def frame(folder: Path, table: str, partitions: int) -> Any:
    return spark_session().read.parquet(str(folder / f"{table}.parquet")).repartition(partitions)


def by_id(df: Any, columns: list[str]) -> list[tuple[Any, ...]]:
    return sorted(zip(*df.select("id", *columns).toArrow().to_pydict().values(), strict=True))


def predicted(
    con: duckdb.DuckDBPyConnection, model: ppp_duck.Model, table: str, names: list[str]
) -> list[tuple[Any, ...]]:  # fmt: skip
    return model.predict(con, table, "full").select(", ".join(["id", *names])).order("id").fetchall()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_as_on_duckdb(con: duckdb.DuckDBPyConnection, folder: Path, case: Case) -> None:
    from ppp_duck import spark

    df, wanted = frame(folder, case.table, 3), ppp_duck.fit(con, case.table, **case.options)
    model = spark.fit(df, **case.options)
    assert model.fingerprint == wanted.fingerprint
    assert content(model.models) == content(wanted.models)
    output, names = ("full", EXACT) if "groups" in case.name else ("id", ["cluster_id"])
    if case.name != "every column":  # as text it is long: tests/portable has such
        assert by_id(spark.predict(df, model, output), names) == predicted(con, wanted, case.table, names)


@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_beyond_the_sample(con: duckdb.DuckDBPyConnection, folder: Path, partitions: int) -> None:
    """200,000 rows more than the sample holds."""
    from ppp_duck import spark

    df, wanted = frame(folder, "beyond", partitions), ppp_duck.fit(con, "beyond", columns=["x", "y", "z"])
    model = spark.fit(df, columns=["x", "y", "z"])
    assert dict(model.models.models[0].report)["sample"] == "65536 distinct rows"
    assert model.fingerprint == wanted.fingerprint
    assert content(model.models) == content(wanted.models)
    found = by_id(spark.predict(df, model), ["cluster_id"])
    assert len(found) == BEYOND_ROWS
    assert found == predicted(con, wanted, "beyond", ["cluster_id"])


def test_cluster_is_ppp_cluster(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    from ppp_duck import spark

    df = frame(folder, "types", 5).select("id", "x", "city", "nested")
    found = spark.cluster(df, columns=["x", "city"], k=3, covariance="diag", output="full", prefix="p_")
    assert found.columns == [*df.columns, *(f"p_{name}" for name in SCORE_COLUMNS)]
    options = "columns := ['x', 'city'], k := 3, covariance := 'diag', output := 'full'"
    call = f"ppp_cluster('SELECT id, x, city, nested FROM types', {options})"
    wanted = con.execute(f"SELECT id, {', '.join(EXACT)} FROM {call} ORDER BY id").fetchall()
    assert by_id(found, [f"p_{name}" for name in EXACT]) == wanted


def test_a_clock_of_the_session_is_no_matter(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Where it skips midnight, the days of DATEDIFF are others."""
    from ppp_duck import spark

    session, options = spark_session(), {"columns": ["old", "moment"], "k": 2}
    con.execute("CREATE OR REPLACE VIEW old AS SELECT id, moment, DATE '1914-01-01' + id::INTEGER AS old FROM types")
    con.execute(f"COPY old TO '{folder / 'old.parquet'}'")
    before = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "America/Sao_Paulo")
    try:
        model = spark.fit(frame(folder, "old", 2), **options)
    finally:
        session.conf.set("spark.sql.session.timeZone", before)
    assert model.fingerprint == ppp_duck.fit(con, "old", **options).fingerprint
