"""A model as a table for a notebook: the size of each cluster, and what sets it apart."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ppp_duck.models import description
from ppp_duck.models.model import Feature, Model, ModelSet

TITLES = ("cluster", "size", "share", "agreement", "set apart by")
SHOWN = 20  # clusters of a model
STRONGEST = 3  # differences of each cluster
LONGEST = 60  # characters of a name or a value
STYLE = "text-align: left; vertical-align: top"


def of_models(name: str, models: ModelSet, most: int) -> str:
    """The clusters of all groups, ``most`` of them, as HTML without style sheet or script. All texts are escaped."""
    rows = [row for model in models.models for row in _rows(model)]
    head = "".join(_cell("th", title) for title in (*models.by, *TITLES))
    body = "\n".join(f"<tr>{''.join(_cell('td', text) for text in row)}</tr>" for row in rows[:most])
    more = f"<p>and {len(rows) - most} more</p>" if len(rows) > most else ""
    title = f"Model of {_short(name)}: k = {models.k}"
    about = f" in {len(models.models)} groups by {', '.join(map(_short, models.by))}" if models.by else ""
    return (
        f"<div><p>{escape(title + about)}</p>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
        f"</table>{more}</div>"
    )


def _rows(model: Model) -> Iterator[list[str]]:
    clustering, group = model.clustering, ["NULL" if value is None else _short(value) for value in model.group]
    if clustering is None:
        yield [*group, "", "", "", "", _short(model.note)]
        return
    total = float(clustering.sizes.sum())
    for cluster in range(model.k):
        size = float(clustering.sizes[cluster])
        share, agreement = f"{size / total:.1%}", f"{clustering.agreement[cluster]:.3f}"
        yield [*group, str(cluster), f"{size:,.10g}", share, agreement, _set_apart(model, cluster)]


def _set_apart(model: Model, cluster: int) -> str:
    """The strongest differences of a cluster from all the others: its mean, and theirs in brackets."""
    found = [one for one in description.differences(model, cluster, None) if one[3]["score"] > 0]
    said = []
    for feature, name, category, means in sorted(found, key=lambda one: -one[3]["score"])[:STRONGEST]:
        own, others = (_value(feature, category, means[side]) for side in ("a", "b"))
        said.append(f"{_short(name if category is None else f'{name} = {category}')} {own} (others {others})")
    return "; ".join(said)


def _value(feature: Feature, category: str | None, mean: float) -> str:
    """A mean in the units of its column; the share of a category in percent."""
    if category is not None:
        return f"{mean:.0%}"
    value = description.original(feature.type, mean)
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{STYLE}">{escape(text)}</{tag}>'
