"""Sums in one order: BLAS on one thread while a fit runs, and while a chunk is scored, whose threads are DuckDB's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ppp_duck.models.model import Floats

ALONE = 1 << 18  # multiplications that OpenBLAS never shares among threads
FEWEST = 256  # columns of a block: for fewer, to limit BLAS costs less than the blocks


@cache
def _libraries() -> list[Any]:
    """numpy's BLAS. To look for it takes longer than to score a chunk; so does threadpoolctl's own way to limit it."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if library.num_threads is not None]


def _limit(threads: list[int]) -> None:
    for library, number in zip(_libraries(), threads, strict=True):
        # Since threadpoolctl 3.8 the first Python thread to set a limit is the only one that can, as long as it lives.
        # Fits and chunks run on any thread.
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)
        library.set_num_threads(number)
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


class _OneThread:
    """Limits BLAS, process-wide, from the first work that starts to the last that ends: work may overlap in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working = 0
        self._before: list[int] = []
        self._own = threading.local()  # how often this thread has entered

    def __enter__(self) -> None:
        with self._lock:
            if self._working == 0:
                self._before = [library.num_threads for library in _libraries()]
                _limit([1] * len(self._before))
            self._working += 1
        self._own.entered = getattr(self._own, "entered", 0) + 1

    def __exit__(self, *error: object) -> None:
        self._own.entered -= 1
        with self._lock:
            self._working -= 1
            if self._working == 0:
                _limit(self._before)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While the work of this thread waits, it does not limit."""
        entered = getattr(self._own, "entered", 0)
        for _ in range(entered):
            self.__exit__()
        try:
            yield
        finally:
            for _ in range(entered):
                self.__enter__()


one_thread = _OneThread()


def product(a: Floats, b: Floats) -> Floats:
    """``a @ b`` on one thread, ``(m, p) @ (p, n)``, in blocks of columns small enough for that where there are some.

    To limit BLAS takes as long as to multiply a chunk.
    """
    step = ALONE // a.size
    if step < FEWEST:
        with one_thread:
            return np.asarray(a @ b)
    found = np.empty((len(a), b.shape[1]))
    for lo in range(0, b.shape[1], step):
        np.matmul(a, b[:, lo : lo + step], out=found[:, lo : lo + step])
    return found
