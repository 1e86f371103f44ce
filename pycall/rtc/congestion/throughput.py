"""How many bits per second really arrived: the acknowledged throughput, measured on the receiver's clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

KEPT, MOST_KEPT = 1.0, 8192
"""Seconds of arrivals kept at the least, and how many at the most."""
LEAST_SPAN, LEAST_PACKETS = 0.04, 4
"""Seconds and packets of which a rate can be told: on a link of 600 kbit/s some four packets in 60 ms."""


class Throughput:
    """A sliding measurement. Arrival times, not the times of feedback, so that delayed feedback does not distort it."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._sizes: list[int] = []
        """Bytes that arrived at these times, both in order: twenty times a second it is asked how many came since."""

    def add(self, size: int, arrived: float) -> None:
        """`size` bytes arrived at `arrived` (seconds, receiver's clock; packets may be added out of order)."""
        times, sizes = self._times, self._sizes
        if not times or arrived >= times[-1]:
            times.append(arrived)
            sizes.append(size)
        else:
            at = bisect_right(times, arrived)
            times.insert(at, arrived)
            sizes.insert(at, size)
        if times[-1] - times[0] > 2 * KEPT or len(times) > MOST_KEPT:
            old = max(bisect_left(times, times[-1] - KEPT), len(times) - MOST_KEPT // 2)
            del times[:old], sizes[:old]

    def rate(self, window: float) -> float | None:
        """bit/s over the last `window` seconds (0.1 to 1) of arrivals; None before there is half a window to judge by.

        From first to last arrival, without the first packet's bytes: behind a busy bottleneck that is its very rate.
        """
        if not self._times or self.newest - self._times[0] < window / 2:
            return None
        return self._between(self.newest - window, window / 2)

    def since(self, moment: float, most: float) -> float | None:
        """bit/s from `moment` on, over the last `most` seconds at the most; None for less than `LEAST_SPAN`."""
        begin = max(moment, self.newest - most)
        return self._between(begin, LEAST_SPAN) if self.newest - begin >= LEAST_SPAN else None

    @property
    def newest(self) -> float:
        """When the last packet arrived."""
        return self._times[-1] if self._times else float("-inf")

    def _between(self, since: float, least: float) -> float | None:
        first = bisect_left(self._times, since)
        if len(self._times) - first < LEAST_PACKETS:
            return None
        span = max(self.newest - self._times[first], least)
        return sum(self._sizes[first + 1 :]) * 8 / span
