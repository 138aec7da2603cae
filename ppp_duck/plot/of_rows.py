"""Pictures that need the rows of a source as well: where they lie, and where k-means and the mixture agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from ppp_duck.api import Model
from ppp_duck.models.description import member
from ppp_duck.models.model import Floats
from ppp_duck.models.model import Model as Fitted
from ppp_duck.plot import axes
from ppp_duck.plot.directions import discriminating
from ppp_duck.plot.group import model_of, parts_of, told
from ppp_duck.plot.looks import cluster_color, cluster_shape, count, finish, short, table
from ppp_duck.plot.sample import Sample, sample

SIDE = 440  # pixels
MOST_LABELLED = 24  # clusters in a legend; more are told by the numbers at their centres
BINS = 60  # of a map with one direction
DIGITS = 4  # of a coordinate: far below a pixel, far above the last bits that processors differ in


def map(model: Model, src: Any, group: Any = None) -> Any:
    """The rows of a source along the two directions that tell the clusters apart best; one direction is a histogram.

    At most 5,000 rows, chosen by content. Rows that are separable (``ppp_separable``) are full, doubtful ones faint.

    Raises OptionError for a group that the model does not have, ModelError for a model without clusters, SourceError
    where the source lacks a column of the model.
    """
    fitted = model_of(model, group, "plot.map")
    return map_of(model, fitted, sample(model, fitted, src, "plot.map"))


def map_of(model: Model, fitted: Fitted, seen: Sample) -> Any:
    """The map of rows that were taken before."""
    ids = range(len(parts_of(fitted)[0].sizes))
    shown = f"{count(len(seen.texts), 'row')}, chosen by content" if seen.texts else "no row has a cluster"
    lacking = f"{count(seen.lacking, 'row')} without a cluster not shown" if seen.lacking else ""
    title = f"{short(told(model, fitted))}: where the clusters lie"
    columns = discriminating(seen.points, seen.scores.cluster_id) if seen.texts else np.zeros((1, 1))
    places = seen.points @ columns if seen.texts else np.zeros((0, 1))
    titles = [axes.title(fitted, column) for column in columns.T]
    if columns.shape[1] == 1:
        values = np.round(places[:, 0], DIGITS)
        own = _own_units(fitted, np.round(seen.points[:, 0], DIGITS)) if seen.texts else None
        unit = "" if own is not None or not fitted.features else ", scaled"
        chart = _histogram(values if own is None else own, seen, ids, titles[0] + unit)
    else:
        chart = _scatter(places, seen, ids, titles)
    faint = "" if all(seen.separable) or columns.shape[1] == 1 else "faint: rows in doubt between clusters"
    return finish(chart.properties(width=SIDE, height=SIDE * 3 // 4), title, shown, faint, lacking)


def agreement(model: Model, src: Any, group: Any = None) -> Any:
    """Rows by the cluster that k-means gives them and the cluster that the mixture gives them: equal on the diagonal.

    At most 5,000 rows, chosen by content. Raises as ``map`` does.
    """
    fitted = model_of(model, group, "plot.agreement")
    return agreement_of(model, fitted, sample(model, fitted, src, "plot.agreement"))


def agreement_of(model: Model, fitted: Fitted, seen: Sample) -> Any:
    """The agreement on rows that were taken before."""
    k = len(parts_of(fitted)[0].sizes)
    counts = np.bincount(seen.scores.kmeans_id * k + seen.scores.cluster_id, minlength=k * k).reshape(k, k)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    rows = [
        {"kmeans": str(i), "mixture": str(j), "rows": int(counts[i, j]), "share": float(shares[i, j])}
        for i, j in zip(*np.nonzero(counts), strict=True)
    ]
    order = [str(i) for i in range(k)]
    every = alt.Scale(domain=order)
    base = alt.Chart(table(rows)).encode(
        x=alt.X("mixture:N", sort=order, title="mixture", scale=every, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("kmeans:N", sort=order, title="k-means", scale=every),
        tooltip=["kmeans:N", "mixture:N", "rows:Q", alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    color = alt.Color(
        "share:Q",
        scale=alt.Scale(scheme="blues", domain=[0, 1]),
        title="share of the mixture's",
        legend=alt.Legend(format=".0%"),
    )
    chart = base.mark_rect().encode(color=color)
    if k <= MOST_LABELLED // 2:
        dark = alt.condition("datum.share > 0.6", alt.value("white"), alt.value("#222222"))
        chart = chart + base.mark_text(fontSize=10).encode(text="rows:Q", color=dark)
    agreed = float(np.trace(counts) / max(counts.sum(), 1))
    chart = chart.properties(
        width=alt.Step(40 if k <= MOST_LABELLED // 2 else 16), height=alt.Step(24 if k <= MOST_LABELLED // 2 else 16)
    )
    line = f"k-means and the mixture agree on {agreed:.1%} of {count(int(counts.sum()), 'row')}, chosen by content"
    return finish(chart, f"{short(told(model, fitted))}: two methods, one partition?", line)


def _scatter(places: Floats, seen: Sample, ids: Sequence[int], titles: list[str]) -> Any:
    rows = [
        {"x": x, "y": y, "cluster": str(cluster), "separable": separable, "probability": round(probability, 3)}
        for (x, y), cluster, separable, probability in zip(
            np.round(places, DIGITS).tolist(), seen.scores.cluster_id.tolist(), seen.separable,
            seen.scores.probability.tolist(), strict=True,
        )
    ]  # fmt: skip
    legend = alt.Legend(title="cluster") if len(ids) <= MOST_LABELLED else None
    full = alt.condition("datum.separable", alt.value(0.75), alt.value(0.22))
    axes = {
        "x": alt.X("x:Q", title=titles[0], scale=alt.Scale(zero=False, padding=12)),
        "y": alt.Y("y:Q", title=titles[1], scale=alt.Scale(zero=False, padding=12)),
    }
    points = alt.Chart(table(rows)).mark_point(filled=True, size=28).encode(
        **axes, color=cluster_color(ids, legend=legend), shape=cluster_shape(ids, legend=legend), opacity=full,
        tooltip=["cluster:N", "probability:Q"],
    )  # fmt: skip
    present = [i for i in ids if np.any(seen.scores.cluster_id == i)]
    middles = [np.round(places[seen.scores.cluster_id == i].mean(axis=0), DIGITS).tolist() for i in present]
    names = [{"x": x, "y": y, "cluster": str(i)} for i, (x, y) in zip(present, middles, strict=True)]
    halo = alt.Chart(table(names)).mark_text(fontSize=14, fontWeight="bold", stroke="white", strokeWidth=4)
    label = alt.Chart(table(names)).mark_text(fontSize=14, fontWeight="bold", color="#222222")
    where = {"x": "x:Q", "y": "y:Q", "text": "cluster:N"}
    return points + halo.encode(**where) + label.encode(**where)


def _own_units(fitted: Fitted, values: Floats) -> Floats | None:
    """The values of a model's only feature as its column has them; None where it is more than a plain number."""
    feature, *others = fitted.features or (None,)
    if feature is None or others or len(feature.center) != 1 or feature.log_unit or feature.levels:
        return None
    with np.errstate(over="ignore"):
        own: Floats = (values * feature.scale[0] + feature.center[0]) * feature.unit
    return own if feature.kind == "number" and member(feature.type) == "number" and np.isfinite(own).all() else None


def _histogram(values: Floats, seen: Sample, ids: Sequence[int], title: str) -> Any:
    # ten digits: the last bits are noise
    rows = [
        {"x": float(f"{x:.10g}"), "cluster": str(i)}
        for x, i in zip(values.tolist(), seen.scores.cluster_id.tolist(), strict=True)
    ]
    legend = alt.Legend(title="cluster") if len(ids) <= MOST_LABELLED else None
    return (
        alt.Chart(table(rows))
        .mark_bar()
        .encode(
            x=alt.X("x:Q", bin=alt.Bin(maxbins=BINS), title=title),
            y=alt.Y("count():Q", title="rows"),
            color=cluster_color(ids, legend=legend),
        )
    )
