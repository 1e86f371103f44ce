"""How long packets wait in the bottleneck's queue, from sending times on our clock and arrival times on the peer's.

The one-way delay by two unrelated clocks is useless as such, but its smallest value of the last seconds is the path
with an empty queue, so the excess over that is queueing (the base delay of RFC 6817 and RFC 8698). Jitter is kept out
by a minimum again: of the packets of some tens of milliseconds at least one is hardly delayed by anything but the
queue, which all of them share. The base is forgotten after a while, since clocks drift and routes change.
"""

from __future__ import annotations

from collections import deque

WINDOW = 0.06
"""Seconds of arrivals of which the least delayed packet shows the queue, and at least `LEAST` packets."""
LEAST = 5
BASE_SECONDS = 20
"""Seconds for which a base is remembered. 100 ppm between the clocks make 2 ms of that."""


class QueueDelay:
    """The queue's delay now, the value one window before, and the jitter; all in seconds."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=256)
        self._bases: deque[tuple[int, float]] = deque(maxlen=BASE_SECONDS + 1)
        self._last: float | None = None
        self.jitter = 0.0
        """Mean change of delay from packet to packet (smoothed by 1/16, as RFC 3550 does)."""
        self.now = 0.0
        """Queueing delay of the last packets."""
        self.before = 0.0
        """The same, about one window earlier: `now - before` is growth."""
        self.since = 0.0
        """Arrival (their clock) of the first of the packets that `now` is taken from: all of them waited that long."""

    def add(self, sent: float, arrived: float) -> None:
        """A packet sent at `sent` (our clock) arrived at `arrived` (theirs); in the order of sending."""
        delay = arrived - sent
        if self._last is not None:
            self.jitter += (min(abs(delay - self._last), 0.1) - self.jitter) / 16
        self._last = delay
        self._recent.append((arrived, delay))
        second = int(arrived)
        if not self._bases or second > self._bases[-1][0]:
            self._bases.append((second, delay))
            while second - self._bases[0][0] > BASE_SECONDS:
                self._bases.popleft()
        elif delay < self._bases[-1][1]:
            self._bases[-1] = (self._bases[-1][0], delay)

    def update(self) -> None:
        """Measure, once the packets of one feedback are added."""
        if not self._bases:
            return
        base = min([delay for _, delay in self._bases])
        packets = list(self._recent)
        newest = max(packets)[0]
        split = self._split(newest)
        self.now = min([delay for _, delay in packets[split:]]) - base
        self.since = min([at for at, _ in packets[split:]])
        earlier = [delay for at, delay in packets[max(0, split - LEAST) : split] if newest - at <= 5 * WINDOW]
        self.before = min(earlier) - base if earlier else self.now

    def rebase(self) -> None:
        """Take the delay of now for an empty queue: it does not answer to us, so it is not our queue."""
        if self._bases:
            lowest = self.now + min(delay for _, delay in self._bases)
            self._bases.clear()
            self._bases.append((int(self._recent[-1][0]), lowest))
            self.now = self.before = 0.0

    def _split(self, newest: float) -> int:
        """Index of the first packet of the last window."""
        index = len(self._recent)
        for at, _ in reversed(self._recent):
            if newest - at > WINDOW and len(self._recent) - index >= LEAST:
                break
            index -= 1
        return index
