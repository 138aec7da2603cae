"""The rows of any source on their way to a stored model: structs of the forms of all columns that a model may need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FEATURE_FORMS, MODELS
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.source import Column, Source
from ppp_duck.binding.stages import Stage, named_texts, source_stage, struct_of_forms


@dataclass(frozen=True)
class Rows:
    """How the rows of a source go to the scoring functions: the stages before, the relation, and SQL for its parts."""

    stages: tuple[Stage, ...]
    relation: str
    kept: str  # the source's own columns
    row: str  # a struct of forms
    group: str  # a list of the names of columns and their values as texts, or NULL
    repeating: Call | None = None  # the fit to these rows, where they may repeat each other


def any_row(source: Source, models: str = "_ppp_model.model", once: bool = False) -> Rows:
    """All columns of a source. The group is only made where the models have groups.

    ``once``: the statement reads them once, so no copy is made.
    """
    source = replace(source, repeatable=True) if once else source
    fields = [(form, column.name) for column in source.columns for form in _forms_of(column)]
    names = [column.name for column in source.columns if column.kind in ("number", "text")]
    # one list, because a NULL struct goes to Python as a column of NULLs for each of its fields
    grouped = f"CASE WHEN starts_with({models}, {literal(MODELS)}) THEN {named_texts(names)} END"
    group = grouped if names else "NULL"
    return Rows((source_stage(source),), "_ppp_source", "_ppp_source.*", struct_of_forms(fields), group)


def _forms_of(column: Column) -> tuple[str, ...]:
    """The forms of a column: none of a type that no feature is made of; NULL as such can be of any."""
    if column.type.strip('"') == "NULL":
        return FEATURE_FORMS
    return () if column.kind is None else (column.kind,)
