"""What ``ppp_sql`` writes: golden texts, forms, names, types, and the errors of what cannot be said."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import make
import numpy as np
import portable_models
import pytest
import sqlglot
from conftest import refused
from engines import needed, postgres_script
from hypothesis import given
from hypothesis import strategies as st

import ppp_duck
from ppp_duck.binding.options import DIALECTS
from ppp_duck.errors import DialectError, OptionError, SourceError
from ppp_duck.models.model import Feature, ModelSet
from ppp_duck.portable import dialects
from ppp_duck.portable.nodes import number
from ppp_duck.portable.stages import TERMS, Chain
from ppp_duck.portable.writing import portable_sql

ROOT = Path(__file__).parents[2]
MODELS = portable_models.portable_models()
GOLDEN = [(path, text) for path, text in make.files() if path.parent.name == "portable"]


@pytest.mark.parametrize(("path", "text"), GOLDEN, ids=[path.stem for path, _ in GOLDEN])
def test_golden(path: Path, text: str) -> None:
    """``make sql`` writes them anew; look at what changed."""
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", [path for path, _ in GOLDEN], ids=[path.stem for path, _ in GOLDEN])
def test_the_text_is_of_its_dialect(path: Path) -> None:
    """As sqlglot reads it, and nothing in it is a function that sqlglot passes through unseen."""
    dialect = path.stem.partition("_")[2]
    (tree,) = sqlglot.parse(path.read_text(encoding="utf-8"), read=dialect)
    assert tree is not None
    assert not re.search(r"\b(inf|nan)\b", path.read_text(encoding="utf-8").replace("'inf'", "").replace("'-inf'", ""))
    own = dialects.FUNCTIONS.get(dialect, frozenset())
    assert {one.name.lower() for one in tree.find_all(sqlglot.exp.Anonymous)} <= {one.lower() for one in own}


def test_dialects_of_the_option_are_those_of_the_table() -> None:
    assert tuple(dialects.DIALECTS) == DIALECTS


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_keep_their_bits(value: float) -> None:
    text = number(value).sql()
    assert float(text) == value
    assert "e" in text


def test_long_sums_go_on_in_the_next_stage() -> None:
    chain = Chain()
    chain.add_sums("a sum", {"s": [number(1.0) for _ in range(2 * TERMS + 1)], "short": [number(2.0)]})
    assert [list(stage.columns) for stage in chain.stages] == [[f"s_of_{TERMS}", "short"], [f"s_of_{2 * TERMS}"], ["s"]]


def test_functions_that_nobody_named_are_refused() -> None:
    query = sqlglot.parse_one("SELECT list_sum([1])", read="duckdb")
    with pytest.raises(DialectError, match="spark is not known to have"):
        dialects.check(dialects.DIALECTS["spark"], query)


def test_what_is_wrong_with_the_arguments(fitted: duckdb.DuckDBPyConnection) -> None:
    said = refused(fitted, "FROM ppp_sql('seg', dialect := 'postgre')")
    assert said.startswith(
        "ppp_sql: set dialect to 'duckdb', 'postgres', 'spark', 'bigquery', 'snowflake' or 'clickhouse', "
    )
    assert said.endswith("did you mean 'postgres'?")
    assert "set form to 'select' or 'view'" in refused(
        fitted, "FROM ppp_sql('seg', dialect := 'spark', form := 'macro')"
    )
    model = ppp_duck.load(fitted, "seg")
    with pytest.raises(OptionError):
        model.sql("oracle")
    with pytest.raises(SourceError):
        model.sql(source="a..b")


def test_sql_and_python_say_the_same(fitted: duckdb.DuckDBPyConnection) -> None:
    model = ppp_duck.load(fitted, "seg")
    for dialect in DIALECTS:
        call = f"FROM ppp_sql('seg', dialect := '{dialect}', output := 'full', source := 'blobs')"
        assert fitted.execute(call).fetchall() == [(model.sql(dialect, "blobs", "full"),)]


def nearly(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Doubles to 1e-9, which is what is promised: with AVX512 numpy has another exp, by a last digit."""
    return [tuple(round(one, 9) if isinstance(one, float) else one for one in row) for row in rows]


