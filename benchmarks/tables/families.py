"""Whole tables as analysts have them, made by construction: which rows belong together is known.

A maker takes a numpy Generator and returns a pyarrow table and the segment of each row (-1: of none). Columns marked
``key_`` must not become features, those marked ``real_`` are what segments differ in; a table loses the marks before
it is clustered (``bare``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Generator = np.random.Generator
Segments = NDArray[np.int64]
Made = tuple[pa.Table, Segments]
Maker = Callable[[Generator], Made]

FAMILIES: dict[str, tuple[int, Maker]] = {}  # name: how many segments there are, and what makes the table


def family(k: int) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        FAMILIES[make.__name__] = k, make
        return make

    return add


def bare(column: str) -> str:
    return column.removeprefix("key_").removeprefix("real_")


def by_segment(y: Segments, *values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[y]


def pick(g: Generator, y: Segments, chances: Mapping[str, Sequence[float]]) -> list[str]:
    """A category for each row, by the chances of its segment."""
    names, odds = list(chances), np.array(list(chances.values())).T[y]
    odds = odds / odds.sum(axis=1, keepdims=True)
    return [names[i] for i in (g.random(len(y))[:, None] > np.cumsum(odds, axis=1)[:, :-1]).sum(axis=1)]


def some(g: Generator, n: int, *names: str) -> list[str]:
    """A category that tells nothing, the first value the most frequent."""
    odds = 1.0 / np.arange(1, len(names) + 1)
    return [str(one) for one in g.choice(names, n, p=odds / odds.sum())]


def money(g: Generator, log_mean: Any, deviation: float, digits: int = 2) -> NDArray[np.float64]:
    return np.asarray(np.round(np.exp(g.normal(log_mean, deviation)), digits))


def counts(g: Generator, mean: NDArray[np.float64], size: float) -> NDArray[np.int64]:
    """Negative binomial of that mean; ``size`` is its number of successes (variance mean + mean^2 / size)."""
    return np.asarray(g.negative_binomial(size, size / (size + mean)))


def holes(g: Generator, values: Any, share: float) -> pa.Array:
    return pa.array(values, mask=g.random(len(values)) < share)


def dates(g: Generator, n: int, days: int) -> pa.Array:
    return pa.array(np.datetime64("2021-03-01") + g.integers(0, days, n).astype("timedelta64[D]"))


def moments(g: Generator, n: int, days: int) -> pa.Array:
    return pa.array(
        np.datetime64("2024-01-01T00:00:00", "us") + (g.random(n) * days * 8.64e10).astype("timedelta64[us]")
    )


def people(g: Generator, n: int) -> list[str]:
    first, last = (
        ("Ann", "Ben", "Cleo", "Dov", "Eve", "Finn", "Gil"),
        ("Roth", "Sato", "Diaz", "Khan", "Berg", "Moreau"),
    )
    return [f"{g.choice(first)} {g.choice(last)}{i % 97}" for i in g.integers(0, 5000, n)]


def hexes(g: Generator, n: int, digits: int) -> list[str]:
    return [f"{i:0{digits}x}" for i in g.integers(0, 16**digits, n, dtype=np.uint64 if digits > 15 else np.int64)]


@family(3)
def employees(g: Generator, n: int = 1800) -> Made:
    y = g.choice(3, n, p=[0.55, 0.3, 0.15])
    return pa.table(
        {
            "key_emp_no": [f"E{i:05d}" for i in g.permutation(n)],
            "key_full_name": people(g, n),
            "key_manager_id": g.integers(100, 260, n),
            "real_salary": np.round(money(g, by_segment(y, 10.2, 10.8, 11.7), 0.13), -2),
            "real_tenure_years": np.round(g.gamma(4.0, by_segment(y, 0.6, 1.8, 4.0)) * 2) / 2,
            "real_department": pick(
                g,
                y,
                {
                    "store": [7, 1, 0.5],
                    "depot": [4, 1, 0.5],
                    "it": [0.5, 4, 2],
                    "finance": [0.5, 3, 2],
                    "board": [0.02, 0.1, 3],
                },
            ),
            "real_level": 1 + g.binomial(8, by_segment(y, 0.12, 0.45, 0.85)),
            "gender": some(g, n, "f", "m", "x"),
            "birth_date": dates(g, n, 9000),
            "remote": g.random(n) < 0.4,
            "leave_reason": holes(g, some(g, n, "none", "study", "family"), 0.8),
        }
    ), y


@family(3)
def bookings(g: Generator, n: int = 3000) -> Made:
    y = g.choice(3, n, p=[0.5, 0.3, 0.2])  # business, families, groups
    return pa.table(
        {
            "key_booking_ref": hexes(g, n, 8),
            "key_guest_id": g.integers(1, 1200, n),
            "key_booked_at": moments(g, n, 300),
            "real_nights": 1 + g.poisson(by_segment(y, 0.5, 7, 2)),
            "real_lead_days": np.round(g.gamma(3.0, by_segment(y, 2, 35, 60))),
            "real_rate": money(g, by_segment(y, 5.3, 4.9, 4.2), 0.18),
            "real_guests": 1 + g.binomial(9, by_segment(y, 0.02, 0.3, 0.85)),
            "real_source": pick(g, y, {"corporate": [8, 1, 2], "portal": [2, 7, 1], "agency": [1, 2, 7]}),
            "real_breakfast": g.random(n) < by_segment(y, 0.9, 0.5, 0.1),
            "agent": holes(g, g.integers(1, 9, n), 0.55),
            "country": [f"C{i:02d}" for i in g.zipf(1.6, n) % 60],
            "room_side": some(g, n, "street", "yard"),
        }
    ), y


@family(3)
def loans(g: Generator, n: int = 2200) -> Made:
    y = g.choice(3, n, p=[0.4, 0.4, 0.2])  # car, house, credit card debts
    return pa.table(
        {
            "key_loan_number": 70_000_000 + g.permutation(9 * n)[:n],
            "real_amount": np.round(money(g, by_segment(y, 9.6, 12.2, 8.3), 0.35), -2),
            "real_term_months": g.choice([12, 24, 36], n) * by_segment(y, 2, 10, 1).astype(int),
            "real_rate_pct": np.round(g.normal(by_segment(y, 6.0, 3.4, 12.5), 0.7), 2),
            "real_purpose": pick(g, y, {"vehicle": [8, 0.5, 1], "home": [0.5, 8, 1], "other": [1, 1, 7]}),
            "income": holes(g, money(g, 10.5 + np.zeros(n), 0.5, 0), 0.15),
            "officer": people(g, n),
            "late_payments": g.poisson(0.4, n),
            "joint": some(g, n, "no", "yes"),
        }
    ), y


@family(4)
def machines(g: Generator, n: int = 2400) -> Made:
    y = g.integers(4, size=n)
    broken = g.random(n) < 0.003
    x = {
        "real_vibration": money(g, by_segment(y, -2, 0.2, 0, 1.8), 0.3, 4),
        "real_celsius": np.round(g.normal(by_segment(y, 24, 51, 78, 60), 4.0), 1),
        "real_rpm": np.round(g.normal(by_segment(y, 50, 1480, 2960, 700), 40)),
        "real_load_pct": np.round(100 * g.beta(by_segment(y, 2, 14, 30, 8), 12), 1),
    }
    for column in x.values():
        column[broken] = -9999.0
    return pa.table(
        {
            "key_serial": [f"SN-{a}" for a in hexes(g, n, 10)],
            **x,
            "real_mode": pick(g, y, {"idle": [9, 0.3, 0.2, 1], "run": [0.5, 9, 3, 2], "boost": [0.2, 1, 7, 3]}),
            "firmware": some(g, n, "4.1", "4.2", "5.0"),
            "serviced": dates(g, n, 700),
            "alarm": g.random(n) < 0.001,
        }
    ), np.where(broken, -1, y)


@family(4)
def footballers(g: Generator, n: int = 1600) -> Made:
    y = g.choice(4, n, p=[0.1, 0.35, 0.35, 0.2])
    return pa.table(
        {
            "key_player_id": g.permutation(n) * 7 + 11,
            "key_player": people(g, n),
            "real_saves": counts(g, by_segment(y, 90, 0.02, 0.02, 0.01), 8),
            "real_tackles": counts(g, by_segment(y, 1, 60, 38, 9), 12),
            "real_goals": counts(g, by_segment(y, 0.05, 1.0, 3.5, 14), 6),
            "real_passes": counts(g, by_segment(y, 500, 900, 1500, 450), 12),
            "real_shots": counts(g, by_segment(y, 0.1, 9, 25, 65), 8),
            "foot": some(g, n, "right", "left"),
            "height_cm": np.round(g.normal(182, 6, n)),
            "born": dates(g, n, 5000),
            "club": [f"club {i}" for i in g.integers(0, 20, n)],
        }
    ), y


@family(3)
def shop(g: Generator, n: int = 2600) -> Made:
    y = g.choice(3, n, p=[0.5, 0.3, 0.2])
    return pa.table(
        {
            "key_ean": 4_000_000_000_000 + g.integers(0, 10**11, n),
            "key_title": [f"{a} {b}" for a, b in zip(people(g, n), hexes(g, n, 4), strict=True)],
            "real_price": np.floor(money(g, by_segment(y, 2.4, 4.4, 6.6), 0.3)) + 0.99,
            "real_stock": counts(g, by_segment(y, 400, 60, 8), 5),
            "real_reviews": np.where(g.random(n) < 0.15, 0, counts(g, by_segment(y, 10, 120, 25), 3)),
            "real_range": pick(
                g, y, {"grocery": [7, 1, 0.3], "home": [3, 5, 1], "sport": [1, 4, 1], "audio": [0.3, 1.5, 7]}
            ),
            "stars": holes(g, np.clip(np.round(g.normal(3.9, 0.7, n) * 2) / 2, 1, 5), 0.15),
            "colour": some(g, n, *["black", "white", "red", "blue", "green", "grey"]),
            "active": g.random(n) < 0.93,
            "added": dates(g, n, 1500),
        }
    ), y


@family(2)
def skips(g: Generator, n: int = 1500) -> Made:
    y = g.choice(2, n, p=[0.65, 0.35])  # a question is only asked of those who said yes before
    owns = g.random(n) < by_segment(y, 0.95, 0.25)
    asked = {
        name: pa.array(column, mask=~owns)
        for name, column in {
            "real_km": np.round(money(g, by_segment(y, 9.4, 8.0), 0.4), -2),
            "real_seats": g.choice([2, 4, 5, 7], n, p=[0.05, 0.2, 0.65, 0.1]),
        }.items()
    }
    rated = {f"real_bus_{i}": holes(g, 1 + g.binomial(4, by_segment(y, 0.15, 0.8)), 0.05) for i in range(4)}
    return pa.table(
        {
            "key_respondent": np.arange(n) + 1,
            "real_owns_car": ["yes" if one else "no" for one in owns],
            **asked,
            **rated,
            "age": g.integers(18, 90, n),
            "region": some(g, n, *["north", "south", "east", "west"]),
            "key_comment": hexes(g, n, 12),
        }
    ), y


@family(3)
def stays(g: Generator, n: int = 2000) -> Made:
    y = g.choice(3, n, p=[0.5, 0.3, 0.2])
    return pa.table(
        {
            "key_stay": [f"{a}-{b}" for a, b in zip(hexes(g, n, 8), hexes(g, n, 6), strict=True)],
            "key_patient_id": g.integers(5000, 5000 + n // 2, n),
            "key_admitted": moments(g, n, 700),
            "real_days": 1 + counts(g, by_segment(y, 1.2, 6, 22), 6),
            "real_age": np.round(g.normal(by_segment(y, 34, 62, 81), 8)).clip(0, 103),
            "real_cost_cents": (100 * money(g, by_segment(y, 7.4, 8.9, 10.3), 0.35)).astype(np.int64),
            "real_crp": holes(g, money(g, by_segment(y, 1.2, 3.0, 4.6), 0.6, 1), 0.2),
            "real_group": pick(g, y, {"A": [6, 1, 1], "F": [3, 3, 1], "I": [1, 5, 4], "G": [0.5, 1, 6]}),
            "ward": some(g, n, "W1", "W2", "W3", "W4"),
            "insured": some(g, n, "public", "private"),
            "sodium": holes(g, np.round(g.normal(139, 3, n)), 0.1),
        }
    ), y


@family(2)
def households(g: Generator, n: int = 1400) -> Made:
    y = g.choice(2, n, p=[0.6, 0.4])
    return pa.table(
        {
            "key_meter": g.permutation(n) + 880_000,
            "real_kwh": np.round(g.gamma(9.0, by_segment(y, 230, 620)), 1),
            "real_gas_m3": np.where(g.random(n) < by_segment(y, 0.7, 0.15), 0.0, np.round(g.gamma(6.0, 250.0, n), 1)),
            "real_persons": 1 + g.binomial(5, by_segment(y, 0.1, 0.6)),
            "real_m2": np.round(g.normal(by_segment(y, 58, 140), 16)),
            "real_type": pick(g, y, {"flat": [8, 1], "terrace": [1, 4], "house": [0.5, 6]}),
            "heating": some(g, n, "oil", "heat pump", "district"),
            "postcode": g.choice([10115, 20095, 50667, 80331], n),
            "read_on": dates(g, n, 30),
        }
    ), y


@family(1)
def nothing_people(g: Generator, n: int = 1500) -> Made:
    height = g.normal(171, 9, n)
    return pa.table(
        {
            "key_person": g.permutation(n),
            "height": np.round(height, 1),
            "weight": np.round(np.exp(np.log(height) * 2 - 6 + g.normal(0, 0.15, n)), 1),
            "age": g.integers(18, 80, n),
            "blood": some(g, n, "A+", "O+", "B+", "AB+", "O-"),
            "smoker": some(g, n, "no", "yes"),
            "income": holes(g, np.round(money(g, 10.3 + np.zeros(n), 0.6), -2), 0.12),
            "children": g.poisson(1.1, n),
            "city": [f"city {i}" for i in g.zipf(1.5, n) % 30],
        }
    ), np.zeros(n, dtype=np.int64)


@family(1)
def nothing_log(g: Generator, n: int = 3000) -> Made:
    return pa.table(
        {
            "key_ts": moments(g, n, 3),
            "key_request": hexes(g, n, 16),
            "latency_ms": money(g, 3.5 + np.zeros(n), 0.9, 3),
            "bytes": money(g, 7 + np.zeros(n), 1.6, 0).astype(np.int64),
            "status": g.choice([200, 301, 404, 500], n, p=[0.85, 0.05, 0.08, 0.02]),
            "method": some(g, n, "GET", "POST", "PUT"),
            "retries": g.geometric(0.7, n) - 1,
            "cached": g.random(n) < 0.35,
            "host": [f"node-{i}" for i in g.integers(1, 9, n)],
        }
    ), np.zeros(n, dtype=np.int64)


@family(1)
def nothing_answers(g: Generator, n: int = 1200) -> Made:
    odds = g.dirichlet(np.full(5, 3.0), size=10)
    answers = {f"q{i}": holes(g, 1 + g.choice(5, n, p=p), 0.05) for i, p in enumerate(odds)}
    return pa.table(
        {
            "key_id": np.arange(n),
            **answers,
            "would_buy": some(g, n, "no", "yes", "perhaps"),
            "age": g.integers(18, 75, n),
        }
    ), np.zeros(n, dtype=np.int64)


@family(1)
def nothing_related(g: Generator, n: int = 2500) -> Made:
    size = g.normal(size=n)  # all columns follow it, without a gap anywhere
    return pa.table(
        {
            "key_firm": [f"firm {i}" for i in g.permutation(n)],
            "staff": 1 + counts(g, np.exp(3 + 0.8 * size), 5),
            "turnover": money(g, 12 + size, 0.5, 0),
            "profit": np.round(np.exp(9 + size) * g.normal(0.4, 0.5, n)),
            "sites": 1 + g.poisson(np.exp(0.4 * size)),
            "listed": g.random(n) < 1 / (1 + np.exp(-size)),
            "sector": some(g, n, *["trade", "build", "food", "health"]),
        }
    ), np.zeros(n, dtype=np.int64)
