"""Chunks of few numbers are scored one at a time, those of many beside each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from ppp_duck.running.functions import WIDE, in_turn


@pytest.mark.parametrize("columns", [8, 100])
def test_turns(columns: int) -> None:
    rows = pa.array(np.ones((2048, columns)).tolist(), pa.list_(pa.float64(), columns))
    chunk = [pa.chunked_array([one]) for one in (pa.nulls(2048), pa.nulls(2048), rows)]
    both = threading.Barrier(2)

    @in_turn
    def meet(*given: pa.ChunkedArray) -> bool:
        try:
            both.wait(timeout=0.3)
        except threading.BrokenBarrierError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        met = list(threads.map(lambda _: meet(*chunk), range(2)))
    assert met == [rows.nbytes > WIDE] * 2
