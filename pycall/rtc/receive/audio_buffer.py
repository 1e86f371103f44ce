"""Puts received sound packets in order and says when one is lost; pure, the clock is an argument.

Nothing is held back while packets come in order, so the delay is zero. A missing packet is waited for until two later
ones have arrived or 40 ms have passed, then it is given up: the delay of one loss is over as soon as it is known. The
buffer that evens out jitter is the listener's (it knows when the speaker needs the next sample), not this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P")

PATIENCE = 0.04
"""Seconds that a packet is waited for: two frames of 20 ms."""
LATER_PACKETS = 2
"""So many later packets mean that the missing one is lost, not late."""
MAX_JUMP = 100
"""A sequence number further ahead than this (2 s of sound) is a new stream, not a loss."""
HALF = 0x8000
MASK = 0xFFFF


@dataclass(frozen=True, slots=True)
class Lost:
    """`count` packets in a row will not come."""

    count: int


class AudioBuffer(Generic[P]):
    """One stream of sound packets; holds at most two of them."""

    def __init__(self) -> None:
        self.late = 0
        """Packets that came after they had been given up, or twice."""
        self._expected: int | None = None
        self._held: dict[int, tuple[P, float]] = {}

    def add(self, sequence: int, packet: P, now: float) -> list[P | Lost]:
        """What can be played now, in order. `sequence` is 16 bits and wraps; `now` is seconds."""
        ahead = self._distance(sequence)
        if ahead >= HALF:
            if MASK + 1 - ahead <= MAX_JUMP:
                self.late += 1
                return []
            ahead = self._restart(sequence)
        elif ahead > MAX_JUMP:
            ahead = self._restart(sequence)
        self._held.setdefault(ahead, (packet, now))
        return self._release(now)

    def _distance(self, sequence: int) -> int:
        if self._expected is None:
            self._expected = sequence
        return (sequence - self._expected) & MASK

    def _restart(self, sequence: int) -> int:
        self._held.clear()
        self._expected = sequence
        return 0

    def _release(self, now: float) -> list[P | Lost]:
        out: list[P | Lost] = []
        while self._held:
            first = min(self._held)
            if first > 0:
                if not self._given_up(now):
                    break
                out.append(Lost(first))
            packet, _ = self._held.pop(first)
            out.append(packet)
            self._advance(first + 1)
        return out

    def _given_up(self, now: float) -> bool:
        oldest = min(arrived for _, arrived in self._held.values())
        return len(self._held) >= LATER_PACKETS or now - oldest >= PATIENCE

    def _advance(self, steps: int) -> None:
        assert self._expected is not None
        self._expected = (self._expected + steps) & MASK
        self._held = {ahead - steps: entry for ahead, entry in self._held.items()}
