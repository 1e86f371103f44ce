"""Lips and voice together: how long pictures, or else sound, have to wait for the other; pure.

Both streams' sender reports relate their timestamps to one clock of the sender, so the age of what is played and of
what is shown can be compared although nobody knows the sender's clock. Sound is the slower one as a rule (it waits
in its jitter buffer): pictures wait for it. Where pictures are much older (a slow link), sound waits, up to a limit:
nobody should be made to talk across half a second for the sake of lips.

People notice sound that is 45 ms early or 125 ms late (ITU-R BT.1359); 40 ms either way are kept to.
"""

from __future__ import annotations

AHEAD = 0.036
"""Seconds by which pictures may be younger than sound: on a calm path nearly all of what is allowed, so that they are
not delayed at all."""
BEHIND = 0.03
LONGEST_WAIT = 0.4
"""Seconds that a picture waits at the most; more is a fault of the reports."""
MOST_FOR_SOUND = 0.15
"""Seconds that sound is held back for the picture at the most."""
SHARE = 0.05
STRANGE = 5.0
"""Ages that differ by more seconds than that come from clocks that are not one."""


class LipSync:
    """Ages in seconds: now minus the moment of capture by the sender's clock, with an unknown but common offset."""

    def __init__(self) -> None:
        self.skew: float | None = None
        """How much younger the picture on show is than the sound, seconds; negative: older. Smoothed."""
        self._sound: float | None = None
        self._picture: float | None = None
        self._added = 0.0

    def heard(self, age: float) -> float:
        """A piece of sound is played; gives by how much sound should be held back beyond what jitter needs."""
        self._sound = _smooth(self._sound, age)
        if self._picture is None or abs(self._picture - age) > STRANGE:
            return 0.0
        own = self._sound - self._added
        wanted = min(max(self._picture - BEHIND - own, 0.0), MOST_FOR_SOUND)
        self._added += (wanted - self._added) * SHARE
        return self._added

    def arrived(self, age: float) -> float:
        """A picture could be shown; gives the seconds to wait before it is."""
        self._picture = _smooth(self._picture, age)
        if self._sound is None or abs(self._sound - age) > STRANGE:
            return 0.0
        wait = min(max(self._sound - AHEAD - age, 0.0), LONGEST_WAIT)
        self.skew = _smooth(self.skew, self._sound - (age + wait))
        return wait


def _smooth(old: float | None, new: float) -> float:
    if old is None or abs(new - old) > STRANGE:
        return new
    return old + SHARE * (new - old)
