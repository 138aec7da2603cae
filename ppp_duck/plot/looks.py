"""How every picture looks: colours that the colour-blind tell apart, on light and on dark paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

# The colours of Okabe & Ito (2008, Color Universal Design), without black, which dark paper hides; grey in its place.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8C8C8C", "#B8A900")
# With eight colours, eight shapes tell 64 clusters apart.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
GREY = "#767676"  # 4.5 : 1 on white, 4.6 : 1 on black: text in it can be read on both
LONGEST = 40  # letters of a name that a picture shows

Rows = Iterable[Mapping[str, object]]


def table(rows: Rows) -> alt.InlineData:
    """Rows that the picture carries with it."""
    return alt.InlineData(values=[dict(row) for row in rows])


def cluster_color(ids: Sequence[int], **options: Any) -> alt.Color:
    """The colour of each cluster: the same in every picture."""
    colors = [COLORS[i % len(COLORS)] for i in ids]
    return alt.Color("cluster:N", scale=alt.Scale(domain=[str(i) for i in ids], range=colors), **options)


def cluster_shape(ids: Sequence[int], **options: Any) -> alt.Shape:
    """The shape of each cluster's points."""
    shapes = [SHAPES[i // len(COLORS) % len(SHAPES)] for i in ids]
    return alt.Shape("cluster:N", scale=alt.Scale(domain=[str(i) for i in ids], range=shapes), **options)


def finish(chart: Any, title: str, *lines: str) -> Any:
    """The chart with its title and what to know about it, in a grey that light and dark paper can carry."""
    heading = alt.TitleParams(title, subtitle=[line for line in lines if line], anchor="start")
    axis = {
        "labelColor": GREY,
        "titleColor": GREY,
        "domainColor": GREY,
        "tickColor": GREY,
        "gridOpacity": 0.25,
        "labelFlush": False,
    }
    return (
        chart.properties(title=heading, background="transparent")
        .configure_axis(**axis, labelLimit=240)
        .configure_legend(labelColor=GREY, titleColor=GREY, symbolLimit=64, columns=1)
        .configure_title(color=GREY, subtitleColor=GREY)
        .configure_view(strokeOpacity=0)
        .configure_text(color=GREY)
    )


def short(text: str, most: int = LONGEST) -> str:
    """A name as a picture shows it.

    >>> short("a rather long name of a column", 12)
    'a rather lo…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def count(number: float, noun: str) -> str:
    """A number of things in words.

    >>> count(1, "row"), count(12345, "row"), count(2.5, "row")
    ('1 row', '12,345 rows', '2.5 rows')
    """
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"
