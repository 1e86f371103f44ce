"""Lays two sides' sound on one timeline, so that a recording stays in sync over jitter, gaps and clock drift.

Each side has a lane that decides where a frame belongs: directly behind the one before it, unless the clock says that
there was a gap. The tape sums the lanes and gives the sound out once nothing more can come for it; what nobody filled
is silence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pycall.media.channels import silence, stretched
from pycall.media.frames import SAMPLE_RATE, Samples

GAP = 0.08
"""Seconds by which a frame may be off before it counts as a gap (or as a burst of late sound) and not as jitter."""
_DRIFT = 0.015
"""Seconds that a side may be off before its sound is stretched; less than a viewer can see or jitter can cause."""
_STEP = 4
_SMOOTHING = 0.05


class Lane:
    """Places one side's frames, given when each was captured, in samples since the start of the tape."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._error = 0.0

    def place(self, samples: Samples, seconds: float) -> tuple[int, Samples] | None:
        """Where these samples go, and the samples, stretched by 0.4 % at most to follow the clock.

        None if they must be left out, because they are a burst that came too fast to be played.
        """
        due = round(seconds * SAMPLE_RATE)
        if self._next is None:
            self._next = due
        error = (due - self._next) / SAMPLE_RATE
        if error < -GAP:
            return None
        if error > GAP:
            self._next, self._error = due, 0.0
        else:
            self._error += (error - self._error) * _SMOOTHING
            samples = self._follow(samples)
        position = self._next
        self._next += len(samples)
        return position, samples

    def _follow(self, samples: Samples) -> Samples:
        """Undo clock drift a few samples at a time, by interpolation, so that nothing clicks."""
        if abs(self._error) < _DRIFT or len(samples) <= 2 * _STEP:
            return samples
        change = _STEP if self._error > 0 else -_STEP
        self._error -= change / SAMPLE_RATE
        return stretched(samples, len(samples) + change)


class Tape:
    """The sum of all lanes, from sample 0 on, mono or stereo. Not safe to use from two threads."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels
        self.position = 0
        """How many samples have been given out."""
        self.end = 0
        """Behind the last sample that anybody has put on the tape."""
        self._sum: npt.NDArray[np.int32] = self._blank(2 * SAMPLE_RATE)

    def add(self, position: int, samples: Samples) -> None:
        """Mix in; what belongs before `self.position` is too late and is cut off."""
        late = self.position - position
        if late > 0:
            position, samples = self.position, samples[late:]
        if not len(samples):
            return
        first = position - self.position
        self._reserve(first + len(samples))
        self._sum[first : first + len(samples)] += samples
        self.end = max(self.end, position + len(samples))

    def take(self, samples: int) -> Samples:
        """The next `samples` samples; they leave the tape."""
        self._reserve(samples)
        taken = np.clip(self._sum[:samples], -32768, 32767).astype(np.int16)
        self._sum = np.concatenate((self._sum[samples:], self._blank(samples)))
        self.position += samples
        return taken

    def _reserve(self, samples: int) -> None:
        if samples > len(self._sum):
            self._sum = np.concatenate((self._sum, self._blank(samples)))

    def _blank(self, samples: int) -> npt.NDArray[np.int32]:
        return silence(samples, self._channels).astype(np.int32)
