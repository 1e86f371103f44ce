"""Notices that a device has stopped giving anything, also when its driver says nothing about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class StallWatch:
    """Calls `stalled` once, from a thread of its own, when `alive` has not been called for `limit` seconds.

    An unplugged sound card or camera often ends neither its stream nor a blocking read; only the silence tells.
    """

    def __init__(self, name: str, limit: float, stalled: Callable[[], None]) -> None:
        self._limit = limit
        self._stalled = stalled
        self._last = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name} watch", daemon=True)

    def start(self) -> None:
        self._last = time.monotonic()
        self._thread.start()

    def alive(self) -> None:
        """The device gave something; called from any thread, returns at once."""
        self._last = time.monotonic()

    def stop(self) -> None:
        """Watch no more; may be called twice, also from within `stalled`."""
        self._done.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._done.wait(max(0.01, self._last + self._limit - time.monotonic())):
            if time.monotonic() - self._last >= self._limit:
                self._stalled()
                return
