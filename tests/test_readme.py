"""The README does what it says: its code runs, its tables are what comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ppp_duck
from ppp_duck.binding.options import TABLE
from ppp_duck.models.model import SCORE_COLUMNS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_sql_runs() -> None:
    con = ppp_duck.connect()
    told, text, models = blocks("sql")
    *_, said = [con.execute(statement).fetchall() for statement in con.extract_statements(told)]
    assert ("columns_used", "revenue (DOUBLE, as number)") in said
    results = [con.execute(statement).fetchall() for statement in con.extract_statements(text)]
    assert len(results) == 6
    assert len(results[1]) == 900
    assert [row[1] for row in results[2]] == [300, 300, 300]
    assert len(results[4]) == 600
    results = [con.execute(statement).fetchall() for statement in con.extract_statements(models)]
    assert len(results) == 8
    assert all(results)


def test_python_needs_no_more_than_the_line_that_installs() -> None:
    """The first line of Install brings all that the blocks import."""
    assert "pip install '.[plot]'" in blocks("sh")[0]
    listed = [one for one in requires("ppp-duck") or () if "extra ==" not in one or "plot" in one]
    installed = {re.split(r"[^\w-]", one)[0].replace("scikit-learn", "sklearn") for one in listed}
    imported = {name for text in blocks("python") for name in re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)}
    assert imported <= {*installed, "ppp_duck"}
    assert not re.search(r"^[^#]*\.(?:df|pl)\(\)", "".join(blocks("python")), re.MULTILINE)  # pandas, polars


def test_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """One block after the other, as a reader copies them; the first prints the table that stands below it."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    first, *others = blocks("python")
    exec(first, names)
    assert capsys.readouterr().out.strip() == blocks("text")[0].strip()
    duckdb.sql("DROP TABLE IF EXISTS visits")
    for text in others:
        exec(text, names)
    assert names["result"].columns == ["spend", "cluster_id"]
    duckdb.sql("DROP TABLE visits")
    assert names["wine"].n_clusters_ == 3
    with duckdb.connect("cellar.duckdb") as con:
        assert con.execute("SELECT count(*) FROM wine").fetchall() == [(3,)]


def test_a_shell_runs(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute(blocks("sql")[1].split(";")[0]).fetchall()
        con.execute(f"COPY customers TO '{tmp_path / 'customers.csv'}'").fetchall()
    program = f'ppp-duck() {{ "{sys.executable}" -m ppp_duck "$@"; }}'
    text = blocks("sh")[-1]
    script = f"set -euo pipefail\n{program}\n{text}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert done.stdout.decode().splitlines()[-3:] == ["0,300", "1,300", "2,300"]
    assert len((tmp_path / "scored.csv").read_text().splitlines()) == 901
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path / 'segments.parquet'}'").fetchall() == [(900,)]


def test_the_queries_are_those_of_the_examples() -> None:
    _, text, _ = blocks("sql")
    example = (ROOT / "examples" / "queries.sql").read_text(encoding="utf-8")

    def code(sql: str) -> list[str]:
        return [line for line in sql.splitlines() if line.strip() and not line.startswith("--")]

    assert code(text) == code(example)


def test_every_option_and_column_is_named_and_no_other() -> None:
    named = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert named == [option.name for option in TABLE]
    paragraph = README[README.index("With `output := 'full'`") :].split("\n\n")[0]
    for name in SCORE_COLUMNS:
        assert f"`{name}`" in paragraph


def test_the_table_of_known_sets_is_what_comes_out() -> None:
    sys.path.insert(0, str(ROOT))
    from benchmarks.known_sets import table

    assert README.split("<!-- known sets -->")[1].split("<!-- end -->")[0].strip() == table()


def test_extras_and_commands_exist() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in re.findall(r"'\.\[(\w+)\]'", README):
        assert f"\n{extra} = [" in project
    (text,) = (text for text in blocks("sh") if text.startswith("make "))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in text.splitlines():
        target = line.split("#")[0].split()[1]
        assert f"\n{target}: " in makefile
