"""What a direction of the map is made of, in words: columns that rise or fall along it, categories at its ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ppp_duck.models.description import original
from ppp_duck.models.model import Clustering, Feature, Floats, Layout
from ppp_duck.models.model import Model as Fitted
from ppp_duck.plot.differences import Place, labels

MOST = 3  # words in a title
LONGEST = 24  # letters of one
LEAST = 0.25  # of the greatest weight, from which on a word is worth its place
STRAIGHT = 0.8  # correlation with the values of a column, from which on its levels rise or fall along a direction

Part = tuple[Place, float]  # and its weight: above 0 where it rises along the direction


def title(fitted: Fitted, column: Floats) -> str:
    """What weighs most in a direction ``(v,)`` of what k-means sees, with its sign."""
    clustering = fitted.clustering
    assert clustering is not None
    numbers = (clustering.layout or Layout(clustering.centers.shape[1])).numbers
    parts = [*_numbers(fitted, column[:numbers]), *_categories(fitted, clustering, column[numbers:])]
    if len(parts) < 2:
        return labels([place for place, _ in parts])[0] if parts else "nothing varies"
    order = sorted(range(len(parts)), key=lambda i: (-round(abs(parts[i][1]), 9), i))[:MOST]
    heaviest = abs(parts[order[0]][1])
    named = [parts[i] for i in order if abs(parts[i][1]) >= LEAST * heaviest]
    names = labels([place for place, _ in named], LONGEST)
    return "  ".join(f"{'+' if weight > 0 else '−'} {name}" for name, (_, weight) in zip(names, named, strict=True))


def _numbers(fitted: Fitted, column: Floats) -> Iterator[Part]:
    names = [place for feature in fitted.features for place in _places(feature)]
    return zip(names, column.tolist(), strict=False)


def _places(feature: Feature) -> Iterator[Place]:
    """Of the numbers that a feature has."""
    for position in range(len(feature.center)):
        if feature.kind == "text":
            yield Place(feature.name, feature.category_names[position], feature.type)
        else:
            several = f"[{position + 1}]" if len(feature.center) > 1 else ""
            yield Place(f"{'log ' if feature.log_unit else ''}{feature.name}{several}", None, feature.type)


def _categories(fitted: Fitted, clustering: Clustering, column: Floats) -> Iterator[Part]:
    """Of each category its two ends along the direction; of levels that rise or fall along it the column."""
    features = [feature for feature in fitted.features if feature.codes]
    weights = clustering.mixture.weights
    for feature, places, shares in zip(features, clustering.axes, clustering.mixture.shares, strict=False):
        along, share = places @ column, weights @ shares
        spread = np.sqrt(share) * along  # squares add up to the variance that the category has along the direction
        ordered = np.array(feature.levels if len(feature.levels) > 2 and not feature.apart else ())
        if len(ordered) and abs(trend := _correlation(ordered, along, share)) >= STRAIGHT:
            yield Place(feature.name, None, feature.type), float(np.sqrt((spread**2).sum()) * np.sign(trend))
            continue
        named = [int(np.argmax(np.round(spread, 9))), int(np.argmin(np.round(spread, 9)))]
        if len(along) == 2:  # the one says the other
            named = [1 if feature.levels else named[0]]
        elif feature.apart:
            named = [code for code in named if code]
        yield from ((Place(feature.name, _level(feature, code), feature.type), float(spread[code])) for code in named)


def _level(feature: Feature, code: int) -> str:
    """A category as its column has it. Of values set apart code 1 is the first, and 0 all others."""
    if feature.kind == "text":
        return feature.category_names[code]
    value = original(feature.type, feature.levels[code - bool(feature.apart)])
    return f"{value:g}" if isinstance(value, float) else str(value)


def _correlation(values: Floats, along: Floats, share: Floats) -> float:
    values, along = values - share @ values, along - share @ along
    both = np.sqrt((share @ values**2) * (share @ along**2))
    return float((share * values) @ along / both) if both > 0 else 0.0
