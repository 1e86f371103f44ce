"""Which packets to ask for again, and when; pure, the clock is an argument."""

from __future__ import annotations

HALF = 0x8000
MASK = 0xFFFF
ASK_AGAIN = 0.05
"""Seconds between two requests for the same packet."""
MAX_ASKS = 5
MAX_MISSING = 256
MAX_GAP = 1024
"""A longer gap is a new stream or an outage: only a keyframe helps."""


class MissingPackets:
    """The gaps of one stream. A request or its answer can be lost too, so a packet is asked for up to five times."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, list[float]] = {}

    def add(self, sequence: int, now: float) -> list[int]:
        """A packet has come; gives the sequence numbers to ask for now, in order."""
        if self._highest is None:
            self._highest = sequence
        ahead = (sequence - self._highest) & MASK
        if ahead >= HALF:
            self._missing.pop(sequence, None)
        elif ahead > MAX_GAP:
            self._missing.clear()
            self._highest = sequence
        else:
            for step in range(1, ahead):
                self._missing[(self._highest + step) & MASK] = []
            self._highest = sequence
        return self._due(now)

    def _due(self, now: float) -> list[int]:
        due = []
        for sequence, asked in list(self._missing.items()):
            if len(asked) >= MAX_ASKS:
                del self._missing[sequence]
            elif not asked or now - asked[-1] >= ASK_AGAIN:
                asked.append(now)
                due.append(sequence)
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
        return due
