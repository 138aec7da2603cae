"""What SQL says of a row's cluster is what the engine says of it, and most rows never reach Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from conftest import counting
from handmade import FORMS, points_near, ready
from hypothesis import given, settings
from hypothesis import strategies as st

from ppp_duck.binding import repeats, screen, stages
from ppp_duck.binding.call import plan_call
from ppp_duck.binding.options import check_options
from ppp_duck.binding.source import Column, Source
from ppp_duck.engine import plain
from ppp_duck.models.model import ModelSet
from ppp_duck.running.memory import Ready, keep

ODD = [None, float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 1e100, 5e-324, -0.0, 0.0]


def both_ways(one: Ready, values: dict[str, list[float | None]]) -> tuple[int, int]:
    """Compares the ids of rows of the model's columns and of others; returns how many Python saw, and of how many."""
    with counting() as (con, counted):
        rows = pa.table({name: pa.array(column, pa.float64()) for name, column in values.items()})
        con.register("rows", rows)
        source = Source("rows", "rows", tuple(Column(name, "DOUBLE") for name in values), True)
        call = plan_call("ppp_cluster", source, check_options("ppp_cluster", {"columns": list(values)}))
        key = keep(ModelSet((), (one.model,)), "ppp_cluster", (0, 0))
        fields = ", ".join(f"'number {name}': _ppp_source.{name}" for name in values)
        provision = screen.of_fit(call, source)
        assert provision is not None
        assert provision.components == screen.MOST_COMPONENTS
        score = f"ppp__assign(_ppp_models, NULL, {{{fields}}})"
        relation = "_ppp_source CROSS JOIN _ppp_screen CROSS JOIN _ppp_lookup"
        chain = [
            stages.Stage("_ppp_source", "FROM rows", "", kept=False),
            stages.Stage("_ppp_model", f"SELECT '{key}' AS model", ""),
            stages.Stage("_ppp_known", "SELECT hash(1) AS row_hash, 1 AS known WHERE false", ""),
            stages.Stage("_ppp_lookup", repeats.lookup(), ""),
            screen.stage(provision, lookup=True),
        ]
        query = screen.scored(provision, "NULL", relation, score, "id")
        screened = con.execute(stages.with_stages(chain, query)).fetchall()
        seen, counted.rows = counted.rows, 0
        every = con.execute(f"SELECT *, ppp__assign('{key}', NULL, {{{fields}}}) FROM rows _ppp_source").fetchall()
        assert counted.rows == len(every) == rows.num_rows
        assert repr(screened) == repr(every)  # NaN is not equal to itself
        return seen, len(every)


def values_of(one: Ready, points: np.ndarray, rng: np.random.Generator) -> dict[str, list[float | None]]:
    """Rows of the model's columns in another order, with a column that is no feature among them."""
    columns = {f.name: (f.center + points[:, j] * f.scale).tolist() for j, f in enumerate(one.model.features)}
    names = [*columns, "dropped"]
    rng.shuffle(names)
    return {name: columns.get(name, [7.0] * len(points)) for name in names}


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10_000),
    merged=st.booleans(),
    d=st.integers(1, 8),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e9, 1e15]),
    impute=st.booleans(),
)
def test_ids_are_equal(form: str, seed: int, merged: bool, d: int, offset: float, impute: bool) -> None:
    one = ready(form, d, seed, merged, offset, impute)
    rng = np.random.default_rng(seed)
    means = one.model.clustering.mixture.means  # type: ignore[union-attr]
    values = values_of(one, np.concatenate([points_near(one, rng), means * 1e3]), rng)
    for row, odd in enumerate(ODD * 4):
        values[rng.choice(list(values))][row] = odd
    both_ways(one, values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("merged", [False, True])
def test_few_rows_reach_python(form: str, merged: bool) -> None:
    """Of clusters of several components those between two clusters do, too, where other components may count."""
    one = ready(form, 4, 1, merged, 1.0)
    rng = np.random.default_rng(0)
    seen, every = both_ways(one, values_of(one, rng.normal(size=(5000, 4)) * 2, rng))
    assert seen < (0.75 if merged else 0.01) * every


def test_all_rows_do_where_the_screen_says_nothing() -> None:
    """Digits lost to an offset, features that are almost one."""
    one, rng = ready("diag", 2, 1, False, 1e15), np.random.default_rng(0)
    seen, every = both_ways(one, values_of(one, rng.normal(size=(100, 2)), rng))
    assert seen == every
    assert plain._cancelled(np.array([[-0.5, 1.0, -0.5]]), 2) == float("inf")
    assert plain._cancelled(np.array([[-0.5, 0.0, -2.0]]), 2) == 2
