"""The command line: ``ppp-duck cluster customers.csv``, or ``python -m ppp_duck``."""

from __future__ import annotations

import os
import signal

from ppp_duck.command.codes import STOPPED

__all__ = ["main"]


def main() -> int:
    """Run the command line of the process. Returns the exit code.

    To import the program is most of a short command. Python would answer Ctrl-C meanwhile with a traceback.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # else who started the process ignores Ctrl-C
        signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))  # nothing is open yet
    from ppp_duck.command import program

    signal.signal(signal.SIGINT, handler)
    return program.main()
