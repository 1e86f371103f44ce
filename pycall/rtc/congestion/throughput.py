"""How many bits per second really arrived: the acknowledged throughput, measured on the receiver's clock."""

from __future__ import annotations

from collections import deque

KEPT = 1.0
"""Seconds of arrivals kept."""
LEAST_SPAN, LEAST_PACKETS = 0.04, 4
"""Seconds and packets of which a rate can be told: on a link of 600 kbit/s some four packets in 60 ms."""


class Throughput:
    """A sliding measurement. Arrival times, not the times of feedback, so that delayed feedback does not distort it."""

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=8192)
        self._newest = float("-inf")

    def add(self, size: int, arrived: float) -> None:
        """`size` bytes arrived at `arrived` (seconds, receiver's clock; packets may be added out of order)."""
        self._arrivals.append((arrived, size))
        self._newest = max(self._newest, arrived)
        while self._arrivals and self._newest - self._arrivals[0][0] > KEPT:
            self._arrivals.popleft()

    def rate(self, window: float) -> float | None:
        """bit/s over the last `window` seconds (0.1 to 1) of arrivals; None before there is half a window to judge by.

        From first to last arrival, without the first packet's bytes: behind a busy bottleneck that is its very rate.
        """
        if not self._arrivals or self._newest - self._arrivals[0][0] < window / 2:
            return None
        return self._between(self._newest - window, window / 2)

    def since(self, moment: float, most: float) -> float | None:
        """bit/s from `moment` on, over the last `most` seconds at the most; None for less than `LEAST_SPAN`."""
        begin = max(moment, self._newest - most)
        return self._between(begin, LEAST_SPAN) if self._newest - begin >= LEAST_SPAN else None

    @property
    def newest(self) -> float:
        """When the last packet arrived."""
        return self._newest

    def _between(self, since: float, least: float) -> float | None:
        inside = [arrival for arrival in self._arrivals if arrival[0] >= since]
        if len(inside) < LEAST_PACKETS:
            return None
        first, first_size = min(inside)
        span = max(self._newest - first, least)
        return (sum([size for _, size in inside]) - first_size) * 8 / span
