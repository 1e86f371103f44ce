"""One incoming RTP stream as its reports see it: loss, jitter and the sender's clock (RFC 3550, 6.4 and A.8)."""

from __future__ import annotations

from dataclasses import dataclass

from ..rtcp import ReportBlock, SenderReport, middle, unix_time

HALF, MASK = 0x8000, 0xFFFF
FAR_BACK = 2048
"""A number so far behind was not overtaken (no sender keeps so many): the stream has begun anew."""


@dataclass(frozen=True, slots=True)
class SenderClock:
    """One sender report: RTP `timestamp` was captured at `wall` (the sender's Unix time, seconds)."""

    timestamp: int
    wall: float


class IncomingStream:
    """Counts the packets of one SSRC."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.clock: SenderClock | None = None
        self._base: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_before = 0
        self._packets_before = 0
        self._report: tuple[int, float] | None = None

    @property
    def expected(self) -> int:
        return 0 if self._base is None else self._highest - self._base + 1

    @property
    def lost(self) -> int:
        return max(0, self.expected - self.packets)

    @property
    def jitter(self) -> float:
        """Seconds."""
        return self._jitter / self.clock_rate

    def arrived(self, sequence: int, timestamp: int, size: int, now: float) -> None:
        self.packets += 1
        self.octets += size
        if self._base is None:
            self._base = self._highest = sequence
        elif FAR_BACK <= (self._highest - sequence) & MASK <= HALF:
            self._base += sequence - self._highest - 1
            self._highest = sequence
            self._transit = None
        ahead = (sequence - self._highest) & MASK
        if 0 < ahead < HALF:
            self._highest += ahead
            self._spread(timestamp, now)

    def _spread(self, timestamp: int, now: float) -> None:
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            step = abs(transit - self._transit)
            if step < 5 * self.clock_rate:  # more is a wrap or a new beginning
                self._jitter += (step - self._jitter) / 16
        self._transit = transit

    def reported(self, report: SenderReport, now: float) -> None:
        self._report = (middle(report.ntp), now)
        self.clock = SenderClock(report.rtp, unix_time(report.ntp))

    def captured(self, timestamp: int) -> float | None:
        """When `timestamp` was captured, by the sender's wall clock; None before its first report."""
        if self.clock is None:
            return None
        distance = (timestamp - self.clock.timestamp) & 0xFFFFFFFF
        distance -= (distance & 0x80000000) << 1
        return self.clock.wall + distance / self.clock_rate

    def block(self, now: float) -> ReportBlock:
        """What the sender is told; its fraction is of what was expected since the last call."""
        expected = self.expected - self._expected_before
        lost = expected - (self.packets - self._packets_before)
        self._expected_before, self._packets_before = self.expected, self.packets
        last, dlsr = (self._report[0], now - self._report[1]) if self._report else (0, 0.0)
        fraction = min(1.0, max(0.0, lost / expected)) if expected > 0 else 0.0
        highest = self._highest & 0xFFFFFFFF
        return ReportBlock(self.ssrc, fraction, self.expected - self.packets, highest, int(self._jitter), last, dlsr)
