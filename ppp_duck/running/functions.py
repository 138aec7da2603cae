"""What each SQL function ``ppp__…`` does when a statement runs; binding/interface.py says what it takes and returns."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from ppp_duck.running import choosing, describing, measuring, refining, scoring, slices

# All are registered as volatile, so that DuckDB's optimizer evaluates none twice for a row.
FUNCTIONS: dict[str, Callable[..., pa.Array]] = {
    "ppp__choose": choosing.choose,
    "ppp__fit": slices.begin,
    "ppp__step": slices.step,
    "ppp__load": describing.load,
    "ppp__by": describing.grouped_by,
    "ppp__refine": refining.begin,
    "ppp__refine_pass": refining.add,
    "ppp__refined": refining.close,
    "ppp__screen": scoring.screen,
    "ppp__assign": scoring.assign,
    "ppp__locate": scoring.locate,
    "ppp__score": scoring.score,
    "ppp__surprise": scoring.surprise,
    "ppp__measure": measuring.measure,
    "ppp__first_pass": measuring.first_pass,
    "ppp__second_pass": measuring.second_pass,
    "ppp__evaluated": measuring.evaluated,
    "ppp__tally": measuring.tally,
    "ppp__tallied": measuring.tallied,
    "ppp__rows": describing.rows,
    "ppp__clusterability": describing.clusterability,
    "ppp__centers": describing.centers,
    "ppp__trials": describing.trials,
    "ppp__info": describing.info,
    "ppp__sql": describing.portable,
    "ppp__compare": describing.compare,
}
