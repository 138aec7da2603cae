"""Logarithms that have the same bits on every processor."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ppp_duck.features.logarithm import expm1, log1p

SIZES = st.floats(0, 1e308)


@given(st.lists(SIZES, min_size=1))
def test_as_numpy(sizes: list[float]) -> None:
    x = np.array(sizes)
    np.testing.assert_allclose(log1p(x), np.log1p(x), rtol=1e-15, atol=1e-323)
    z = np.log1p(x)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(expm1(z), np.expm1(z), rtol=2e-15, atol=1e-323)


def test_ends() -> None:
    x = np.array([0.0, np.nan, np.inf, 1e4, 709.7])
    assert log1p(x[:2]).tolist()[0] == 0.0
    assert np.isnan(log1p(x[1:2])).all()
    assert log1p(x[2:3]).tolist() == [np.inf]
    found = expm1(x).tolist()
    assert found[0] == 0.0
    assert log1p(np.float64(2)).shape == expm1(np.float64(2)).shape == ()
    assert np.isnan(found[1])
    assert found[2:4] == [np.inf, np.inf]
    assert 1.6e308 < found[4] < 1.7e308


def test_these_bits_on_every_processor() -> None:
    x = np.ldexp(np.arange(1.0, 20001) * 0.7 % 1 + 0.5, np.arange(20000) % 60 - 30)
    assert hashlib.md5(log1p(x).tobytes()).hexdigest() == "f9146a4a30634f819f7a5b0bb014194e"
    assert hashlib.md5(expm1(x % 700).tobytes()).hexdigest() == "df667f525c6dfddff0ceef8c29dd0c0b"
