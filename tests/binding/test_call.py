"""What a fit needs to know of a call, on its way inside the statement."""

from __future__ import annotations

import make

from ppp_duck.binding.call import Call, plan_call
from ppp_duck.binding.options import check_options


def test_a_call_survives_its_json() -> None:
    function, source, given = make.CALLS["weighted_full"]
    call = plan_call(function, source, check_options(function, given))
    again = Call.from_json(call.to_json())
    assert again.features == call.features
    assert again.to_json() == call.to_json()
