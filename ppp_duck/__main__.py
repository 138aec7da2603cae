"""``python -m ppp_duck`` is the command ``ppp-duck``."""

import sys

from ppp_duck.command import main

if __name__ == "__main__":
    sys.exit(main())
