"""A fit while its statement runs: ppp__fit begins it, ppp__step goes on with it for a slice of time.

DuckDB cannot stop a Python function; it looks for an interrupt between two calls. So the fit runs on a thread of its
own, which goes on only while a call of ``ppp__step`` waits for it, and leaves BLAS alone while none does. If no call
comes for ``PATIENCE`` seconds, because the statement was interrupted, the thread ends. Should one come after that, the
fit begins again. How the time is cut decides nothing: the work and its order stay.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pyarrow as pa

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FIT
from ppp_duck.engine import blas
from ppp_duck.engine.canonical import Progress, silent
from ppp_duck.errors import PPPError
from ppp_duck.models.model import ModelSet
from ppp_duck.running import notes
from ppp_duck.running.fit import fit_groups
from ppp_duck.running.memory import MEMORY, Statement, chooser, keep, statement_of
from ppp_duck.running.progress import Watch

SLICE = 0.1  # seconds that an interrupt may have to wait
PATIENCE = 2.0  # seconds, and twice as many each time that a fit begins again

T = TypeVar("T")


class Abandoned(PPPError):
    """Ends the thread of a fit whose statement is gone."""


class SteppedFit(Generic[T]):
    """Runs ``work(progress)`` in slices. A call of ``progress`` calls ``report``, and is where the work can pause."""

    def __init__(self, work: Callable[[Progress], T], report: Progress = silent) -> None:
        self._work, self._report = work, report
        self._stopped = False
        self._begin(PATIENCE)

    def _begin(self, patience: float) -> None:
        self._patience = patience
        self._going = threading.Event()
        self._result: futures.Future[T] = futures.Future()
        self._thread = threading.Thread(target=self._run, name="ppp_duck fit", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Go on for a slice. True when the fit is done. Raises what the fit raised."""
        self._going.set()
        try:
            futures.wait([self._result], timeout=SLICE)
        except BaseException:  # Ctrl-C in the waiting thread
            self.stop()
            raise
        self._going.clear()
        if not self._result.done():
            return False
        if self.abandoned:
            self._begin(2 * self._patience)
            return False
        self.result()
        return True

    def result(self) -> T:
        """What ``work`` returned. Raises what it raised."""
        return self._result.result()

    @property
    def abandoned(self) -> bool:
        """Whether the fit ended because nobody asked it to go on."""
        return self._result.done() and isinstance(self._result.exception(), Abandoned)

    def stop(self) -> None:
        self._stopped = True
        self._going.set()

    def _run(self) -> None:
        going, result, patience = self._going, self._result, self._patience

        def pause() -> None:
            if not going.is_set():
                with blas.one_thread.paused():
                    going.wait(patience)
            if not going.is_set() or self._stopped:
                raise Abandoned("nobody asked the fit to go on")

        def report(stage: str, k: int) -> None:
            self._report(stage, k)
            pause()

        try:
            pause()
            result.set_result(self._work(report))
        except BaseException as error:  # step() raises it in the statement
            result.set_exception(error)


@dataclass
class Begun:
    """A fit of a statement. In a correlated subquery more than one row, and thread, may ask it to go on."""

    watch: Watch
    statement: Statement
    fit: SteppedFit[ModelSet] | None  # None: it is done
    models: str = ""  # then their key
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        if self.fit is not None:
            self.fit.stop()

    def end(self, models: ModelSet) -> None:
        self.fit = None
        told = [model.note_of_fit for model in models.models]
        notes.tell(self.watch.number, self.watch.function, self.watch.source, told)
        self.models = keep(models, self.watch.function, self.statement)


def begin(
    calls: pa.ChunkedArray, groups: pa.ChunkedArray, versions: pa.ChunkedArray, statements: pa.ChunkedArray
) -> pa.Array:
    """Begin to fit: one row in, the state 'fit:<number>' out. ``step`` does the work."""
    call, statement = Call.from_json(calls[0].as_py()), statement_of(statements)
    given = groups[0].values
    given = () if given is None else given  # None where there is no row, so no group
    watch = Watch(chooser(statement), call.function, call.source, len(given), call.options.k)
    fit = SteppedFit(functools.partial(fit_groups, call, given, versions[0].as_py()), watch.report)
    begun = Begun(watch, statement, fit)
    return pa.array([MEMORY.keep(begun, statement, FIT, leave=begun.stop)])


def step(states: pa.ChunkedArray) -> pa.Array:
    """Go on for a slice of time: the same state again, or when the fit is done the key of its models."""
    state = states[0].as_py()
    begun: Begun = MEMORY.get(state)
    with begun.lock:
        if begun.fit is not None:
            try:
                done = begun.fit.step()
                begun.watch.show(done)
            except BaseException:
                MEMORY.drop(state)
                begun.watch.end()
                raise
            if not done:
                return pa.array([state])
            begun.end(begun.fit.result())
        return pa.array([begun.models])
