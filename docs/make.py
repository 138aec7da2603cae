"""``python docs/make.py`` writes reference.md, the pictures of wines, and into the notebook what comes out of it."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pyarrow
from sklearn.datasets import load_wine

import ppp_duck
from ppp_duck import plot
from ppp_duck.binding.options import ARGUMENTS, FITTING, READING, TABLE, Options, Reading
from ppp_duck.command.arguments import parser

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "sql"))

from make import DESCRIPTIONS, default  # type: ignore[import-not-found] # noqa: E402

PYTHON: tuple[tuple[str, Any], ...] = (
    *((f"ppp_duck.{name}", getattr(ppp_duck, name)) for name in ("register", "connect", "fit", "load", "Model")),
    ("ppp_duck.PPP", ppp_duck.PPP),
    ("ppp_duck.report", ppp_duck.report),
    *((f"ppp_duck.plot.{name}", getattr(plot, name)) for name in plot.__all__),
    ("ppp_duck.Progress", ppp_duck.Progress),
)
ERRORS = (ppp_duck.PPPError, ppp_duck.OptionError, ppp_duck.SourceError, ppp_duck.FeatureError, ppp_duck.ModelError)


def reference() -> str:
    """The page with every function, argument, method and flag, from where the package itself has them."""
    parts = [
        "# Reference",
        "Written by `python docs/make.py` from the table of options, the docstrings and the command line. What the "
        "functions are for is in [The SQL functions](functions.md).",
        "## SQL",
        *(part for function in DESCRIPTIONS for part in of_function(function)),
        "## Python",
        *(part for name, one in PYTHON for part in of_object(name, one)),
        "### Errors",
        "\n".join(f"- `ppp_duck.{error.__name__}`: {plain(inspect.getdoc(error) or '')}" for error in ERRORS),
        "## Command line",
        *of_commands(),
    ]
    return "\n\n".join(parts) + "\n"


def of_function(function: str) -> Iterator[str]:
    """A function of SQL: what it does, its arguments in a table, what comes out."""
    told = DESCRIPTIONS[function]
    yield f"### {function}"
    yield f"`{function}({told.call})`: {told.does}"
    fits = function in FITTING
    options = {option.name: option for option in (TABLE if fits else READING)}
    values: object = Options() if fits else Reading()
    rows = [f"| `{name}` | VARCHAR | by position | {cell(meaning)} |" for name, meaning in told.positional.items()]
    for name in ARGUMENTS[function]:
        one, value = options[name], default(getattr(values, name)).removesuffix("e0")
        rows.append(f"| `{name}` | {one.sql_type} | `{value}` | {cell(one.meaning)} |")
    yield "\n".join(["| argument | type | default | meaning |", "|---|---|---|---|", *rows])
    yield told.result.replace("|", "\\|")


def of_object(name: str, one: Any) -> Iterator[str]:
    """A function of Python, or a class with its methods."""
    yield f"### {name}"
    yield f"```text\n{name}{signature(one)}\n```"
    yield prose(inspect.getdoc(one) or "")
    if inspect.isclass(one):
        for method, function in vars(one).items():
            text = inspect.getdoc(function)
            if method.startswith("_") or text is None or not (callable(function) or isinstance(function, property)):
                continue
            arguments = "" if isinstance(function, property) else signature(function)
            yield f"`{name.rpartition('.')[2]}.{method}{arguments}`"
            yield prose(text)


def signature(one: Any) -> str:
    """How it is called, without ``self`` and with types as they are written.

    >>> signature(ppp_duck.Model.compare)
    '(a: int, b: int | None = None) -> duckdb.DuckDBPyRelation'
    """
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(one)))
    return re.sub(r"^\(self(, )?", "(", text)


def of_commands() -> Iterator[str]:
    """Each command with its words and flags."""
    (commands,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        yield f"### ppp-duck {name}"
        yield plain(command.description or "")
        rows = [
            f"| {', '.join(f'`{word}`' for word in one.option_strings or [one.metavar])} | {cell(one.help or '')} |"
            for one in command._actions
            if "--help" not in one.option_strings
        ]
        yield "\n".join(["| flag | meaning |", "|---|---|", *rows])


def cell(text: str) -> str:
    return plain(text).replace("|", "\\|")


def plain(text: str) -> str:
    return text.replace("``", "`")


def prose(docstring: str) -> str:
    """A docstring as Markdown: its examples as code, its sections of parameters as lists."""
    text = plain(docstring)
    text = re.sub(r"^(\w+)\n-+\n", r"**\1**\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^(\w+) : (\w+)$", r"- `\1` (\2)", text, flags=re.MULTILINE)
    text = re.sub(r"^(\w[\w, ]*?)( : (.*))?\n((?:    .*\n?)+)", _item, text, flags=re.MULTILINE)
    return re.sub(
        r"^(>>> (?:.+\n?)+)", lambda found: f"```pycon\n{found[1].rstrip()}\n```\n", text, flags=re.MULTILINE
    ).strip()


def _item(found: re.Match[str]) -> str:
    kind = f" ({found[3]})" if found[3] else ""
    return f"- `{found[1]}`{kind}: {' '.join(found[4].split())}\n"


def pictures(folder: Path) -> None:
    """The map of the wines in the README's first screen, and their profile."""
    con = ppp_duck.connect()
    wine = load_wine()
    wines = pyarrow.table(dict(zip(wine.feature_names, wine.data.T, strict=True)))  # noqa: F841 (SQL names it)
    model = ppp_duck.fit(con, "wines")
    plot.map(model, "wines").save(str(folder / "wines.svg"))
    plot.profile(model).save(str(folder / "wines-profile.svg"))


def executed(notebook: Path, folder: Path) -> Any:
    """A notebook with what comes out of its cells, run in a folder."""
    cells = nbformat.read(notebook, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    return nbclient.NotebookClient(cells, timeout=600, record_timing=False, resources=where).execute()


def write_notebook(notebook: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(notebook, Path(folder)), notebook)


if __name__ == "__main__":
    write_notebook(FOLDER.parent / "examples" / "segmentation.ipynb")
    (FOLDER / "reference.md").write_text(reference(), encoding="utf-8")
    pictures(FOLDER)
