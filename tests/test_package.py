"""The package as it is built, and who may import whom."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ppp_duck
from ppp_duck.options import ARGUMENTS, FITTING, READING, TABLE, Options, Reading
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
    if inside[0] not in ("api.py", "register.py", "sources.py"):
        assert "duckdb" not in found
    assert not any("random" in name.split(".") for name in found)


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT)) for p in MODULES])
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 450


POSITIONAL = {
    "ppp_match": ["old", "new", "src"],
    **{name: ["model"] for name in ("ppp_centers", "ppp_trials", "ppp_info", "ppp_compare")},
}


def macro(function: str) -> tuple[str, list[str], str]:
    """Of a function's file: the description, the parameters of the macro with their defaults, and its body."""
    text = (sql_directory() / f"{function}.sql").read_text(encoding="utf-8")
    comments, code = text.split("CREATE OR REPLACE", 1)
    head, body = code.split(") AS TABLE", 1)
    parameters = [line.strip().rstrip(",") for line in head.splitlines() if line.startswith("  ")]
    return comments, parameters, body


@pytest.mark.parametrize("function", ARGUMENTS)
def test_every_argument_is_in_the_macro_and_its_description(function: str) -> None:
    comments, parameters, body = macro(function)
    positional = POSITIONAL.get(function, ["src"])
    assert [one for one in parameters if ":=" not in one] == positional
    assert [one.split(" := ")[0] for one in parameters if ":=" in one] == list(ARGUMENTS[function])
    types = {option.name: option.sql_type for option in (*TABLE, *READING)}
    for name in ARGUMENTS[function]:
        (line,) = [line for line in comments.splitlines() if line.startswith(f"-- {name} ")]
        assert line.split()[2] == types[name]
        assert f"'{name}': " in body
    for name in positional:
        assert re.search(rf"^-- .*\b{name}\b", comments, re.MULTILINE)


@pytest.mark.parametrize("function", ARGUMENTS)
def test_the_macros_defaults_are_the_options_defaults(function: str) -> None:
    con = ppp_duck.connect()
    defaults = Options() if function in FITTING else Reading()
    for parameter in macro(function)[1]:
        if " := " in parameter:
            name, default = parameter.split(" := ")
            ((value,),) = con.execute(f"SELECT {default}").fetchall()
            expected = getattr(defaults, name)
            assert value == (None if expected == () else expected), name
