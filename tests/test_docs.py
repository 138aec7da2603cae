"""The documentation names every function, argument and column that exists, and none that does not."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from conftest import BLOBS

import ppp_duck
from ppp_duck.binding.options import ARGUMENTS

TEXT = (Path(__file__).parents[1] / "docs" / "functions.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (ppp_\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
CALLS = {
    "ppp_cluster": "ppp_cluster('blobs', output := 'full')",
    "ppp_fit": "ppp_fit('blobs')",
    "ppp_predict": "ppp_predict('blobs', model := 'seg', output := 'full')",
    "ppp_separable": "ppp_separable('blobs')",
    "ppp_clusterability": "ppp_clusterability('blobs')",
    "ppp_centers": "ppp_centers('seg')",
    "ppp_profile": "ppp_profile('blobs', model := 'seg')",
    "ppp_trials": "ppp_trials('seg')",
    "ppp_evaluate": "ppp_evaluate('blobs', model := 'seg')",
    "ppp_info": "ppp_info('seg')",
    "ppp_compare": "ppp_compare('seg', a := 0)",
    "ppp_match": "ppp_match('seg', 'seg', 'blobs')",
    "ppp_sql": "ppp_sql('seg')",
    "ppp_outliers": "ppp_outliers('blobs', model := 'seg')",
}


def named(function: str, what: str) -> list[str]:
    (paragraph,) = re.findall(rf"^{what}: (.*?)\n\n", SECTIONS[function] + "\n\n", re.MULTILINE | re.DOTALL)
    return re.findall(r"`(\w+)`", paragraph)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = ppp_duck.connect()
    connection.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
    connection.execute("CREATE TABLE seg AS FROM ppp_fit('blobs', k := 2)").fetchall()
    return connection


def test_every_function_is_documented_and_no_other(con: duckdb.DuckDBPyConnection) -> None:
    existing = con.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'table_macro' "
        "AND starts_with(function_name, 'ppp_') AND NOT starts_with(function_name, 'ppp__')"
    ).fetchall()
    assert set(SECTIONS) == {name for (name,) in existing} == set(ARGUMENTS) == set(CALLS)


@pytest.mark.parametrize("function", CALLS)
def test_every_argument_is_documented_and_no_other(function: str) -> None:
    assert named(function, "Arguments") == list(ARGUMENTS[function])


@pytest.mark.parametrize("function", CALLS)
def test_every_column_is_documented_and_no_other(con: duckdb.DuckDBPyConnection, function: str) -> None:
    found = [row[0] for row in con.execute(f"DESCRIBE FROM {CALLS[function]}").fetchall()]
    source = ["id", "x", "y", "tree"]
    assert [name for name in found if name not in source] == named(function, "Columns")
    description = (ppp_duck.register.__globals__["sql_directory"]() / f"{function}.sql").read_text(encoding="utf-8")
    comments = description.split("CREATE OR REPLACE")[0]
    if function != "ppp_predict":  # which points to ppp_cluster's
        assert all(re.search(rf"\b{name}\b", comments) for name in named(function, "Columns"))
