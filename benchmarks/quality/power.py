"""``python -m benchmarks.quality.power [--draw]``: how far apart must two groups be, and of how many rows, to be seen?

Half of the rows of a table are a round Gaussian, the other half the same, some standard deviations away in one feature.
Every feature is then standardised. Of 20 tables each: the share in which ``fit`` finds two clusters; at distance 0,
where there is one group, the share in which it finds one. The same numbers are moved apart, so that a line is smooth.

Writes ``docs/how-sure.svg``, with the figures in its description, and prints them (ten minutes). ``--draw`` draws
the picture anew from the figures in it.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from ppp_duck.engine.pipeline import fit
from ppp_duck.models.model import Floats

PICTURE = Path(__file__).parents[2] / "docs" / "how-sure.svg"
FEATURES = (1, 2, 8)
ROWS = (100, 300, 1000, 3000)
DISTANCES = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
TABLES = 20

Shares = dict[tuple[int, int], list[float]]  # (features, rows) -> the right share at distance 0, then at DISTANCES

# Colours that stand out from white and from black, also for the colour-blind; a mark each for who sees none of them.
LOOKS = {
    100: ("#b06a9b", "square"),
    300: ("#009e73", "diamond"),
    1000: ("#d55e00", "triangle"),
    3000: ("#1f77c9", "circle"),
}
MARKS = {
    "circle": '<circle r="3.6"/>',
    "square": '<rect x="-3.2" y="-3.2" width="6.4" height="6.4"/>',
    "diamond": '<path d="M0-4.6 4.6 0 0 4.6-4.6 0z"/>',
    "triangle": '<path d="M0-4.4 4.2 3.2-4.2 3.2z"/>',
}
PANEL, GAP, LEFT, TOP, HEIGHT = 188, 110, 76, 62, 200  # a panel is so wide, and so far from the next
WIDTH, DEPTH = LEFT + 3 * PANEL + 2 * GAP + GAP - 4, TOP + HEIGHT + 62
LABEL = 17  # least distance of two labels
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #33383f }
.title { font-weight: 600 } .middle { text-anchor: middle } .end { text-anchor: end }
.card { fill: #ffffff } .grid { stroke: #dfe3e8 } .axis { stroke: #8b949e }
.leader { stroke: #8b949e; stroke-width: 0.8 }
.line { fill: none; stroke-width: 2 } .ring { stroke: #ffffff; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #d5dae0 } .card { fill: #161b22 } .grid { stroke: #30363d } .ring { stroke: #161b22 }
}
"""


