"""Numbers that others make: the total of a price and a quantity, the sum of three counts, a rate.

A table with such a column has its rows on a surface of fewer dimensions than columns, bent where some numbers are
taken as logarithms: clusters would be pieces of it. A product is a sum of logarithms. So there is one search, for sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby, product
from typing import TypeAlias

import numpy as np

from ppp_duck.engine.grid import decimals_of
from ppp_duck.models.model import Floats

FITS = 0.98  # share of the rows in which a formula is to give the value, rounded as the column is
ROUNDED = 1.0  # steps of the column's grid: half a step, and as much for what the others were rounded by
CLOSE = 0.1  # of a column's spread: no rounding excuses more, or much would fit a column of few values
PRECISION = 1e-9  # of a value that was not rounded: what arithmetic does to it
NEARLY = 0.02  # of a value: by so much may a product miss it, as one of rounded factors does
POWERS = ((1, 1), (1, -1), (1, 2), (1, -2))  # of two factors
COEFFICIENTS = ((1, 1), (1, -1), (-1, -1), (0.5, 0.5))  # of two terms
LOOKED_AT, LOOKED_AT_FIRST = 64, 12  # rows that tell of most pairs that they make nothing
FEWEST = 30  # rows
ROWS = 5  # for each column: a formula of as many coefficients as rows fits everything
FLAT = 1e-3  # variance of columns of variance 1 along their flattest direction, from which no formula is looked for
ROUNDING = 1e-6  # of a spread: no term, and of a coefficient: no other than a whole one
WHOLE = 0.02  # by which an exponent may miss a whole number
HIGHEST = 3  # exponent
POSITIVE = 0.8  # share of the rows in which a factor is to be above 0
LARGEST = 1e100  # sums of squares of numbers are finite


@dataclass(frozen=True)
class Terms:
    """What formulas are made of: columns, or their logarithms and those of 1 less a share; NaN where there is none."""

    labels: tuple[str, ...]
    owners: tuple[str, ...]  # the column of each
    values: Floats  # (n, m)
    order: tuple[tuple[int, ...], ...]  # of columns themselves, in which they are tried as made by others: by decimals
    is_product: bool


@dataclass(frozen=True)
class Formula:
    """Coefficients, or exponents, of terms that make a column, and what is added, or a factor."""

    name: str
    parts: tuple[str, ...]  # the columns in it
    labels: tuple[str, ...]
    weights: tuple[float, ...]
    constant: float
    is_product: bool


# of terms, the place of one and those that may make it -> which do, and their coefficients
Search: TypeAlias = "Callable[[Terms, int, Sequence[int]], Iterator[tuple[list[int], Floats]]]"


def formulas(numbers: Mapping[str, Floats], told: Mapping[str, str]) -> dict[str, Formula]:
    """Of columns (n,), NaN where a value is missing: those that others make, by name.

    ``told``: columns that another one determines, and which: they may stand in a formula, and need none. So may a
    column that a formula makes, unless it is made of the column in question. Two factors or terms are looked for
    first, then more. Of the columns of a formula the one of most decimals is left out, so a rate, and not the counts;
    of these a sum or a product rather than a difference or a ratio, and then the one of the greatest spread: the total,
    and not its parts. Of a product it is never the one of fewest values.
    """
    with np.errstate(all="ignore"):
        names = sorted(
            name for name, column in numbers.items() if len(known(column)) >= FEWEST and is_small(known(column))
        )
        return _formulas(names, numbers, told)


def _formulas(names: Sequence[str], numbers: Mapping[str, Floats], told: Mapping[str, str]) -> dict[str, Formula]:
    values = np.stack([numbers[name] for name in names], axis=1) if names else np.zeros((0, 0))
    both = [_factors(names, values, numbers), _terms(names, names, values, numbers, is_product=False)]
    found: dict[str, Formula] = {}
    sources = {name: frozenset({by}) for name, by in told.items()}
    while (made := next(_makes(both, numbers, sources), None)) is not None:
        found[made.name] = made
        sources[made.name] = frozenset(made.parts)
    return found


def _factors(names: Sequence[str], values: Floats, numbers: Mapping[str, Floats]) -> Terms:
    """Logarithms of columns that are mostly positive, and of 1 less those that are shares."""
    some = [place for place in range(len(names)) if (values[:, place] > 0).mean() >= POSITIVE]
    shares = [place for place in range(len(names)) if _is_share(values[:, place])]
    labels = (*(names[place] for place in some), *(f"(1 - {names[place]})" for place in shares))
    factors = np.concatenate([values[:, some], 1.0 - values[:, shares]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(factors > 0, np.log(factors), np.nan)
    return _terms(labels, [names[place] for place in (*some, *shares)], logs, numbers, is_product=True)


def last_place(values: Floats) -> float:
    """The unit of the last place that values have after the point; 0 where they have too many."""
    places = decimals_of(values)
    return 0.0 if places is None else 10.0**-places


def _is_share(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 0 and bool((known >= 0).all() and (known < 1).all() and (known > 0).any())


def _makes(
    both: Sequence[Terms], numbers: Mapping[str, Floats], sources: Mapping[str, Set[str]]
) -> Iterator[Formula]:  # fmt: skip
    """Formulas of columns that have none yet: of two terms first, and those that are nearly right last."""
    nearly = []
    for search, terms in product((_of_two, _of_many), both):
        for alike in terms.order:
            found = [one for at in alike for one in _of(search, terms, at, numbers, sources)]
            found.sort(key=lambda one: min(one[0].weights) < 0)
            yield from (made for made, is_exact in found if is_exact)
            nearly += [made for made, is_exact in found if not is_exact]
    yield from nearly


def _of(
    search: Search, terms: Terms, at: int, numbers: Mapping[str, Floats], sources: Mapping[str, Set[str]]
) -> Iterator[tuple[Formula, bool]]:
    """Formulas of a column that has none yet, and whether they give it as it is rounded."""
    own = terms.owners[at]
    if own in sources:
        return
    others = [one for one, owner in enumerate(terms.owners)
              if owner != own and own not in _made_of(sources, owner)
              and (search is _of_two or owner not in sources)]  # fmt: skip
    for kept, weights in search(terms, at, others) if len(others) > 1 else ():
        made = _formula(terms, at, kept, weights, numbers)
        if made is not None:
            yield made


def _made_of(sources: Mapping[str, Set[str]], name: str) -> Set[str]:
    """The columns that make a column, and those that make them."""
    own = sources.get(name, frozenset())
    return frozenset(own).union(*(_made_of(sources, part) for part in own))


def _terms(labels: Sequence[str], owners: Sequence[str], values: Floats, numbers: Mapping[str, Floats],
           is_product: bool) -> Terms:  # fmt: skip
    """Terms with their order: columns of most decimals first, of as many that of the greatest spread, then by name."""
    places = [at for at, (label, owner) in enumerate(zip(labels, owners, strict=True)) if label == owner]
    steps = {at: last_place(known(numbers[owners[at]])) for at in places}
    order = sorted(places, key=lambda at: (steps[at], -float(known(values[:, at]).std()), labels[at]))
    alike = tuple(tuple(some) for _, some in groupby(order, key=steps.__getitem__))
    return Terms(tuple(labels), tuple(owners), values, alike, is_product)


def is_small(values: Floats) -> bool:
    return float(np.abs(values).max()) < LARGEST


def known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _of_two(terms: Terms, at: int, others: Sequence[int]) -> Iterator[tuple[list[int], Floats]]:
    """Pairs of terms that may make a column, and their coefficients: those that a few rows do not rule out."""
    rows = np.flatnonzero(np.isfinite(terms.values[:, at]))[:LOOKED_AT]
    if len(rows) < FEWEST:
        return
    wanted, columns = terms.values[rows, at], terms.values[np.ix_(rows, np.array(others))]
    limit = CLOSE * float(wanted.std())
    first = slice(0, LOOKED_AT_FIRST)
    found = []
    for p, q in POWERS if terms.is_product else COEFFICIENTS:
        left, own = wanted[:, None] - p * columns, q * columns
        some = _spread(left[first, :, None] - own[first, None, :]) < limit
        for x, y in np.argwhere(some).tolist():
            spread = float(_spread(left[:, x] - own[:, y]))
            alone = min(float(_spread(left[:, x])), float(_spread(wanted - own[:, y])))
            if (x < y or (p != q and x != y)) and spread < limit and 2 * spread < alone:
                found.append((spread, [others[x], others[y]], np.array([p, q], dtype=np.float64)))
    for _, kept, weights in sorted(found, key=lambda one: (one[0], one[1])):
        yield kept, weights


def _spread(values: Floats) -> Floats:
    """Standard deviation over the rows that are known; infinite where they are less than half of all."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    some = np.maximum(count, 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / some
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / some
    return np.where(2 * count >= len(values), np.sqrt(squares), np.inf)


