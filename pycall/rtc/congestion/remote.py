"""The limit of a peer without transport-wide feedback: its REMB estimate and its receiver reports are all there is."""

from __future__ import annotations

from collections import deque

SLOW_GROWTH, FAST_GROWTH = 0.08, 0.25
"""Per second: without an estimate of theirs above ours, and with one."""
CONGESTED = 0.9
"""An estimate below this share of what we send is a limit. REMB never says more than 1.5 times what arrives, so an easy
picture pulls it down: a higher one says nothing against our rate."""
LOSS_LOW, LOSS_HIGH, LOSS_HEAVY = 0.02, 0.10, 0.20
"""Without REMB, loss is all we know (thresholds of draft-ietf-rmcat-gcc-02, section 6); with it, only heavy loss
counts."""
RTT_GROWTH = 0.15
"""Seconds above the shortest round trip that are a queue."""
REMB_LASTS = 10.0
WINDOW = 1.0
HOLD = 1.0
"""Seconds between two steps down by loss or round trip."""


class RemoteLimit:
    """Keeps `rate`, bit/s, by what the other side reports now and then."""

    def __init__(self, start: float, minimum: float, maximum: float) -> None:
        self.rate = start
        self._limits = (minimum, maximum)
        self._sent: deque[tuple[float, int]] = deque(maxlen=4096)
        self._remb: tuple[float, float] | None = None
        self._shortest_rtt = float("inf")
        self._stepped_at = float("-inf")
        self._grown_at: float | None = None

    def set_limits(self, minimum: float, maximum: float) -> None:
        """The rate stays within these from now on (bit/s)."""
        self._limits = (minimum, maximum)
        self._set(self.rate)

    def sent(self, size: int, now: float) -> None:
        """`size` bytes left."""
        self._sent.append((now, size))

    def remb(self, bitrate: float, now: float) -> None:
        """The receiver estimates that it can take `bitrate` bit/s in all."""
        while self._sent and now - self._sent[0][0] > WINDOW:
            self._sent.popleft()
        sending = sum(size for _, size in self._sent) * 8 / WINDOW
        self._remb = (bitrate, now)
        if bitrate < CONGESTED * sending:
            self._set(min(self.rate, bitrate))
        elif bitrate > self.rate:
            self._grow(FAST_GROWTH, now, bitrate)

    def report(self, loss: float, rtt: float | None, now: float) -> None:
        """A receiver report: share of packets lost since the last (0 to 1), round trip in seconds if it says."""
        queued = False
        if rtt is not None:
            self._shortest_rtt = min(self._shortest_rtt, rtt)
            queued = rtt > self._shortest_rtt + RTT_GROWTH
        has_remb = self._remb is not None and now - self._remb[1] < REMB_LASTS
        if loss > (LOSS_HEAVY if has_remb else LOSS_HIGH) or (queued and not has_remb):
            if now - self._stepped_at >= HOLD:
                self._stepped_at = now
                self._set(self.rate * min(1 - 0.5 * loss, 0.85 if queued else 1.0))
        elif loss < LOSS_LOW and not has_remb:
            self._grow(SLOW_GROWTH, now, self._limits[1])

    def _grow(self, growth: float, now: float, most: float) -> None:
        passed = 0.0 if self._grown_at is None else min(now - self._grown_at, 2.0)
        self._grown_at = now
        self._set(min(self.rate * (1 + growth * passed), max(most, self.rate)))

    def _set(self, rate: float) -> None:
        self.rate = min(max(rate, self._limits[0]), self._limits[1])
