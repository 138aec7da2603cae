from __future__ import annotations

import re
import runpy
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest
from engines import needed, spark_session

import ppp_duck

DIRECTORY = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(DIRECTORY.glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_example(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if path.name.startswith("spark"):
        needed("spark")
        spark_session()  # of few partitions, and with this Python: the example takes the session that is there
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runpy.run_path(str(path), run_name="__main__")
    written = capsys.readouterr().out
    assert written.count("\n") >= 5
    for uri in re.findall(r"file://\S+", written):
        assert "<h1" in Path(url2pathname(urlparse(uri).path)).read_text(encoding="utf-8")
    assert path.name != "demo.py" or "file://" in written


def test_the_segmentation_story_comes_out_as_told() -> None:
    con = ppp_duck.connect()
    text = (DIRECTORY / "segmentation.sql").read_text(encoding="utf-8")
    results = [con.execute(statement).fetchall() for statement in con.extract_statements(text)]
    january, scored, match = results[3], results[8], results[-2]
    assert [row[:2] for row in january] == [(0, 240), (1, 120), (2, 40)]
    assert scored == [(0, 264, 24), (1, 132, 12), (2, 44, 4)]
    assert match == [(0, 0, 264, "kept"), (0, 1, 87, "split"), (1, 2, 44, "kept"), (2, 3, 44, "kept")]
