from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

import ppp_duck

DIRECTORY = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(DIRECTORY.glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_example(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.count("\n") >= 5


def test_the_segmentation_story_comes_out_as_told() -> None:
    con = ppp_duck.connect()
    text = (DIRECTORY / "segmentation.sql").read_text(encoding="utf-8")
    results = [con.execute(statement).fetchall() for statement in con.extract_statements(text)]
    january, scored, match = results[3], results[8], results[-2]
    assert [row[:2] for row in january] == [(0, 240), (1, 120), (2, 40)]
    assert scored == [(0, 264, 24), (1, 132, 12), (2, 44, 4)]
    assert match == [(0, 0, 264, "kept"), (1, 1, 86, "kept"), (1, 2, 44, "split"), (2, 3, 44, "kept")]
