"""What ``python docs/make.py`` writes is up to date."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pytest

DOCS = Path(__file__).parents[1] / "docs"
POINT = re.compile(r'aria-label="([^"]*)" role="graphics-symbol"[^>]*transform="translate\(([^,]*),([^)]*)\)"')


def test_the_reference_is_what_the_package_says() -> None:
    made = runpy.run_path(str(DOCS / "make.py"))
    assert made["reference"]() == (DOCS / "reference.md").read_text(encoding="utf-8"), "run python docs/make.py"


def test_the_pictures_are_what_comes_out(tmp_path: Path) -> None:
    """Points and what they say; how a letter is drawn may change with the version of Vega."""
    made = runpy.run_path(str(DOCS / "make.py"))
    made["pictures"](tmp_path)
    for new in sorted(tmp_path.iterdir()):
        same_picture(new.read_text(encoding="utf-8"), (DOCS / new.name).read_text(encoding="utf-8"))


def same_picture(now: str, kept: str) -> None:
    assert len(POINT.findall(now)) > 4
    assert [one[0] for one in POINT.findall(now)] == [one[0] for one in POINT.findall(kept)]
    for one, other in zip(POINT.findall(now), POINT.findall(kept), strict=True):
        assert [float(x) for x in one[1:]] == pytest.approx([float(x) for x in other[1:]], abs=0.01)


def test_the_notebook_has_what_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DOCS.parent))
    made = runpy.run_path(str(DOCS / "make.py"))
    path = DOCS.parent / "examples" / "segmentation.ipynb"
    assert path.stat().st_size < 1_500_000
    kept, now = nbformat.read(path, as_version=4), made["executed"](path, tmp_path)
    assert "<h1" in (tmp_path / "report.html").read_text(encoding="utf-8")
    pictures = 0
    for old, new in zip(outputs(kept), outputs(now), strict=True):
        if "image/svg+xml" in new:
            pictures += 1
            same_picture(new["image/svg+xml"], old["image/svg+xml"])
        else:
            assert new == old
    assert pictures == 3


def outputs(notebook: Any) -> list[dict[str, str]]:
    """What cells print or return; stderr has lines that depend on the time it takes."""
    return [
        dict(output.get("data", {"text": output.get("text")}))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") != "stderr"
    ]
