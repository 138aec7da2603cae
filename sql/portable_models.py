"""Models made by hand, small enough to read their SQL: ``make.py`` keeps the text of ``ppp_sql`` for each."""

from __future__ import annotations

import numpy as np

from ppp_duck.models.model import Clustering, Feature, Floats, Layout, Mixture, Model, ModelSet

NOTHING = np.zeros(0)


def number(name: str, kind: str = "DOUBLE", log_unit: float = 0.0, bounded: bool = False) -> Feature:
    low, high = (-1000.0, 1000.0) if bounded else (None, None)
    return Feature(
        name, "number", kind, 1.0, np.array([2.5]), np.array([0.5]), (), False, np.array([0.0]), (0.0,), log_unit, (),
        low, high,
    )  # fmt: skip


def category(name: str, *names: str) -> Feature:
    return Feature(name, "text", "VARCHAR", 1.0, NOTHING, NOTHING, names, True, NOTHING)


def clustering(form: str, shares: tuple[Floats, ...] = (), axes: tuple[Floats, ...] = ()) -> Clustering:
    """Two clusters of two numbers, and of categories where there are shares; the first has two components."""
    factor = np.array([[1.5, 0.25], [0.0, 2.0]])
    factors = {"diag": np.full((3, 2), 1.5), "full": np.stack([factor, 2 * factor, factor])}[form]
    means = np.array([[-1.0, -1.0], [0.0, 0.5], [1.0, 1.0]])
    wider = np.concatenate([means, np.array([[-0.25], [0.0], [0.25]])], axis=1) if axes else means
    layout = Layout(2, tuple(len(share[0]) for share in shares)) if shares else None
    return Clustering(
        Mixture(form, np.array([0.25, 0.25, 0.5]), means, factors, shares), np.array([0, 0, 1]), wider,
        np.array([0, 0, 1]), wider[[0, 2]], np.array([2.0, 1.0]), np.ones(2), 1.0, (), layout, axes,
    )  # fmt: skip


def portable_models() -> dict[str, ModelSet]:
    """By the kind of model: numbers, mixed columns with holes, groups."""
    plain = Model((number("x"), number("y")), "skip", 0.95, clustering("diag"))
    shares = (np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]]),)
    axes = (np.array([[-0.25], [0.0], [0.25]]),)
    features = (category("city", "Oslo", "it's"), number("day", "DATE", bounded=True), number("pay", log_unit=0.5))
    mixed = Model(features, "auto", 0.95, clustering("full", shares, axes))
    groups = [Model(plain.features, "skip", 0.95, plain.clustering, group=(name,)) for name in ("north", None)]
    empty = Model(plain.features, "skip", 0.95, None, "no row to fit had all its features", ("south",))
    return {
        "numbers": ModelSet((), (plain,)),
        "mixed": ModelSet((), (mixed,)),
        "groups": ModelSet(("side",), (*groups, empty)),
    }
