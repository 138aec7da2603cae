"""What ``python docs/make.py`` writes is up to date."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

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
        (now, kept) = (POINT.findall(path.read_text(encoding="utf-8")) for path in (new, DOCS / new.name))
        assert len(now) > 30
        assert [one[0] for one in now] == [one[0] for one in kept]
        for one, other in zip(now, kept, strict=True):
            assert [float(x) for x in one[1:]] == pytest.approx([float(x) for x in other[1:]], abs=0.01)
