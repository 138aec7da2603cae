"""What the site needs beside its pages: links into the repository, which the site does not have, stay as words."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """A page at the top: ``../`` is outside. In folders it is another page."""
    return markdown if "/" in page.file.src_uri else OUTSIDE.sub(r"\1", markdown)
