"""One client's WebSocket: what waits to be sent to it, how it is closed, and how it is cut when it cannot keep up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from pycall.core.types import UserId
from pycall.core.wire import Goodbye, ServerMessage, encode

from .announcer import Origin, platform_of
from .closing import CLOSE_CODES, CLOSE_LATER, CLOSE_NORMAL, with_number
from .limits import Limits, TokenBucket

if TYPE_CHECKING:
    from .tenants import Tenant

logger = logging.getLogger(__name__)


class Session:
    """Made for each socket. `send` and `goodbye` never wait; `write` does the sending, in a task of its own."""

    def __init__(
        self, number: int, socket: web.WebSocketResponse, request: web.Request, limits: Limits, address: str
    ) -> None:
        now = time.monotonic()
        self.number = number
        self.address = address
        self.origin = Origin(address, platform_of(request.headers.get("User-Agent", "")))
        self.user_id: UserId | None = None
        """Set once signed in, like what follows."""
        self.tenant: Tenant | None = None
        self.device_id = ""
        self.expires_at = math.inf
        """The end of its ticket, in Unix seconds."""
        self.expired = False
        """It was told that its ticket has run out."""
        self.ice_until = math.inf
        """When it needs new credentials for its media, in Unix seconds."""
        self.opened_at = now
        self.heard_at = now
        self.closing = False
        """Nothing more is sent or taken."""
        self.fell_silent = False
        """Closed by us because nothing came any more."""
        self.bad_frames = 0
        self.messages = TokenBucket(limits.message_rate, limits.message_burst, now)
        self.signals = TokenBucket(limits.signal_rate, limits.signal_burst, now)
        self._socket = socket
        self._request = request
        self._limits = limits
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(limits.queued_messages + 2)
        self._queued_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._reading: asyncio.Timeout | None = None
        self._close_code = CLOSE_NORMAL

    @property
    def look_at(self) -> float:
        """When its ticket or its credentials need to be looked at, in Unix seconds."""
        return self.expires_at if self.expires_at < self.ice_until else self.ice_until

    def start(self) -> None:
        """Begin to send."""
        self._writer = asyncio.create_task(self._write(), name=f"session-{self.number}-writer")

    def send(self, message: ServerMessage) -> None:
        """Queue a message; a client that lets too many wait is cut."""
        if not self.closing:
            self._put(encode(message))

    def goodbye(self, goodbye: Goodbye, close_code: int | None = None) -> None:
        """Queue the last words and the close."""
        if self.closing:
            return
        self._put(encode(with_number(goodbye)))
        if not self.closing:
            self._begin_closing(CLOSE_CODES.get(goodbye.code, CLOSE_NORMAL) if close_code is None else close_code)
            self._queue.put_nowait(None)

    def abort(self) -> None:
        """Drop the connection at once; for one that is dead."""
        self.closing = True
        if self._writer is not None:
            self._writer.cancel()
        if self._request.transport is not None:
            self._request.transport.abort()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Around all receiving: it is broken off when it is time to close, since only one task may receive."""
        try:
            async with asyncio.timeout(None) as self._reading:
                yield
        except TimeoutError:
            logger.debug("session %d closes", self.number)
        finally:
            self._reading = None

    async def finish(self) -> None:
        """Wait until everything is sent, then close; receiving has ended."""
        if self._writer is not None:
            if not self.closing:
                self._writer.cancel()
            await asyncio.wait([self._writer])
            if not self._writer.cancelled():
                self._writer.result()
        await self._socket.close(code=self._close_code)

    def _put(self, text: str) -> None:
        if self._queue.qsize() < self._limits.queued_messages and self._queued_bytes < self._limits.queued_bytes:
            self._queued_bytes += len(text)
            self._queue.put_nowait(text)
            return
        logger.warning("session %d does not keep up with its messages; cut", self.number)
        self._begin_closing(CLOSE_LATER)
        if self._writer is not None:
            self._writer.cancel()
        self._stop_reading()

    def _begin_closing(self, code: int) -> None:
        """From here the client has a moment to take what is under way; then the connection is dropped in any case."""
        self.closing = True
        self._close_code = code
        if self._request.transport is not None:
            asyncio.get_running_loop().call_later(self._limits.close_seconds, self._request.transport.abort)

    def _stop_reading(self) -> None:
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(asyncio.get_running_loop().time())

    async def _write(self) -> None:
        """Send what is queued; ends at the close, or when the connection is gone."""
        with contextlib.suppress(ConnectionError):
            while (text := await self._queue.get()) is not None:
                self._queued_bytes -= len(text)
                await self._socket.send_str(text)
        self.closing = True
        self._stop_reading()
