"""Several connections of one process at once, and relations that are evaluated lazily."""

from __future__ import annotations

import threading

import duckdb
import numpy as np
import pandas as pd
from conftest import sizes

import ppp_duck


def test_fits_at_the_same_time_give_what_they_give_alone(con: duckdb.DuckDBPyConnection) -> None:
    calls = [f"ppp_cluster('blobs', k := {k})" for k in (1, 2, 3, 4, 5, 6)]
    alone = [sizes(con, call) for call in calls]
    together: dict[str, object] = {}

    def run(call: str, cursor: duckdb.DuckDBPyConnection) -> None:
        together[call] = sizes(ppp_duck.register(cursor), call)

    threads = [threading.Thread(target=run, args=(call, con.cursor())) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[call] for call in calls] == alone


def test_a_relation_can_be_used_more_than_once(con: duckdb.DuckDBPyConnection) -> None:
    relation = con.sql("FROM ppp_cluster('blobs')")
    assert relation.columns[-1] == "cluster_id"
    assert len(relation.df()) == 150
    assert relation.filter("cluster_id = 0").aggregate("count(*) AS n").fetchall() == [(60,)]


def test_a_frame_of_the_calling_function(con: duckdb.DuckDBPyConnection) -> None:
    def cluster() -> pd.DataFrame:
        mine = pd.DataFrame({"x": np.repeat([0.0, 5.0, 9.0], 20) + np.tile(np.linspace(0, 0.1, 20), 3)})
        assert len(mine) == 60
        return con.sql("FROM ppp_cluster('mine')").df()

    assert cluster()["cluster_id"].value_counts().tolist() == [20, 20, 20]


def test_the_default_connection() -> None:
    con = ppp_duck.register(
        duckdb.default_connection() if callable(duckdb.default_connection) else duckdb.default_connection
    )
    assert sizes(con, "ppp_cluster('SELECT i % 2 * 9 + sin(i) AS x FROM range(40) r(i)')") == [(0, 20), (1, 20)]
