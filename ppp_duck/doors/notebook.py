"""In a notebook the relation of ``ppp_fit`` shows as a ``Model`` does: without the text that scores."""

from __future__ import annotations

import sys
from typing import Any

import duckdb

from ppp_duck.errors import ModelError
from ppp_duck.models import html, plain, table
from ppp_duck.models.model import ModelSet


def show_models() -> None:
    """Tell IPython, where it runs and nobody told it how relations show."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        # DuckDB 2 says for itself how relations show, which counts before all but this
        shell.display_formatter.mimebundle_formatter.type_printers.setdefault(duckdb.DuckDBPyRelation, shown)


def shown(relation: duckdb.DuckDBPyRelation) -> Any:
    """What a notebook shows of a relation; None where DuckDB leaves it to IPython."""
    found = _models(relation) if relation.columns[-len(table.COLUMNS) :] == list(table.COLUMNS) else None
    if found is not None:
        name = dict(found.models[0].report).get("source", "")
        return {
            "text/plain": plain.of_models(name, found, html.SHOWN),
            "text/html": html.of_models(name, found, html.SHOWN),
        }
    own = getattr(relation, "_repr_mimebundle_", None)
    return None if own is None else own(include=None, exclude=None)


def _models(relation: duckdb.DuckDBPyRelation) -> ModelSet | None:
    """What the rows of a relation are; None where they are no models, or not all of them."""
    rows = relation.project("CAST(COLUMNS(*) AS VARCHAR)").fetchall()
    try:
        return table.from_rows("", [dict(zip(relation.columns, row, strict=True)) for row in rows])
    except ModelError:
        return None
