"""What is timed. A step leaves the table ``out`` (or ``seg``: a model) and returns the number of clusters."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import duckdb

from benchmarks.scale.tables import CLUSTERS, Table, centers

SWEEP = range(2, 21)


def copy(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute("CREATE OR REPLACE TABLE out AS SELECT *, 0 AS cluster_id FROM points").fetchall()
    return 1


def floor(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Plain SQL that scores every row against the known centres: the largest of c x - c c / 2."""
    scores = []
    for c, values in enumerate(centers(con, table.features)):
        if table.vector:
            product = f"list_dot_product(v, [{', '.join(f'{v:.9e}' for v in values)}]::FLOAT[])"
        else:
            product = " + ".join(f"{v:.17e} * f{f}" for f, v in enumerate(values))
        scores.append(f"{product} + {-sum(v * v for v in values) / 2:.17e} AS s{c}")
    best = f"greatest({', '.join(f's{c}' for c in range(CLUSTERS))})"
    case = "CASE " + " ".join(f"WHEN s{c} = best THEN {c}" for c in range(CLUSTERS)) + " END"
    scored = f"SELECT *, {best} AS best FROM (SELECT *, {', '.join(scores)} FROM points)"
    names = ", ".join(["id", *table.names])
    con.execute(f"CREATE OR REPLACE TABLE out AS SELECT {names}, {case} AS cluster_id FROM ({scored})").fetchall()
    return CLUSTERS


def cluster(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute(f"CREATE OR REPLACE TABLE out AS FROM ppp_cluster('points', {table.options})").fetchall()
    return found(con, "out")


def fit(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute(f"CREATE OR REPLACE TABLE seg AS FROM ppp_fit('points', {table.options})").fetchall()
    return found(con, "seg")


def predict(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    con.execute("CREATE OR REPLACE TABLE out AS FROM ppp_predict('points', model := 'seg')").fetchall()
    return found(con, "out")


def found(con: duckdb.DuckDBPyConnection, table: str) -> int:
    ((k,),) = con.execute(f"SELECT count(DISTINCT cluster_id) FROM {table}").fetchall()
    return int(k)


def scaled(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[Any, Any]:
    """The ids and the scaled rows, fetched together: a second query may give another order. FLOAT stays float32."""
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    frame = con.sql("FROM points").df()
    rows = np.stack(frame["v"].to_list()) if table.vector else frame[table.names].to_numpy()
    return frame["id"], StandardScaler().fit_transform(rows)


def join_back(con: duckdb.DuckDBPyConnection, ids: Any, labels: Any) -> int:
    import pandas as pd

    labelled = pd.DataFrame({"id": ids, "cluster_id": labels})
    assert len(labelled)
    joined = "SELECT points.*, cluster_id FROM points JOIN labelled USING (id)"
    con.execute(f"CREATE OR REPLACE TABLE out AS {joined}").fetchall()
    return CLUSTERS


def kmeans(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    from sklearn.cluster import KMeans

    ids, rows = scaled(con, table)
    return join_back(con, ids, KMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(rows))


def minibatch(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    from sklearn.cluster import MiniBatchKMeans

    ids, rows = scaled(con, table)
    return join_back(con, ids, MiniBatchKMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(rows))


def faiss(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    import faiss as library  # type: ignore[import-not-found, import-untyped, unused-ignore]

    ids, rows = scaled(con, table)
    rows = rows.astype("float32", copy=False)  # faiss takes nothing else
    model = library.Kmeans(rows.shape[1], CLUSTERS, niter=25, seed=0)
    model.train(rows)
    return join_back(con, ids, model.index.search(rows, 1)[1][:, 0])


def sweep(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """K-means for every k from 2 to 20, and the k of the best silhouette on 10,000 rows."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    ids, rows = scaled(con, table)
    best: tuple[float, int, Any] = (-2.0, 0, None)
    for k in SWEEP:
        labels = KMeans(k, n_init=1, random_state=0).fit_predict(rows)
        score = float(silhouette_score(rows, labels, sample_size=min(10_000, len(rows)), random_state=0))
        if score > best[0]:
            best = score, k, labels
    join_back(con, ids, best[2])
    return best[1]


STEPS: dict[str, Callable[[duckdb.DuckDBPyConnection, Table], int]] = {
    "copy": copy,
    "floor": floor,
    "ppp_cluster": cluster,
    "ppp_fit": fit,
    "ppp_predict": predict,
    "KMeans": kmeans,
    "MiniBatchKMeans": minibatch,
    "faiss": faiss,
    "sweep": sweep,
}
ROUND_TRIPS = ("KMeans", "MiniBatchKMeans", "faiss", "sweep")
WHAT = {
    "copy": "the table written once more with a constant beside it: what DuckDB needs by itself",
    "floor": "plain SQL that scores rows against known centres",
    "ppp_cluster": "one statement, k not given; *fit* is the part of it that the engine takes",
    "ppp_fit": "the model alone, stored as a table",
    "ppp_predict": "scoring with that stored model (its peak is also that of the fit before it)",
    "KMeans": "fetch into pandas, StandardScaler, scikit-learn KMeans with k given and n_init=1, ids joined back",
    "MiniBatchKMeans": "the same with MiniBatchKMeans",
    "faiss": "the same with faiss.Kmeans, 25 iterations, which by its own default learn from 256 rows per cluster",
    "sweep": "the same with KMeans for k = 2 to 20, the best silhouette on 10,000 rows",
}


def load(step: str) -> None:
    """Imports what a round trip needs: its time is not to be that of an import. The others stay without it."""
    if step in ROUND_TRIPS:
        for name in ("pandas", "sklearn.cluster", "sklearn.metrics", "sklearn.preprocessing"):
            importlib.import_module(name)
    if step == "faiss":
        importlib.import_module(step)


def applies(step: str, table: Table) -> bool:
    """Clustering every group by itself has no counterpart in the others."""
    return not table.groups or step == "copy" or step.startswith("ppp_")
