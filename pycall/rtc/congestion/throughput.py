"""How many bits per second really arrived: the acknowledged throughput, measured on the receiver's clock."""

from __future__ import annotations

from collections import deque

KEPT = 1.0
"""Seconds of arrivals kept."""


class Throughput:
    """A sliding measurement. Arrival times, not the times of feedback, so that delayed feedback does not distort it."""

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=8192)
        self._newest = float("-inf")

    def add(self, size: int, arrived: float) -> None:
        """`size` bytes arrived at `arrived` (seconds, receiver's clock; packets may be added out of order)."""
        self._arrivals.append((arrived, size))
        self._newest = max(self._newest, arrived)
        while self._newest - self._arrivals[0][0] > KEPT:
            self._arrivals.popleft()

    def rate(self, window: float) -> float | None:
        """bit/s over the last `window` seconds (0.1 to 1) of arrivals; None before there is half a window to judge by.

        From first to last arrival, without the first packet's bytes: behind a busy bottleneck that is its very rate.
        """
        if not self._arrivals or self._newest - self._arrivals[0][0] < window / 2:
            return None
        since = self._newest - window
        inside = [arrival for arrival in self._arrivals if arrival[0] >= since]
        if len(inside) < 4:
            return None
        first, first_size = min(inside)
        span = max(self._newest - first, window / 2)
        return (sum([size for _, size in inside]) - first_size) * 8 / span
