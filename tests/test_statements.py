"""The SQL of the functions that store, read and describe models: golden files, and nothing run before its time."""

from __future__ import annotations

import importlib
from pathlib import Path

import duckdb
import pytest

import ppp_duck
from ppp_duck import statements
from ppp_duck.sources import Column, Source

functions = importlib.import_module("ppp_duck.functions")
GOLDEN = Path(__file__).parents[1] / "sql" / "golden"

ROWS = Source("rows", '"rows"', (Column("g", "VARCHAR"), Column("x", "DOUBLE"), Column("b", "BLOB")), True)
SEG = Source("seg", '"seg"', None, False)
CTE = Source("c", '"c"', None, False)
CALLS = {
    "fit_by": ("ppp_fit", ROWS, {"by": ["g"], "columns": ["x"]}),
    "separable": ("ppp_separable", ROWS, {"columns": ["x"]}),
    "refined": ("ppp_separable", ROWS, {"columns": ["x"], "by": ["g"], "sample_size": 5, "refine": 1}),
    "predict": ("ppp_predict", ROWS, {"model": "seg"}),
    "predict_unseen": ("ppp_predict", CTE, {"model": "seg", "output": "full", "prefix": "p_"}),
    "outliers": ("ppp_outliers", ROWS, {"model": "seg", "contamination": 0.1}),
    "evaluate": ("ppp_evaluate", ROWS, {"model": "seg"}),
    "profile": ("ppp_profile", ROWS, {"model": "seg", "by": ["g"]}),
    "centers": ("ppp_centers", SEG, {}),
    "trials": ("ppp_trials", SEG, {}),
    "info": ("ppp_info", SEG, {}),
    "compare": ("ppp_compare", SEG, {"a": 0}),
    "match": ("ppp_match", SEG, {"new": "seg", "src": "rows"}),
}


def statement(name: str) -> str:
    function, source, given = CALLS[name]
    known = {"seg": SEG, "rows": ROWS, source.name: source}
    return statements.statement(function, source.name, given, lambda _, found, **__: known[found]) + "\n"


@pytest.mark.parametrize("name", CALLS)
def test_golden(name: str) -> None:
    assert statement(name) == (GOLDEN / f"{name}.sql").read_text()


@pytest.mark.parametrize("name", CALLS)
def test_golden_runs(name: str) -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE rows AS SELECT ['a', 'b'][1 + i % 2] AS g, sin(i) AS x, ''::BLOB AS b FROM range(20) r(i)"
    )
    by = ", by := ['g']" if name == "profile" else ""
    con.execute(
        f"CREATE TABLE seg AS FROM ppp_fit('rows', columns := ['x'], k := 1, covariance := 'diag'{by})"
    ).fetchall()
    text = f"WITH c AS (FROM rows) FROM ({statement(name)})" if name == "predict_unseen" else statement(name)
    assert isinstance(con.execute(text).fetchall(), list)


STATEMENTS = [
    "fit('blobs', k := 2)", "separable('blobs', k := 2, sample_size := 50, refine := 1)", "predict('blobs', model := 'seg')",
    "outliers('blobs', model := 'seg')", "evaluate('blobs', model := 'seg')", "profile('blobs', model := 'seg')",
    "centers('seg')", "trials('seg')", "info('seg')", "compare('seg', a := 0)", "match('seg', 'seg', 'blobs')",
]  # fmt: skip


@pytest.mark.parametrize("call", STATEMENTS)
def test_nothing_is_read_or_fitted_before_the_statement_runs(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    con.execute("CREATE TABLE seg AS FROM ppp_fit('blobs', k := 2, covariance := 'diag')").fetchall()
    work = []
    fit, read = functions.fit_groups, functions.stored.from_rows
    monkeypatch.setattr(functions, "fit_groups", lambda *a: work.append(1) or fit(*a))
    monkeypatch.setattr(functions.stored, "from_rows", lambda *a: work.append(1) or read(*a))
    for text in ("EXPLAIN {}", "DESCRIBE {}", "PREPARE p AS {}", "CREATE VIEW v AS {}", "DESCRIBE v"):
        con.execute(text.format(f"FROM ppp_{call}")).fetchall()
        assert not work, text
    rows = con.execute("EXECUTE p").fetchall()
    assert work
    assert con.execute("FROM v").fetchall() == rows
    con.execute(f"CREATE TABLE kept AS FROM ppp_{call}").fetchall()
    assert con.execute("FROM kept").fetchall() == rows
