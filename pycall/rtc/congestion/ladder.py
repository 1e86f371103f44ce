"""From bit/s to a picture that can be sent in them: lower sizes and frame rates below a profile, and back up.

Fewer bits on the same picture make blocks; a smaller picture with the same bits is softer but whole, so size goes
first and the frame rate when a smaller picture would not help. Down at once, since bits that are not there cannot be
sent; up only after `PATIENCE` seconds with `HEADROOM`, since each change of size costs a keyframe and is seen. The
thresholds are for H.264 at real-time presets, 16:9; they are our choice, near those that the browsers' senders use.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADROOM = 1.15
PATIENCE = 3.0
BEGINNING, PATIENCE_THEN = 5.0, 0.5
"""In the first seconds of a call the rate is still being found, and nobody should watch a small picture until then."""
TOLERANCE = 0.95
"""A step is left below this share of its threshold: an estimate that wavers about it should not be seen."""


@dataclass(frozen=True, slots=True)
class Step:
    """A picture to encode: even width and height in pixels, frames per second, bit/s."""

    width: int
    height: int
    fps: int
    bitrate: int


@dataclass(frozen=True, slots=True)
class _Rung:
    height: int
    full_rate: bool
    needs: int
    """bit/s for 16:9."""


_RUNGS = (
    _Rung(1080, True, 1_900_000),
    _Rung(720, True, 900_000),
    _Rung(540, True, 600_000),
    _Rung(360, True, 350_000),
    _Rung(360, False, 180_000),
    _Rung(180, False, 60_000),
)
LOW_RATE = 15
LOW_RATE_NEEDS = 0.65
"""Of the bits at 30 fps, at 15 or fewer: half the pictures, each differing more from the last."""


class Ladder:
    """The steps below one profile (`width` x `height` at `fps`, at most `bitrate`), and the one in use."""

    def __init__(self, width: int, height: int, fps: int, bitrate: int) -> None:
        self._bitrate = bitrate
        self._steps = _steps(width, height, fps)
        self._index = 0
        self._began: float | None = None
        self._room_since: list[float | None] = [None] * len(self._steps)

    def update(self, bitrate: float, now: float) -> Step | None:
        """The picture for `bitrate` bit/s of video (the long-run estimate, not each dip of it); None: send none."""
        current = self._index
        if current == len(self._steps) or bitrate < TOLERANCE * self._steps[current][0]:
            current = self._fitting(bitrate, current)
        self._index = min(current, self._climbed(bitrate, now))
        if self._index == len(self._steps):
            return None
        _, width, height, fps = self._steps[self._index]
        return Step(width, height, fps, int(min(bitrate, self._bitrate)))

    def _fitting(self, bitrate: float, current: int) -> int:
        """The first step from `current` down that `bitrate` is enough for; their number if none."""
        fitting = (i for i, (needs, *_) in enumerate(self._steps) if i >= current and bitrate >= needs)
        return next(fitting, len(self._steps))

    def _climbed(self, bitrate: float, now: float) -> int:
        """The highest step for which there has been room long enough."""
        for index, (needs, *_) in enumerate(self._steps):
            if bitrate < HEADROOM * needs:
                self._room_since[index] = None
            elif self._room_since[index] is None:
                self._room_since[index] = now
        self._began = now if self._began is None else self._began
        patience = PATIENCE_THEN if now - self._began < BEGINNING else PATIENCE
        long_enough = (i for i, at in enumerate(self._room_since) if at is not None and now - at >= patience)
        return next(long_enough, len(self._steps))


def _steps(width: int, height: int, fps: int) -> list[tuple[int, int, int, int]]:
    """(bit/s needed, width, height, fps) from the profile down; the profile itself is always the first."""
    steps: list[tuple[int, int, int, int]] = []
    for rung in _RUNGS:
        tall = min(rung.height, height)
        wide = round(width * tall / height / 2) * 2
        rate = fps if rung.full_rate else min(fps, LOW_RATE)
        area = wide / (tall * 16 / 9)
        needs = int(rung.needs * area * (LOW_RATE_NEEDS if rung.full_rate and fps <= LOW_RATE else 1.0))
        # A profile between two rungs needs what its own size does, not what the rung above it would.
        needs = int(needs * (tall / rung.height) ** 1.5)
        if steps and steps[-1][1:] == (wide, tall, rate):
            steps[-1] = (min(needs, steps[-1][0]), wide, tall, rate)
        else:
            steps.append((needs, wide, tall, rate))
    return steps
