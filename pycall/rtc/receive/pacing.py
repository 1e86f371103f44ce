"""When a received picture is shown: evenly, although pictures that needed a repair are late; pure.

As with sound, a picture's lateness is its transit over the smallest one of the last seconds. On a calm path it is next
to nothing and pictures are shown as they come. Where every third one has to wait a round trip for a repair, showing
them as they come would be a stutter of stops and bursts; so all are shown later, by what 95 % of them keep less a
hitch that is still forgiven: delay is paid all the time, by the picture and by the voice that waits for it. No more
than `MOST`: nothing ever plays seconds late.

The voice waits for the moment at which pictures are meant to be shown, so that moment has to be steady: it moves only
when what 95 % keep has moved by `BAND`, up at once, and down when it has been lower for `CALM` seconds.
"""

from __future__ import annotations

from collections import deque

from .jitter import LatenessHistogram

CLOCK_RATE = 90000
QUANTILE = 0.95
PRIOR = 60.0
"""Pictures in time that are taken for seen before the first one: the first keyframe is large and holds others up."""
WINDOW = 10.0
"""Seconds over which the smallest transit is taken."""
HITCH = 0.03
"""Seconds by which a picture may still be late: as far as lips may be from the voice."""
BAND = 0.02
"""Seconds by which the delay may differ from what is wanted."""
CALM = 5.0
"""Seconds for which less must be wanted before the delay falls."""
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
        self._histogram = LatenessHistogram(PRIOR)
        self._aim = 0.0
        self._high = (float("-inf"), 0.0)
        self.meant = 0.0
        """The moment at which the last picture was meant to be shown, late or not."""

    def place(self, position: int, arrived: float, now: float) -> float:
        """`position` is the picture's RTP time without wraps; the rest and the result are monotonic seconds.

        `arrived` is when its last packet came, not when somebody got round to it: a slow machine is no late picture.
        """
        transit = arrived - position / CLOCK_RATE
        while self._transits and self._transits[-1][1] >= transit:
            self._transits.pop()
        self._transits.append((arrived, transit))
        while self._transits[0][0] < arrived - WINDOW:
            self._transits.popleft()
        base = self._transits[0][1]
        self._histogram.add(transit - base)
        self._follow(min(max(self._histogram.quantile(QUANTILE) - HITCH, 0.0), MOST), now)
        self.meant = base + position / CLOCK_RATE + self.delay
        return max(now, self.meant)

    def _follow(self, wanted: float, now: float) -> None:
        """`_high` is the most that was wanted since the aim was last as low as that, and when."""
        if wanted > self._aim + BAND:
            self._aim = wanted
        since, high = self._high
        if wanted > self._aim - BAND:
            self._high = (now, 0.0)
        elif now - since < CALM:
            self._high = (since, max(high, wanted))
        else:
            self._aim, self._high = max(high, wanted), (now, 0.0)
        self.delay = self._aim if self._aim > self.delay else max(self._aim, self.delay - STEP)
