"""The grid that values lie on: whole numbers, halves, cents, days, pounds told in kilograms."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Floats

DECIMALS = 6  # places after the point that a rounded column may have; more are as good as continuous
NOISE = 1e-6  # of a step: what sums and products of doubles leave (13990.929999999977)
LEAST_VALUES = 3  # distinct values that can show a grid: two always lie on one
FINEST = 1e-5  # of the range: a step that is no decimal one and smaller could be chance
GENERAL_VALUES = 8  # distinct values that can show a grid which is no decimal one
GENERAL_NOISE = 1e-3  # of a step: how far off such values may be


def step_of(distinct: Floats) -> float:
    """The largest step such that all values (ascending, different, finite) lie on a grid; 0.0 where there is none.

    Whole numbers and decimals are told exactly, by the greatest common divisor of whole differences.

    >>> step_of(np.array([1.0, 3.0, 9.0])), step_of(np.array([0.99, 1.99, 5.99])), step_of(np.array([1.5, 2.0, 4.5]))
    (2.0, 1.0, 0.5)
    """
    if len(distinct) < LEAST_VALUES:
        return 0.0
    places = decimals_of(distinct)
    if places is not None and np.abs(distinct).max() * 10.0**places < 2.0**53:
        whole = np.rint(distinct * 10.0**places)
        return int(np.gcd.reduce(np.diff(whole.astype(np.int64)))) / 10.0**places
    return _general_step(distinct, float(distinct[-1] - distinct[0]))


def decimals_of(values: Floats) -> int | None:
    """The places after the point that all values do with; None where they have more than ``DECIMALS``, or no end.

    >>> decimals_of(np.array([1.25, 3.5])), decimals_of(np.array([10.0, 30.0])), decimals_of(np.array([1 / 3]))
    (2, 0, None)
    """
    if (values == np.floor(values)).all():
        return 0
    for places in range(DECIMALS + 1):
        scaled = values * 10.0**places
        if not np.abs(scaled).max() < 2.0**52 * NOISE:
            return None
        if (np.abs(scaled - np.rint(scaled)) <= NOISE).all():
            return places
    return None


def _general_step(distinct: Floats, span: float) -> float:
    """The smallest gap, where all other gaps are multiples of it (or of its half or third)."""
    gaps = np.diff(distinct)
    gaps = gaps[gaps > FINEST * span]
    if len(distinct) < GENERAL_VALUES or not len(gaps):
        return 0.0
    for parts in (1, 2, 3):
        step = float(gaps.min()) / parts
        if step < FINEST * span * 10:
            return 0.0
        # Refined twice: the error of the smallest gap is multiplied by the number of steps to the far end.
        for reach in (10.0, 1000.0, np.inf):
            near = distinct[distinct - distinct[0] <= reach * step] - distinct[0]
            times = np.rint(near / step)
            if len(near) > 1 and times.any():
                step = float((times * near).sum() / (times * times).sum())
        times = (distinct - distinct[0]) / step
        if (np.abs(times - np.rint(times)) <= GENERAL_NOISE).all():
            return step
    return 0.0
