"""Sums what several people say into one stream of 20 ms frames.

One speaker passes straight through, with no delay and no copy of the clock. As soon as two are heard, whoever owns the
mixer calls `tick` every 20 ms; each speaker then waits in a lane of at most 40 ms, which absorbs the jitter between
their arrivals and our clock.
"""

from __future__ import annotations

import numpy as np

from pycall.core.types import UserId
from pycall.media.channels import columns, silence
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Samples

LANE_SAMPLES = 2 * FRAME_SAMPLES
"""40 ms: the most that one person's sound may wait for the others'."""
QUIET_AFTER = 0.2
"""Seconds without sound after which a person no longer counts as speaking (their stream stopped, not their voice)."""

_FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE


class _Lane:
    """One person's sound that is not mixed yet."""

    def __init__(self) -> None:
        self.waiting: Samples = silence(0)
        self.heard = 0.0

    def append(self, samples: Samples, now: float) -> None:
        self.waiting = np.concatenate((self.waiting, samples)) if len(self.waiting) else samples
        self.heard = now

    def take(self) -> Samples | None:
        """The oldest 20 ms, or None if there is less."""
        if len(self.waiting) < FRAME_SAMPLES:
            return None
        taken, self.waiting = self.waiting[:FRAME_SAMPLES], self.waiting[FRAME_SAMPLES:]
        return taken


class Mixer:
    """Takes int16 at 48 kHz of any length per user, all mono or all stereo; gives 20 ms frames.

    Times are `time.monotonic()` seconds. Not safe to use from two threads. `dropped` counts samples thrown away because
    a lane was full.
    """

    def __init__(self) -> None:
        self._lanes: dict[UserId, _Lane] = {}
        self.dropped = 0

    def push(self, user_id: UserId, samples: Samples, now: float) -> list[AudioFrame]:
        """Take a user's sound over; if they are the only one heard, their whole frames come straight back."""
        lane = self._lanes.setdefault(user_id, _Lane())
        lane.append(samples, now)
        if not self.several(now):
            return _drain(lane, now)
        excess = len(lane.waiting) - LANE_SAMPLES
        if excess > 0:
            lane.waiting = lane.waiting[excess:]
            self.dropped += excess
        return []

    def tick(self, now: float) -> list[AudioFrame]:
        """One mixed frame of what everybody has waiting; none if nobody has 20 ms."""
        speaking = self._speaking(now)
        if len(speaking) == 1:
            return _drain(speaking[0], now)
        parts = [part for lane in speaking if (part := lane.take()) is not None]
        return [AudioFrame(mix(parts), time=now)] if parts else []

    def several(self, now: float) -> bool:
        """True while more than one person is heard, so that `tick` is needed."""
        return len(self._speaking(now)) > 1

    def forget(self, user_id: UserId) -> None:
        """The user has left; what they had waiting is dropped."""
        self._lanes.pop(user_id, None)

    def _speaking(self, now: float) -> list[_Lane]:
        return [lane for lane in self._lanes.values() if now - lane.heard < QUIET_AFTER]


def mix(parts: list[Samples]) -> Samples:
    """The sum of equally long int16 parts, held to the int16 range instead of wrapping; shape (samples, channels)."""
    if len(parts) == 1:
        return columns(parts[0])
    total = np.sum(parts, axis=0, dtype=np.int32)
    return columns(np.clip(total, -32768, 32767).astype(np.int16))


def _drain(lane: _Lane, now: float) -> list[AudioFrame]:
    frames: list[AudioFrame] = []
    while (part := lane.take()) is not None:
        frames.append(AudioFrame(columns(part), time=now + len(frames) * _FRAME_SECONDS))
    return frames