def test_forms(fitted: duckdb.DuckDBPyConnection) -> None:
    """A template, a view and a macro, with all that ppp_predict gives."""
    model = ppp_duck.load(fitted, "seg")
    wanted = fitted.execute("FROM ppp_predict('blobs', model := 'seg', output := 'full') ORDER BY id").fetchall()
    template = model.sql(output="full")
    assert template.count("{source}") == 1
    query = template.replace("{source}", "blobs")
    plain = duckdb.connect()
    new = fitted.table("blobs").to_arrow_table()
    plain.execute("CREATE TABLE blobs AS FROM new").fetchall()
    scored = plain.execute(f"{query} ORDER BY id").fetchall()
    assert nearly(scored) == nearly(wanted)
    plain.execute(model.sql(source="main.blobs", output="full", form="view")).fetchall()
    assert plain.execute("FROM blobs_clusters ORDER BY id").fetchall() == scored
    plain.execute(model.sql(source="of_row", form="macro")).fetchall()
    plain.execute(model.sql(source="all_of_row", output="full", form="macro")).fetchall()
    columns = ", ".join(f'"{feature.name}"' for feature in model.models.models[0].features)
    ids = plain.execute(f"SELECT of_row({columns}) FROM blobs ORDER BY id").fetchall()
    assert ids == [(row[4],) for row in wanted]
    whole = plain.execute(f"SELECT all_of_row({columns}) FROM blobs ORDER BY id").fetchall()
    assert [tuple(row.values()) for (row,) in whole] == [row[4:] for row in scored]


def scored_as_predicted(rows: str, options: str) -> None:
    """By the text in DuckDB as by ppp_predict."""
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE rows AS {rows}").fetchall()
    con.execute(f"CREATE TABLE seg AS FROM ppp_fit('rows', exclude := ['id'], {options})").fetchall()
    text = ppp_duck.load(con, "seg").sql(source="rows")
    new = "SELECT id, cluster_id FROM"
    wanted = con.execute(f"{new} ppp_predict('rows', model := 'seg') ORDER BY id").fetchall()
    assert con.execute(f"{new} ({text}) ORDER BY id").fetchall() == wanted
    assert len({row[1] for row in wanted}) > 1


TIMES = ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS", "TIMESTAMP_S"]


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_duckdb(kind: str) -> None:
    """Infinite ones included."""
    infinite = "NULL" if kind in ("TIMESTAMP_NS", "TIMESTAMP_S") else "'infinity'"
    day = "DATE '2020-01-01' + CAST(100 * (i % 2) + i % 7 AS INTEGER)"
    scored_as_predicted(
        f"SELECT i AS id, (CASE WHEN i % 50 = 3 THEN {infinite}::{kind} ELSE ({day})::{kind} END) AS v, i % 2 + sin(i) / 9 AS x "
        "FROM range(300) r(i)",
        "columns := ['v', 'x'], k := 2",
    )


@pytest.mark.parametrize("v", [
    "TIME '01:00:00' + to_seconds(i % 2 * 40000 + i % 60)", "to_seconds(i % 2 * 40000 + i % 60)",
    "(i % 2 * 40 + i % 7)::DECIMAL(9, 2)", "(i % 2 * 40 + i % 7)::HUGEINT", "i % 2 * 40 + (i % 7)::FLOAT / 3",
    "[i % 2 * 9 + sin(i), i % 2]", "[i % 2 * 9 + sin(i), CASE WHEN i % 9 = 0 THEN NULL ELSE cos(i) END]",
    "CASE WHEN i % 10 = 0 THEN NULL WHEN i % 2 = 0 THEN 'a'::ENUM('a', 'b') ELSE 'b' END",
])  # fmt: skip
def test_types_of_duckdb(v: str) -> None:
    scored_as_predicted(
        f"SELECT i AS id, {v} AS v, i % 2 * 3 + sin(i) AS x FROM range(300) r(i)", "columns := ['v', 'x'], k := 2"
    )


