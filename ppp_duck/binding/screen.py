"""The cluster of most rows in plain SQL: nearly computed log densities, which tell it wherever they leave no doubt.

Plain SQL runs on all threads, Python functions one after the other. A row in doubt, or not of finite numbers, goes to
``ppp__assign``, so its id is the same whichever way it goes. ``Scorer.screened`` does the same in Python; the numbers
come from engine/plain.py, in one row, when the statement runs.
"""

from __future__ import annotations

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import NUMBER
from ppp_duck.binding.quoting import folded, literal, quote
from ppp_duck.binding.repeats import looked_up
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, as_form, indented, select

STAGE = "_ppp_screen"  # of one row: the state of the models, and numbers, NULL where every row goes to Python
# How much a statement provides for. Each number costs it time before it begins, 5 ms in all at eight features.
MOST_COMPONENTS = 16
MOST_FEATURES = 16
MOST_PAIRED = 8  # features of which all products are provided for, which covariances between features take
BOUNDS = ("factor", "margin", "least", "largest", "paired")  # in the order of engine/plain.py


def components(call: Call, source: Source) -> int:
    """For how many components a statement provides. 0: rows are not screened, or are not all of known numbers."""
    options = call.options
    wanted = options.k or min(MOST_COMPONENTS, options.k_max or MOST_COMPONENTS)
    if options.by or len(call.features) > MOST_FEATURES or wanted > MOST_COMPONENTS:
        return 0
    ours = any(folded(column.name).startswith("_ppp_") for column in source.columns)
    return wanted if call.are_numbers and not ours else 0


def stage(call: Call, m: int) -> Stage:
    """The numbers, as columns of one row: DuckDB keeps what is joined from one row as constants, not as vectors.

    Always one row. Where equal rows are looked up there is nothing to screen.
    """
    names = ", ".join(literal(feature.name) for feature in call.features)
    paired = "true" if _paired(call) else "false"
    asked = f"ppp__screen(model, [{names}], {m}, {paired}, CAST(current_setting('threads') AS BIGINT))"
    once = f"CASE WHEN (SELECT count(*) FROM _ppp_known) = 0 THEN {asked} END AS found"
    columns = ["model AS _ppp_models", *(f"found[2][{i + 1}] AS _ppp_{bound}" for i, bound in enumerate(BOUNDS))]
    columns += [f"found[1][{i + 1}] AS _ppp_middle_{i}" for i in range(len(call.features))]
    columns += [f"found[{j + 3}] AS _ppp_terms_{j}" for j in range(m)]
    sql = select(columns, indented(select(["model", once], "_ppp_model")))
    return Stage(STAGE, sql, "what SQL needs to tell the cluster of most rows")


def _paired(call: Call) -> bool:
    return call.options.covariance not in ("diag", "spherical") and len(call.features) <= MOST_PAIRED


def scored(call: Call, m: int, relation: str, score: str, name: str) -> str:
    """The rows of ``relation`` with their cluster ids as ``name``; ``score`` is the call for a row in doubt.

    A log density is a product of two lists: ``_ppp_products`` of the row (1, its centred features, their squares or
    products of two) and ``_ppp_terms_j`` of the component. Lists, because their product is one expression: sums of
    products written out take DuckDB longer to plan than to compute for a million rows, and twice as long to compute.
    """
    d = len(call.features)
    z, densities = [f"_ppp_centered_{i}" for i in range(d)], [f"_ppp_density_{j}" for j in range(m)]
    # The product of lists does not take NULL; NaN goes through, is larger than all bounds, and so in doubt.
    numbers = [as_form(NUMBER, f"_ppp_source.{quote(feature.name)}") for feature in call.features]
    centered = [f"coalesce({x}, CAST('nan' AS DOUBLE)) - _ppp_middle_{i} AS {z[i]}" for i, x in enumerate(numbers)]
    squares = ", ".join(["1e0", *z, *(f"{own} * {own}" for own in z)])
    products = f"CASE WHEN _ppp_paired = 0 THEN list_value({squares})"  # NULL, and no list made, where nothing is asked
    if _paired(call):
        pairs = ", ".join(["1e0", *z, *(f"{z[i]} * {z[j]}" for i in range(d) for j in range(i, d))])
        products += f"\n    WHEN _ppp_paired = 1 THEN list_value({pairs})"
    # The only component near the best one is the first near one from either end.
    near = [f"WHEN {own} > _ppp_near THEN {j}" for j, own in enumerate(densities)]
    ours = ["models", "known", "products", "near", "first", "last", *BOUNDS, *(f"middle_{i}" for i in range(d))]
    helpers = [*(f"_ppp_{own}" for own in ours), *z, *densities, *(f"_ppp_terms_{j}" for j in range(m))]
    sure = "_ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_least AND _ppp_largest"
    layers = [
        ["_ppp_source.*", f"{STAGE}.*", f"{looked_up(call, 'NULL')} AS _ppp_known", *centered],
        ["*", f"{products} END AS _ppp_products"],
        ["*", *(f"list_inner_product(_ppp_products, _ppp_terms_{j}) AS {own}" for j, own in enumerate(densities))],
        ["*", f"greatest({', '.join(densities)}) * _ppp_factor - _ppp_margin AS _ppp_near"],
        ["*", f"CASE {' '.join(near)} END AS _ppp_first", f"CASE {' '.join(reversed(near))} END AS _ppp_last"],
    ]
    for columns in layers:
        relation = indented(select(columns, relation))
    found = f"CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known\n    WHEN {sure} THEN _ppp_first\n    ELSE {score} END"
    kept = f"_ppp_source.* EXCLUDE ({', '.join(helpers)})"
    return select([kept, f"{found} AS {quote(name)}"], f"{relation} AS _ppp_source")
