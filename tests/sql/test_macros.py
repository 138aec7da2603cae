"""The files of sql/: written by ``make sql``, from the tables of options, and with every argument described."""

from __future__ import annotations

import re

import make
import pytest

import ppp_duck
from ppp_duck.binding.options import ARGUMENTS, FITTING, READING, TABLE, Options, Reading
from ppp_duck.registering import sql_directory

POSITIONAL = {
    "ppp_sql": ["model"],
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
def test_the_file_is_what_make_sql_writes(function: str) -> None:
    assert (sql_directory() / f"{function}.sql").read_text(encoding="utf-8") == make.macro(function), "run make sql"


def test_the_sql_files_are_found_and_documented() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in sql_directory().glob("*.sql")}
    assert set(files) == {"feature_types.sql", "statement.sql", "values.sql", *(f"{name}.sql" for name in ARGUMENTS)}
    assert all(text.startswith("-- ") for text in files.values())


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
