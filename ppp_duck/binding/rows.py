"""The rows of any source on their way to a stored model: structs of the forms of all columns that a model may need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FEATURE_FORMS, GROUP, MODELS, UNSEEN, field
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.source import Column, Source
from ppp_duck.binding.stages import Stage, as_form, indented, select, source_stage, struct_of_forms, unowned

COLUMN_NAME = "\\0"  # in the alias of a COLUMNS expression: the name of the column


@dataclass(frozen=True)
class Rows:
    """How the rows of a source go to the scoring functions: the stages before, the relation, and SQL for its parts."""

    stages: tuple[Stage, ...]
    relation: str
    kept: str  # the source's own columns
    row: str  # a struct of forms
    group: str  # a list of one struct of the forms 'group ...', or NULL
    fit: Call | None = None  # of rows that are fitted


def any_row(source: Source, models: str = "_ppp_model.model", once: bool = False) -> Rows:
    """All columns of a source. The group is only made where the models have groups.

    Columns that cannot be seen DuckDB lists as it binds. ``once``: the statement reads them once, so no copy is made.
    """
    source = replace(source, repeatable=True) if once else source
    if source.columns is None:
        return _unseen_row(source)
    fields = [(form, column.name) for column in source.columns for form in _forms_of(column)]
    groups = [(GROUP, column.name) for column in source.columns if column.kind in ("number", "text")]
    # in a list, because a NULL struct goes to Python as a column of NULLs for each of its fields, a NULL list as one
    grouped = f"CASE WHEN starts_with({models}, {literal(MODELS)}) THEN [{struct_of_forms(groups)}] END"
    group = grouped if groups else "NULL"
    return Rows((source_stage(source),), "_ppp_source", "_ppp_source.*", struct_of_forms(fields), group)


def _unseen_row(source: Source) -> Rows:
    forms = [
        f"{as_form(form, 'COLUMNS(_ppp_source.*)')} AS {quote(UNSEEN + field(form, COLUMN_NAME))}"
        for form in (*FEATURE_FORMS, GROUP)
    ]
    is_form = f"starts_with(c, {literal(UNSEEN)})"
    own, packed = f"COLUMNS(lambda c: NOT {is_form})", f"struct_pack(*COLUMNS(lambda c: {is_form}))"
    row = unowned("_ppp_row", source)
    rows = select([own, f"{packed} AS {row}"], indented(select(["_ppp_source.*", *forms], "_ppp_source")))
    stage = Stage("_ppp_rows", rows, "every column in all its forms, whatever columns there are", kept=False)
    return Rows((source_stage(source), stage), "_ppp_rows", f"_ppp_rows.* EXCLUDE ({row})", f"_ppp_rows.{row}", "NULL")


def _forms_of(column: Column) -> tuple[str, ...]:
    """The forms of a column: none of a type that no feature is made of; NULL as such can be of any."""
    if column.type.strip('"') == "NULL":
        return FEATURE_FORMS
    return () if column.kind is None else (column.kind,)
