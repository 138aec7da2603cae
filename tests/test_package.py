"""The package as it is built, and who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ppp_duck
from ppp_duck.options import TABLE
from ppp_duck.register import sql_directory

ROOT = Path(ppp_duck.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT)) for p in MODULES])
def test_imports_point_one_way(path: Path) -> None:
    found = imports(path)
    inside = path.relative_to(ROOT).parts
    if inside[0] == "engine" or inside == ("model.py",):
        assert not any(name.split(".")[0] in ("duckdb", "pyarrow", "sqlglot") for name in found)
        assert all(
            name.startswith(("ppp_duck.engine", "ppp_duck.model")) for name in found if name.startswith("ppp_duck")
        )
    if inside[0] not in ("register.py", "sources.py"):
        assert "duckdb" not in found
    assert not any("random" in name.split(".") for name in found)


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT)) for p in MODULES])
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 450


def test_every_option_is_in_the_macro_and_its_description() -> None:
    text = (sql_directory() / "ppp_cluster.sql").read_text(encoding="utf-8")
    comments, code = text.split("CREATE OR REPLACE", 1)
    for option in TABLE:
        assert f"-- {option.name} " in comments
        assert option.sql_type in comments.split(f"-- {option.name} ")[1].splitlines()[0]
        assert f"  {option.name} := " in code
        assert f"'{option.name}': {option.name}" in code
    assert code.count(":=") == len(TABLE)


def test_the_macros_defaults_are_the_options_defaults() -> None:
    from ppp_duck.options import Options

    code = (sql_directory() / "ppp_cluster.sql").read_text(encoding="utf-8")
    con = ppp_duck.connect()
    for line in code.splitlines():
        if " := " in line and line.startswith("  "):
            name, default = line.strip().rstrip(",").split(" := ")
            ((value,),) = con.execute(f"SELECT {default}").fetchall()
            expected = getattr(Options(), name)
            assert value == (None if expected == () else expected), name
