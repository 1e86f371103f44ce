"""The even beat of 20 ms blocks made from sound that arrives unevenly; pure, every call is told the time.

arrives in time      -> handed on at once
arrives early        -> waits until it is due; more than 100 ms of it is dropped, less is worn off by playing 1 % faster
pushed in advance    -> waits until it is due, all of it
does not arrive      -> silence, 40 ms after it was due (at once while no source is there)
we were kept from it -> the missed time is left out; never a burst. `pts` goes on by it all the same: whoever hears it
                        would else take all that follows for late
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from pycall.media.channels import silence, stretched
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, Samples

STEP = FRAME_SAMPLES / SAMPLE_RATE
EARLY = 0.020
"""Seconds ahead of the beat at which a block may still go out at once: one block, so sources need no common phase."""
PATIENCE = 0.040
"""Seconds that a block of a running source may be late before silence takes its place (a busy machine's jitter)."""
MAX_BACKLOG = 0.100
MAX_LATE = 0.100
DELIBERATE = 0.250
"""Seconds by which a clock that runs fast never gets ahead; a source that is, means to be, and keeps its pitch."""
_SLOW_AT = -0.025
"""When every block of the last second came this late, the source's clock is slow; wait, in seconds."""
_NUDGE = 10
"""Samples by which a block is squeezed or stretched to follow the source's clock: about 1 %, hardly audible."""


class Block(NamedTuple):
    """20 ms of sound: int16 of shape (960,), in stereo (960, 2); `pts` in 1/48000 s; `time` of the first sample
    by `time.monotonic()`."""

    samples: Samples
    pts: int
    time: float


class Cadence:
    """Takes sound of any block size at 48 kHz, and gives blocks of 960 samples at the pace of real time."""

    def __init__(self, now: float, channels: int = 1) -> None:
        self._channels = channels
        self._due = now
        self._pts = round(now * SAMPLE_RATE)
        self._stock: deque[Samples] = deque()
        self._held = 0
        self._patience = 0.0
        self._nudge = 0
        self._leads: list[float] = []
        self._leads_since = now
        self.dropped = 0.0
        """Seconds of sound thrown away because it came faster than real time."""

    def lead(self, now: float) -> float:
        """Seconds of sound that wait; negative if the next is late already. May be asked in any thread."""
        return self._due + self._held / SAMPLE_RATE - now

    def push(self, samples: Samples, now: float, ahead: float = 0.0) -> None:
        """Take in samples, shape (n,) or (n, 2), of a source that has pushed `ahead` seconds in advance before."""
        lead = self.lead(now)
        if lead > EARLY + MAX_BACKLOG + ahead:
            self._drop(round((lead - EARLY - ahead) * SAMPLE_RATE))
        self._follow_clock(max(0.0 if ahead > DELIBERATE else lead, -MAX_LATE), now)
        if len(samples):
            self._stock.append(samples)
            self._held += len(samples)
            self._patience = PATIENCE

    def source_gone(self) -> None:
        """Forget what is held; until more is pushed, silence is given without waiting for it."""
        self._stock.clear()
        self._held = 0
        self._patience = 0.0
        self._nudge = 0
        self._leads.clear()

    def take(self, now: float) -> list[Block]:
        """What is to be handed on by now, in order; at most a few blocks."""
        if now - self._due > MAX_LATE:
            self._pts += round((now - self._due) * SAMPLE_RATE)
            self._due = now
        blocks = []
        while self.deadline() <= now:
            needed = FRAME_SAMPLES + self._nudge
            ready = self._held >= needed
            samples = stretched(self._draw(needed), FRAME_SAMPLES) if ready else silence(FRAME_SAMPLES, self._channels)
            blocks.append(Block(samples, self._pts, self._due))
            self._pts += FRAME_SAMPLES
            self._due += STEP
        return blocks

    def deadline(self) -> float:
        """When `take` will have something next."""
        if self._held >= FRAME_SAMPLES + self._nudge:
            return self._due - EARLY
        if self._patience:
            return self._due + self._held / SAMPLE_RATE + self._patience
        return self._due

    def _follow_clock(self, lead: float, now: float) -> None:
        self._leads.append(lead)
        if now - self._leads_since < 1.0:
            return
        if min(self._leads) > EARLY + 0.002:
            self._nudge = _NUDGE
        elif max(self._leads) < _SLOW_AT:
            self._nudge = -_NUDGE
        else:
            self._nudge = 0
        self._leads.clear()
        self._leads_since = now

    def _drop(self, count: int) -> None:
        count = min(count, self._held)
        self._draw(count)
        self.dropped += count / SAMPLE_RATE

    def _draw(self, count: int) -> Samples:
        parts: list[Samples] = []
        self._held -= count
        while count:
            first = self._stock.popleft()
            if len(first) > count:
                self._stock.appendleft(first[count:])
                first = first[:count]
            parts.append(first)
            count -= len(first)
        return parts[0] if len(parts) == 1 else np.concatenate([silence(0, self._channels), *parts])
