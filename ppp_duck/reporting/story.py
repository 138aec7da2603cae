"""What a report tells, as plain data: facts of the fit, and for each group its clusters and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ppp_duck.api import Model
from ppp_duck.binding.options import Options
from ppp_duck.errors import DialectError, show
from ppp_duck.models.confidence import percent
from ppp_duck.models.description import use
from ppp_duck.models.model import Model as Fitted
from ppp_duck.plot.differences import Differences, differences, labels
from ppp_duck.plot.group import parts_of, told
from ppp_duck.plot.looks import COLORS, count, short
from ppp_duck.plot.of_model import profile, readable, sizes, trials
from ppp_duck.plot.of_rows import agreement_of, map_of
from ppp_duck.plot.sample import MOST_ROWS, Sample, sample
from ppp_duck.reporting.names import name_of
from ppp_duck.version import VERSION

MOST_GROUPS = 12  # that have a chapter of their own; the others are lines of a table
LEAST_ROWS = 300  # of a map, where many groups share its rows
FIGURES = 8  # differences on a card
EXAMPLES = 3  # rows on a card
COLUMNS = 8  # of an example
LONGEST_SQL = 200_000  # letters of SQL that scores: more is for a file of its own

PICTURES = (  # what each of them shows
    "Where the rows of each cluster lie, along the directions that tell the clusters apart best.",
    "How far each cluster is from all rows together, in standard deviations of all rows.",
    "How many rows each cluster has.",
    "What the search for k weighed: the lower, the better the rows are described for what the clusters cost.",
    "Rows by what k-means says and what the mixture says. What is beside the diagonal is in doubt.",
)
NO_NAME = "{source}"  # for which the reader puts the name of a table


@dataclass(frozen=True)
class Figure:
    """One line of a card: what a cluster is like in a column, beside all rows."""

    name: str
    value: str
    overall: str
    spreads: float


@dataclass(frozen=True)
class Card:
    """One cluster."""

    id: int
    color: str
    name: str
    size: str
    share: float
    agreement: str
    doubtful: float | None  # share of its sampled rows that are in doubt; None: none was sampled
    figures: tuple[Figure, ...]
    examples: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Chapter:
    """One model: the whole, or a group."""

    title: str
    facts: tuple[tuple[str, str], ...]
    used: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    note: str  # why there is no cluster; '' where there are some
    cards: tuple[Card, ...]
    columns: tuple[str, ...]  # of the examples
    pictures: tuple[tuple[str, dict[str, Any]], ...]  # a sentence, and the specification


@dataclass(frozen=True)
class Story:
    title: str
    version: str
    chapters: tuple[Chapter, ...]
    others: tuple[tuple[str, str, str], ...]  # groups without a chapter: name, rows, clusters
    sql: str
    elsewhere: str  # plain SQL that scores, on DuckDB without the package; '' where there is none, or it is too long
    why_not: str  # then why; '' where nothing was fitted


def story(model: Model, src: Any, title: str | None) -> Story:
    """All that a report tells of a model and the rows of a source."""
    models = sorted(model.models.models, key=lambda one: (-_rows(one), tuple(map(str, one.group))))
    rows = max(LEAST_ROWS, MOST_ROWS // max(min(len(models), MOST_GROUPS), 1))
    chapters = tuple(_chapter(model, one, src, rows) for one in models[:MOST_GROUPS])
    others = tuple(
        (told(model, one), f"{_rows(one):,}", one.note or str(len(parts_of(one)[0].sizes)))
        for one in models[MOST_GROUPS:]
    )
    title = title or f"The clusters of {short(model.name, 80)}"
    return Story(title, VERSION, chapters, others, _sql(model, src), *_elsewhere(model))


def _chapter(model: Model, fitted: Fitted, src: Any, most: int) -> Chapter:
    about = dict(fitted.report)
    title, used = told(model, fitted), tuple(use(feature) for feature in fitted.features)
    dropped = tuple(
        (name.removeprefix("column_dropped: "), why)
        for name, why in fitted.report
        if name.startswith("column_dropped: ")
    )
    if fitted.clustering is None:
        return Chapter(title, _facts(fitted, about), used, dropped, fitted.note, (), (), ())
    seen, found = sample(model, fitted, src, "report", most), differences(fitted)
    group = fitted.group or None
    pictures = zip(
        PICTURES,
        (
            map_of(model, fitted, seen), profile(model, group), sizes(model, group), trials(model, group),
            agreement_of(model, fitted, seen),
        ),
        strict=True,
    )  # fmt: skip
    cards = tuple(_card(fitted, found, seen, cluster) for cluster in range(len(found.means)))
    specs = tuple((words, chart.to_dict()) for words, chart in pictures)
    return Chapter(title, _facts(fitted, about), used, dropped, "", cards, tuple(seen.columns[:COLUMNS]), specs)


def _facts(fitted: Fitted, about: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """How many rows, how many clusters, how k was chosen, and how sure it is."""
    facts = [("rows", f"{_rows(fitted):,}"), ("rows not used", about.get("rows_skipped", "0"))]
    facts += [
        (name.replace("_", " ", 1), value) for name, value in fitted.report if name.startswith("rows_") and ":" in name
    ]
    facts.append(("the fit saw", about.get("sample", "")))
    if fitted.clustering is not None:
        chosen = next((one for one in fitted.clustering.trials if one.chosen), None)
        given = about.get("option: k", "NULL") != "NULL"
        how = (
            "it was asked for" if given else "" if chosen is None else f"{chosen.covariance} covariances, {chosen.why}"
        )
        facts += [("k", f"{len(fitted.clustering.sizes)}: {how}"), ("how sure", about.get("confidence", ""))]
        facts.append(
            (
                "agreement",
                f"{percent(fitted.clustering.overall_agreement)} of the rows are in one cluster by both methods",
            )
        )
    facts.append(("fingerprint", about.get("fingerprint", "")))
    return tuple((name, value) for name, value in facts if value)


def _rows(fitted: Fitted) -> int:
    return int(dict(fitted.report).get("rows", "0"))


def _card(fitted: Fitted, found: Differences, seen: Sample, cluster: int) -> Card:
    clustering, _, _ = parts_of(fitted)
    own = np.flatnonzero(seen.scores.cluster_id == cluster)
    doubtful = float(np.mean([not seen.separable[i] for i in own.tolist()])) if len(own) else None
    nearest = own[np.argsort(np.round(seen.scores.distance[own], 6), kind="stable")][:EXAMPLES]
    size, agreement = float(clustering.sizes[cluster]), percent(float(clustering.agreement[cluster]))
    return Card(
        cluster, COLORS[cluster % len(COLORS)], name_of(found, cluster), count(size, "row"),
        size / float(clustering.sizes.sum()), agreement, doubtful, _figures(found, cluster),
        tuple(seen.texts[i][:COLUMNS] for i in nearest.tolist()),
    )  # fmt: skip


def _figures(found: Differences, cluster: int) -> tuple[Figure, ...]:
    spreads = found.spreads[cluster]
    order = sorted(range(len(found.places)), key=lambda i: (-abs(float(spreads[i])), i))[:FIGURES]
    lines = []
    names = labels([found.places[i] for i in order])
    for name, i in zip(names, order, strict=True):
        place = found.places[i]
        value, overall = float(found.means[cluster, i]), float(found.overall[i])
        here = readable(place, value, float(found.own[cluster, i]))
        lines.append(Figure(name, here, readable(place, overall, float(found.whole[i])), float(spreads[i])))
    return tuple(lines)


def _sql(model: Model, src: Any) -> str:
    """The statement that does it again: the call with the options that are not the defaults."""
    about = dict(model.models.models[0].report) if model.models.models else {}
    given = {name.removeprefix("option: "): value for name, value in about.items() if name.startswith("option: ")}
    changed = [f"{name} := {value}" for name, value in given.items() if value != _default(name)]
    source = show(_source(model, src))
    scored = f"FROM ppp_predict({source}, model := 'segments', output := 'full');"
    return f"CREATE TABLE segments AS FROM ppp_fit({', '.join([source, *changed])});\n{scored}"


def _source(model: Model, src: Any) -> str:
    """The source as it is written: a name, or a query as it was given. A frame has none that SQL knows."""
    if not model.name.startswith("the "):
        return model.name
    return src if isinstance(src, str) else NO_NAME


def _elsewhere(model: Model) -> tuple[str, str]:
    """The text that scores, or why it is not on the page."""
    if all(one.clustering is None for one in model.models.models):
        return "", ""
    try:
        text = model.sql()
    except DialectError as error:
        return "", f"This model cannot be written as plain SQL: {error}."
    if len(text) > LONGEST_SQL:
        return "", f"The text has {len(text):,} letters, which is too long for this page."
    return text, ""


def _default(name: str) -> str:
    value = getattr(Options(), name)
    return show(list(value) if isinstance(value, tuple) else value)
