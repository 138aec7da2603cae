"""A model as text for a prompt: the size and the centre of each cluster."""

from __future__ import annotations

import json

from ppp_duck.models import table
from ppp_duck.models.model import ModelSet


def of_models(name: str, found: ModelSet, most: int) -> str:
    """The clusters of all groups, ``most`` of them."""
    by, models = found.by, found.models
    rows = [row for row in table.to_rows(found, "") if row["cluster_id"] is not None]
    about = f" in {len(models)} groups by {', '.join(by)}" if by else ""
    if not by and models[0].clustering is not None:
        about = f", agreement {models[0].clustering.overall_agreement:.3f}"
    lines = [f"Model of {name}: k = {found.k}{about}"]
    for row in rows[:most]:
        group = f"{row['g']} " if by else ""
        center = ", ".join(f"{name} {_short(value)}" for name, value in json.loads(row["center"]).items())
        lines.append(f"  {group}cluster {row['cluster_id']}: size {row['size']:g}, {center}")
    if len(rows) > most:
        lines.append(f"  and {len(rows) - most} more")
    return "\n".join(lines)


def _short(value: object) -> str:
    """A value of a centre: of a vector only its length."""
    if isinstance(value, list):
        return f"({len(value)} numbers)"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
