"""The cluster of most rows in plain SQL: nearly computed log densities, which tell it wherever they leave no doubt.

Plain SQL runs on all threads, Python functions one after the other. A row in doubt, or not of finite numbers, goes to
``ppp__assign``, so its id is the same whichever way it goes. ``Scorer.screened`` does the same in Python; the numbers
come from engine/plain.py, in one row, when the statement runs.
"""

from __future__ import annotations

from ppp_duck.calls import Call
from ppp_duck.rewrite import Stage, are_numbers, value
from ppp_duck.sources import Source, literal, quote

STAGE = "_ppp_screen"  # of one row: the key of the models, and numbers that are NULL where every row goes to Python
# How much a statement provides for. Each number costs it time before it begins, 5 ms in all at eight features.
MOST_COMPONENTS = 16
MOST_FEATURES = 16
MOST_PAIRED = 8  # features of which all products are provided for, which covariances between features take
BOUNDS = ("up", "low", "least", "largest", "paired")


def components(call: Call, source: Source) -> int:
    """For how many components a statement provides. 0: rows are not screened, or are not all of known numbers."""
    options = call.options
    wanted = options.k or min(MOST_COMPONENTS, options.k_max or MOST_COMPONENTS)
    if options.by or source.columns is None or len(call.features) > MOST_FEATURES or wanted > MOST_COMPONENTS:
        return 0
    ours = any(column.name.casefold().startswith("_ppp_") for column in source.columns)
    return wanted if are_numbers(call) and not ours else 0


def stage(call: Call, models: str, m: int) -> Stage:
    """The numbers, as columns of one row: DuckDB keeps what is joined from one row as constants, not as vectors.

    Always one row. Where equal rows are looked up there is nothing to screen.
    """
    names = ", ".join(literal(feature.name) for feature in call.features)
    paired = "true" if _paired(call) else "false"
    asked = f"ppp__screen(model, [{names}], {m}, {paired}, CAST(current_setting('threads') AS BIGINT))"
    once = f"SELECT model, CASE WHEN (SELECT count(*) FROM _ppp_known) = 0 THEN {asked} END AS p FROM {models}"
    columns = ["model AS _ppp_model", *(f"p[2][{i + 1}] AS _ppp_{bound}" for i, bound in enumerate(BOUNDS))]
    columns += [f"p[1][{i + 1}] AS _ppp_middle{i}" for i in range(len(call.features))]
    columns += [f"p[{j + 3}] AS _ppp_terms{j}" for j in range(m)]
    return (STAGE, "MATERIALIZED", f"SELECT {', '.join(columns)}\nFROM ({once})")


def _paired(call: Call) -> bool:
    return call.options.covariance not in ("diag", "spherical") and len(call.features) <= MOST_PAIRED


def scored(call: Call, m: int, relation: str, score: str, name: str) -> str:
    """The rows of ``relation`` with their cluster ids as ``name``; ``score`` is the call for a row in doubt.

    Lists, because products of lists are an expression each: sums of products written out take DuckDB longer to plan
    than to compute for a million rows, and twice as long to compute.
    """
    d = len(call.features)
    z, s = [f"_ppp_z{i}" for i in range(d)], [f"_ppp_s{j}" for j in range(m)]
    # The product of lists does not take NULL; NaN goes through, is larger than all bounds, and so in doubt.
    numbers = [value("n", f"_ppp_source.{quote(feature.name)}") for feature in call.features]
    centered = [f"coalesce({x}, CAST('nan' AS DOUBLE)) - _ppp_middle{i} AS {z[i]}" for i, x in enumerate(numbers)]
    squares = ", ".join(["1e0", *z, *(f"{one} * {one}" for one in z)])
    products = f"CASE WHEN _ppp_paired = 0 THEN list_value({squares})"  # NULL, and no list made, where nothing is asked
    if _paired(call):
        pairs = ", ".join(["1e0", *z, *(f"{z[i]} * {z[j]}" for i in range(d) for j in range(i, d))])
        products += f" WHEN _ppp_paired = 1 THEN list_value({pairs})"
    sums = ", ".join(f"list_inner_product(_ppp_products, _ppp_terms{j}) AS {s[j]}" for j in range(m))
    near = f"greatest({', '.join(s)}) * _ppp_up - _ppp_low"
    # The only component near the best one is the first near one from either end.
    is_near = [f"WHEN {one} > _ppp_near THEN {j}" for j, one in enumerate(s)]
    ends = f"CASE {' '.join(is_near)} END AS _ppp_first, CASE {' '.join(reversed(is_near))} END AS _ppp_last"
    ours = ["model", "known", "products", "near", "first", "last", *BOUNDS, *(f"middle{i}" for i in range(d))]
    helpers = ", ".join([*(f"_ppp_{one}" for one in ours), *z, *s, *(f"_ppp_terms{j}" for j in range(m))])
    sure = "_ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_least AND _ppp_largest"
    return f"""SELECT _ppp_source.* EXCLUDE ({helpers}),
  CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known WHEN {sure} THEN _ppp_first
    ELSE {score} END AS {quote(name)}
FROM (SELECT *, {ends}
FROM (SELECT *, {near} AS _ppp_near
FROM (SELECT *, {sums}
FROM (SELECT *, {products} END AS _ppp_products
FROM (SELECT _ppp_source.*, {STAGE}.*, _ppp_known.known AS _ppp_known,
  {f",{chr(10)}  ".join(centered)}
FROM {relation}))))) AS _ppp_source"""
