"""Columns that other columns make, beside three segments: ``python -m benchmarks.tables.derived [--rows N]``.

Each table has money, counts and a length of stay in which three segments differ, and columns that follow from others,
as warehouses have them: a city with its state and region, a total with its price and quantity, a rate. A line a kind:
the tables in which k is right with three segments, in which it is 1 with none, and the mean ARI of the former. The
segments as the three columns alone find them are the measure of what can be had.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.bare_call import cluster
from benchmarks.tables.families import Generator, money

Columns = dict[str, NDArray[Any]]


def plain(g: Generator, y: NDArray[np.int64]) -> Columns:
    n = len(y)
    return {
        "spend": money(g, 3 + y * 1.2, 0.35),
        "visits": g.poisson(4 + 5 * y),
        "tenure": np.clip(g.normal(30 + 12 * y, 7, n), 0, None).round(1),
    }


def named(values: NDArray[np.int64], *names: str) -> NDArray[Any]:
    return np.array(names)[values]


def places(g: Generator, t: Columns) -> Columns:
    city = g.integers(0, 24, len(t["spend"]))
    names = named(city, *(f"city {one}" for one in range(24)))
    return {"city": names, "state": named(city // 3, *"ABCDEFGH"), "region": named(city // 6, *"NSEW")}


def dirty_places(g: Generator, t: Columns) -> Columns:
    """Names of cities that are in two states."""
    city = g.integers(0, 16, len(t["spend"]))
    state = np.where(g.random(len(city)) < 0.01, g.integers(0, 8, len(city)), city // 2)
    return {"city": named(city, *(f"city {one}" for one in range(16))), "state": named(state, *"ABCDEFGH")}


def products(g: Generator, t: Columns) -> Columns:
    product = g.integers(0, 15, len(t["spend"]))
    price = np.exp(np.random.default_rng(1).normal(3, 1, 15)).round(2)
    names = named(product, *(f"product {one}" for one in range(15)))
    return {"product": names, "category": named(product // 3, *"abcde"), "list_price": price[product]}


def codes(g: Generator, t: Columns) -> Columns:
    country = g.integers(0, 6, len(t["spend"]))
    names = named(country, "Norway", "Sweden", "Denmark", "Finland", "Iceland", "Estonia")
    currency = named(country, "NOK", "SEK", "DKK", "EUR", "ISK", "EUR")
    return {"country": names, "country_code": named(country, "NO", "SE", "DK", "FI", "IS", "EE"), "currency": currency}


def calendar(g: Generator, t: Columns) -> Columns:
    month, day = g.integers(0, 12, len(t["spend"])), g.integers(0, 7, len(t["spend"]))
    return {"month": month + 1, "quarter": named(month // 3, "Q1", "Q2", "Q3", "Q4"),
            "weekday": named(day, "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), "is_weekend": day > 4}  # fmt: skip


def bands(g: Generator, t: Columns) -> Columns:
    age = np.clip(g.normal(42, 14, len(t["spend"])), 18, 90).round()
    spend = np.digitize(t["spend"], np.quantile(t["spend"], [0.33, 0.66]))
    return {"age": age, "age_band": named(np.digitize(age, [30, 45, 60]), "18-29", "30-44", "45-59", "60+"),
            "spend_band": named(spend, "low", "middle", "high")}  # fmt: skip


def totals(g: Generator, t: Columns) -> Columns:
    quantity = g.integers(1, 6, len(t["spend"]))
    return {"quantity": quantity, "total": (t["spend"] * quantity).round(2)}


def discounts(g: Generator, t: Columns) -> Columns:
    quantity, discount = g.integers(1, 6, len(t["spend"])), g.choice([0, 0, 0, 0.1, 0.2], len(t["spend"]))
    total = (t["spend"] * quantity * (1 - discount)).round(2)
    return {"quantity": quantity, "discount": discount, "total": total}


def profits(g: Generator, t: Columns) -> Columns:
    cost = (t["spend"] * g.uniform(0.4, 0.9, len(t["spend"]))).round(2)
    return {"cost": cost, "profit": (t["spend"] - cost).round(2)}


def rates(g: Generator, t: Columns) -> Columns:
    calls = g.poisson(20, len(t["spend"])) + 1
    won = g.binomial(calls, 0.3)
    return {"calls": calls, "won": won, "percent_won": (100 * won / calls).round(1)}


def averages(g: Generator, t: Columns) -> Columns:
    return {"per_visit": (t["spend"] / np.maximum(t["visits"], 1)).round(2)}


def sums(g: Generator, t: Columns) -> Columns:
    parts = [g.poisson(mean, len(t["spend"])) for mean in (3, 5, 8)]
    return {"emails": parts[0], "phone_calls": parts[1], "chats": parts[2], "contacts": np.sum(parts, axis=0)}


def bodies(g: Generator, t: Columns) -> Columns:
    height = g.normal(172, 9, len(t["spend"])).round()
    weight = ((22 + g.normal(3, 3, len(height))) * (height / 100) ** 2).round(1)
    return {"height": height, "weight": weight, "bmi": (weight / (height / 100) ** 2).round(1)}


def units(g: Generator, t: Columns) -> Columns:
    celsius = g.normal(15, 8, len(t["spend"])).round(1)
    return {"celsius": celsius, "fahrenheit": (celsius * 1.8 + 32).round(1), "gross": (t["spend"] * 1.25).round(2),
            "log_spend": np.log(t["spend"])}  # fmt: skip


KINDS = (places, dirty_places, products, codes, calendar, bands, totals, discounts, profits, rates, averages, sums,
         bodies, units)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, nargs="+", default=[500, 3000])
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    for kind in (None, *KINDS):
        right: dict[int, list[bool]] = {1: [], 3: []}
        ari, best = [], []
        for rows in given.rows:
            for seed in range(given.seeds):
                for k in (1, 3):
                    g = np.random.default_rng([seed, rows, k])
                    y = g.integers(0, k, rows)
                    columns = plain(g, y)
                    found = cluster({**columns, **(kind(g, columns) if kind else {})})
                    right[k].append(found.k == k)
                    if k == 3:
                        ari.append(found.ari(y))
                        best.append(cluster(columns).ari(y))
        shares = ", ".join(f"{sum(one)} of {len(one)} with {k}" for k, one in right.items())
        name = "no column more" if kind is None else kind.__name__
        print(
            f"{name:14}  k right: {shares}  ARI {np.mean(ari):.3f}, of the three columns {np.mean(best):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
