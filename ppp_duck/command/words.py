"""Messages in the words of the command line: flags for the arguments of a function, commands for the functions."""

from __future__ import annotations

import re
import sys

from ppp_duck.binding.options import READING, TABLE
from ppp_duck.command.arguments import COMMANDS, PROGRAM, flag
from ppp_duck.command.reading import ROWS, STANDARD_INPUT

NAME = f"({'|'.join(option.name for option in (*TABLE, *READING))})"
SET = re.compile(rf"(?<=\bset ){NAME}(?= to )|(?<=\bor ){NAME}(?= to )|(?<= and ){NAME}(?= is ')")
LEFT = re.compile(rf"(?<= out of ){NAME}\b|(?<=\bleave ){NAME}(?= out\b)|(?<= as ){NAME}(?=, not )")
QUOTED = re.compile(rf'"{NAME}"(?=(?:, "\w+")*, or the model: )')
EXAMPLE = re.compile(r"(?<= such as )\['([^',]+)'\]")
FUNCTIONS = {function: command for command, (function, _) in reversed(COMMANDS.items()) if function}

UNASKED = re.compile(r"\n\nLINE |\s*\n  file = ")  # a statement that nobody wrote, and twenty settings of a CSV reader
OWN = re.compile(r"^ppp_\w+\('(.*)'\): (.*); ppp_info says it in full$", re.DOTALL)


def tell(note: str) -> None:
    """Say on standard error what a fit left out."""
    said = OWN.sub(rf"\1: \2; {PROGRAM} fit, and {PROGRAM} info, say it in full", note)
    print(f"{PROGRAM}: {''.join(one if one.isprintable() else ' ' for one in said)}", file=sys.stderr, flush=True)


def in_shell(text: str) -> str:
    """What a function says, as the command line says it.

    >>> in_shell("set k_max to k = 3 or more, or leave it out, not 2")
    'set --k-max to k = 3 or more, or leave it out, not 2'
    >>> in_shell("leave by out, or fit seg.parquet again by city: it was fitted without groups")
    'leave --by out, or fit seg.parquet again by city: it was fitted without groups'
    >>> in_shell("set columns to a list of column names such as ['income'], not []")
    'set --columns to a list of column names such as income, not []'
    >>> in_shell('leave out "k", "k_max", or the model: it was fitted with its own options')
    'leave out --k, --k-max, or the model: it was fitted with its own options'
    >>> in_shell("name a model that ppp_fit made: x.csv has no column y")
    'name a model that ppp-duck fit made: x.csv has no column y'
    """
    for pattern in (SET, LEFT):
        text = pattern.sub(lambda found: flag(found[0]), text)
    text = QUOTED.sub(lambda found: flag(found[1]), text)
    for function, command in FUNCTIONS.items():
        text = re.sub(rf"\b{function}\b", f"{PROGRAM} {command}", text)
    text = UNASKED.split(text)[0]
    return EXAMPLE.sub(r"\1", text).replace(ROWS, STANDARD_INPUT)
