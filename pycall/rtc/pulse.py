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


class Pulse:
    """Calls `look` with the monotonic time, as long as it runs. It gives the seconds until the next, at most."""

    def __init__(self, look: Callable[[float], float]) -> None:
        self._look = look
        self._wait: asyncio.Future[None] | None = None
        self._looked = 0.0
        self._closed = False

    async def run(self) -> None:
        """Until closed or cancelled; the first look follows at once. Raises what a look raises."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            self._looked = time.monotonic()
            latest = self._look(self._looked)
            self._wait = loop.create_future()
            timer = loop.call_later(latest, self._go_on)
            try:
                await self._wait
            finally:
                timer.cancel()

    def came(self, now: float) -> None:
        """Something has come that may make something due."""
        if now - self._looked >= SOONEST:
            self._go_on()

    def close(self) -> None:
        """Not one more look."""
        self._closed = True
        self._go_on()

    def _go_on(self) -> None:
        if self._wait is not None and not self._wait.done():
            self._wait.set_result(None)
