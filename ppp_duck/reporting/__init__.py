"""One HTML file about a clustering, which opens offline. Needs the extra ``[plot]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ppp_duck.api import Model, check_model, fit
from ppp_duck.errors import OptionError, SourceError, listed, show
from ppp_duck.reporting.page import page
from ppp_duck.reporting.story import story


def report(
    con: Any, src: Any = None, path: str | Path | None = None, *, model: Model | None = None, title: str | None = None,
    **options: Any,
) -> str:  # fmt: skip
    """The HTML of a report on the clusters of ``src``; also written to ``path`` where one is given.

    What was clustered, what was left out and why, how k was chosen, how sure it is, a card for each cluster, pictures,
    and the SQL that does it again. ``model`` is a fitted one; without it, one is fitted with ``options``, those of
    ``ppp_fit``. ``con`` and ``src`` are as in ``fit``: ``src`` may stand alone, ``report(frame, path="x.html")``. The
    file holds its own scripts and loads nothing.

    Raises OptionError, SourceError or FeatureError as ``fit`` does, OptionError for options beside a model, ModelError
    where that is none, SourceError where the folder of ``path`` is missing.
    """
    _check(model, path, options)
    fitted = model if model is not None else fit(con, src, **options)
    text = page(story(fitted, con if src is None else src, title))
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def _check(model: Model | None, path: str | Path | None, options: dict[str, Any]) -> None:
    if model is not None:
        check_model(model, "report")
    if path is not None and not (isinstance(path, str | Path) and Path(path).parent.is_dir()):
        raise SourceError(f"report: give the path of a file in a folder that is there, not {show(path)}")
    if model is not None and options:
        raise OptionError(
            f"report: leave out {listed(list(options))}, or the model: it was fitted with its own options"
        )


__all__ = ["report"]
