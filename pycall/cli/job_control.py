"""Ctrl-Z, `fg` and `bg`: the terminal is given back before the process stops, and taken again in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType


def in_foreground() -> bool:
    """Whether the terminal is ours to draw on and to read from; without a terminal there is nobody to disturb."""
    for stream in (sys.stdin, sys.stdout):
        try:
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
        except (OSError, ValueError, AttributeError):  # no terminal, closed, not on Windows
            continue
    return True


class JobControl:
    """While in use, calls `give_back` before a stop, and `take` whenever the process comes back to the foreground.

    Both may be called when there is nothing to do for them.
    """

    def __init__(self, take: Callable[[], None], give_back: Callable[[], None]) -> None:
        self._take = take
        self._give_back = give_back
        self._there = hasattr(signal, "SIGTSTP")  # not on Windows

    def __enter__(self) -> JobControl:
        self._come_back()
        if self._there:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTSTP, self._stop)
            loop.add_signal_handler(signal.SIGCONT, self._come_back)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._there:
            loop = asyncio.get_running_loop()
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGCONT)
        self._give_back()

    def _stop(self) -> None:
        """Stop as if Ctrl-Z had never been caught; goes on behind the stop, or at once where no shell could end it."""
        loop = asyncio.get_running_loop()
        self._give_back()
        loop.remove_signal_handler(signal.SIGTSTP)
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)  # to this thread: it goes no further before the stop
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._come_back()

    def _come_back(self) -> None:
        """By `fg`, at once; by `bg` the terminal stays the shell's, and a later `fg` is told by SIGCONT as well."""
        if in_foreground():
            self._take()
