"""One line about what a fit left out: printed on stderr, or given to a function of the user.

Each connection has its own choice, by the number that its macros hold, as for progress.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ppp_duck.errors import OptionError, PPPError, show
from ppp_duck.running.group import Group
from ppp_duck.running.progress import interactive

NAMED = 3  # columns that a line names; the others are counted

Choice: TypeAlias = bool | Callable[[str], object] | None
_choices: dict[int, Choice] = {}  # by the number of a registered connection


def check(choice: object) -> None:
    """Raises OptionError for what is no ``Choice``."""
    if not (choice is None or isinstance(choice, bool) or callable(choice)):
        raise OptionError.value("register", "notes", "True, False, None or a function of one text", choice)


def choose(number: int, choice: Choice) -> None:
    """Set the choice of a connection. None leaves an earlier choice as it is."""
    if choice is not None or number not in _choices:
        _choices[number] = choice


def forget(number: int) -> None:
    _choices.pop(number, None)


def note(group: Group, copies: str = "") -> str:
    """What was left out of a fit, which columns have holes, and of copies; '' where nothing is to be said."""
    left_out = {**dict(group.call.dropped), **group.dropped}
    names = [feature.name for feature in group.call.features]
    holes = {
        name: f"{group.missing(index):,} of {group.rows:,} rows"
        for index, name in enumerate(names)
        if name not in left_out and group.missing(index)
    }
    parts = []
    if left_out:
        parts.append(f"left out {_listed(left_out)}")
    if holes:
        parts.append(f"no value in {_listed(holes)}")
    return "; ".join([*parts, copies] if copies else parts)


def _listed(words: dict[str, str]) -> str:
    named = [f"{name} ({why})" for name, why in list(words.items())[:NAMED]]
    return ", ".join(named) + (f" and {len(words) - NAMED} more" if len(words) > NAMED else "")


def tell(number: int | None, function: str, source: str, notes: Sequence[str]) -> None:
    """Tell the connection of a number the first note of a fit's groups. Raises PPPError if its function raises."""
    choice = False if number is None else _choices.get(number, False)
    said = next((text for text in notes if text), "")
    if not said or choice is False or (choice is None and not interactive()):
        return
    line = f"{function}({show(source)}): {said}; ppp_info says it in full"
    if not callable(choice):
        if sys.stderr is not None:
            print("".join(letter if letter.isprintable() else " " for letter in line), file=sys.stderr, flush=True)
        return
    try:
        choice(line)
    except Exception as error:
        raise PPPError(
            f"{function}: look at the function given to register as notes, it raised {type(error).__name__}: {error}"
        ) from error
