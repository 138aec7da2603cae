"""Pictures that need a model alone: what its clusters are like, how large they are, and what the search weighed."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from ppp_duck.api import Model
from ppp_duck.models.description import DAY, member, original
from ppp_duck.models.model import FORMS
from ppp_duck.plot.differences import Differences, Place, differences, labels
from ppp_duck.plot.group import model_of, parts_of, told
from ppp_duck.plot.looks import COLORS, SHAPES, cluster_color, count, finish, short, table

MOST_FEATURES = 60  # that a profile shows, the strongest differences first
CELL = 22  # pixels: room for the numbers of 60 clusters
WIDE_CELL = 46  # and for the figures themselves, where clusters are few
FEW_CLUSTERS = 12
FARTHEST = 2.5  # standard deviations from the mean of all, from which on a cell has its full colour


def profile(model: Model, group: Any = None) -> Any:
    """Features by clusters: how far each cluster is from all rows together, the strongest differences first.

    Numbers in standard deviations of all rows above or below their mean; categories by their share of a cluster, in
    the same unit. At most 60 features are shown.

    Raises OptionError for a group that the model does not have, ModelError for a model without clusters.
    """
    fitted = model_of(model, group, "plot.profile")
    found = differences(fitted)
    shown = found.strongest()[:MOST_FEATURES]
    names = labels([found.places[place] for place in shown])
    ids = range(len(found.means))
    rows = [_cell(found, place, cluster, rank, names[rank]) for rank, place in enumerate(shown) for cluster in ids]
    few = len(ids) <= FEW_CLUSTERS
    base = alt.Chart(table(rows)).encode(
        x=alt.X("cluster:O", title="cluster", sort=[str(i) for i in ids], axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("feature:N", title=None, sort=alt.EncodingSortField("rank", order="ascending")),
        tooltip=["cluster:N", "feature:N", "value:N", "overall:N", alt.Tooltip("spreads:Q", format="+.2f")],
    )
    scale = alt.Scale(scheme="blueorange", domain=[-FARTHEST, FARTHEST], domainMid=0, clamp=True)
    chart = base.mark_rect().encode(color=alt.Color("spreads:Q", scale=scale, title="spreads from the mean"))
    if few:
        dark = alt.condition(f"abs(datum.spreads) > {FARTHEST * 0.7}", alt.value("white"), alt.value("#222222"))
        chart = chart + base.mark_text(fontSize=10).encode(text="value:N", color=dark)
    chart = chart.properties(width=alt.Step(WIDE_CELL if few else CELL), height=alt.Step(18))
    of = "" if len(shown) == len(found.places) else f"the {len(shown)} strongest of {len(found.places)} differences"
    return finish(chart, f"What the clusters of {short(told(model, fitted))} are like", of)


def sizes(model: Model, group: Any = None) -> Any:
    """How many rows each cluster has (the sum of their weights). Raises as ``profile`` does."""
    fitted = model_of(model, group, "plot.sizes")
    clustering, _, _ = parts_of(fitted)
    total = float(clustering.sizes.sum())
    rows = [
        {"cluster": str(i), "size": size, "share": size / total, "label": f"{size:,.10g} ({size / total:.1%})"}
        for i, size in enumerate(clustering.sizes.tolist())
    ]
    base = alt.Chart(table(rows)).encode(
        x=alt.X("size:Q", title="rows"),
        y=alt.Y("cluster:N", sort=[row["cluster"] for row in rows], title="cluster"),
        tooltip=["cluster:N", alt.Tooltip("size:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
    )
    bars = base.mark_bar().encode(color=cluster_color(range(len(rows)), legend=None))
    labels = base.mark_text(align="left", dx=4).encode(text="label:N")
    chart = (bars + labels).properties(width=360, height=alt.Step(18))
    return finish(chart, f"{count(len(rows), 'cluster')} in {short(told(model, fitted))}")


def trials(model: Model, group: Any = None) -> Any:
    """The candidates of the search: BIC over the number of clusters, a line for each form of covariance.

    Lower is better. A ring marks the chosen one. Raises as ``profile`` does.
    """
    fitted = model_of(model, group, "plot.trials")
    clustering, _, _ = parts_of(fitted)
    rows = [
        {"k": one.k, "bic": one.bic, "covariance": one.covariance, "chosen": one.chosen, "why": one.why, "nth": nth}
        for nth, one in enumerate(clustering.trials)
        if math.isfinite(one.bic)
    ]
    color = alt.Color("covariance:N", scale=alt.Scale(domain=list(FORMS), range=list(COLORS[: len(FORMS)])))
    shape = alt.Shape("covariance:N", scale=alt.Scale(domain=list(FORMS), range=list(SHAPES[: len(FORMS)])))
    most = max((one.k for one in clustering.trials), default=1)
    base = alt.Chart(table(rows)).encode(
        x=alt.X("k:Q", title="k", scale=alt.Scale(type="log", nice=False, domain=[0.9, most * 1.1]), axis=_ticks(most)),
        y=alt.Y("bic:Q", title="BIC, lower is better", scale=alt.Scale(zero=False)),
        tooltip=["k:Q", "covariance:N", alt.Tooltip("bic:Q", format=",.1f"), "why:N"],
    )
    lines = base.mark_line(opacity=0.6).encode(color=color, order="k:Q", y=alt.Y("min(bic):Q"), tooltip=[])
    points = base.mark_point(filled=True, size=40).encode(color=color, shape=shape)
    ring = base.transform_filter("datum.chosen").mark_point(size=260, strokeWidth=3, color="#CC79A7")
    why = next((f"k = {one.k}, {one.covariance}: {one.why}" for one in clustering.trials if one.chosen), "")
    chart = (lines + points + ring).properties(width=420, height=240)
    return finish(chart, f"How k was chosen for {short(told(model, fitted))}", why)


def _ticks(most: int) -> alt.Axis:
    """Whole numbers, further apart as they grow."""
    return alt.Axis(
        values=[k for k in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 100, 200, 500) if k <= most], format="d"
    )


def _cell(found: Differences, place: int, cluster: int, rank: int, name: str) -> dict[str, object]:
    """A cell of a profile, with its figures as people read them."""
    one = found.places[place]
    mean, overall = float(found.means[cluster, place]), float(found.overall[place])
    return {
        "cluster": str(cluster), "feature": name, "rank": rank,
        "value": readable(one, mean, float(found.own[cluster, place])),
        "overall": readable(one, overall, float(found.whole[place])), "spreads": float(found.spreads[cluster, place]),
    }  # fmt: skip


def readable(place: Place, mean: float, spread: float) -> str:
    """A mean in the units of its column, to about a hundredth of the spread of its rows; of a category its share.

    >>> readable(Place("income", None, "DOUBLE"), 51234.5, 900.0), readable(Place("x", None, "DOUBLE"), -0.00037, 0.7)
    ('51,230', '0')
    >>> readable(Place("flipper", None, "DOUBLE"), 189.954, 6.5)
    '190'
    >>> readable(Place("city", "Oslo", "VARCHAR"), 0.25, 0.4), readable(Place("since", None, "DATE"), 0.0, 30.0)
    ('25 %', '1970-01-01')
    >>> [readable(Place("at", None, "TIMESTAMP"), 1e9 + 0.123, spread) for spread in (1e7, 1e5, 1e3, 1.0)]
    ['2001-09-09', '2001-09-09 01:47', '2001-09-09 01:46:40', '2001-09-09 01:46:40.123000']
    """
    if place.category is not None:
        return f"{100 * mean:.3g} %"
    value = original(place.type, mean)
    if not isinstance(value, float):
        return _moment(place.type, mean, spread)
    if value != 0 and 0 < spread < math.inf:
        places = min(2 - math.floor(math.log10(spread)), 3 - math.floor(math.log10(abs(value))))
        value = round(value, places) + 0.0  # a zero without a sign
    return f"{float(f'{value:.4g}'):,.10g}" if 1e-3 <= abs(value) < 1e9 or value == 0 else f"{value:.3g}"


def _moment(type_name: str, mean: float, spread: float) -> str:
    """A mean of dates, times or intervals, to days, minutes or seconds: a hundredth of the spread or less."""
    unit = next((unit for unit in (DAY, 60.0, 1.0) if unit <= spread / 100 < math.inf), None)
    if unit is None:
        return str(original(type_name, mean))
    kind = member(type_name)
    if kind == "time" and unit == DAY:
        unit = 60.0
    text = str(original(type_name, round(mean / unit) * unit))
    if kind == "timestamp" and unit == DAY:
        return text.partition(" ")[0]
    return text.removesuffix(":00") if kind in ("time", "timestamp") and unit == 60.0 else text
