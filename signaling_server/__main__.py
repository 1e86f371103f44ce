"""`python -m signaling_server`: the server by itself."""

from __future__ import annotations

import sys

from .interrupts import Interrupts, leave


def _main() -> int:
    interrupts = Interrupts()  # before the rest is loaded: that takes a while
    try:
        from .command import main

        return main(None, interrupts)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(leave(_main()))
