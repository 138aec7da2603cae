"""Every block of Python, SQL, IPython and shell in docs/ runs, in the order of its page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
ELSEWHERE = ROOT / "docs" / "elsewhere.md"  # runs on other engines: tests/portable/test_text.py
SPARK = ROOT / "docs" / "spark.md"  # tests/spark/test_page.py
PAGES = sorted({*(ROOT / "docs").glob("**/*.md")} - {ELSEWHERE, SPARK})
BLOCK = re.compile(r"^```(python|sql|ipython|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEEDS = {"ibis": ("ibis-framework",), "marimo": ("marimo",), "jupysql": ("jupysql", "duckdb-engine")}  # by page
TERMINAL = shutil.which("duckdb", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def installed(distribution: str) -> bool:
    return any(True for _ in distributions(name=distribution))


def parameter(page: Path) -> Any:
    missing = [name for name in NEEDS.get(page.stem, ()) if not installed(name)]
    if page.stem == "terminal" and TERMINAL is None:
        missing = ["duckdb, its terminal"]
    # what other programs call may be deprecated: that is theirs
    theirs = [pytest.mark.doors, pytest.mark.filterwarnings("default::DeprecationWarning")]
    marks = theirs if page.stem in (*NEEDS, "terminal") else []
    reason = f"{', '.join(missing)} not here: make test-doors has all of them"
    return pytest.param(page, marks=[*marks, pytest.mark.skipif(bool(missing), reason=reason)], id=page.stem)


@pytest.mark.parametrize(
    "page", [parameter(page) for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]
)  # fmt: skip
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL runs on the connection that the page's Python calls ``con``."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(code, page.name, "exec"), names)
        elif language == "sql":
            for statement in names["con"].extract_statements(code):
                names["con"].execute(statement).fetchall()
        elif language == "sh":
            run_in_a_shell(code, tmp_path)
        else:
            run_in_ipython(code, tmp_path)


def run_in_a_shell(code: str, folder: Path) -> None:
    programs = f'ppp-duck() {{ "{sys.executable}" -m ppp_duck "$@"; }}\nduckdb() {{ "{TERMINAL}" "$@"; }}\n'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{programs}{code}"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if "count(*)" in code:
        assert len(re.findall(r"^│ +[01] │ +50 │$", done.stdout, re.MULTILINE)) == 2, done.stdout


def run_in_ipython(code: str, folder: Path) -> None:
    """In a process of its own: IPython's shell is one for a process, and jupysql warns of what it does itself."""
    script = folder / "page.ipy"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "IPYTHONDIR": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rror" not in done.stdout + done.stderr


@pytest.mark.doors
@pytest.mark.skipif(not installed("ibis-framework"), reason="ibis is not here: make test-doors has it")
@pytest.mark.skipif(duckdb.__version__ < "2", reason="with DuckDB 1.4 it works")
def test_ibis_does_not_run_a_query_of_its_own_with_duckdb_2() -> None:
    """As docs/doors/ibis.md says; where this fails, the page can be shorter."""
    import ibis

    with pytest.raises(AttributeError, match="fetch_arrow_table"):
        ibis.duckdb.connect().sql("SELECT 1 AS one")
