"""One client's WebSocket: what waits to be sent to it, how it is closed, and how it is cut when it cannot keep up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from aiohttp import web

from pycall.core.errors import ErrorCode
from pycall.core.types import UserId
from pycall.core.wire import Goodbye, ServerMessage, encode

from .limits import Limits, TokenBucket

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_RESTART = 1012
CLOSE_LATER = 1013
CLOSE_TOO_BIG = 1009
CLOSE_CODES = {
    ErrorCode.SIG_MALFORMED: 4401,
    ErrorCode.SIG_EXPIRED: 4401,
    ErrorCode.SIG_INVALID: 4401,
    ErrorCode.SIG_WRONG_USER: 4401,
    ErrorCode.SIG_WRONG_APP: 4401,
    ErrorCode.BAD_VERSION: 4400,
    ErrorCode.TIMED_OUT: 4408,
    ErrorCode.KICKED: 4409,
    ErrorCode.REPEATED: 4409,
    ErrorCode.TOO_MANY: 4429,
    ErrorCode.BAD_MESSAGE: 1007,
    ErrorCode.STORAGE: 1011,
}
"""By the goodbye's code; everything else closes with 1000."""


class Session:
    """Made for each socket. `send` and `goodbye` never wait; `write` does the sending, in a task of its own."""

    def __init__(self, number: int, socket: web.WebSocketResponse, request: web.Request, limits: Limits) -> None:
        now = time.monotonic()
        self.number = number
        self.user_id: UserId | None = None
        """Set once signed in."""
        self.opened_at = now
        self.heard_at = now
        self.closing = False
        """Nothing more is sent or taken."""
        self.bad_frames = 0
        self.messages = TokenBucket(limits.message_rate, limits.message_burst, now)
        self.signals = TokenBucket(limits.signal_rate, limits.signal_burst, now)
        self._socket = socket
        self._request = request
        self._limits = limits
        self._queue: asyncio.Queue[str | int] = asyncio.Queue(limits.queued_messages + 2)
        self._queued_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._cutter: asyncio.Task[None] | None = None

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
        self._put(encode(goodbye))
        if not self.closing:
            self._begin_closing()
            self._queue.put_nowait(CLOSE_CODES.get(goodbye.code, CLOSE_NORMAL) if close_code is None else close_code)

    def abort(self) -> None:
        """Drop the connection at once; for one that is dead."""
        self.closing = True
        if self._request.transport is not None:
            self._request.transport.abort()

    async def finish(self) -> None:
        """Wait until everything is sent and closed, or cut; the reader has stopped."""
        if self._writer is not None and not self.closing:
            self._writer.cancel()
        tasks = [task for task in (self._writer, self._cutter) if task is not None]
        await asyncio.wait(tasks, timeout=3 * self._limits.close_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _put(self, text: str) -> None:
        if self._queue.qsize() < self._limits.queued_messages and self._queued_bytes < self._limits.queued_bytes:
            self._queued_bytes += len(text)
            self._queue.put_nowait(text)
            return
        logger.warning("session %d does not keep up with its messages; cut", self.number)
        self._begin_closing()
        self._cutter = asyncio.create_task(self._cut(), name=f"session-{self.number}-cutter")

    def _begin_closing(self) -> None:
        """From here the client has a moment to take what is under way; then the connection is dropped in any case."""
        self.closing = True
        if self._request.transport is not None:
            asyncio.get_running_loop().call_later(self._limits.close_seconds, self._request.transport.abort)

    async def _write(self) -> None:
        """Send what is queued until the close; ends early when the connection is gone."""
        with contextlib.suppress(ConnectionError):
            while isinstance(item := await self._queue.get(), str):
                self._queued_bytes -= len(item)
                await self._socket.send_str(item)
            await self._socket.close(code=item)

    async def _cut(self) -> None:
        """Close past what waits to be sent."""
        if self._writer is not None:
            self._writer.cancel()
        with contextlib.suppress(ConnectionError):
            await self._socket.close(code=CLOSE_LATER)
