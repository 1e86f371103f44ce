"""Tries, while a call rings, what its answer would wait for: a look into a file takes 50 ms. Nothing is opened."""

from __future__ import annotations

import asyncio
import logging

from pycall.core.errors import PyCallError
from pycall.core.types import MediaType
from pycall.gear import Gear

log = logging.getLogger(__name__)


class LookAhead:
    """Belongs to one driver; `closing` are its calls that have not let go of their devices yet."""

    def __init__(self, gear: Gear, closing: set[asyncio.Task[None]]) -> None:
        self._gear = gear
        self._closing = closing
        self._ahead: asyncio.Task[tuple[object, ...] | None] | None = None

    async def check(self, media: MediaType) -> None:
        """Raises if a source or sink for such a call cannot be; waits until an earlier call has let go of them."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and await ahead == self._gear.wanted(media):
            return
        await self._check(media)

    def begin(self, media: MediaType) -> None:
        """Such a call rings."""
        if self._ahead is None or self._ahead.done():
            self._ahead = asyncio.create_task(self._checked(media), name="look ahead")

    async def aclose(self) -> None:
        """Wait for what is being looked at. May be called twice."""
        if self._ahead is not None:
            await self._ahead

    async def _check(self, media: MediaType) -> None:
        if self._closing:
            await asyncio.wait(self._closing)
        await asyncio.to_thread(self._gear.check, media)

    async def _checked(self, media: MediaType) -> tuple[object, ...] | None:
        """What was found to be good; what is not is told when the call is answered."""
        wanted = self._gear.wanted(media)
        try:
            await self._check(media)
        except PyCallError as error:
            log.debug("this call could not be answered as it is: %s", error)
            return None
        return wanted
