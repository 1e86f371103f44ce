"""One direction of an emulated link, as arithmetic: when does a packet come out at the other end, if at all.

A packet passes in this order: random loss, a queue before a bottleneck of changing rate, a delay with jitter. Jitter is
drawn for each packet, so that packets may overtake each other.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Step:
    """The bottleneck's rate, bit/s, for so many seconds."""

    seconds: float
    rate: float


@dataclass(frozen=True, slots=True)
class Impairment:
    """What the link does in one direction. Without `steps` it has no bottleneck; the last step lasts for ever."""

    delay: float = 0.0
    """Seconds, the mean."""
    jitter: float = 0.0
    """Seconds: the delay is spread evenly over `delay` ± `jitter`."""
    loss: float = 0.0
    """Share of packets, 0 to 1, each on its own."""
    steps: tuple[Step, ...] = ()
    queue: float = 0.3
    """Seconds: a packet that would wait longer for the bottleneck is dropped."""

    def faster(self, factor: float) -> Impairment:
        """The same schedule in less time."""
        return replace(self, steps=tuple(Step(s.seconds / factor, s.rate) for s in self.steps))

    @property
    def seconds(self) -> float:
        """How long the schedule lasts."""
        return sum(step.seconds for step in self.steps)

    def capacity(self, seconds: float) -> float:
        """Bits that pass the bottleneck in the first `seconds` of the schedule."""
        total = 0.0
        for index, step in enumerate(self.steps):
            last = index == len(self.steps) - 1
            spent = seconds if last else min(seconds, step.seconds)
            total += spent * step.rate
            seconds -= spent
            if seconds <= 0:
                break
        return total

    def moment(self, bits: float) -> float:
        """Seconds after the beginning when so many bits have passed: the inverse of `capacity`."""
        begun = 0.0
        for step in self.steps[:-1]:
            if bits <= step.seconds * step.rate:
                return begun + bits / step.rate
            bits -= step.seconds * step.rate
            begun += step.seconds
        return begun + bits / self.steps[-1].rate


@dataclass(slots=True)
class Count:
    """Packets and bytes so far."""

    taken: int = 0
    lost: int = 0
    """By chance."""
    dropped: int = 0
    """Because the queue was full."""
    passed: int = 0
    passed_bytes: int = 0


class Lane:
    """Packets in, times out. `begin` starts the schedule; before that the first step is in force."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self.impairment = impairment
        self.count = Count()
        self._random = random.Random(seed)
        self._began: float | None = None
        self._used = 0.0
        """Bits of the schedule's capacity that are spoken for."""
        self._free = 0.0
        """When the bottleneck is free, as long as the schedule has not begun."""

    def begin(self, now: float) -> None:
        self._began, self._used = now, 0.0

    def take(self, now: float, size: int) -> float | None:
        """When a packet of `size` bytes that enters now comes out; None if it never does. `now` must not go back."""
        self.count.taken += 1
        if self._random.random() < self.impairment.loss:
            self.count.lost += 1
            return None
        left = self._through_bottleneck(now, size * 8)
        if left is None:
            self.count.dropped += 1
            return None
        self.count.passed += 1
        self.count.passed_bytes += size
        spread = self.impairment.jitter * (2 * self._random.random() - 1)
        return left + max(0.0, self.impairment.delay + spread)

    def _through_bottleneck(self, now: float, bits: int) -> float | None:
        impairment = self.impairment
        if not impairment.steps:
            return now
        if self._began is None:
            start = max(now, self._free)
            if start - now > impairment.queue:
                return None
            self._free = start + bits / impairment.steps[0].rate
            return self._free
        begun = now - self._began
        used = max(self._used, impairment.capacity(begun))
        if impairment.moment(used) - begun > impairment.queue:
            return None
        self._used = used + bits
        return self._began + impairment.moment(self._used)