@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9, 3)", "TIMESTAMPTZ", "BOOLEAN", "DATE"])
def test_groups_of_every_type(kind: str) -> None:
    value = (
        "(i % 2)"
        if kind == "BOOLEAN"
        else "(DATE '2020-01-01' + (i % 2)::INTEGER)"
        if kind in TIMES
        else "(0.5 + i % 2)"
    )
    scored_as_predicted(
        f"SELECT i AS id, {value}::{kind} AS g, i // 2 % 2 * 9 + sin(i) AS x FROM range(200) r(i)",
        "columns := ['x'], by := ['g'], k := 2",
    )


def test_many_groups() -> None:
    scored_as_predicted(
        "SELECT i AS id, i % 40 AS g, i // 40 % 2 * 9 + sin(i) AS x FROM range(800) r(i)",
        "columns := ['x'], by := ['g'], k := 2",
    )


def with_feature(feature: Feature) -> ModelSet:
    (model,) = MODELS["numbers"].models
    return ModelSet((), (replace(model, features=(feature, model.features[1])),))


@pytest.mark.parametrize(("kind", "dialect"), [
    ("TIME", "spark"), ("TIME", "clickhouse"), ("INTERVAL", "bigquery"), ("INTERVAL", "spark"), ("TIME WITH TIME ZONE", "postgres"),
    ("TIMESTAMP_NS", "postgres"),
])  # fmt: skip
def test_types_that_a_dialect_lacks(kind: str, dialect: str) -> None:
    with pytest.raises(DialectError, match=f'fit without "start", .*: {dialect} lacks the type {kind}'):
        portable_sql(with_feature(portable_models.number("start", kind)), dialect, None, "id", "select")


def test_marginals_of_too_many_numbers() -> None:
    con = ppp_duck.connect()
    columns = ", ".join(f"sin(i * {j + 1}.7) + 9 * (i % 2) AS w{j}" for j in range(60))
    con.execute(f"CREATE TABLE t AS SELECT {columns} FROM range(300) r(i)").fetchall()
    model = ppp_duck.fit(con, "t", k=2, covariance="full")
    with pytest.raises(DialectError, match=r"marginals of \d+ covariances between 60 numbers"):
        model.sql()


def test_importing_the_package_does_not_load_sqlglot() -> None:
    program = "import sys, ppp_duck; ppp_duck.connect(); assert 'sqlglot' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "elsewhere.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (asked,) = re.findall(r"```plain\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    for language, code in re.findall(r"```(python|sql)\n(.*?)```", page, re.DOTALL):
        if language == "sql":
            for statement in names["con"].extract_statements(code):
                names["con"].execute(statement).fetchall()
        else:
            exec(code, names)
            assert "ppp_scored" in str(names.get("text", "ppp_scored"))
    assert "text" in names
    con = names["con"]
    plain = duckdb.connect()
    plain.execute((tmp_path / "segment_of.sql").read_text(encoding="utf-8")).fetchall()
    new = con.table("customers").to_arrow_table()
    plain.execute("CREATE TABLE customers AS FROM new").fetchall()
    wanted = con.execute("FROM ppp_predict('customers', model := 'seg')").fetchall()
    assert sorted(plain.execute(asked).fetchall()) == sorted(wanted)


@pytest.mark.postgres
def test_the_example_runs_in_postgres() -> None:
    needed("postgres")
    said = postgres_script((ROOT / "examples" / "score_in_postgres.sql").read_text(encoding="utf-8"))
    assert re.findall(r"^ +(\d) \| +(\d) \|", said, re.MULTILINE)[:3] == [("1", "0"), ("2", "1"), ("3", "2")]


def test_the_example_is_what_its_program_writes() -> None:
    text = (ROOT / "examples" / "score_in_postgres.sql").read_text(encoding="utf-8")
    program = (ROOT / "examples" / "make_score_in_postgres.py").read_text(encoding="utf-8")
    assert text.startswith(re.search(r'TABLE = """(.*?)"""', program, re.DOTALL)[1])  # type: ignore[index]
    assert np.isfinite([float(one) for one in re.findall(r"(?<![\w.])\d[\d.]*e-?\d+", text)]).all()
