"""How loud sound is, as the documented volume of 0 to 100."""

from __future__ import annotations

import math

import numpy as np

from pycall.media.frames import Samples

FLOOR_DBFS = -60.0
"""What counts as silence (volume 0): about the noise of a quiet room through an ordinary microphone."""


def rms(samples: Samples) -> float:
    """Root mean square of int16 samples, 0.0 to 1.0 of full scale; 0.0 for none."""
    if samples.size == 0:
        return 0.0
    wide = samples.astype(np.float32).ravel() / 32768.0
    return math.sqrt(float(np.dot(wide, wide)) / wide.size)


def volume(samples: Samples) -> int:
    """0 to 100, linear in decibels: -60 dBFS and below is 0, 0 dBFS is 100, so 6 dB are 10 steps.

    0 dBFS is a full-scale square wave; a full-scale sine (-3 dBFS) is 95.
    """
    loudness = rms(samples)
    if loudness <= 0.0:
        return 0
    dbfs = 20.0 * math.log10(loudness)
    return round(100.0 * min(1.0, max(0.0, 1.0 - dbfs / FLOOR_DBFS)))


class Meter:
    """The loudest block since it was last read; blocks of 20 ms give what a level meter shows."""

    def __init__(self) -> None:
        self._loudest = 0

    def hear(self, samples: Samples) -> None:
        """Take one block into account."""
        self._loudest = max(self._loudest, volume(samples))

    def read(self) -> int:
        """0 to 100, and begin anew; 0 if nothing was heard since."""
        loudest, self._loudest = self._loudest, 0
        return loudest
