"""What we sent and what became of it: joins transport-wide feedback with the log of sent packets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CAPACITY = 4096
"""Packets remembered: more than 4 s at 10 Mbit/s."""
REORDERING = 0.06
"""Seconds that a packet reported missing may still turn up (overtaken by others) before it counts as lost."""
_ARRIVAL_PERIOD = 2**24 * 0.064
ANOTHER_CLOCK = 10.0
"""Seconds by which the delay may change from one packet to the next; more is the receiver's clock, set anew."""


@dataclass(slots=True)
class PacketResult:
    """One packet's fate, known in full once it is handed out. Not frozen: that would cost as much as all else here.

    `seq` does not wrap, `size` is bytes, `sent` seconds of our clock, `arrived` seconds of the receiver's (the two have
    nothing in common) or None if it was lost, `cluster` the probe it belonged to (0: none).
    """

    seq: int
    size: int
    sent: float
    arrived: float | None = None
    cluster: int = 0


class SentLog:
    """Packets under way; each is reported once, as arrived or as lost, or never if no feedback speaks of it."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._packets: dict[int, PacketResult] = {}
        self._missing: dict[int, float] = {}
        self._highest = -1
        self._last: PacketResult | None = None
        """The packet whose arrival was told last."""
        self._shift = 0.0

    def __len__(self) -> int:
        return len(self._packets)

    def sent(self, seq16: int, size: int, now: float, cluster: int = 0) -> None:
        """A packet of `size` bytes left at `now` with this transport-wide number; numbers go up by one, mod 65536."""
        seq = seq16 if self._highest < 0 else self._highest + ((seq16 - self._highest) & 0xFFFF)
        self._highest = seq
        self._packets[seq] = PacketResult(seq, size, now, None, cluster)
        if len(self._packets) > self._capacity:
            oldest = next(iter(self._packets))
            del self._packets[oldest]
            self._missing.pop(oldest, None)

    def acked(self, parsed: Iterable[tuple[int, float | None]], now: float) -> list[PacketResult]:
        """Take what `parse_feedback` read; returns what became known by it, in the order of sending."""
        results = []
        for seq16, arrived in parsed:
            seq = self._highest - ((self._highest - seq16) & 0xFFFF)
            if seq not in self._packets:
                continue
            if arrived is None:
                self._missing.setdefault(seq, now)
            else:
                self._missing.pop(seq, None)
                packet = self._packets.pop(seq)
                packet.arrived = self._on_one_clock(arrived, packet.sent)
                self._last = packet
                results.append(packet)
        results += self._lost(now)
        return sorted(results, key=lambda result: result.seq)

    def _lost(self, now: float) -> list[PacketResult]:
        gone = [seq for seq, since in self._missing.items() if now - since >= REORDERING]
        for seq in gone:
            del self._missing[seq]
        return [self._packets.pop(seq) for seq in gone]

    def _on_one_clock(self, arrived: float, sent: float) -> float:
        """The receiver's times return to zero after 12 days, and it may begin anew with others at any moment."""
        arrived += self._shift
        if self._last is None or self._last.arrived is None:
            return arrived
        arrived += round((self._last.arrived - arrived) / _ARRIVAL_PERIOD) * _ARRIVAL_PERIOD
        expected = self._last.arrived + sent - self._last.sent
        if abs(arrived - expected) > ANOTHER_CLOCK:
            self._shift += expected - arrived
            arrived = expected
        return arrived
