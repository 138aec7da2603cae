"""The cluster of most rows in plain SQL: nearly computed log densities, which tell it wherever they leave no doubt.

Plain SQL runs on all threads, Python functions one after the other. A row in doubt, or not of finite numbers, goes to
``ppp__assign``, so its id is the same whichever way it goes. ``Scorer.screened`` does the same in Python; the numbers
come from engine/plain.py, in one row, when the statement runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import NUMBER
from ppp_duck.binding.quoting import folded, literal, quote
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, as_form, indented, select

STAGE = "_ppp_screen"  # of one row: the state of the models, and numbers, NULL where every row goes to Python
NAN = "CAST('nan' AS DOUBLE)"
# How much a statement provides for. Each number costs it time before it begins, 5 ms in all at eight features.
MOST_COMPONENTS = 16
MOST_FEATURES = 16
MOST_PAIRED = 8  # features of which all products are provided for, which covariances between features take


@dataclass(frozen=True)
class Provision:
    """What a statement provides for: columns of numbers, components, and whether for products of two columns."""

    columns: tuple[str, ...]
    components: int
    paired: bool


def of_fit(call: Call, source: Source) -> Provision | None:
    """For the features of a fit. None: rows are not screened, or are not all of known numbers."""
    options, d = call.options, len(call.features)
    wanted = options.k or min(MOST_COMPONENTS, options.k_max or MOST_COMPONENTS)
    if options.by or d > MOST_FEATURES or wanted > MOST_COMPONENTS or not call.are_numbers or _has_ours(source):
        return None
    paired = options.covariance not in ("diag", "spherical") and d <= MOST_PAIRED
    return Provision(tuple(feature.name for feature in call.features), wanted, paired)


def of_any_model(source: Source) -> Provision | None:
    """For a model that nobody knows while binding: all numbers of the source may be its features."""
    numbers = tuple(column.name for column in source.columns if column.kind == NUMBER)
    if not 0 < len(numbers) <= MOST_FEATURES or _has_ours(source):
        return None
    return Provision(numbers, MOST_COMPONENTS, len(numbers) <= MOST_PAIRED)


def _has_ours(source: Source) -> bool:
    return any(folded(column.name).startswith("_ppp_") for column in source.columns)


def stage(provision: Provision, lookup: bool) -> Stage:
    """The numbers, as lists in one row: DuckDB keeps what is joined from one row as constants, not as vectors, and so
    what is taken out of it. (As columns they would have to be bound once more in each layer of ``scored``.)

    Always one row. With a ``lookup``, where equal rows are looked up there is nothing to screen.
    """
    names, paired = ", ".join(map(literal, provision.columns)), "true" if provision.paired else "false"
    threads = "CAST(current_setting('threads') AS BIGINT)"
    asked = f"ppp__screen(model, [{names}], {provision.components}, {paired}, {threads})"
    once = f"CASE WHEN (SELECT count(*) FROM _ppp_known) = 0 THEN {asked} END" if lookup else asked
    sql = select(["model AS _ppp_models", f"{once} AS _ppp_told"], "_ppp_model")
    return Stage(STAGE, sql, "what SQL needs to tell the cluster of most rows")


def scored(provision: Provision, known: str, relation: str, score: str, name: str) -> str:
    """The rows of ``relation`` with their cluster ids as ``name``: ``known`` if not NULL, ``score`` of a row in doubt.

    A log density is a product of two lists: ``_ppp_products`` of the row (1, its centred features, their squares or
    products of two) and the terms of the component, ``_ppp_told[4]`` and on. Lists, because their product is one
    expression: sums of products written out take DuckDB longer to plan than to compute for a million rows, and twice
    as long to compute.
    A column that is no feature has NaN as its middle, and 0 for its values.
    """
    d, m = len(provision.columns), provision.components
    z, densities = [f"_ppp_centered_{i}" for i in range(d)], [f"_ppp_density_{j}" for j in range(m)]
    factor, margin, least, largest, paired = (f"_ppp_told[2][{i + 1}]" for i in range(5))  # engine/plain.py
    # The product of lists does not take NULL; NaN goes through, is larger than all bounds, and so in doubt.
    numbers = [as_form(NUMBER, f"_ppp_source.{quote(column)}") for column in provision.columns]
    middles = [f"_ppp_told[1][{i + 1}]" for i in range(d)]
    centered = [
        f"CASE WHEN {middle} = {NAN} THEN 0e0 ELSE coalesce({x}, {NAN}) - {middle} END AS {own}"
        for x, middle, own in zip(numbers, middles, z, strict=True)
    ]
    # Components are in the order of their clusters: those near the best one are of one cluster if the first and the
    # last of them are.
    near = [f"WHEN {own} > _ppp_near THEN _ppp_told[3][{j + 1}]" for j, own in enumerate(densities)]
    layers = [
        ["_ppp_source.*", f"{STAGE}.*", f"{known} AS _ppp_known", *centered],
        ["*", f"{_products(z, paired, provision.paired)} AS _ppp_products"],
        ["*", *(f"list_inner_product(_ppp_products, _ppp_told[{j + 4}]) AS {own}" for j, own in enumerate(densities))],
        ["*", f"greatest({', '.join(densities)}) * {factor} - {margin} AS _ppp_near"],
        ["*", f"CASE {' '.join(near)} END AS _ppp_first", f"CASE {' '.join(reversed(near))} END AS _ppp_last"],
    ]
    for columns in layers:
        relation = indented(select(columns, relation))
    sure = f"_ppp_first = _ppp_last AND _ppp_near BETWEEN {least} AND {largest}"
    found = f"CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known\n    WHEN {sure} THEN CAST(_ppp_first AS INTEGER)"
    found += f"\n    ELSE {score} END"
    ours = [f"_ppp_{own}" for own in ("models", "told", "known", "products", "near", "first", "last")]
    kept = f"_ppp_source.* EXCLUDE ({', '.join([*ours, *z, *densities])})"
    return select([kept, f"{found} AS {quote(name)}"], f"{relation} AS _ppp_source")


def _products(z: list[str], paired: str, pairs_too: bool) -> str:
    """The list of what a row's centred features ``z`` are multiplied to; NULL, and no list, where nothing is asked."""
    squares = ", ".join(["1e0", *z, *(f"{own} * {own}" for own in z)])
    text = f"CASE WHEN {paired} = 0 THEN list_value({squares})"
    if pairs_too:
        pairs = ", ".join(["1e0", *z, *(f"{own} * {other}" for i, own in enumerate(z) for other in z[i:])])
        text += f"\n    WHEN {paired} = 1 THEN list_value({pairs})"
    return f"{text} END"
