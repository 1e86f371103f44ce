"""Counts how often and how long a moving picture stood still, by two rules; pure.

W3C's rule (webrtc-stats, freezeCount): a picture that stays for three times the mean of the last 30 intervals or more,
and for at least 150 ms more than that mean. It is strict on a steady 30 pictures a second (183 ms) and lenient on a
slow stream. The second rule is what people call a freeze: half a second without a new picture. A stop by both rules is
one that a slow source does not explain; these are also told while they last.
"""

from __future__ import annotations

from collections import deque

REMEMBERED = 30
TIMES, MORE = 3.0, 0.15
LONG = 0.5
SLOWEST = 1.0
"""Seconds between the pictures of a source as long as only one has come."""


class Freezes:
    """Times in seconds. Pictures are told to `shown`, in order."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        """Sum of the intervals that count (totalFreezesDuration)."""
        self.long_count = 0
        """Half a second or longer."""
        self.long_seconds = 0.0
        self.followed = 0
        self.watched = 0.0
        """Seconds in which pictures followed each other, so many."""
        self._stopped = 0.0
        """Seconds of the stops by both rules that are over."""
        self._intervals: deque[float] = deque(maxlen=REMEMBERED)
        self._shown_at: float | None = None
        self._open = True

    @property
    def rate(self) -> float | None:
        """Pictures per second over the last 30; None before there are two."""
        return len(self._intervals) / sum(self._intervals) if self._intervals else None

    @property
    def mean_rate(self) -> float:
        """Pictures per second over all the time in which the camera was open; 0 before there are two."""
        return self.followed / self.watched if self.watched else 0.0

    def stopped(self, now: float) -> float:
        """Seconds in stops by both rules so far, with the one that lasts."""
        lasting = 0.0 if self._shown_at is None else now - self._shown_at
        return self._stopped + (lasting if lasting >= max(LONG, self._strict()) else 0.0)

    def _strict(self) -> float:
        """Seconds from which on an interval is a freeze by W3C's rule."""
        mean = sum(self._intervals) / len(self._intervals) if self._intervals else SLOWEST
        return max(TIMES * mean, mean + MORE)

    def shown(self, now: float) -> None:
        """A new picture is seen."""
        before, self._shown_at = self._shown_at, now if self._open else None
        if before is None:
            return
        interval = now - before
        self.followed += 1
        self.watched += interval
        strict = self._strict()
        if self._intervals and interval >= strict:
            self.count += 1
            self.seconds += interval
        if interval >= max(LONG, strict):
            self._stopped += interval
        if interval >= LONG:
            self.long_count += 1
            self.long_seconds += interval
        self._intervals.append(interval)

    def camera(self, is_open: bool) -> None:
        """It was closed, or opened again: until the next picture nothing stands still. Of a closed one some pictures
        may still be under way."""
        self._open, self._shown_at = is_open, None
