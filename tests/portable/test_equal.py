"""The text of ``ppp_sql`` on engines that run: every row has the id of ``ppp_predict``, and its probabilities."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import ENGINES, engine_parameters, needed, whole
from portable_cases import Case, cases, connection, models_of, predicted

from ppp_duck.models.model import FORMS, SCORE_COLUMNS, ModelSet
from ppp_duck.portable.writing import portable_sql

CASES = cases()
KINDS = list(dict.fromkeys(case.name.partition(",")[0] for case in CASES))
# Engines run a part of the matrix, each form and each kind of column: fits and queries take seconds. DuckDB runs each
# kind of case in one form, and these. ``make test-engines`` runs all of it.
PART = ("numbers, tied", "scales, full", "dates, diag", "categories, full", "impute, spherical", "groups, diag",
        "ties, full, merged", "ends, diag")  # fmt: skip
OTHER_DIALECTS = ("bigquery", "snowflake")  # generated, parsed, never run
TINY = 1e-300  # of so improbable a second cluster the number may be another: the text takes exp(-700) for 0


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connection()


@functools.cache
def fitted(con: duckdb.DuckDBPyConnection, case: Case) -> tuple[ModelSet, list[Any], list[Any]]:
    models = models_of(con, case)
    return models, predicted(con, case, "full"), predicted(con, case, "id")


def value(text: Any, kind: str) -> Any:
    """A value that an engine gives as it is, or as a text."""
    if text is None or not isinstance(text, str) or kind == "VARCHAR":
        return text
    return {"t": True, "true": True, "f": False, "false": False}.get(text) if kind == "BOOLEAN" else (
        int(text) if kind == "INTEGER" else float(text)
    )  # fmt: skip


def between(found: list[Any], wanted: list[Any], width: int) -> set[int]:
    """Rows with holes that are exactly between two clusters, and may be in either.

    The text takes what is missing out of full and tied covariances in another order than the engine does, so the last
    digit of a density is another.
    """
    rows = {
        own[0]
        for row, own in zip(found, wanted, strict=True)
        if own[2] is not None and own[2] == own[4] and any(one is None or one != one for one in row[:width])
    }
    for row, own in zip(found, wanted, strict=True):
        assert own[0] not in rows or {int(row[width]), int(row[width + 2])} == {own[1], own[3]}
    return rows


def compare(found: list[Any], wanted: list[Any], width: int, either: set[int]) -> None:
    """Ids, flags and reasons are equal, doubles to 1e-9, but of rows in ``either``. ``width``: columns of the source."""
    assert len(found) == len(wanted)
    for row, own in zip(found, wanted, strict=True):
        assert int(row[0]) == own[0]
        names = list(SCORE_COLUMNS) if len(own) > 2 else ["cluster_id"]
        if own[0] in either:
            continue
        new = [value(one, SCORE_COLUMNS[name]) for name, one in zip(names, row[width:], strict=True)]
        for name, one, right in zip(names, new, own[1:], strict=True):
            if SCORE_COLUMNS[name] == "DOUBLE" and right is not None:
                assert one is not None, (name, row, own)
                assert math.isclose(one, right, rel_tol=1e-9, abs_tol=1e-9), (name, row, own)
            elif name != "second_cluster_id" or right is None or own[4] > TINY:
                assert one == right, (name, one, own)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", engine_parameters())
def test_as_predicted(con: duckdb.DuckDBPyConnection, engine: str, kind: str, tmp_path: Path) -> None:
    needed(engine)
    _, dialect, run = ENGINES[engine]
    chosen = [case for case in CASES if case.name.partition(",")[0] == kind]
    alone = chosen[KINDS.index(kind) % len(chosen)].name if engine == "duckdb" else ""
    chosen = [case for case in chosen if whole() or case.name in (alone, *PART)]
    if not chosen:
        pytest.skip(f"{engine} runs a part of the matrix: make test-engines runs all of it")
    rows = tmp_path / "rows.parquet"
    con.execute(f"COPY rows TO '{rows}'").fetchall()
    width = len(con.execute("DESCRIBE rows").fetchall())
    texts = [
        portable_sql(fitted(con, case)[0], dialect, "rows", output, "select")
        for case in chosen
        for output in ("full", "id")
    ]
    results = run(rows, texts)
    for at, case in enumerate(chosen):
        form = case.name.split(", ")[1]
        either = between(results[2 * at], fitted(con, case)[1], width) if form in ("full", "tied") else set()
        compare(results[2 * at], fitted(con, case)[1], width, either)
        compare(results[2 * at + 1], fitted(con, case)[2], width, either)


def test_values_apart_are_among_the_cases(con: duckdb.DuckDBPyConnection) -> None:
    for case in CASES:
        if case.name.startswith("ends"):
            (model,) = fitted(con, case)[0].models
            share = next(one for one in model.features if one.name == "share")
            assert share.apart == (0.0, 100.0)
            assert None not in share.places


def test_every_form_and_ties_are_among_the_cases(con: duckdb.DuckDBPyConnection) -> None:
    """And rows that are exactly between components, which only the order of clusters decides."""
    ties = [case for case in CASES if case.name.startswith("ties")]
    models = [one for case in ties for one in fitted(con, case)[0].models]
    assert {one.clustering.mixture.covariance for one in models if one.clustering} == set(FORMS)
    for case in ties:
        assert sum(row[2] is not None and row[2] == row[4] for row in fitted(con, case)[1]) > 10
