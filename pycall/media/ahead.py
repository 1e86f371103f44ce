"""How far a source of sound is ahead of real time: what it pushes in advance is kept and played, up to a limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.frames import AudioFrame, Samples

LIMIT = 30.0
"""Seconds of sound that may wait to be played: 3 MB in mono, 6 MB in stereo."""
_PLAUSIBLE = 2.0
"""Seconds between capture and push; a capture time farther off is by another clock, and the push counts instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Shaped sound on its way to the loop: shape (n,) or (n, 2). `ahead`: seconds that the source was ahead before."""

    samples: Samples
    ahead: float
    number: int


class Ahead:
    """Counts what one source pushes. `lead` gives the seconds of sound that wait at the moment, from any thread.

    Sound that is late by its capture time (a device that was held up) is not ahead, however fast it comes then: it may
    be dropped, lest the call stay late. `admit` and `piece` belong to the thread that pushes, `arrived` to the loop.
    """

    def __init__(self, lead: Callable[[], float]) -> None:
        self._lead = lead
        self._until = -math.inf
        self._ahead = 0.0
        self._admitted = 0
        self._arrived = 0

    def admit(self, frame: AudioFrame, now: float) -> float:
        """When all that was pushed, `frame` included, will have been played; seconds of `time.monotonic()`.

        Raises `MediaError` (TOO_MANY) if more than `LIMIT` would wait; then nothing of `frame` is taken.
        """
        lasts = frame.duration if frame.rate > 0 else 0.0
        if self._arrived == self._admitted:
            self._until = min(self._until, now + self._lead())
        ahead = max(0.0, self._until - now)
        if ahead + lasts > LIMIT:
            waits = f"{ahead:.1f} s of sound wait to be played and {lasts:.1f} s more are too many"
            raise MediaError(ErrorCode.TOO_MANY, f"{waits}; push at most {LIMIT:g} s ahead, the rest as it is played")
        captured = frame.time if 0.0 <= now - frame.time < _PLAUSIBLE else now
        self._until = max(self._until, captured) + lasts
        self._ahead = ahead
        return max(now, self._until)

    def piece(self, samples: Samples) -> Piece:
        """The sound of the frame that was admitted last."""
        self._admitted += 1
        return Piece(samples, self._ahead, self._admitted)

    def arrived(self, piece: Piece) -> None:
        """It waits where `lead` counts it."""
        self._arrived = piece.number
