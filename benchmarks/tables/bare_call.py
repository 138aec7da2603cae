"""One call on one table, as a user makes it: ids in the order of the rows, and what the model says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

import ppp_duck

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """What one call made of a table: ids (-1: none), and properties of the model."""

    ids: Ints
    info: dict[str, str]
    error: str = ""

    @property
    def k(self) -> int:
        return len(set(self.ids[self.ids >= 0].tolist()))

    @property
    def used(self) -> set[str]:
        return {one.split(" (")[0] for one in self.info.get("columns_used", "").split("), ")}

    def ari(self, y: Ints) -> float:
        some = y >= 0
        return 1.0 if self.k == len(set(y[some].tolist())) == 1 else float(adjusted_rand_score(y[some], self.ids[some]))


def cluster(table: pa.Table | dict[str, Any], **options: object) -> Found:
    """Fit and score a table; its rows come back in the order in which they were given."""
    table = table if isinstance(table, pa.Table) else pa.table(table)
    con = ppp_duck.connect(progress=False)
    con.register("given", table.append_column("_n", pa.array(np.arange(len(table)))))
    con.execute("CREATE TABLE t AS FROM given").fetchall()
    said = "".join(f", {name} := {value!r}" for name, value in options.items())
    try:
        con.execute(f"CREATE TABLE model AS FROM ppp_fit('t', exclude := ['_n']{said})").fetchall()
        scored = con.execute("SELECT cluster_id FROM ppp_predict('t', model := 'model') ORDER BY _n").fetchnumpy()
        info = con.execute("SELECT property, value FROM ppp_info('model')").fetchall()
    except Exception as error:  # whatever it is, it is a result
        return Found(np.full(len(table), -1), {}, f"{type(error).__name__}: {str(error).splitlines()[0][:120]}")
    return Found(np.ma.filled(scored["cluster_id"], -1).astype(np.int64), dict(info))
