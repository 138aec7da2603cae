"""Sums in one order: BLAS on one thread while a fit runs, and while a chunk is scored, whose threads are DuckDB's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_working = 0
_limit: Any = None


@cache
def _libraries() -> Any:
    """numpy's BLAS. To look for it takes longer than to score a chunk."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, process-wide, from the first work that starts to the last that ends: work may overlap in threads."""
    global _working, _limit
    with _lock:
        if _working == 0:
            _limit = _libraries().limit(limits=1, user_api="blas")
        _working += 1
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if _working == 0:
                _limit.restore_original_limits()
                _limit = None
