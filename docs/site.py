"""What the site does to pages: links into the repository stay as words, and the limits come from the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")
LIMITS = "<!-- the section of README.md -->"
README = Path(__file__).parents[1] / "README.md"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """In a page at the top ``../`` is outside; in folders it is another page."""
    if LIMITS in markdown:
        section = re.split(r"^## ", README.read_text(encoding="utf-8"), flags=re.MULTILINE)[-1]
        assert section.startswith("Limits\n")
        return markdown.replace(LIMITS, section.removeprefix("Limits\n").replace("](docs/", "]("))
    return markdown if "/" in page.file.src_uri else OUTSIDE.sub(r"\1", markdown)
