"""One source as the uplink sees it: takes its frames over in the source's own thread and notices when they stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.bridge import Bridge, call_on

log = logging.getLogger(__name__)

F = TypeVar("F")
T = TypeVar("T")

SILENT_LIMIT = 2.0
"""Seconds without a frame, since the last was played, after which a source counts as dead."""


class Inlet(Generic[F, T]):
    """The `Intake` given to one source.

    `admit` tells when what was pushed will have been played, or raises what `push` then raises; it and `convert` run in
    the thread that pushes (None: leave the frame out). `deliver`, `failed` and `recovered` run on the
    loop. `failed` and `recovered` take turns. After `close` nothing is called any more.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        admit: Callable[[F, float], float],
        convert: Callable[[F], T | None],
        deliver: Callable[[T], None],
        failed: Callable[[MediaError], None],
        recovered: Callable[[], None],
        limit: int,
    ) -> None:
        self._loop = loop
        self._admit = admit
        self._convert = convert
        self._failed = failed
        self._recovered = recovered
        self._bridge: Bridge[T] = Bridge(loop, deliver, limit)
        self._last = time.monotonic()
        self._open = False
        self._closed = False
        self._ended = False
        self._early: deque[T] = deque(maxlen=limit)
        self._lock = Lock()
        self._dead = False
        self._telling = False

    @property
    def dropped(self) -> int:
        """Frames that waited too long for the loop."""
        return self._bridge.dropped

    @property
    def dead(self) -> bool:
        return self._dead

    def open(self) -> None:
        """Frames count from now on. Those that came while the source was starting count, too, as many as may wait: of
        pictures the newest, for the next may be 33 ms away."""
        self._last = max(self._last, time.monotonic())
        with self._lock:
            while self._early:
                self._bridge.push(self._early.popleft())
            self._open = not self._closed

    def close(self) -> None:
        self._open = False
        self._closed = True
        with self._lock:
            self._early.clear()
        self._bridge.close()

    def push(self, frame: F) -> None:
        if self._closed:
            return
        now = time.monotonic()
        until = self._admit(frame, now)
        self._ended = False
        try:
            item = self._convert(frame)
        except MediaError as error:
            self.fail(error)
            return
        self._last = until
        if self._dead and not self._telling:
            self._telling = True
            call_on(self._loop, self._alive)
        if item is not None:
            self._hand_over(item)

    def _hand_over(self, item: T) -> None:
        with self._lock:
            if self._open:
                self._bridge.push(item)
            elif not self._closed:
                self._early.append(item)

    def end(self) -> None:
        self._ended = True

    def fail(self, error: MediaError) -> None:
        call_on(self._loop, lambda: self._die(error))

    def check(self, now: float, what: str) -> None:
        """Called on the loop every now and then; `what` names the source for people."""
        if self._open and not self._dead and not self._ended and now - self._last > SILENT_LIMIT:
            self._die(MediaError(ErrorCode.DEVICE_LOST, f"{what} gives nothing any more; check it or choose another"))

    def _die(self, error: MediaError) -> None:
        if not self._open or self._dead:
            return
        self._dead = True
        self._telling = False
        log.warning("a source has failed: %s", error.code.value)
        self._failed(error)

    def _alive(self) -> None:
        if self._open and self._dead:
            self._dead = False
            self._recovered()
