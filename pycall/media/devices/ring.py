"""The short queue between the event loop, which gives 20 ms frames, and a loudspeaker's callback, which takes blocks.

It starts to play with 60 ms in it, holds 200 ms at most, and shortens itself without a click when the device runs
slower than the sound comes in. There is no lock: one thread appends, one takes, each step of a deque is atomic.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from pycall.media.channels import silence, weights
from pycall.media.frames import FRAME_SAMPLES, Samples

START_FRAMES = 3
"""Frames (20 ms each) that must wait before playing begins, at first and after it ran dry. The device takes one at
once for its own buffer, which leaves 40 ms for jitter."""
MAX_FRAMES = 10
_HIGH_FRAMES = 3
_WINDOW = 50
"""Frames (1 s) over which the queue must never have been below `_HIGH_FRAMES` before it is shortened by one frame."""
_RAMP = 240


class PlayoutRing:
    """`put` belongs to one thread, `get` to another. Samples are int16 of shape (n,) or (n, 2), 48 kHz."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels
        self.dropped = 0
        """Frames thrown away because 200 ms were waiting already."""
        self.shortened = 0
        """Frames joined into one to follow the device's clock."""
        self.starved = 0
        """How often it ran dry while playing."""
        self._frames: deque[Samples] = deque()
        self._lowest = MAX_FRAMES
        self._seen = 0
        self._rest: Samples = silence(0, channels)
        self._playing = False
        self._last = silence(1, channels)

    def __len__(self) -> int:
        """Frames waiting."""
        return len(self._frames)

    def put(self, samples: Samples) -> None:
        """Add the newest frame; the oldest one goes if there are too many."""
        if len(self._frames) >= MAX_FRAMES:
            self._pop_oldest()
        if self._too_full():
            samples = self._join(samples)
        self._frames.append(samples)

    def get(self, count: int) -> Samples:
        """The next `count` samples; silence, faded into and out of, where there are none."""
        if not self._playing:
            if len(self._frames) < START_FRAMES:
                return silence(count, self._channels)
            self._playing = True
            self._rest = _fade_in(self._frames.popleft())
        while len(self._rest) < count:
            try:
                self._rest = np.concatenate((self._rest, self._frames.popleft()))
            except IndexError:
                return self._run_dry(count)
        taken, self._rest = self._rest[:count], self._rest[count:]
        self._last = taken[-1:]
        return taken

    def _run_dry(self, count: int) -> Samples:
        self.starved += 1
        self._playing = False
        last = self._rest[-1:] if len(self._rest) else self._last
        out = np.concatenate((self._rest, silence(count - len(self._rest), self._channels)))
        first = len(self._rest)
        ramp = (last * weights(1.0, 0.0, silence(_RAMP, self._channels)))[: count - first]
        out[first : first + len(ramp)] = ramp
        self._rest, self._last = self._rest[:0], silence(1, self._channels)
        return out

    def _pop_oldest(self) -> None:
        try:
            self._frames.popleft()
            self.dropped += 1
        except IndexError:
            return  # the device took it meanwhile, so there is room

    def _too_full(self) -> bool:
        """True at most once a second: the device has been behind for all of that second."""
        self._lowest = min(self._lowest, len(self._frames))
        self._seen += 1
        if self._seen < _WINDOW:
            return False
        lowest, self._lowest, self._seen = self._lowest, MAX_FRAMES, 0
        return lowest >= _HIGH_FRAMES

    def _join(self, samples: Samples) -> Samples:
        """The newest waiting frame and this one as one: the first fades out while the second fades in."""
        try:
            before = self._frames.pop()
        except IndexError:
            return samples
        if len(before) != len(samples):
            self._frames.append(before)
            return samples
        self.shortened += 1
        weight = weights(0.0, 1.0, samples)
        joined: Samples = (before * (1.0 - weight) + samples * weight).astype(np.int16)
        return joined


def _fade_in(samples: Samples) -> Samples:
    faded = samples.copy()
    ramp = min(_RAMP, len(faded), FRAME_SAMPLES)
    faded[:ramp] = (faded[:ramp] * weights(0.0, 1.0, faded[:ramp])).astype(np.int16)
    return faded
