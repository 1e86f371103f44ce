"""Sound of one or two channels in the form it has inside pycall: int16, mono of shape (n,), stereo of shape (n, 2).

Mono is the usual case and keeps its one dimension, so that a voice costs nothing for what only music needs.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from pycall.media.frames import SAMPLE_RATE, Samples

STEREO = 2
TIME_BASE = Fraction(1, SAMPLE_RATE)


def silence(count: int, channels: int = 1) -> Samples:
    """`count` samples of nothing."""
    return np.zeros(count if channels == 1 else (count, channels), np.int16)


def columns(samples: Samples) -> Samples:
    """The same as shape (n, channels), as frames for sources and sinks have it."""
    return samples.reshape(-1, 1) if samples.ndim == 1 else samples


def in_channels(samples: Samples, channels: int) -> Samples:
    """Shape (n,) or (n, any) as mono (the mean of all) or stereo (mono twice; of more than two the mean, twice)."""
    if samples.ndim == 2 and samples.shape[1] == 1:
        samples = samples[:, 0]
    if samples.ndim == 2 and samples.shape[1] != channels:
        mean: Samples = samples.mean(axis=1, dtype=np.float32).astype(np.int16)
        samples = mean
    return np.repeat(samples[:, None], channels, axis=1) if samples.ndim < channels else samples


def stretched(samples: Samples, length: int) -> Samples:
    """The same sound with another number of samples, by linear interpolation: for a few samples more or less."""
    if len(samples) == length:
        return samples
    if samples.ndim == 2:
        return np.stack([stretched(samples[:, one], length) for one in range(samples.shape[1])], axis=1)
    places = np.linspace(0, len(samples) - 1, length)
    return np.interp(places, np.arange(len(samples)), samples).round().astype(np.int16)


def weights(first: float, last: float, samples: Samples) -> npt.NDArray[np.float64]:
    """From `first` to `last`, one for each of `samples`, to multiply these by."""
    line = np.linspace(first, last, len(samples))
    return line if samples.ndim == 1 else line[:, None]


def packed(samples: Samples, *, rate: int = SAMPLE_RATE, pts: int | None = None) -> av.AudioFrame:
    """As FFmpeg has it: packed s16, mono or stereo; `pts` in samples."""
    # `from_ndarray` does the same with checks that cost as much again, fifty times a second.
    frame = av.AudioFrame("s16", "mono" if samples.ndim == 1 else "stereo", len(samples))
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = rate
    if pts is not None:
        frame.pts, frame.time_base = pts, TIME_BASE if rate == SAMPLE_RATE else Fraction(1, rate)
    return frame


class Resampler:
    """Sound of one format after the other becomes mono or stereo at 48 kHz; for one thread."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._resampler = av.AudioResampler("s16", "mono" if channels == 1 else "stereo", SAMPLE_RATE)

    def resample(self, frame: av.AudioFrame) -> Samples:
        """Raises `av.FFmpegError` or `ValueError` for what cannot be converted, or has changed since the last one."""
        parts = [part.to_ndarray().ravel() for part in self._resampler.resample(frame)]
        sound = np.concatenate([np.empty(0, np.int16), *parts]).astype(np.int16, copy=False)
        return sound if self._channels == 1 else sound.reshape(-1, self._channels)
