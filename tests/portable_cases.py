"""Models of every kind, and rows that are hard to score: what plain SQL has to tell as ``ppp_predict`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
from handmade import clustering

import ppp_duck
from ppp_duck.models import table
from ppp_duck.models.model import FORMS, Feature, Model, ModelSet

WIDE = 60
# Four groups of rows, in columns of every type. Names have quotes and letters of other alphabets.
TRAIN = f"""
SELECT i AS id, g, 9 * (g % 2) + r AS x, 9 * (g // 2) + s AS "it's ""ü"" \\",
  1e9 + 1e-3 * (4 * g + r) AS big, 1e-150 * (5 * g + s) AS tiny,
  exp(2 * g + 0.4 * r) AS amount, (CASE WHEN i % 3 = 0 THEN 0 ELSE exp(3 + g + s / 3) END)::DOUBLE AS orders,
  greatest(0, least(100, round(25 * g + 10 + 30 * s)))::DOUBLE AS share,
  DATE '2020-01-01' + CAST(200 * g + 20 * r AS INTEGER) AS "day",
  TIMESTAMP '2021-05-05 10:00:00' + to_microseconds(CAST(1e10 * (3 * g + s) AS BIGINT)) AS "at",
  i % 4 < g AS flag, (1 + 2 * ((g + (i % 7 = 0)::INTEGER) % 4))::INTEGER AS level,
  ['Oslo', 'it''s "naïve"', '日本\\n', 'a\tb
c'][1 + (g + (i % 5 = 0)::INTEGER) % 4] AS city,
  ['é', 'e', 'É', 'straße', 'x{{}}y'][1 + (i * 7 + g) % 5] AS mark,
  ['north', 'south', NULL][1 + i % 3] AS side, (i % 2)::INTEGER AS year,
  {", ".join(f"{1 + j % 3} * g * {(-1) ** j} + sin(i * {j + 1}.37) * (1 + {j % 5}) AS w{j}" for j in range(WIDE))}
FROM (SELECT i, i % 4 AS g, sqrt(-2 * ln((i * 7919 % 997 + 1) / 1000)) * cos(i * 2.399) AS r,
        sqrt(-2 * ln((i * 104729 % 991 + 1) / 1000)) * sin(i * 1.618) AS s FROM range(600) t(i))
"""
NAMES = ["x", 'it\'s "ü" \\']
# How a value may be: as it is, far out, a hole of each kind.
SPOILT = "[v, v * 1e3, -v * 1e30, v * 1e300, NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, '-inf'::DOUBLE, 0, -0.0, 5e-324]"


def spoilt(column: str, factor: int) -> str:
    """A value that is as it was in one row of two, and something else in each of the others."""
    name = '"' + column.replace('"', '""') + '"'
    return (
        f"{SPOILT.replace('v', name)}[1 + CASE WHEN (id * {factor}) % 2 = 0 THEN 0 ELSE (id * {factor} // 2) % 11 END]"
    )


def rows_query() -> str:
    """The rows to be scored, made of those of the fit: 300 as they are or between groups, 300 spoilt, some empty."""
    numbers = [*NAMES, "big", "tiny", "amount", "orders", "share", *(f"w{j}" for j in range(WIDE))]
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in numbers}
    broken = ", ".join(f"{spoilt(name, 3 + 2 * at)} AS {quoted[name]}" for at, name in enumerate(numbers))
    texts = """CASE WHEN id % 5 = 0 THEN NULL ELSE "day" END AS "day", CASE WHEN id % 7 = 0 THEN NULL ELSE "at" END AS "at",
      CASE WHEN id % 3 = 0 THEN NULL ELSE flag END AS flag,
      [level, NULL, 4, 1000, -7][1 + id % 5] AS level, [city, NULL, 'nowhere', 'oslo', ''][1 + id % 5] AS city,
      [mark, NULL, 'ç'][1 + id % 3] AS mark, ['north', 'elsewhere', NULL][1 + id % 3] AS side,
      [0, 1, NULL, 7][1 + id % 4]::INTEGER AS year"""
    nothing = ", ".join(f"NULL::DOUBLE AS {quoted[name]}" for name in numbers)
    between = ", ".join(f"4.5 * ({name} > 4.5)::INTEGER + 2.25 AS {name}" for name in (quoted[one] for one in NAMES))
    return f"""
    SELECT * FROM train WHERE id < 200
    UNION ALL SELECT * REPLACE (id + 1000 AS id, {between}) FROM train WHERE id < 50
    UNION ALL SELECT * REPLACE (id + 2000 AS id, {broken}, {texts}) FROM train WHERE id < 330
    UNION ALL SELECT * REPLACE (id + 3000 AS id, {broken}) FROM train WHERE id < 330
    UNION ALL SELECT * REPLACE (id + 4000 AS id, {nothing}, {texts}) FROM train WHERE id < 12
    """


BASIC = ", ".join(f"'{name}'" for name in [one.replace("'", "''") for one in NAMES])
KINDS = {
    "numbers": f"columns := [{BASIC}], k := 4",
    "scales": "columns := ['big', 'tiny', 'x'], k := 4, scale := 'standard'",
    "logs": "columns := ['amount', 'orders'], k := 4",
    "log asked for": "columns := ['amount', 'x'], scale := 'log', k := 3",
    "dates": "columns := ['day', 'at', 'x'], k := 4",
    "categories": "columns := ['x', 'city', 'mark', 'flag', 'level'], k := 4",
    "one hot": "columns := ['x', 'city', 'level'], categorical := 'onehot', max_categories := 2, k := 3",
    "few categories": "columns := ['x', 'mark'], max_categories := 2, k := 3",
    "texts only": "columns := ['city', 'mark', 'side'], k := 3",
    "skip": "columns := ['x', 'amount', 'orders', 'city'], missing := 'skip', k := 4",
    "impute": "columns := ['x', 'amount', 'orders', 'city', 'level'], missing := 'impute', k := 4",
    "error": f"columns := [{BASIC}, 'city'], missing := 'error', k := 4",
    "groups": f"columns := [{BASIC}, 'city'], by := ['side', 'year'], k := 2",
    "ends": "columns := ['x', 'share', 'city'], k := 4",
    "ends alone": "columns := ['x', 'share'], missing := 'skip', k := 4",
    "ends imputed": "columns := ['x', 'share'], missing := 'impute', k := 4",
    "merged": "columns := ['x', 'amount'], k := 2",
    "five": "columns := ['w0', 'w1', 'w2', 'w3', 'w4'], k := 4",
    "none": f"columns := [{BASIC}], scale := 'none', missing := 'skip', k := 3",
    "found": f"columns := [{BASIC}, 'city', 'orders']",
}
WIDE_COLUMNS = f"columns := [{', '.join(repr(f'w{j}') for j in range(WIDE))}], k := 4"


@dataclass(frozen=True, eq=False)
class Case:
    name: str
    options: str  # of ppp_fit; '' of a model made by hand
    model: Model | None = None

    @property
    def table(self) -> str:
        return "model " + self.name


def cases() -> list[Case]:
    found = [
        Case(f"{kind}, {form}", f"{given}, covariance := '{form}'") for kind, given in KINDS.items() for form in FORMS
    ]
    for form in FORMS:
        missing = "auto" if form in ("spherical", "diag") else "skip"
        found.append(Case(f"wide, {form}", f"{WIDE_COLUMNS}, covariance := '{form}', missing := '{missing}'"))
        found += [Case(f"ties, {form}{', merged' * merged}", "", tied_model(form, merged)) for merged in (False, True)]
    return found


def tied_model(form: str, merged: bool) -> Model:
    """Components at the corners of a square, all of one size and shape: rows between them are exactly tied."""
    corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    own = clustering(form, 4, 2, 1, merged)
    factor = np.array([[1.25, 0.0], [0.0, 1.25]])
    factors = {
        "spherical": np.full(4, 1.25),
        "diag": np.full((4, 2), 1.25),
        "tied": factor,
        "full": np.stack([factor] * 4),
    }
    mixture = replace(own.mixture, weights=np.full(4, 0.25), means=corners, factors=factors[form])
    k = len(own.centers)
    owner = np.array([0, 1, 1, 0]) if merged else own.component_cluster
    tied = replace(own, mixture=mixture, kmeans_centers=corners, component_cluster=owner, kmeans_cluster=owner,
                   centers=corners[:k])  # fmt: skip
    features = tuple(
        Feature(name, "number", "DOUBLE", 1.0, np.array([2.25]), np.array([9.0]), (), False, np.array([0.3]))
        for name in NAMES
    )
    nothing = np.zeros((k, 2))
    return Model(features, "skip", 0.95, tied, means=nothing, spreads=nothing, report=(("fingerprint", "0"),))


def connection() -> duckdb.DuckDBPyConnection:
    """With the tables train and rows."""
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE train AS {TRAIN}").fetchall()
    con.execute(f"CREATE TABLE rows AS {rows_query()}").fetchall()
    return con


def models_of(con: duckdb.DuckDBPyConnection, case: Case) -> ModelSet:
    """Fits the model, or stores it, as a table; returns it."""
    if case.model is None:
        con.execute(f"CREATE OR REPLACE TABLE \"{case.table}\" AS FROM ppp_fit('train', {case.options})").fetchall()
    else:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in table.COLUMNS.items())
        con.execute(f'CREATE OR REPLACE TABLE "{case.table}" ({columns})').fetchall()
        for row in table.to_rows(ModelSet((), (case.model,)), "fit"):
            con.execute(f'INSERT INTO "{case.table}" VALUES ({", ".join("?" * len(table.COLUMNS))})',
                        [row[name] for name in table.COLUMNS]).fetchall()  # fmt: skip
    return ppp_duck.load(con, f'"{case.table}"').models


def predicted(con: duckdb.DuckDBPyConnection, case: Case, output: str) -> list[tuple[object, ...]]:
    """The new columns of each row, in the order of ids, by ``ppp_predict``."""
    call = f"SELECT * EXCLUDE ({others(con)}) FROM ppp_predict('rows', model := $1, output := $2) ORDER BY id"
    return con.execute(call, [f'"{case.table}"', output]).fetchall()


def others(con: duckdb.DuckDBPyConnection) -> str:
    """The columns of rows, but for the id, in a list."""
    names: Sequence[tuple[str, ...]] = con.execute("DESCRIBE rows").fetchall()
    return ", ".join('"' + name[0].replace('"', '""') + '"' for name in names if name[0] != "id")
