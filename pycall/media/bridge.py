"""The way from a device's thread to the event loop: bounded, never blocking, dropping the oldest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

AUDIO_LIMIT = 3000
"""Blocks that may wait for the loop: 30 s of 10 ms, all that a source may push in advance."""
VIDEO_LIMIT = 1
"""Only the newest picture is worth having."""


def call_on(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> bool:
    """Have the loop call `callback` soon, from any thread; False if the loop is closed (the program is ending)."""
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        return False
    return True


class Bridge(Generic[T]):
    """Items pushed in any thread are delivered on the loop, in order; at most `limit` wait, the oldest go first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[T], None], limit: int) -> None:
        self._loop = loop
        self._deliver = deliver
        self._limit = limit
        self._waiting: deque[T] = deque()
        self._lock = Lock()
        self._scheduled = False
        self._closed = False
        self.dropped = 0

    def push(self, item: T) -> None:
        """Hand over; returns at once. After `close`, or when the loop is gone, the item is forgotten."""
        with self._lock:
            if self._closed:
                return
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(item)
            if self._scheduled:
                return
            self._scheduled = True
        if not call_on(self._loop, self._drain):
            self.close()

    def close(self) -> None:
        """Deliver nothing more. Any thread."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _drain(self) -> None:
        with self._lock:
            items = list(self._waiting)
            self._waiting.clear()
            self._scheduled = False
        for item in items:
            if self._closed:
                return
            self._deliver(item)
