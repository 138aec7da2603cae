"""What rows of numbers show of themselves where nobody says it: coarse grids, and rows far out."""

from __future__ import annotations

import numpy as np

from ppp_duck.engine.far import far_out
from ppp_duck.engine.grid import step_of
from ppp_duck.models.model import Bools, Floats, Layout

COARSE = 0.02  # half a step, in standard deviations, from which a component could be narrower than the grid
LOOKED_AT = 512  # rows of which so coarse a grid shows: six standard deviations have 150 points of it at most
REPEATED = 0.8  # share of their weight in rows that differ, from which there is no such grid
FEW = 60  # different values that are a grid of their smallest gap, whatever it is
ROUNDING = 1e-9  # of the range: values that differ by less are one


def observed_layout(rows: Floats, weights: Floats) -> Layout | None:
    """The grids that the columns of distinct rows ``(n, d)`` lie on, as floors; None where none is coarse."""
    floors = tuple(floor(column, weights) for column in rows.T)
    return Layout(rows.shape[1], (), floors) if any(floors) else None


def floor(column: Floats, weights: Floats, fewest: int = 3) -> float:
    """Half a step of the grid that a column (n,) of ``fewest`` values lies on, 0 where none is coarse.

    Of two values a component is at one; so they have no grid, unless they may not make components.
    """
    some = slice(None, None, -(-len(column) // LOOKED_AT))
    if len(np.unique(column[some])) > REPEATED * float(weights[some].sum()):
        return 0.0
    values = np.unique(column)
    gaps = np.diff(values)
    values = values[np.append(True, gaps > ROUNDING * (values[-1] - values[0]))]
    if len(values) < fewest:
        return 0.0
    step = float(np.diff(values).min()) if len(values) <= FEW else step_of(values)
    spread = float(column.std())
    return step / 2 if COARSE * spread < step / 2 else 0.0


def far_rows(rows: Floats, weights: Floats) -> Bools:
    """Which of the rows ``(n, d)`` have a value far out in some column."""
    far = np.zeros(len(rows), dtype=bool)
    for column in rows.T:
        order = np.argsort(column, kind="stable")
        kept = far_out(column[order], weights[order])[0]
        far[order[~kept]] = True
    return far
