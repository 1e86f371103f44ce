"""A thread that does one thing at an even pace, for sources that make their frames themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from threading import Event, Thread

MAX_LATE = 0.2
"""Seconds a beat may be late and still be done; beyond that (a suspended machine) beats are left out."""
JOIN_LIMIT = 1.0


class Ticker:
    """Calls `beat(n, due)` every `step` seconds in a thread of its own; `due` is by `time.monotonic()`.

    The n-th beat is due exactly n steps after the start, however long a beat takes, so the pace never drifts; `n`
    leaves numbers out when the machine could not keep up.
    """

    def __init__(self, name: str, step: Fraction, beat: Callable[[int, float], None]) -> None:
        self._step = step
        self._beat = beat
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No beat begins after this; waits for a running one. May be called twice, or before `start`."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_LIMIT)

    def _run(self) -> None:
        began = time.monotonic()
        n = 0
        while not self._stopped.wait(max(0.0, began + float(n * self._step) - time.monotonic())):
            late = time.monotonic() - began - float(n * self._step)
            if late > MAX_LATE:
                n += int(late / self._step)
            self._beat(n, began + float(n * self._step))
            n += 1
