"""Columns of every type, as texts that DuckDB casts: a text is what a NaN, a denormal and 2^127 have in common."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

Texts = list[str | None]
Number = int | float

WHOLE = {
    "TINYINT": (-(2**7), 2**7 - 1), "SMALLINT": (-(2**15), 2**15 - 1), "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1), "HUGEINT": (-(2**127), 2**127 - 1), "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1), "UINTEGER": (0, 2**32 - 1), "UBIGINT": (0, 2**64 - 1),
    "UHUGEINT": (0, 2**128 - 1), "BIGNUM": (-(10**60), 10**60),
}  # fmt: skip
DECIMALS = {"DECIMAL(4,1)": 10**4, "DECIMAL(18,3)": 10**18, "DECIMAL(38,10)": 10**38, "DECIMAL(38,0)": 10**38}
FLOATING = {"FLOAT": 3.4e38, "DOUBLE": 1.7e308}
DAY, DAYS = 86_400_000_000, 100_000  # microseconds; how far dates lie from 1970 at most
EPOCH = datetime.datetime(1970, 1, 1)
NUMERIC = (*WHOLE, *DECIMALS, *FLOATING)
MOMENTS = (
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
    "TIMESTAMPTZ",
    "TIME",
    "TIMETZ",
    "INTERVAL",
)
WORDS = (
    "oak",
    "elm",
    "ash",
    "Oak",
    "OAK",
    "ÄSH",
    "äsh",
    "",
    " ",
    "NULL",
    "nan",
    "it's",
    "a\nb",
    "日本",
    "🦆",
    "0",
    "_other",
    "other",
    "straße",
    "x" * 300,
)
MOODS = "ENUM('glad', 'Glad', '', 'it''s', '日本')"
TEXTS = ("VARCHAR", "VARCHAR COLLATE NOCASE", "VARCHAR COLLATE NOACCENT", "JSON", MOODS, "BLOB", "BIT", "UUID")
NESTED = (
    "DOUBLE[]", "DOUBLE[3]", "FLOAT[2]", "INTEGER[]", "VARCHAR[]", "STRUCT(a DOUBLE, b VARCHAR)",
    "MAP(VARCHAR, INTEGER)", "UNION(n DOUBLE, t VARCHAR)", "DOUBLE[][]",
)  # fmt: skip
OTHERS = ("BOOLEAN", '"NULL"')
NEWER = ("VARIANT", "TIME_NS")  # since DuckDB 1.5

ODD = (math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.5e-310, 1e308, -1e308, 1e-300, 0.0, -0.0, 1e15, 2.0**53)

Rng = np.random.Generator


def clusters(rng: Rng, n: int) -> list[float]:
    k = int(rng.integers(1, 6))
    centers = rng.normal(size=k) * 10.0 ** rng.integers(0, 3)
    return list((centers[rng.integers(0, k, n)] + rng.normal(size=n)) * 10.0 ** rng.integers(-3, 5))


def constant(rng: Rng, n: int) -> list[float]:
    return [float(rng.choice([0.0, 1.0, 3.3, -7.0, 1e15, 1e-9]))] * n


def key(rng: Rng, n: int) -> list[int]:
    return list(map(int, rng.permutation(n) + int(rng.choice([0, 1, 10**6, 2**53, 2**60]))))


def few(rng: Rng, n: int) -> list[int]:
    return list(map(int, rng.integers(0, rng.integers(2, 13), n) * int(rng.choice([1, 5, 100]))))


def tailed(rng: Rng, n: int) -> list[float]:
    return list(np.exp(rng.normal(size=n) * rng.choice([1.0, 3.0, 20.0])))


def wide(rng: Rng, n: int) -> list[float]:
    with np.errstate(under="ignore"):
        return list(rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-320, 308, n))


def offset(rng: Rng, n: int) -> list[float]:
    """A large number and a few of its last places: what is a spread, and what is rounding."""
    start = float(rng.choice([3.3, 1e9, 1e15, 1e300, 1e-300, 16777216.0]))
    return list(start + rng.integers(0, 5, n) * rng.choice([1.0, 20.0, 1e4]) * np.spacing(start))


def huge(rng: Rng, n: int) -> list[int]:
    start = int(rng.choice([10, 60, 62, 100, 125]))
    return [2**start + int(step) for step in rng.integers(0, 4, n) * int(rng.choice([1, 1000]))]


def mostly_zero(rng: Rng, n: int) -> list[float]:
    return list(np.where(rng.random(n) < 0.7, 0.0, rng.normal(size=n) * 10))


SHAPES: tuple[Callable[[Rng, int], list[float] | list[int]], ...] = (
    clusters, clusters, clusters, constant, key, few, tailed, wide, offset, huge, mostly_zero,
)  # fmt: skip


def numbers(rng: Rng, n: int) -> list[Number]:
    shape = SHAPES[rng.integers(len(SHAPES))]
    return [float(x) if isinstance(x, np.floating) else x for x in shape(rng, n)]


def column(rng: Rng, kind: str, n: int) -> Texts:
    """n values of a type, as texts."""
    if kind in NUMERIC or kind in MOMENTS or kind == "TIME_NS":
        odd = rng.random() < 0.3
        share = float(rng.choice([0.01, 0.1, 0.5])) if odd else 0.0
        values = [float(rng.choice(ODD)) if rng.random() < share else value for value in numbers(rng, n)]
        return [written(kind, value) for value in values]
    if kind in NESTED:
        return nested(rng, kind, n)
    if kind == '"NULL"':
        return [None] * n
    if kind == "BOOLEAN":
        return [str(bool(x)).lower() for x in rng.random(n) < rng.choice([0.0, 0.02, 0.5])]
    return texts(rng, kind, n)


def written(kind: str, value: Number) -> str:
    """A number as a text that the type can hold: bounded by it, and a moment so long after 1970."""
    if kind in FLOATING:
        within = math.isnan(value) or math.isinf(value) or abs(value) <= FLOATING[kind]
        return repr(float(value) if within else math.copysign(FLOATING[kind], value))
    whole = 0 if isinstance(value, float) and not math.isfinite(value) else value
    if kind in WHOLE:
        low, high = WHOLE[kind]
        return str(min(max(round(Fraction(whole)), low), high))
    if kind in DECIMALS:
        scale = int(kind.split(",")[1].rstrip(")"))
        digits = min(max(round(Fraction(whole) * 10**scale), 1 - DECIMALS[kind]), DECIMALS[kind] - 1)
        sign, text = "-" if digits < 0 else "", str(abs(digits)).rjust(scale + 1, "0")
        return sign + (f"{text[:-scale]}.{text[-scale:]}" if scale else text)
    return moment(kind, whole, isinstance(value, float) and math.isinf(value))


def moment(kind: str, value: Number, infinite: bool) -> str:
    steps = round(Fraction(value) * (DAY if kind == "DATE" else 3_600_000_000))
    if kind in ("TIME", "TIME_NS", "TIMETZ"):
        time = (EPOCH + datetime.timedelta(microseconds=steps % DAY)).time().isoformat("microseconds")
        return time + "+02" if kind == "TIMETZ" else time
    steps = min(max(steps, -DAYS * DAY), DAYS * DAY)
    if kind == "INTERVAL":
        return f"{steps % 7 - 3} months {steps % 11} days {steps} microseconds"
    if infinite and kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return "infinity"
    when = EPOCH + datetime.timedelta(microseconds=steps)
    if kind == "DATE":
        return when.date().isoformat()
    return when.isoformat(" ") + ("+00" if kind == "TIMESTAMPTZ" else "")


def nested(rng: Rng, kind: str, n: int) -> Texts:
    value = numbers(rng, n)
    word = [WORDS[i] for i in rng.integers(0, 3, n)]
    ragged = rng.random() < 0.3
    odd = float(rng.choice([0.0, 0.0, 0.05]))
    found: Texts = []
    for i in range(n):
        length = int(rng.integers(0, 4)) if ragged else 3
        part = [written("DOUBLE", value[(i + j) % n] if j else value[i]) for j in range(3)]
        part = [str(rng.choice(["NULL", "nan", "inf"])) if rng.random() < odd else one for one in part]
        if kind == "DOUBLE[]":
            text = f"[{', '.join(part[:length])}]"
        elif kind == "DOUBLE[3]":
            text = f"[{', '.join(part)}]"
        elif kind == "FLOAT[2]":
            text = f"[{written('FLOAT', value[i])}, {written('FLOAT', value[i - 1])}]"
        elif kind == "INTEGER[]":
            text = f"[{', '.join([written('INTEGER', value[i])] * length)}]"
        elif kind == "VARCHAR[]":
            text = f"[{', '.join([word[i]] * length)}]"
        elif kind == "DOUBLE[][]":
            text = f"[[{part[0]}], [{part[1]}]]"
        elif kind.startswith("STRUCT"):
            text = f"{{'a': {part[0]}, 'b': {word[i]}}}"
        elif kind.startswith("MAP"):
            text = f"{{{word[i]}={written('INTEGER', value[i])}}}"
        else:
            text = part[0] if rng.random() < 0.8 else word[i]
        found.append(text)
    return found


def texts(rng: Rng, kind: str, n: int) -> Texts:
    common = rng.integers(0, int(rng.integers(2, len(WORDS) + 1)), n)
    words = [WORDS[i] for i in common]
    if kind.startswith("VARCHAR") and rng.random() < 0.3:
        return [f"{word} {i}" for i, word in enumerate(words)]
    if kind == "JSON":
        return [f'{{"n": {i % 3}}}' if rng.random() < 0.5 else "[1, null]" for i in common]
    if kind.startswith("ENUM"):
        return [("glad", "Glad", "", "it's", "日本")[i % 5] for i in common]
    if kind == "BLOB":
        return ["\\xAA" * int(i % 4) + "z" for i in common]
    if kind == "BIT":
        return [format(int(i) % 5 + 1, "b") for i in common]
    if kind == "UUID":
        many = rng.random() < 0.5
        return [f"00000000-0000-0000-0000-{(row if many else int(i) % 4):012x}" for row, i in enumerate(common)]
    return list(words)
