"""Work that Ctrl-C ends. A thread does it: the main one, which alone hears Ctrl-C, must not be inside of DuckDB."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import duckdb


def interruptible(con: duckdb.DuckDBPyConnection, work: Callable[[], None]) -> None:
    """Do work on a connection. Raises what it raises, or KeyboardInterrupt when it has ended after Ctrl-C."""
    raised: list[BaseException] = []
    ended = threading.Event()  # Python 3.11 takes a thread for ended whose join was interrupted

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        while not ended.wait(0.1):
            pass
    except KeyboardInterrupt:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is impatient would leave DuckDB at work
        while not ended.is_set():  # again and again: an interrupt between two statements is lost
            con.interrupt()
            ended.wait(0.05)
        signal.signal(signal.SIGINT, before)
        raise
    if raised:
        raise raised[0]
