"""One outgoing RTP stream: numbers its packets, remembers what it sent, and says so in sender reports."""

from __future__ import annotations

import random

from ..rtcp import ReportBlock, SenderReport, middle, ntp_time
from ..rtp import Packet


class OutgoingStream:
    """Counts and marks the packets of one SSRC. Timestamps of all streams begin at random places (RFC 3550, 5.1)."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.lost = 0
        self.fraction_lost = 0.0
        self.jitter = 0.0
        """As the other side sees it, seconds."""
        self._offset = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._newest: tuple[int, float] | None = None
        self._reports: dict[int, float] = {}

    def packet(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool = False) -> Packet:
        """The next packet; `timestamp` in clock units since any moment."""
        at = (timestamp + self._offset) & 0xFFFFFFFF
        packet = Packet(payload_type, marker, self._sequence, at, self.ssrc, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return packet

    @property
    def newest_timestamp(self) -> int:
        """RTP timestamp of the newest sound or picture."""
        return self._newest[0] if self._newest else 0

    def captured(self, timestamp: int, at: float) -> None:
        """The sound or picture with `timestamp` was captured at `at` (monotonic seconds): what reports relate to."""
        self._newest = ((timestamp + self._offset) & 0xFFFFFFFF, at)

    def report(self, now: float, wall: float, blocks: tuple[ReportBlock, ...] = ()) -> SenderReport | None:
        """Where this stream is at `now` (monotonic), in terms of the wall clock; None before its first packet."""
        if self._newest is None:
            return None
        timestamp, at = self._newest
        ntp = ntp_time(wall)
        rtp = (timestamp + round((now - at) * self.clock_rate)) & 0xFFFFFFFF
        self._reports[middle(ntp)] = now
        while len(self._reports) > 8:
            del self._reports[next(iter(self._reports))]
        return SenderReport(self.ssrc, ntp, rtp, self.packets, self.octets, blocks)

    def heard(self, block: ReportBlock, now: float) -> float | None:
        """What the other side reports about this stream; gives the round trip in seconds if it can be told."""
        self.lost, self.fraction_lost = block.packets_lost, block.fraction_lost
        self.jitter = block.jitter / self.clock_rate
        sent = self._reports.get(block.last_sr)
        if sent is None:
            return None
        return max(0.0, now - sent - block.dlsr)
