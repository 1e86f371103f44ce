"""When the next piece of sound is due, on a machine that may be late; pure.

Sound is played every 20 ms, each piece when the one before it has been played. When the machine does not get to it for
100 ms, five pieces are due at once, and they are given at once, each as of the moment when it was due: what is heard
then has neither lost a piece nor got later, and nothing needs to be played faster. Whoever plays them to a loudspeaker
has run dry meanwhile and drops what is too old; a recording has everything.

But first what has come meanwhile must be read, or it would be taken for lost. Reading takes its time: as long as the
packets read are older than `FRESH`, more are likely to wait, and the beat looks again after `READING`.
"""

from __future__ import annotations

LATE, READING = 0.006, 0.004
"""A beat that is so many seconds late waits so many more."""
FRESH = 0.005
"""Seconds: a packet read later than that after its arrival has waited for the machine."""
LOOKS = 25
"""How often the beat looks again at the most, 0.1 s."""
LONGEST = 1.0
"""Seconds of sound that are caught up with at the most; after that the beat starts anew."""


class Beat:
    """`due` is the moment of the next piece, monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.due = now
        self._looks = 0
        self._behind = False

    def read(self, arrival: float, now: float) -> None:
        """A packet that came at `arrival` has been read now."""
        self._behind = now - arrival > FRESH

    def wait(self, now: float) -> float:
        """Seconds until the next piece should be played; 0: now. To be asked before each piece."""
        if now < self.due:
            return self.due - now
        if now - self.due <= LATE:
            self._looks = 0
            return 0.0
        if not self._looks or (self._behind and self._looks < LOOKS):
            self._looks += 1
            self._behind = False
            return READING
        if now - self.due > LONGEST:
            self.due = now
        return 0.0

    def played(self, seconds: float) -> None:
        """A piece of so many seconds has been handed over."""
        self.due += seconds
