"""The package as it is built: who may import whom, and how long a thing may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ppp_duck
from ppp_duck.binding.interface import RETURNS
from ppp_duck.registering import BINDING
from ppp_duck.running.functions import FUNCTIONS

ROOT = Path(ppp_duck.__file__).parent
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in sorted(ROOT.rglob("*.py"))}

# A module imports from its own room and from those before it; modules of no room are at the top, and from everywhere
# there is what belongs to none.
ROOMS = (
    "models", "engine", "features", "binding", "portable", "running", "doors", "registering", "api", "plot", "reporting",
    "estimator", "spark", "__init__", "command", "__main__", "dbt_plugin",
)  # fmt: skip
FROM_EVERYWHERE = ("errors", "names", "version")
OUTSIDE = {  # who may import it
    "duckdb": (
        "api",
        "registering",
        "doors",
        "binding/source",
        "estimator/given",
        "estimator/ppp",
        "command",
        "dbt_plugin",
        "spark",
    ),
    "pyarrow": ("running", "registering", "doors", "binding/interface", "estimator", "spark"),
    "pyspark": ("spark",),
    "sklearn": ("estimator/ppp",),
    "sqlalchemy": ("doors/connections",),
    "pandas": (),
    "polars": (),
    "sqlglot": ("portable",),
    "altair": ("plot",),
    "dbt": ("dbt_plugin",),
    "jinja2": ("reporting",),
    "vl_convert": ("reporting",),
    "random": (),
}
# What takes long to import, and is imported when it is first used.
LATE = ("altair", "narwhals", "pandas", "polars", "pyarrow.compute", "pyspark", "sklearn", "sqlalchemy", "sqlglot")
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "data", "info", "common", "misc", "core"}
LINES = {"binding": 250}  # of a module, by room
MOST_LINES = 400
FUNCTION_LINES = {"engine": 60}  # from def to its end: a procedure of numerics is read with its formulas
MOST_FUNCTION_LINES = 40


def imported(path: Path) -> Iterator[str]:
    """What a module imports, wherever in it, as it is written: ``ppp_duck.models.table``, ``numpy``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of_ours(name: str) -> set[str]:
    """The modules of the package that a module imports, as in ``engine/kmeans/tree``. A package is its ``__init__``."""
    found = set()
    for one in imported(MODULES[name]):
        if one.partition(".")[0] == "ppp_duck":
            parts = one.split(".")[1:]
            # the longest beginning that is a module: what follows is a name in it
            ways = ("/".join(parts[:n]) for n in range(len(parts), -1, -1))
            found.add(next(m for way in ways for m in (way, f"{way}/__init__".lstrip("/")) if m in MODULES))
    return found - {name}


def room(name: str) -> str:
    return name.partition("/")[0]


each_module = pytest.mark.parametrize("name", MODULES)


@each_module
def test_imports_point_one_way(name: str) -> None:
    if room(name) in FROM_EVERYWHERE:
        allowed = set(FROM_EVERYWHERE)
    else:
        allowed = {*FROM_EVERYWHERE, *ROOMS[: ROOMS.index(room(name)) + 1]}
    assert {one for one in imports_of_ours(name) if room(one) not in allowed} == set()


@each_module
def test_who_knows_what_is_outside(name: str) -> None:
    for module in {part for one in imported(MODULES[name]) for part in one.split(".")} & set(OUTSIDE):
        assert name in OUTSIDE[module] or room(name) in OUTSIDE[module], module


def test_there_is_no_cycle() -> None:
    """What imports none that is left, or is imported by none that is left, is taken away: only cycles would stay."""
    left = {name: imports_of_ours(name) for name in MODULES}
    while gone := {name for name in left if not left[name] or all(name not in needed for needed in left.values())}:
        left = {name: needed - gone for name, needed in left.items() if name not in gone}
    assert left == {}


@each_module
def test_a_name_says_something(name: str) -> None:
    assert not SAYS_NOTHING & set(name.split("/"))


@each_module
def test_modules_are_short(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LINES.get(room(name), MOST_LINES)


@each_module
def test_functions_are_short(name: str) -> None:
    """No function is longer than a screen. There is no list of exceptions: cut it where its thought changes."""
    lengths = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert [
        (function, lines) for function, lines in lengths if lines > FUNCTION_LINES.get(room(name), MOST_FUNCTION_LINES)
    ] == []


def test_the_package_imports_what_is_used_and_nothing_heavy() -> None:
    heavy = {"duckdb", "numpy", "pyarrow", "ppp_duck.api", "ppp_duck.errors", "typing"}
    used = (
        f"import sys; before = {{*sys.modules}}; import ppp_duck; print(sorted(({{*sys.modules}} - before) & {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", used], capture_output=True, check=True, text=True).stdout == "[]\n"
    code = f"import sys, ppp_duck; ppp_duck.connect(); print(sorted(sys.modules.keys() & {set(LATE)}))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_a_name_that_comes_late_comes_whatever_was_imported_before() -> None:
    for name in ppp_duck.__all__:
        assert name == "plot" or name not in MODULES, f"the import of ppp_duck/{name}.py would take the name's place"
        assert name in dir(ppp_duck)
    with pytest.raises(AttributeError, match=r"^module 'ppp_duck' has no attribute 'clusters'$"):
        _ = ppp_duck.clusters


def test_every_function_has_a_type_and_the_other_way_round() -> None:
    assert {*BINDING, *FUNCTIONS} == set(RETURNS)


def test_the_design_names_every_stage_of_a_fit() -> None:
    """In their order, as whoever reads the statement beside it meets them."""
    written = (ROOT.parent / "sql" / "golden" / "table.sql").read_text(encoding="utf-8")
    stages = re.findall(r"^(_ppp_\w+)[ (].*AS", written, re.MULTILINE)
    design = (ROOT.parent / "DESIGN.md").read_text(encoding="utf-8")
    told = [one for one in re.findall(r"^ +(_ppp_\w+) ", design, re.MULTILINE) if one in stages]
    assert told == stages
