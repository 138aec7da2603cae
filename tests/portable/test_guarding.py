"""Which texts tell the cluster of most rows from few sums."""

from __future__ import annotations

import portable_models
import pytest

from ppp_duck.portable.writing import portable_sql

MODELS = portable_models.portable_models()


@pytest.mark.parametrize(
    ("kind", "dialect", "output", "is_screened"),
    [
        ("numbers", "spark", "id", True),
        ("groups", "spark", "id", True),
        ("numbers", "spark", "full", False),
        ("mixed", "spark", "id", False),
        ("numbers", "duckdb", "id", False),
    ],
)
def test_ids_of_numbers_on_spark(kind: str, dialect: str, output: str, is_screened: bool) -> None:
    text = portable_sql(MODELS[kind], dialect, "rows", output, "select")
    assert ("AS ppp_sure" in text) == is_screened
    assert ("WHEN ARRAY_SORT(ppp_doubt)[0] THEN" in text) == is_screened
