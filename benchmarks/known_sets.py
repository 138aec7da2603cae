"""k, cluster sizes and ARI on scikit-learn's own data sets and on generated Gaussians: the table of the README."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_blobs
from sklearn.metrics import adjusted_rand_score

import ppp_duck
from ppp_duck.models.model import Floats, Ints


def sets() -> Iterator[tuple[str, Floats, Ints]]:
    for name, load in (
        ("iris", load_iris),
        ("wine", load_wine),
        ("breast cancer", load_breast_cancer),
        ("digits", load_digits),
    ):
        yield name, *load(return_X_y=True)
    for k, d, n in ((3, 2, 600), (6, 4, 2000), (10, 8, 5000), (1, 5, 1000)):
        rows, labels = make_blobs(n, d, centers=k, cluster_std=1.0, center_box=(-12, 12), random_state=k)
        yield f"{k} Gaussian{'s' * (k > 1)}, {n} × {d}", rows, labels


def measure(rows: Floats, labels: Ints) -> tuple[list[int], float]:
    """Cluster sizes, largest first, and the adjusted Rand index with the reference labels."""
    con = ppp_duck.connect()
    columns = {f"c{j:02}": rows[:, j] for j in range(rows.shape[1])}
    points = {**columns, "label": labels}
    con.execute("CREATE TABLE points AS SELECT * FROM points").fetchall()
    return _sizes(con)


def _sizes(con: duckdb.DuckDBPyConnection) -> tuple[list[int], float]:
    found = con.execute("SELECT cluster_id, label FROM ppp_cluster('points', exclude := ['label'])").fetchnumpy()
    ids = np.asarray(found["cluster_id"])
    return np.bincount(ids).tolist(), float(adjusted_rand_score(np.asarray(found["label"]), ids))


def table() -> str:
    lines = ["| data | rows × columns | reference k | k found | cluster sizes | ARI |", "|---|---|---|---|---|---|"]
    for name, rows, labels in sets():
        sizes, ari = measure(rows, labels)
        shape = f"{rows.shape[0]} × {rows.shape[1]}"
        listed = ", ".join(map(str, sizes))
        lines.append(f"| {name} | {shape} | {len(np.unique(labels))} | {len(sizes)} | {listed} | {ari:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
