"""Single key presses from the terminal, which can be put back as it was at any time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any


def has_keys() -> bool:
    """True where keys can be read: stdin is a terminal and we are in its foreground."""
    try:
        import termios  # noqa: F401  (not on Windows)

        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (ImportError, OSError, ValueError):
        return False


class Keys:
    """While the terminal is taken, gives each key pressed to `on_key` on the event loop."""

    def __init__(self, on_key: Callable[[str], None]) -> None:
        self._on_key = on_key
        self._saved: list[Any] | None = None
        self._fd = -1

    def take(self) -> None:
        """Single keys from now on, unseen; does nothing without a terminal, or the second time."""
        if self._saved is None and has_keys():
            import termios
            import tty

            self._fd = sys.stdin.fileno()
            self._saved = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)
            asyncio.get_running_loop().add_reader(self._fd, self._readable)

    def give_back(self) -> None:
        """The terminal as it was; does nothing where it was not taken."""
        if self._saved is None:
            return
        import termios

        asyncio.get_running_loop().remove_reader(self._fd)
        termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)
        self._saved = None

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 64)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(self._fd)
        for key in data.decode("utf-8", "ignore"):
            self._on_key(key.lower())
