"""The command line: ``ppp-duck cluster customers.csv``, or ``python -m ppp_duck``."""

from ppp_duck.command.program import main

__all__ = ["main"]