def _of_many(terms: Terms, at: int, others: Sequence[int]) -> Iterator[tuple[list[int], Floats]]:
    """Terms that make a column with any coefficients, or with whole powers, by least squares over complete rows."""
    columns = terms.values[:, [at, *others]]
    columns = columns[np.isfinite(columns).all(axis=1)]
    n, d = columns.shape
    if n < max(FEWEST, ROWS * d):
        return
    columns = columns - columns.mean(axis=0)
    spread = columns.std(axis=0)
    if not (spread > 0).all():
        return
    scaled = columns / spread
    if float(np.linalg.eigvalsh(scaled.T @ scaled / n)[0]) > FLAT:
        return
    weights = np.linalg.lstsq(scaled[:, 1:], columns[:, 0], rcond=PRECISION)[0] / spread[1:]
    whole = np.rint(weights)
    weights = np.where(np.abs(weights - whole) <= (WHOLE if terms.is_product else ROUNDING), whole, weights)
    some = np.flatnonzero(np.abs(weights * spread[1:]) > ROUNDING * spread[0]).tolist()
    if terms.is_product and ((weights != np.rint(weights)).any() or (np.abs(weights) > HIGHEST).any()):
        return
    if len(some) > 1:
        yield [others[one] for one in some], np.asarray(weights[some])


