"""When a received picture is shown: evenly, although pictures that needed a repair are late; pure.

As with sound, a picture's lateness is its transit over the smallest one of the last seconds. On a calm path it is next
to nothing and pictures are shown as they come. Where every third one has to wait a round trip for a repair, showing
them as they come would be a stutter of stops and bursts; so all are shown later, by what 95 % of them keep less a
hitch that is still forgiven: delay is paid all the time, by the picture and by the voice that waits for it. No more
than `MOST`: nothing ever plays seconds late.
"""

from __future__ import annotations

from collections import deque

from .jitter import LatenessHistogram

CLOCK_RATE = 90000
QUANTILE = 0.95
WINDOW = 10.0
"""Seconds over which the smallest transit is taken."""
HITCH = 0.08
"""Seconds by which a picture may still be late: with the 33 ms between two, far from the 183 ms that are a freeze."""
MOST = 0.2
"""Seconds that a picture is held back at the most."""
STEP = 0.002
"""Seconds per picture by which the delay falls: slower than people notice."""


class PictureClock:
    """Give each decoded picture in order; get the moment at which to show it."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds over the fastest picture at which pictures are shown now."""
        self._transits: deque[tuple[float, float]] = deque()
        self._histogram = LatenessHistogram()

    def place(self, position: int, now: float) -> float:
        """`position` is the picture's RTP time without wraps; `now` and the result are monotonic seconds."""
        transit = now - position / CLOCK_RATE
        while self._transits and self._transits[-1][1] >= transit:
            self._transits.pop()
        self._transits.append((now, transit))
        while self._transits[0][0] < now - WINDOW:
            self._transits.popleft()
        base = self._transits[0][1]
        self._histogram.add(transit - base)
        wanted = self._histogram.quantile(QUANTILE)
        wanted = min(max(wanted - HITCH, 0.0), MOST)
        self.delay = wanted if wanted > self.delay else max(wanted, self.delay - STEP)
        return max(now, base + position / CLOCK_RATE + self.delay)
