"""The multinomial side of a mixture: each category has its own probabilities in each component.

A Dirichlet prior of ``STRENGTH`` observations, whose mean is the share of each level in all rows, keeps every
probability above 0. It adds ``s sum_j sum_l p_l log q_jl`` to the penalised log likelihood that EM climbs.
"""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Floats, Ints

STRENGTH = 2.0  # observations of the Dirichlet prior of each category in each component: 0.5, 1 and 2 give the same k
RARE = 0.5  # observations (Jeffreys' prior) added to each level in all rows, so that an unseen one has a share


def indicators(codes: Ints, levels: tuple[int, ...]) -> Floats:
    """``(n, sum of levels)``: 1 in the column of each category of a row; a missing category has none."""
    found = np.zeros((len(codes), sum(levels)))
    at = 0
    for column, count in zip(codes.T, levels, strict=True):
        rows = np.flatnonzero(column >= 0)
        found[rows, at + column[rows]] = 1.0
        at += count
    return found


def blocks(levels: tuple[int, ...]) -> list[slice]:
    """The columns of each category among the indicators."""
    ends = np.cumsum(levels).tolist()
    return [slice(end - count, end) for end, count in zip(ends, levels, strict=True)]


def common_shares(indicator: Floats, weights: Floats, levels: tuple[int, ...], unit: float) -> Floats:
    """``(sum of levels,)`` share of each level among the rows that have the category; ``unit``: one observation."""
    found = (weights[:, None] * indicator).sum(axis=0) + RARE * unit
    for block in blocks(levels):
        found[block] /= found[block].sum()
    return np.asarray(found)


def fitted_shares(
    counts: Floats, common: Floats, levels: tuple[int, ...], unit: float, tied: tuple[bool, ...] = ()
) -> tuple[Floats, ...]:
    """Of each category ``(m, levels)``: probabilities from counts ``(m, sum of levels)`` and the prior.

    A ``tied`` category has those of all rows in every component.
    """
    found = []
    for c, block in enumerate(blocks(levels)):
        if tied and tied[c]:
            found.append(np.repeat(common[None, block], len(counts), axis=0))
            continue
        own = counts[:, block] + STRENGTH * unit * common[block]
        found.append(own / own.sum(axis=1, keepdims=True))
    return tuple(found)


def worthless(
    counts: Floats, common: Floats, levels: tuple[int, ...], unit: float, worth: float, price: float
) -> tuple[bool, ...]:
    """Which categories tell components apart by less than their parameters cost: those are to be tied.

    From counts ``(m, sum of levels)``. ``worth``: what a unit of weight counts in -2 log likelihood, ``price``: what a
    parameter costs.
    """
    found = []
    for block, shares in zip(blocks(levels), fitted_shares(counts, common, levels, unit), strict=True):
        gain = 2 * worth * float((counts[:, block] * np.log(shares / common[block])).sum())
        found.append(gain <= price * (len(counts) - 1) * (block.stop - block.start - 1))
    return tuple(found)


def alike(share: Floats) -> bool:
    """Whether all components have the same shares ``(m, levels)`` of a category."""
    return not np.ptp(share, axis=0).any()


def log_shares(shares: tuple[Floats, ...]) -> Floats:
    """``(m, sum of levels)``."""
    return np.log(np.concatenate(shares, axis=1))


def penalty(shares: tuple[Floats, ...], common: Floats, unit: float) -> float:
    """What the Dirichlet prior adds to the log likelihood."""
    return STRENGTH * unit * float((log_shares(shares) @ common).sum()) if shares else 0.0


def parameter_count(m: int, levels: tuple[int, ...], tied: tuple[bool, ...] = ()) -> int:
    """Free probabilities: those of a tied category once, of the others in each component."""
    return sum((1 if tied and tied[c] else m) * (count - 1) for c, count in enumerate(levels))
