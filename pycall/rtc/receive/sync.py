"""Lips and voice together: how long pictures, or else sound, have to wait for the other; pure.

Both streams' sender reports relate their timestamps to one clock of the sender, so the age of what is played and of
what is shown can be compared although nobody knows the sender's clock. Sound is the slower one as a rule (it waits
in its jitter buffer): pictures wait for it. Where pictures are much older (a slow link, or one that loses packets, so
that pictures wait for repairs), sound waits, up to a limit: nobody should be made to talk across half a second for the
sake of lips.

Who waits for whom must not become a circle. What sound waits for is the age at which pictures are *meant* to be shown,
which moves rarely (`pacing`), and how much that is beyond the sound's fastest packet is its delay: an aim, not a
correction, so that it does not matter how fast the delay can be changed. A picture that comes later than it was meant
to is shown late and moves nothing. And an aim that moves by little is not followed at all: every change of the
delay can be heard, and a picture that is 20 ms off cannot be seen. How late pictures may be for the voice and which of
those that are too late are not shown: `pacing`.

People notice sound that is 45 ms early or 125 ms late (ITU-R BT.1359); 40 ms either way are kept to.
"""

from __future__ import annotations

APART = 0.04
"""Seconds by which lips and voice may be apart."""
AHEAD = 0.036
"""Seconds by which pictures may be younger than sound: on a calm path nearly all of what is allowed, so that they are
not delayed at all."""
BEHIND = -0.012
"""Seconds by which a picture in time may be older than sound; a late one is older still."""
LONGEST_WAIT = 0.4
"""Seconds that a picture waits at the most; more is a fault of the reports."""
MOST_FOR_SOUND = 0.15
"""Seconds that sound is held back for the picture at the most."""
BAND = 0.01
"""Seconds by which the aim must move to be followed."""
SHARE, SOUND_SHARE = 0.05, 0.3
"""By which what is known follows what is new. Sound is paced evenly, so what is heard now says where it is."""
STRANGE = 5.0
"""Ages that differ by more seconds than that come from clocks that are not one."""


class LipSync:
    """Ages in seconds: now minus the moment of capture by the sender's clock, with an unknown but common offset."""

    def __init__(self) -> None:
        self.skew: float | None = None
        """How much younger the picture on show is than the sound, seconds; negative: older. Smoothed."""
        self._sound: float | None = None
        self._picture: float | None = None
        self._held = 0.0

    def heard(self, age: float, delay: float, need: float) -> float:
        """A piece of sound is played, `delay` later than the fastest packet would allow where jitter alone would
        ask for `need`; gives the delay that sound should have for the picture's sake, 0 for none."""
        self._sound = _smooth(self._sound, age, SOUND_SHARE)
        if self._picture is None or abs(self._picture - age) > STRANGE:
            self._held = 0.0
            return 0.0
        aim = min(self._picture - BEHIND - (age - delay), need + MOST_FOR_SOUND)
        if aim <= need and self._held <= need:
            self._held = 0.0
        elif abs(aim - self._held) > BAND:
            self._held = max(aim, 0.0)
        return self._held

    def arrived(self, meant: float, age: float) -> float:
        """A picture could be shown at `age` and is meant to be at `meant`; gives the seconds to wait beyond `age`, or,
        negative, by how many it is too old for the sound."""
        self._picture = _smooth(self._picture, meant)
        if self._sound is None or abs(self._sound - age) > STRANGE:
            return 0.0
        wait = min(max(self._sound - AHEAD - age, 0.0), LONGEST_WAIT)
        self.skew = _smooth(self.skew, self._sound - (age + wait))
        return wait or min(self._sound + APART - age, 0.0)


def _smooth(old: float | None, new: float, share: float = SHARE) -> float:
    if old is None or abs(new - old) > STRANGE:
        return new
    return old + share * (new - old)
