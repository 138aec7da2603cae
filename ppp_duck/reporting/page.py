"""A story as one HTML file: the template, the pictures, and the libraries that draw them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from ppp_duck.errors import PPPError
from ppp_duck.plot.looks import GREY
from ppp_duck.reporting.story import Story

try:
    import jinja2
    import vl_convert
except ImportError as error:
    raise PPPError(f"install the report with: pip install 'ppp-duck[plot]' ({error.name} is not here)") from error


def page(told: Story) -> str:
    """HTML with all that it needs inside. Names and values of the data are text in it, never code."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(files("ppp_duck.reporting").joinpath("page.html").read_text(encoding="utf-8"))
    specs = [spec for chapter in told.chapters for _, spec in chapter.pictures]
    return template.render(story=told, specs=_json(specs), library=_library(), grey=GREY)


def _json(value: Any) -> str:
    """JSON that may stand inside a script element: nothing in it ends the element."""
    return (
        json.dumps(value, allow_nan=False)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, without the words that would end its element."""
    return (
        str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
        .replace("</script", "<\\/script")
        .replace("<!--", "<\\!--")
    )
