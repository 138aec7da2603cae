"""Where the console script ``ppp-duck`` begins: outside of the package, whose import is most of a short command.

Python would answer Ctrl-C while it imports with a traceback. ``python -m ppp_duck`` does: there the package is first.
"""

from __future__ import annotations

import os
import signal

STOPPED = 130  # exit code, as of the commands themselves


def main() -> int:
    """Import the commands, and run the one of the process. Returns its exit code."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:  # who started the process ignores Ctrl-C
        return _run()
    signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))  # nothing is open yet
    import ppp_duck.command  # noqa: F401  what takes its time

    signal.signal(signal.SIGINT, handler)
    return _run()


def _run() -> int:
    from ppp_duck.command import main as run

    return run()