def _formula(
    terms: Terms, at: int, kept: Sequence[int], weights: Floats, numbers: Mapping[str, Floats]
) -> tuple[Formula, bool] | None:  # fmt: skip
    """The formula, and whether it gives the column as that is rounded; a product may also give it nearly."""
    own, parts = terms.owners[at], [terms.owners[one] for one in kept]
    made = terms.values[:, list(kept)] @ weights
    known = np.isfinite(made) & np.isfinite(terms.values[:, at])
    column, made = numbers[own][known], made[known]
    fewest = min(len(np.unique(numbers[part][known])) for part in parts) if terms.is_product else 0
    if len(made) < FEWEST or len(np.unique(column)) <= fewest:
        return None
    constant = float(np.median(terms.values[known, at] - made))
    made = np.exp(made + constant) if terms.is_product else made + constant
    is_exact = _gives(made, column, 0.0)
    if not is_exact and not (terms.is_product and _gives(made, column, NEARLY)):
        return None
    constant = float(np.exp(constant)) if terms.is_product else constant * (abs(constant) > ROUNDING * column.std())
    labels = tuple(terms.labels[one] for one in kept)
    return Formula(own, tuple(parts), labels, tuple(weights.tolist()), constant, terms.is_product), is_exact


def _gives(made: Floats, column: Floats, nearly: float) -> bool:
    """Whether values are those of a column as it is rounded, or but for a share ``nearly`` of each."""
    rounded = np.maximum(ROUNDED * last_place(column), nearly * np.abs(column))
    tolerance = np.maximum(np.minimum(rounded, CLOSE * column.std()), PRECISION * np.abs(column).max())
    fits = np.abs(made - column) <= tolerance
    rare = column != np.median(column)  # what is 0 in most rows is given by much
    return bool(rare.any() and min(fits.mean(), fits[rare].mean()) >= FITS)
