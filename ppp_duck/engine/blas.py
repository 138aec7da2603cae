"""Sums in one order: BLAS on one thread while a fit runs, and while a chunk is scored, whose threads are DuckDB's."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> list[Any]:
    """numpy's BLAS. To look for it takes longer than to score a chunk; so does threadpoolctl's own way to limit it."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if library.num_threads is not None]


class _OneThread:
    """Limits BLAS, process-wide, from the first work that starts to the last that ends: work may overlap in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working = 0
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._working == 0:
                self._before = [library.num_threads for library in _libraries()]
                for library in _libraries():
                    library.set_num_threads(1)
            self._working += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._working -= 1
            if self._working == 0:
                for library, threads in zip(_libraries(), self._before, strict=True):
                    library.set_num_threads(threads)


one_thread = _OneThread()
