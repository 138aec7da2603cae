"""Rows of a source for a picture: few enough to draw, taken by their content in DuckDB, scored by the model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from ppp_duck.api import Model
from ppp_duck.binding.interface import GROUP, NUMBER, TEXT
from ppp_duck.binding.key import MIXERS, PRIME, TEXT_DIGITS
from ppp_duck.binding.quoting import folded, literal, qualified, quote
from ppp_duck.binding.source import find_source
from ppp_duck.binding.stages import as_form
from ppp_duck.doors.frames import given
from ppp_duck.engine.score import Scores
from ppp_duck.errors import SourceError
from ppp_duck.models.model import Feature, Floats
from ppp_duck.models.model import Model as Fitted
from ppp_duck.registering import register
from ppp_duck.running.chunks import Part
from ppp_duck.running.memory import Ready

MOST_ROWS = 5_000
LONGEST = 80  # letters of a value that are kept
OWN = "ppp_plot \x1f"  # begins the names of our columns: none of a source begins so
PLACES = 2.0**16  # of a number in a key, to a unit of its scale
MOST_PLACES = 2.0**900  # a narrower scale is not told apart: its inverse would overflow


@dataclass(frozen=True)
class Sample:
    """Rows with a cluster, in the order of their keys."""

    points: Floats  # (n, v) as k-means sees them, holes filled by the centre of the row's cluster
    scores: Scores  # of these rows
    separable: list[bool]
    texts: list[tuple[str | None, ...]]  # the source's columns, as text
    columns: list[str]
    lacking: int  # rows of the sample without a cluster


def sample(model: Model, fitted: Fitted, src: Any, function: str, most: int = MOST_ROWS) -> Sample:
    """At most ``most`` rows of the source, those of the lowest content keys: the same rows whatever their order.

    Raises SourceError where the source lacks a column of the model.
    """
    table, columns = _rows(model, fitted, src, function, most)
    ready = Ready.of(fitted)
    assert ready.scorer is not None
    forms = [table.column(f"{OWN}{index}").combine_chunks() for index in range(len(fitted.features))]
    n = table.num_rows
    if forms:
        points = Part.of(function, ready, forms).points()
        values, there = np.asfortranarray(points.values[points.complete]), points.complete
    else:  # where no feature varies, every row is the same point
        values, there = np.zeros((n, 1)), np.ones(n, dtype=bool)
    scores = ready.scorer.score(values)
    texts = list(zip(*(table.column(f"{OWN}text {i}").to_pylist() for i in range(len(columns))), strict=True))
    kept = [row for row, known in zip(texts, there.tolist(), strict=True) if known]
    separable = scores.separable(fitted.separable_at).tolist()
    view, centers = ready.scorer.view(values), ready.scorer.clustering.centers[scores.cluster_id]
    return Sample(np.where(np.isnan(view), centers, view), scores, separable, kept, columns, int(n - there.sum()))


def _rows(model: Model, fitted: Fitted, src: Any, function: str, most: int) -> tuple[Any, list[str]]:
    """An Arrow table: a form of each feature, and each column of the source as text."""
    home = register(model.home)
    rows = given(home, src)
    with closing(home.cursor()) as cursor:
        known = rows.source if rows.source is not None else find_source(function, rows.name, cursor)
    relation = rows.relation(f"FROM {known.relation}")
    columns = relation.columns
    there = {folded(name) for name in columns}
    for name in (*(feature.name for feature in fitted.features), *model.models.by):
        if folded(name) not in there:
            raise SourceError.column(function, name, rows.name, columns)
    if model.models.by:
        relation = relation.filter(_is_group(model.models.by, fitted.group))
    forms = [f"{_form(one)} AS {quote(f'{OWN}{index}')}" for index, one in enumerate(fitted.features)]
    texts = [
        qualified(f"left(CAST({quote(name)} AS VARCHAR), {LONGEST})") + f" AS {quote(f'{OWN}text {index}')}"
        for index, name in enumerate(columns)
    ]
    key = quote(f"{OWN}key")
    keyed = relation.project(", ".join([*forms, *texts, f"{_key(fitted.features)} AS {key}"]))
    # equal keys are equal features, nearly always: the texts settle the rest
    ties = ", ".join(quote(f"{OWN}text {index}") for index in range(len(columns)))
    return keyed.order(f"{key}, {ties}").limit(most).to_arrow_table(), columns


def _is_group(by: Sequence[str], group: Sequence[str | None]) -> str:
    told = ("NULL" if value is None else literal(value) for value in group)
    pairs = zip(by, told, strict=True)
    return " AND ".join(f"{as_form(GROUP, quote(name))} IS NOT DISTINCT FROM {value}" for name, value in pairs)


def _form(feature: Feature) -> str:
    return as_form(feature.kind, quote(feature.name))


def _key(features: Sequence[Feature]) -> str:
    """A whole number that only a row's features decide, spread evenly: see ``binding/key.py``.

    A number adds its place in units of its scale, a text the beginning of its md5, a vector that of its text.
    """
    parts = ["0"]
    for index, feature in enumerate(features):
        odd = pow(48_271, index + 1, PRIME) >> 3 | 1
        if feature.kind == NUMBER:
            scale = float(feature.scale[0]) * feature.unit if len(feature.scale) and not feature.log_unit else 1.0
            center = float(feature.center[0]) * feature.unit if len(feature.center) and not feature.log_unit else 0.0
            place = f"floor(({_form(feature)} - {literal(center)}) * {literal(min(PLACES / scale, MOST_PLACES))})"
            part = f"coalesce(TRY_CAST({place} AS BIGINT), 0) % {PRIME}"
        else:
            text = _form(feature) if feature.kind == TEXT else f"CAST({_form(feature)} AS VARCHAR)"
            part = f"coalesce(CAST('0x' || left(md5({text}), {TEXT_DIGITS}) AS BIGINT), 0)"
        parts.append(f"(abs({part}) * {odd}) % {PRIME}")
    key = f"({' + '.join(parts)}) % {PRIME}"
    for mixer in MIXERS:
        key = f"list_transform([{key}], lambda h: (h * (h + {mixer})) % {PRIME})[1]"
    return qualified(key)
