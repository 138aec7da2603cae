"""What each SQL function ``ppp__…`` does when a statement runs; binding/interface.py says what it takes and returns."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import pyarrow as pa

from ppp_duck.running import choosing, describing, measuring, refining, scoring, slices

Function = Callable[..., pa.Array]

WIDE = 1 << 20  # bytes of a chunk's rows, of 64 numbers each: from there on two threads get further than one
_turn = threading.Lock()


def in_turn(function: Function) -> Function:
    """A function of chunks of rows, its third argument: one chunk at a time, while other threads do DuckDB's part.

    Each step of numpy over a chunk gives the interpreter lock away, and takes a few microseconds, less than another
    thread needs to wake up and take it. So two threads at once get no further than one, and lose time at every step.
    """

    @functools.wraps(function)
    def chunk(*columns: pa.ChunkedArray) -> pa.Array:
        if columns[2].nbytes > WIDE:
            return function(*columns)
        with _turn:
            return function(*columns)

    return chunk


def for_each(function: Function) -> Function:
    """A function of one row, for as many as DuckDB has: it is called once for rows that are equal.

    The stages of a call stand in a correlated subquery once for each row outside it: in DuckDB 2 where a function is
    volatile, in 1.4 where a stage is recursive.
    """

    @functools.wraps(function)
    def rows(*columns: pa.ChunkedArray) -> pa.Array:
        if len(columns[0]) == 1:
            return function(*columns)
        distinct: list[list[pa.ChunkedArray]] = []
        places = []
        for place in range(len(columns[0])):
            row = [column.slice(place, 1) for column in columns]
            same = (number for number, other in enumerate(distinct) if _equal(row, other))
            places.append(next(same, len(distinct)))
            if places[-1] == len(distinct):
                distinct.append(row)
        return pa.concat_arrays([function(*row) for row in distinct]).take(pa.array(places))

    return rows


def _equal(row: list[pa.ChunkedArray], other: list[pa.ChunkedArray]) -> bool:
    return all(one.equals(another) for one, another in zip(row, other, strict=True))


FUNCTIONS: dict[str, Function] = {
    "ppp__choose": choosing.choose,
    "ppp__fit": for_each(slices.begin),
    "ppp__step": for_each(slices.step),
    "ppp__load": for_each(describing.load),
    "ppp__by": for_each(describing.grouped_by),
    "ppp__refine": refining.begin,
    "ppp__refine_pass": in_turn(refining.add),
    "ppp__refined": for_each(refining.close),
    "ppp__screen": for_each(scoring.screen),
    "ppp__assign": in_turn(scoring.assign),
    "ppp__locate": in_turn(scoring.locate),
    "ppp__score": in_turn(scoring.score),
    "ppp__surprise": in_turn(scoring.surprise),
    "ppp__measure": measuring.measure,
    "ppp__first_pass": in_turn(measuring.first_pass),
    "ppp__second_pass": in_turn(measuring.second_pass),
    "ppp__evaluated": measuring.evaluated,
    "ppp__tally": in_turn(measuring.tally),
    "ppp__place": measuring.place,
    "ppp__tallied": measuring.tallied,
    "ppp__rows": for_each(describing.rows),
    "ppp__clusterability": for_each(describing.clusterability),
    "ppp__centers": describing.centers,
    "ppp__trials": describing.trials,
    "ppp__info": describing.info,
    "ppp__sql": describing.portable,
    "ppp__compare": describing.compare,
}

# What adds to sums or reads them is volatile, so that DuckDB evaluates it once for a row; what scores a row, so that it
# does not do so twice, in a filter and for the result. The others are not: in a correlated subquery DuckDB 2 would run
# all stages that a volatile function stands in, from the source on, again for every row outside.
VOLATILE = {
    "ppp__refine", "ppp__refine_pass", "ppp__refined", "ppp__assign", "ppp__locate", "ppp__score", "ppp__surprise",
    "ppp__measure", "ppp__first_pass", "ppp__second_pass", "ppp__evaluated", "ppp__tally", "ppp__tallied",
}  # fmt: skip
