"""Sources that need no hardware: a tone, a moving picture that can be read back, and nothing at all."""

from __future__ import annotations

import time
from fractions import Fraction

import av
import numpy as np

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import VideoProfile
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pixels, Samples, VideoFrame
from pycall.media.pacing import Ticker
from pycall.media.source import Intake
from pycall.media.stamp import draw_stamp

TONE_AMPLITUDE = 0.25
"""Peak of full scale: -12 dBFS, loud enough to measure and not to frighten."""
MIN_HERTZ, MAX_HERTZ = 20.0, 20_000.0
_BLOCK = Fraction(FRAME_SAMPLES, SAMPLE_RATE)


class Null:
    """A source that never pushes: silence, or no picture."""

    def start(self, intake: Intake[AudioFrame] | Intake[VideoFrame]) -> None:
        """Nothing to open."""

    def stop(self) -> None:
        """Nothing to close."""


class Tone:
    """A sine of `hertz` (20 to 20000) at -12 dBFS, mono, 48 kHz, with continuous phase."""

    def __init__(self, hertz: float) -> None:
        if not MIN_HERTZ <= hertz <= MAX_HERTZ:
            raise ConfigError(ErrorCode.BAD_ARGUMENT, f"tone:{hertz:g} cannot be heard; use 20 to 20000 Hz")
        self._hertz = hertz
        self._ticker: Ticker | None = None

    def samples(self, first: int, count: int) -> Samples:
        """Samples `first` to `first + count` of the endless sine, shape (count, 1)."""
        begin = (first * self._hertz / SAMPLE_RATE) % 1.0
        cycles = begin + np.arange(count) * (self._hertz / SAMPLE_RATE)
        wave = np.sin(2.0 * np.pi * cycles) * (TONE_AMPLITUDE * 32767)
        samples: Samples = wave.astype(np.int16).reshape(-1, 1)
        return samples

    def start(self, intake: Intake[AudioFrame]) -> None:
        def beat(n: int, due: float) -> None:
            intake.push(AudioFrame(self.samples(n * FRAME_SAMPLES, FRAME_SAMPLES), SAMPLE_RATE, due))

        self._ticker = Ticker("pycall-tone", _BLOCK, beat)
        self._ticker.start()

    def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()


class Pattern:
    """Colour bars that drift, a box that wanders, and a stamp with the frame's number and the time it was made."""

    def __init__(self, profile: VideoProfile) -> None:
        self._width, self._height, self._fps = profile.width, profile.height, profile.fps
        self._bars = _wide_bars(self._width, self._height)
        self._ticker: Ticker | None = None

    def picture(self, number: int, at: float) -> av.VideoFrame:
        """Picture `number`, yuv420p in the profile's size, stamped with unix time `at`."""
        width, height = self._width, self._height
        planes = np.empty((height * 3 // 2, width), np.uint8)
        luma = planes[:height]
        shift = 4 * number % width
        luma[:] = self._bars[0][:, shift : shift + width]
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        chroma[:] = self._bars[1][:, :, shift // 2 : shift // 2 + width // 2]
        self._draw_box(luma, number)
        draw_stamp(luma, number, at)
        return av.VideoFrame.from_numpy_buffer(planes, format="yuv420p")

    def _draw_box(self, luma: Pixels, number: int) -> None:
        size = self._height // 6
        x = _bounce(number * 6, self._width - size)
        y = size + _bounce(number * 4, self._height - 2 * size)
        luma[y : y + size, x : x + size] = 220

    def start(self, intake: Intake[VideoFrame]) -> None:
        def beat(n: int, due: float) -> None:
            intake.push(VideoFrame(self.picture(n, time.time()), due))

        self._ticker = Ticker("pycall-pattern", Fraction(1, self._fps), beat)
        self._ticker.start()

    def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()


def _bounce(way: int, room: int) -> int:
    """Where a point is after `way` steps to and fro between 0 and `room`."""
    return room - abs(way % (2 * room) - room)


def _wide_bars(width: int, height: int) -> tuple[Pixels, Pixels]:
    """Bars twice as wide as the picture, so that every shift is one slice: luma and both chroma planes."""
    colours = np.array(
        [[180, 128, 128], [162, 44, 142], [131, 156, 44], [112, 72, 58], [84, 184, 198], [65, 100, 212]], np.uint8
    )
    bar = np.arange(2 * width) % width * len(colours) // width
    shade = np.linspace(0, 40, height).astype(np.uint8)[:, None]
    luma = colours[bar, 0] - shade
    small = bar[::2]
    chroma = np.stack([np.tile(colours[small, part], (height // 2, 1)) for part in (1, 2)])
    return luma, chroma
