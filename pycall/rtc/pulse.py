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
LATEST = 0.04
"""And at the most."""


class Pulse:
    """Calls `look` with the monotonic time, as long as it runs."""

    def __init__(self, look: Callable[[float], None]) -> None:
        self._look = look
        self._broken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.Handle | None = None
        self._looked = 0.0

    async def run(self) -> None:
        """Until cancelled; the first look follows at once. Raises what a look raises."""
        self._broken = asyncio.get_running_loop().create_future()
        self._turn()
        try:
            await self._broken
        finally:
            self.close()

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
        self._looked = time.monotonic()
        try:
            self._look(self._looked)
        except Exception as error:  # whatever it is: raised where the pulse is run
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)
            return
        if self._broken is not None and not self._broken.done():
            self._timer = asyncio.get_running_loop().call_later(LATEST, self._turn)
