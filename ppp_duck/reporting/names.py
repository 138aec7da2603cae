"""A name for each cluster, made of what sets it apart most."""

from __future__ import annotations

from ppp_duck.plot.differences import Differences, Place
from ppp_duck.plot.looks import short

LEAST = 0.5  # standard deviations from the mean of all rows, from which on a difference is worth a word
FAR = 1.5  # and from which on it is a strong one
WORDS = 3  # differences in a name
NEARLY_ALL = 0.9  # share of a cluster's rows, from which on it is of one category


def name_of(found: Differences, cluster: int) -> str:
    """The strongest differences of a cluster from all rows, in words; without any, that it is like the whole."""
    spreads = found.spreads[cluster]
    # of two categories the one that it has says more than the one that it lacks
    order = sorted(range(len(found.places)), key=lambda i: (-round(abs(float(spreads[i])), 6), spreads[i] < 0, i))
    words: dict[str, str] = {}  # by column: of a category only the strongest
    for place in order:
        if len(words) == WORDS or abs(spreads[place]) < LEAST:
            break
        words.setdefault(
            found.places[place].name,
            _word(found.places[place], float(spreads[place]), float(found.means[cluster, place])),
        )
    return ", ".join(words.values()) or "like the whole"


def _word(place: Place, spreads: float, mean: float) -> str:
    """A difference in words.

    >>> _word(Place("income", None, "DOUBLE"), 2.0, 90_000.0), _word(Place("city", "Oslo", "VARCHAR"), -0.7, 0.2)
    ('very high income', 'less city Oslo')
    >>> _word(Place("city", "Oslo", "VARCHAR"), 0.9, 1.0), _word(Place("city", "Oslo", "VARCHAR"), -0.7, 0.0)
    ('city Oslo', 'no city Oslo')
    """
    if place.category is None:
        strength = "very " if abs(spreads) >= FAR else ""
        return f"{strength}{'high' if spreads > 0 else 'low'} {short(place.name, 24)}"
    word = ("" if mean >= NEARLY_ALL else "more ") if spreads > 0 else ("no " if mean <= 1 - NEARLY_ALL else "less ")
    return f"{word}{short(place.name, 24)} {short(place.category, 24)}"
