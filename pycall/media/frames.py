"""Sound and picture as they travel inside pycall, with the moment at which they were captured."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane

from pycall.media.scale import reformatted

SAMPLE_RATE = 48000
FRAME_SAMPLES = 960
"""20 ms at 48 kHz, the step in which sound travels (Opus' usual frame)."""
MICROSECOND = Fraction(1, 1_000_000)

Samples = npt.NDArray[np.int16]
Pixels = npt.NDArray[np.uint8]


def pixels_of(plane: VideoPlane) -> Pixels:
    """One plane of an 8-bit planar picture, shape (height, width), without its padding: a view, not a copy."""
    rows: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One picture. `time` is the capture moment by `time.monotonic()`, in seconds."""

    picture: av.VideoFrame
    time: float = field(default_factory=time.monotonic)

    @classmethod
    def from_numpy(cls, rgb: npt.NDArray[np.uint8], at: float | None = None) -> VideoFrame:
        """From an array of shape (height, width, 3), uint8, RGB."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        return cls(picture, time.monotonic() if at is None else at)

    def to_numpy(self) -> npt.NDArray[np.uint8]:
        """An array of shape (height, width, 3), uint8, RGB."""
        return reformatted(self.picture, format="rgb24").to_ndarray().astype(np.uint8, copy=False)

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """A piece of sound: int16 of shape (samples, channels), `rate` in Hz. `time` is the capture moment of its first
    sample by `time.monotonic()`, in seconds."""

    samples: Samples
    rate: int = SAMPLE_RATE
    time: float = field(default_factory=time.monotonic)

    @property
    def duration(self) -> float:
        return len(self.samples) / self.rate
