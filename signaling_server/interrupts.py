"""Ctrl-C and SIGTERM: the first one ends the server in order, at whatever moment it comes; all others change nothing.

Whoever presses Ctrl-C twice, or holds it, would else meet a server that is just ending, and break it off.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Interrupts:
    """Installed when made, while the process lives; before there is a loop it raises the usual KeyboardInterrupt."""

    def __init__(self) -> None:
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        signal.signal(signal.SIGINT, self._ask)

    def stop_event(self) -> asyncio.Event:
        """Set once somebody asks the server to end; of the running loop."""
        import asyncio

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        signal.signal(signal.SIGTERM, self._ask)
        return self._stop

    def _ask(self, _number: int, _frame: Any) -> None:
        if self._asked:
            return
        self._asked = True
        if self._loop is None or self._stop is None or self._loop.is_closed():
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._stop.set)


def leave(code: int) -> int:
    """Nothing is left to interrupt: what Python still does at its end must not turn `code` into another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code