def table(distance: float, rows: int, features: int, seed: int) -> Floats:
    """Two groups ``(rows, features)``, so many standard deviations apart in the first feature, standardised."""
    found = np.random.default_rng([seed, rows, features]).normal(size=(rows, features))
    found[rows // 2 :, 0] += distance
    return np.asarray((found - found.mean(axis=0)) / found.std(axis=0))


def share(k: int, distance: float, rows: int, features: int, tables: int = TABLES) -> float:
    """Of so many tables, in which ``fit`` finds k clusters."""
    found = [len(fit(table(distance, rows, features, seed), report=False).sizes) for seed in range(tables)]
    return found.count(k) / tables


def measured() -> Shares:
    found: Shares = {}
    for features in FEATURES:
        for rows in ROWS:
            apart = [share(2, distance, rows, features) for distance in DISTANCES]
            found[features, rows] = [share(1, 0.0, rows, features), *apart]
            print(line(features, rows, found[features, rows]), flush=True)
    return found


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def line(features: int, rows: int, shares: list[float]) -> str:
    return f"| {features} | {rows:,} | " + " | ".join(map(percent, shares)) + " |"


def written(shares: Shares) -> str:
    """The figures as a table of Markdown."""
    head = "| features | rows | one group | " + " | ".join(f"{distance:g} sd" for distance in DISTANCES) + " |"
    rule = "|---" * (3 + len(DISTANCES)) + "|"
    return "\n".join([head, rule, *(line(*key, found) for key, found in shares.items())])


def read(text: str) -> Shares:
    """The figures that ``written`` wrote, wherever in a text."""
    found: Shares = {}
    for features, rows, cells in re.findall(r"^\| (\d+) \| ([\d,]+) \| (.*) \|$", text, re.MULTILINE):
        found[int(features), int(rows.replace(",", ""))] = [float(one[:-1]) / 100 for one in cells.split(" | ")]
    return found


def across(panel: int, distance: float) -> float:
    return LEFT + panel * (PANEL + GAP) + PANEL * (distance - DISTANCES[0]) / (DISTANCES[-1] - DISTANCES[0])


def down(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def spread(places: list[float]) -> list[float]:
    """Places of labels, in the order of what they label, from the top: ``LABEL`` apart and inside the panel."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + LABEL) if found else place)
    too_low = max(found[-1] - (TOP + HEIGHT), 0.0)
    return [place - too_low for place in found]


def frame(panel: int, features: int, shares: Shares) -> list[str]:
    """Title, axes and grid of a panel."""
    left, right = across(panel, DISTANCES[0]), across(panel, DISTANCES[-1])
    title = "1 feature" if features == 1 else f"{features} features, one of them differs"
    one = sum(shares[features, rows][0] for rows in ROWS) / len(ROWS)
    out = [
        f'<text class="title" x="{left:g}" y="{TOP - 34}">{title}</text>',
        f'<text x="{left:g}" y="{TOP - 16}">one group: k = 1 in {percent(one)}</text>',
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        kind = "grid" if tick else "axis"
        out.append(f'<path class="{kind}" d="M{left:g} {down(tick):g}H{right:g}"/>')
        if panel == 0:
            out.append(f'<text class="end" x="{left - 8:g}" y="{down(tick) + 4.5:g}">{percent(tick)}</text>')
    for distance in range(int(DISTANCES[0]), int(DISTANCES[-1]) + 1):
        x = across(panel, distance)
        out.append(f'<path class="axis" d="M{x:g} {down(0):g}v4"/>')
        out.append(f'<text class="middle" x="{x:g}" y="{down(0) + 19:g}">{distance}</text>')
    return out


def lines(panel: int, features: int, shares: Shares) -> list[str]:
    """The lines of a panel, each with a mark at what was measured and its rows at its end."""
    out, right = [], across(panel, DISTANCES[-1])
    order = sorted(ROWS, key=lambda rows: (-shares[features, rows][-1], -rows))
    labels = spread([down(shares[features, rows][-1]) for rows in order])
    for rows, label in zip(order[::-1], labels[::-1], strict=True):  # the line with the most rows on top
        colour, mark = LOOKS[rows]
        found = shares[features, rows][1:]
        points = [(across(panel, distance), down(one)) for distance, one in zip(DISTANCES, found, strict=True)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        out.append(f'<path class="leader" d="M{right + 5:g} {points[-1][1]:.1f}L{right + 17:g} {label:.1f}"/>')
        out.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
        for x, y in [*points, (right + 23, label)]:
            out.append(f'<g class="ring" fill="{colour}" transform="translate({x:.1f} {y:.1f})">{MARKS[mark]}</g>')
        words = f"{rows:,} rows" if label == labels[0] else f"{rows:,}"
        out.append(f'<text x="{right + 31:g}" y="{label + 4.5:.1f}">{words}</text>')
    return out


def svg(shares: Shares) -> str:
    """The picture: a panel for each number of features, a line for each number of rows."""
    middle = (LEFT + across(len(FEATURES) - 1, DISTANCES[-1])) / 2
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {DEPTH}" width="{WIDTH}" height="{DEPTH}" '
        'role="img">',
        "<title>Share of tables in which two groups are found, by their distance and the rows</title>",
        f"<desc>\n{written(shares)}\n</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{DEPTH}" rx="8"/>',
    ]
    for panel, features in enumerate(FEATURES):
        out += frame(panel, features, shares) + lines(panel, features, shares)
    out += [
        f'<text class="middle" x="{middle:g}" y="{DEPTH - 14}">distance of the means, in standard deviations</text>',
        f'<text class="middle" transform="translate(14 {TOP + HEIGHT / 2:g}) rotate(-90)">tables with k = 2</text>',
        "</svg>",
    ]
    return "\n".join(out) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draw", action="store_true", help="only draw the picture anew from the figures in it")
    found = read(PICTURE.read_text(encoding="utf-8")) if options.parse_args().draw else measured()
    PICTURE.write_text(svg(found), encoding="utf-8")
    print(f"\n{written(found)}")


if __name__ == "__main__":
    main()
