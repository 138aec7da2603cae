"""Sums in one order: BLAS on one thread while a fit runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_fits = 0
_limit: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, process-wide, from the first fit that starts to the last that ends: fits may overlap in threads."""
    global _fits, _limit
    with _lock:
        if _fits == 0:
            _limit = threadpool_limits(limits=1, user_api="blas")
        _fits += 1
    try:
        yield
    finally:
        with _lock:
            _fits -= 1
            if _fits == 0:
                _limit.restore_original_limits()
                _limit = None
