"""A part of a parsed text, and what it must be: said where it is read, and checked there.

A hash tells that a text is whole, not that it makes sense: who can write a text can write its hash. So nothing is taken
from a text that is not of the kind and within the bounds that it must have, and no array is as large as a text claims.
"""

from __future__ import annotations

import base64
import binascii
import math
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ppp_duck.models.model import Floats

POSITIVE = 5e-324  # the smallest number above 0
LARGEST = 1.7976931348623157e308
FEW = 64  # numbers that are written one by one; more as one word, which takes half as much room
SHOWN = reprlib.Repr()
SHOWN.maxstring = SHOWN.maxother = 60


class Unfit(Exception):
    """A part of a text is not what it must be. The message names it."""


class Part:
    """A value from a text, and where it stands there: the step to it from another part. Not to be changed."""

    __slots__ = ("_above", "_step", "value")  # there are some hundred in a model

    def __init__(self, value: Any, step: str, above: Part | None = None) -> None:
        self.value, self._step, self._above = value, step, above

    @property
    def place(self) -> str:
        return self._step if self._above is None else self._above.place + self._step

    def unfit(self, wanted: str) -> Unfit:
        return Unfit(f"{self.place} must be {wanted}, not {SHOWN.repr(self.value)}")

    def __getitem__(self, name: str) -> Part:
        if not isinstance(self.value, dict):
            raise self.unfit("an object")
        if name not in self.value:
            raise Unfit(f"{self.place}.{name} is missing")
        return Part(self.value[name], f".{name}", self)

    def has(self, name: str) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def items(self, count: int | None = None) -> list[Part]:
        """The parts of a list, of so many."""
        if not isinstance(self.value, list | tuple) or count not in (None, len(self.value)):
            raise self.unfit("a list" if count is None else f"a list of {count}")
        return [Part(value, f"[{i}]", self) for i, value in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.unfit("a text")
        return self.value

    def text_or_null(self) -> str | None:
        return None if self.value is None else self.text()

    def one_of(self, choices: Sequence[str]) -> str:
        if self.value not in list(choices):
            raise self.unfit(f"one of {', '.join(choices)}")
        return self.text()

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.unfit("true or false")
        return self.value

    def whole(self, least: int, most: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not least <= self.value <= most:
            raise self.unfit(f"a whole number from {least} to {most}")
        return self.value

    def number(self, least: float = -LARGEST, most: float = LARGEST) -> float:
        if not self._is_number() or not least <= self.value <= most:
            raise self.unfit(_numbers(least, most))
        return self.figure()

    def limit(self) -> float | None:
        """A number, infinite where a limit is beyond all doubles, or null."""
        return None if self.value is None else self.number(-math.inf, math.inf)

    def figure(self) -> float:
        """A number that is only shown: it may be infinite, or none."""
        if not self._is_number() or (isinstance(self.value, int) and abs(self.value) > LARGEST):
            raise self.unfit("a number")
        return float(self.value)

    def _is_number(self) -> bool:
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)

    def numbers(self, shape: tuple[int, ...], least: float = -LARGEST, most: float = LARGEST) -> Floats:
        """Numbers of a shape, whose last may be -1: as many as there are."""
        found = self._unpacked() if isinstance(self.value, str) else self._listed()
        known = math.prod(size for size in shape if size >= 0)
        if shape[-1:] == (-1,):
            shape = (*shape[:-1], found.size // max(known, 1))
        is_one_word = isinstance(self.value, str) or not found.size  # an empty list has lost its shape
        if found.size != math.prod(shape) or not (is_one_word or found.shape == shape):
            raise self.unfit(f"numbers of the shape {list(shape)}")
        if not ((found >= least) & (found <= most)).all():
            raise self.unfit(f"of {_numbers(least, most)} each")
        return found.reshape(shape)

    def _listed(self) -> Floats:
        try:
            found = np.array(self.value, dtype=object)  # as they are: of texts another array could be huge
            if all(type(one) in (int, float) for one in found.flat):
                return found.astype(np.float64)
        except (ValueError, OverflowError):  # lists of different lengths, integers beyond all doubles
            pass
        raise self.unfit("a list of numbers")

    def _unpacked(self) -> Floats:
        try:
            return np.frombuffer(base64.b64decode(self.value, validate=True), dtype="<f8").astype(np.float64)
        except (ValueError, binascii.Error):
            raise self.unfit("doubles in base 64") from None


def packed(numbers: Floats) -> Any:
    """Few numbers as lists of them; many as one word: their bits in base 64, the lowest byte of each first."""
    if numbers.size <= FEW:
        return numbers.tolist()
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).decode()


def _numbers(least: float, most: float) -> str:
    if (least, most) == (-LARGEST, LARGEST):
        return "a finite number"
    low = "above 0" if least == POSITIVE else f"from {least:g}"
    return f"a number {low}" + ("" if most == LARGEST else f" to {most:g}")
