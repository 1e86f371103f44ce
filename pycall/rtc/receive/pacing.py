"""When a received picture is shown: evenly, although pictures that needed a repair are late; pure.

As with sound, a picture's lateness is its transit over the smallest one of the last seconds. On a calm path it is next
to nothing and pictures are shown as they come. Where every third one has to wait a round trip for a repair, showing
them as they come would be a stutter of stops and bursts; so all are shown later, by what 95 % of them keep less a
hitch that is still forgiven: delay is paid all the time, by the picture and by the voice that waits for it. No more
than `MOST`: nothing ever plays seconds late.

The voice needs more than that: lips are out of step with it when a picture is more than 40 ms older than what is heard,
and that shall not happen to one picture in a hundred. So the voice waits for what 99 % keep less those 40 ms, and the
pictures that are in time are up to 36 ms ahead of it. What 99 % keep is seen once in a hundred pictures, so it is
learned from a longer past.

Pictures behind a gap become complete together, with its repair, and each would be on show until the next one is
decoded: for a few milliseconds, which no display shows. Of these only the last one counts, and the others are left out
where they are too old for the voice. One that is late alone is shown, however late: what it replaces is older still.

The moments for picture and voice have to be steady: they move only when what was kept has moved by `BAND`, up at once,
and down when it has been lower for `CALM` seconds.
"""

from __future__ import annotations

from collections import deque

from .jitter import FORGET, LatenessHistogram

CLOCK_RATE = 90000
QUANTILE = 0.95
PRIOR = 60.0
"""Pictures in time that are taken for seen before the first one: the first keyframe is large and holds others up."""
WINDOW = 10.0
"""Seconds over which the smallest transit is taken."""
HITCH = 0.02
"""Seconds by which a picture may still be late: nobody sees a hitch of half a picture."""
LIPS_QUANTILE = 0.99
LIPS_FORGET = 0.999
"""Per picture: a histogram entry halves in about 700 pictures, 23 s."""
LIPS = 0.044
"""Seconds by which a picture may be late for the voice: 40 ms, and what the voice is later than it need be (`sync`),
less what the sound's own pace makes uncertain."""
MOST_FOR_LIPS = 0.4
BAND = 0.02
"""Seconds by which the delay may differ from what is wanted."""
CALM = 5.0
"""Seconds for which less must be wanted before the delay falls."""
MOST = 0.2
"""Seconds that a picture is held back at the most."""
STEP = 0.002
"""Seconds per picture by which the delay falls: slower than people notice."""


class SteadyDelay:
    """What 95 % (or 99 %) of pictures keep, less what is forgiven: a delay that seldom moves."""

    def __init__(self, quantile: float, forgiven: float, most: float, forget: float = FORGET) -> None:
        self.seconds = 0.0
        self._quantile, self._forgiven, self._most = quantile, forgiven, most
        self._histogram = LatenessHistogram(PRIOR, forget)
        self._aim = 0.0
        self._high = (float("-inf"), 0.0)

    def learn(self, lateness: float) -> None:
        self._histogram.add(lateness)

    def follow(self, now: float) -> None:
        """`_high` is the most that was wanted since the aim was last as low as that, and when."""
        wanted = min(max(self._histogram.quantile(self._quantile) - self._forgiven, 0.0), self._most)
        if wanted > self._aim + BAND:
            self._aim = wanted
        since, high = self._high
        if wanted > self._aim - BAND:
            self._high = (now, 0.0)
        elif now - since < CALM:
            self._high = (since, max(high, wanted))
        else:
            self._aim, self._high = max(high, wanted), (now, 0.0)
        self.seconds = self._aim if self._aim > self.seconds else max(self._aim, self.seconds - STEP)


class PictureClock:
    """Give each decoded picture in order; get the moment at which to show it."""

    def __init__(self) -> None:
        self.meant = 0.0
        """The moment for which the voice that belongs to the last picture is to wait, whether that was late or not."""
        self._transits: deque[tuple[float, float]] = deque()
        self._delay = SteadyDelay(QUANTILE, HITCH, MOST)
        self._lips = SteadyDelay(LIPS_QUANTILE, LIPS, MOST_FOR_LIPS, LIPS_FORGET)

    @property
    def delay(self) -> float:
        """Seconds over the fastest picture at which pictures are shown now."""
        return self._delay.seconds

    def place(self, position: int, arrived: float, now: float, *, last: bool = True) -> float:
        """`position` is the picture's RTP time without wraps; the rest and the result are monotonic seconds.

        `arrived` is when its last packet came, not when somebody got round to it: a slow machine is no late picture.
        `last`: no other picture became complete with it that comes after it.
        """
        transit = arrived - position / CLOCK_RATE
        while self._transits and self._transits[-1][1] >= transit:
            self._transits.pop()
        self._transits.append((arrived, transit))
        while self._transits[0][0] < arrived - WINDOW:
            self._transits.popleft()
        base = self._transits[0][1]
        self._delay.learn(transit - base)
        if last:
            self._lips.learn(transit - base)
        self._delay.follow(now)
        self._lips.follow(now)
        fastest = base + position / CLOCK_RATE
        self.meant = fastest + max(self._delay.seconds, self._lips.seconds)
        return max(now, fastest + self._delay.seconds)
