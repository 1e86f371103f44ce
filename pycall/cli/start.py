"""How the command begins: while it loads there is nothing to end in order yet, and Ctrl-C leaves at once.

An exception would not do: raised in the middle of an import it is printed, swallowed, or breaks a C library's start.
"""

from __future__ import annotations

import os
import signal
from typing import Any

INTERRUPTED = 130
"""`ExitCode.INTERRUPTED`, which takes half of the loading to import."""


def main() -> None:
    """The console script."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the shell wants it ignored
        signal.signal(signal.SIGINT, _leave)
    from .main import main as command

    command()


def interrupt_in_order() -> None:
    """From here on Ctrl-C raises KeyboardInterrupt: something is open that has to be closed."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_number: int, _frame: Any) -> None:
    os._exit(INTERRUPTED)
