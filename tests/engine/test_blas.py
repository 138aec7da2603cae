"""BLAS is limited to one thread while work runs, whichever Python thread runs it."""

from __future__ import annotations

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from ppp_duck.engine import blas


def blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


@pytest.mark.parametrize("first", ["nobody", "ours", "threadpoolctl"])
def test_any_thread_can_limit(first: str) -> None:
    before, seen = blas_threads(), []
    if first == "ours":
        with blas.one_thread:
            assert blas_threads() == [1] * len(before)
    elif first == "threadpoolctl":
        with threadpool_limits(limits=1, user_api="blas"):
            pass

    def work() -> None:
        with blas.one_thread, blas.one_thread:
            seen.append(blas_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [[1] * len(before)]
    assert blas_threads() == before


def test_the_last_to_end_lifts_the_limit() -> None:
    before = blas_threads()
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with blas.one_thread:
            begun.set()
            go_on.wait()

    thread = threading.Thread(target=work)
    with blas.one_thread:
        thread.start()
        begun.wait()
    during = blas_threads()
    go_on.set()
    thread.join()
    assert during == [1] * len(before)
    assert blas_threads() == before
