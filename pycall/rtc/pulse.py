"""The beat of a connection: what is due is looked at when something has come, and by a timer when nothing comes.

A wake-up of its own costs more than what it finds to do, and packets wake us anyway: then the look follows the packets
that came together, so a gap among them is asked for at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SOONEST = 0.01
"""Seconds between two looks, at the least."""
LATEST = 0.02
"""And at the most."""


class Pulse:
    """Calls `look` with the monotonic time, between `begin` and `close`."""

    def __init__(self, look: Callable[[float], None]) -> None:
        self._look = look
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.Handle | None = None
        self._looked = 0.0

    def begin(self) -> None:
        """From now on; the first look follows at once."""
        self._turn()

    def came(self, now: float) -> None:
        """Something has come that may make something due."""
        if self._timer is not None and self._soon is None and now - self._looked >= SOONEST:
            self._soon = asyncio.get_running_loop().call_soon(self._turn)

    def close(self) -> None:
        """Not one more look."""
        for handle in (self._timer, self._soon):
            if handle is not None:
                handle.cancel()
        self._timer = self._soon = None

    def _turn(self) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(LATEST, self._turn)
        self._looked = time.monotonic()
        self._look(self._looked)
