"""A running fit can be stopped; the connection stays usable and nothing is half-written."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ppp_duck.engine import blas, pipeline
from ppp_duck.running import slices


@pytest.fixture
def endless(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The engine's own loop, never ending: the real fit is stopped where it reports progress, and so is this one."""
    begun = threading.Event()

    def fit(rows: np.ndarray, weights: np.ndarray, *, progress: Callable[[str, int | None], None], **_: object) -> None:
        with blas.one_thread:
            while True:
                begun.set()
                progress("partition", None)
                time.sleep(0.005)

    monkeypatch.setattr(pipeline, "fit", fit)
    monkeypatch.setattr(slices, "PATIENCE", 0.5)
    return begun


def stop_soon(begun: threading.Event, stop: Callable[[], None]) -> threading.Thread:
    def wait_and_stop() -> None:
        assert begun.wait(30)
        stop()

    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    return thread


@pytest.mark.parametrize("statement", ["CREATE TABLE out AS {}", "INSERT INTO kept {}", "{}"])
def test_interrupt(con: duckdb.DuckDBPyConnection, endless: threading.Event, statement: str) -> None:
    con.execute("CREATE TABLE kept AS SELECT *, 0 AS cluster_id FROM blobs LIMIT 3").fetchall()
    stopper = stop_soon(endless, con.interrupt)
    with pytest.raises(duckdb.InterruptException):
        con.execute(statement.format("SELECT * FROM ppp_cluster('blobs')")).fetchall()
    stopper.join()
    assert con.execute("SELECT count(*) FROM kept").fetchall() == [(3,)]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'out'").fetchall() == [(0,)]
    for thread in running():
        thread.join(10)
        assert not thread.is_alive()


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ppp_duck fit"]


def wait_until(true: Callable[[], bool]) -> None:
    """Time for a thread to be scheduled, far less than the patience of a fit."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_interrupted_fit_leaves_nothing_behind(
    fitted: duckdb.DuckDBPyConnection, endless: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "PATIENCE", 1000.0)
    before = [one["num_threads"] for one in threadpool_info()]
    stopper = stop_soon(endless, fitted.interrupt)
    with pytest.raises(duckdb.InterruptException):
        fitted.execute("FROM ppp_cluster('blobs')").fetchall()
    stopper.join()
    wait_until(lambda: [one["num_threads"] for one in threadpool_info()] == before)  # the caller's BLAS, at once
    assert len(running()) == 1
    fitted.execute("FROM ppp_centers('seg')").fetchall()  # the next statement of the connection
    wait_until(lambda: not running())


def test_ctrl_c(con: duckdb.DuckDBPyConnection, endless: threading.Event) -> None:
    # With one thread the fit waits on Python's main thread, which sees the signal. With more, DuckDB 2.0 looks at Ctrl-C
    # only when a statement ends, whatever the statement (README, limits).
    con.execute("SET threads = 1").fetchall()
    # A process started in the background may be one that ignores Ctrl-C, and then this would never end.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        stopper = stop_soon(endless, _thread.interrupt_main)
        with pytest.raises(duckdb.Error, match="KeyboardInterrupt"):
            con.execute("FROM ppp_cluster('blobs')").fetchall()
        stopper.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert con.execute("SELECT count(*) FROM blobs").fetchall() == [(150,)]
