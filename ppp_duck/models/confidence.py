"""How sure a partition is, in an analyst's words."""

from __future__ import annotations

CLEAR = 0.9, 0.9  # separable share and agreement from which a partition is clear
FAIR = 0.6, 0.75  # and from which it is fair; below, clusters are parts of a whole
MODES = 0.05  # p-value of the dip test below which rows have more than one mode along some direction


def confidence(k: int, separable: float, agreement: float, separable_at: float, dip_p_value: float | None) -> str:
    """One sentence. ``separable`` is the share of rows that k-means and the mixture are sure of.

    The p-value tells only of one cluster whether it is one; None: no number could be tested.

    >>> confidence(3, 0.97, 0.99, 0.95, 0.001)
    'clear: 97 % of the rows have one cluster with a probability of 0.95 or more, and k-means agrees on 99 %'
    >>> confidence(1, 1.0, 1.0, 0.95, 0.4)
    'no clusters: one group describes the rows best, and they have one mode along every direction that was tested'
    >>> confidence(1, 1.0, 1.0, 0.95, None)
    'no clusters: one group describes the rows best; no number is fine enough to be tested for modes'
    """
    if k == 1:
        return _of_one(dip_p_value)
    shares = (separable, agreement)
    word = next((word for word, least in (("clear", CLEAR), ("fair", FAIR)) if _reach(shares, least)), "weak")
    sure = f"{percent(separable)} of the rows have one cluster with a probability of {separable_at:g} or more"
    text = f"{word}: {sure}, and k-means agrees on {percent(agreement)}"
    return text if word != "weak" else f"{text}; read the clusters as parts of one whole, not as kinds"


def percent(share: float) -> str:
    """A share for people: 100 % only of all.

    >>> percent(0.274), percent(0.998), percent(1.0)
    ('27 %', '99 %', '100 %')
    """
    return f"{100 if share == 1 else min(round(100 * share), 99)} %"


def _of_one(dip_p_value: float | None) -> str:
    told = "one group describes the rows best"
    if dip_p_value is None:
        return f"no clusters: {told}; no number is fine enough to be tested for modes"
    if dip_p_value >= MODES:
        return f"no clusters: {told}, and they have one mode along every direction that was tested"
    modes = f"although they have more than one mode along some direction (p = {dip_p_value:.2g})"
    return f"no clusters, with a doubt: {told}, {modes}; set k to 2 and look"


def _reach(shares: tuple[float, float], least: tuple[float, float]) -> bool:
    return all(share >= bound for share, bound in zip(shares, least, strict=True))
