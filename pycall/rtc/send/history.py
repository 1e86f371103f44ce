"""The packets sent lately, kept for those who ask for them again; pure, the clock is an argument."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

P = TypeVar("P")

SECONDS = 1.5
"""A repair that takes longer comes too late for a conversation."""
PACKETS = 2048
TIDY_SECONDS = 0.1
"""Old packets are thrown away so often, not with each new one."""
AGAIN = 0.8
"""A packet is not sent again before this share of a round trip has passed: the last copy is still under way."""
SHORTEST = 0.01


class History(Generic[P]):
    """By 16-bit sequence number, the last 1.5 s, or a little more."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[float, P]] = OrderedDict()
        self._resent: dict[int, float] = {}
        self._tidy_at = 0.0

    def keep(self, sequence: int, packet: P, now: float) -> None:
        self._kept.pop(sequence, None)
        self._kept[sequence] = (now, packet)
        if now >= self._tidy_at or len(self._kept) > PACKETS:
            self._tidy(now)

    def _tidy(self, now: float) -> None:
        self._tidy_at = now + TIDY_SECONDS
        while self._kept:
            oldest = next(iter(self._kept))
            if len(self._kept) <= PACKETS and now - self._kept[oldest][0] <= SECONDS:
                break
            del self._kept[oldest]
            self._resent.pop(oldest, None)

    def ask(self, sequence: int, now: float, rtt: float) -> P | None:
        """The packet to send again, or None: not kept any more, or sent again so lately that it may still arrive."""
        kept = self._kept.get(sequence)
        if kept is None or now - self._resent.get(sequence, -1e9) < max(SHORTEST, rtt * AGAIN):
            return None
        self._resent[sequence] = now
        return kept[1]

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._kept

    def newest(self) -> P | None:
        """The packet kept last."""
        return next(reversed(self._kept.values()))[1] if self._kept else None
