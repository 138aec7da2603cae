"""The SQL that a call becomes: golden files of it, which run."""

from __future__ import annotations

import make
import pytest
from conftest import ROOT

import ppp_duck

FITTING = [name for name, (function, *_) in make.CALLS.items() if function == "ppp_cluster"]
OTHERS = [name for name in make.CALLS if name not in FITTING]


@pytest.mark.parametrize("name", make.CALLS)
def test_golden(name: str) -> None:
    assert make.golden(name) == (ROOT / "sql" / "golden" / f"{name}.sql").read_text(encoding="utf-8"), "run make sql"


def test_golden_of_looking() -> None:
    assert make.looking() == (ROOT / "sql" / "golden" / "looking.sql").read_text(encoding="utf-8"), "run make sql"


def test_no_other_file_is_there() -> None:
    folder = ROOT / "sql" / "golden"
    assert {path.stem for path in folder.glob("*.sql")} == {*make.CALLS, "looking"}
    assert set(folder.rglob("*.sql")) == {path for path, _ in make.files() if folder in path.parents}


@pytest.mark.parametrize("name", FITTING)
def test_statements_of_ppp_cluster_run(name: str) -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE customers AS SELECT i AS id, 1 + sin(i) AS income, ['a', 'b'][1 + i % 2] AS city, "
        "[i % 2, sin(i), cos(i), 0]::FLOAT[4] AS v FROM range(40) r(i)"
    ).fetchall()
    text = make.golden(name)
    if name == "copied":
        text = f"WITH c AS (SELECT income AS x, income FROM customers) FROM ({text})"
    assert len(con.execute(text).fetchall()) == 40


@pytest.mark.parametrize("name", OTHERS)
def test_other_statements_run(name: str) -> None:
    con = ppp_duck.connect()
    con.execute(
        "CREATE TABLE rows AS SELECT ['a', 'b'][1 + i % 2] AS g, sin(i) AS x, ''::BLOB AS b FROM range(20) r(i)"
    )
    by = ", by := ['g']" if name == "profile" else ""
    con.execute(
        f"CREATE TABLE seg AS FROM ppp_fit('rows', columns := ['x'], k := 1, covariance := 'diag'{by})"
    ).fetchall()
    text = make.golden(name)
    if name == "predict_full":
        text = f"WITH c AS (SELECT x, x AS income FROM rows) FROM ({text})"
    assert isinstance(con.execute(text).fetchall(), list)
