"""A fit that runs in slices, so that the statement it belongs to can be interrupted.

DuckDB cannot stop a Python function; it looks for an interrupt between calls. So the fit runs on a thread of its
own, which goes on only while a call of the SQL function ``ppp__step`` waits for it. Between two calls it stands still;
if the next call never comes (the statement was interrupted), it gives up after ``PATIENCE`` seconds.
How the time is cut decides nothing: the thread does the same work in the same order, however often it is paused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ppp_duck.engine.partition import Progress, silent

SLICE = 0.1  # seconds: how long an interrupt may have to wait
PATIENCE = 60.0

T = TypeVar("T")


class Abandoned(Exception):
    """Ends the thread of a fit whose statement is gone."""


class SteppedFit(Generic[T]):
    """Runs ``work(progress)`` in slices; ``progress`` is where it can be paused, and tells ``report``."""

    def __init__(self, work: Callable[[Progress], T], report: Progress = silent) -> None:
        self._report = report
        self._change = threading.Condition()
        self._running = False
        self._stopped = False
        self._done = False
        self._abandoned = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="ppp_duck fit", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Let the fit go on for a slice. True when it is done. Raises what the fit raised."""
        try:
            with self._change:
                self._running = True
                self._change.notify_all()
                self._change.wait_for(lambda: self._done, timeout=SLICE)
                self._running = False
        except BaseException:  # Ctrl-C in the waiting thread
            self.stop()
            raise
        if self._error is not None:
            raise self._error
        return self._done

    def result(self) -> T | None:
        return self._result

    @property
    def abandoned(self) -> bool:
        """Whether it ended because nobody asked it to go on."""
        return self._done and self._abandoned

    def stop(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def _run(self, work: Callable[[Progress], T]) -> None:
        try:
            self._pause()
            self._result = work(self._reported)
        except Abandoned:
            self._abandoned = True
        except BaseException as error:  # handed to the statement by step()
            self._error = error
        with self._change:
            self._done = True
            self._change.notify_all()

    def _reported(self, stage: str, k: int) -> None:
        self._report(stage, k)
        self._pause()

    def _pause(self) -> None:
        if self._running and not self._stopped:
            return
        with self._change:
            if not self._change.wait_for(lambda: self._running or self._stopped, timeout=PATIENCE) or self._stopped:
                raise Abandoned
