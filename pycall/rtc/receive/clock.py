"""RTP timestamps of 32 bits as a time line that neither wraps nor begins at random; pure."""

from __future__ import annotations

WRAP = 1 << 32
HALF = 1 << 31


class TimeLine:
    """Begins at 0 with the first timestamp and may run backwards as well as forwards over the wrap."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._value = 0

    def place(self, timestamp: int) -> int:
        """Ticks since the first timestamp."""
        if self._last is not None:
            step = (timestamp - self._last) % WRAP
            self._value += step - WRAP if step >= HALF else step
        self._last = timestamp
        return self._value
