"""The blocks of docs/spark.md run, in their order; and the examples in the docstrings."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
from engines import needed, spark_session

pytestmark = pytest.mark.spark
PAGE = Path(__file__).parents[2] / "docs" / "spark.md"


def test_the_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("spark")
    spark_session()  # the page takes the session that is there
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for name in ("seg", "segments"):  # Spark writes where it was started, not where Python is
            code = code.replace(f'("{name}")', f'("{tmp_path / name}")')
        exec(compile(code, PAGE.name, "exec"), names)
    assert len(names["by_channel"].fingerprint) == 4


def test_the_docstrings() -> None:
    needed("spark")
    spark_session()
    from ppp_duck.spark import columns, estimator

    assert [doctest.testmod(one).attempted for one in (columns, estimator)] == [1, 1]
    assert [doctest.testmod(one).failed for one in (columns, estimator)] == [0, 0]
