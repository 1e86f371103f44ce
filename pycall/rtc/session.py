"""The media of one connected path, both ways: bytes in by `on_rtp` and `on_rtcp`, and a pulse that asks what is due."""

from __future__ import annotations

import random
import time

from pycall.core.errors import RemoteProtocolError
from pycall.core.types import UserId

from . import rtcp
from .path import Path
from .ports import MediaPorts
from .pulse import Pulse
from .receive.receiving import Receiving
from .send.sending import Identity, Sending
from .send.source import Source
from .terms import Terms
from .worker import Worker

FOLLOW_SECONDS = 0.05
"""Between two looks at the rates where no feedback brings news."""
REPAIR_SECONDS = 0.01
"""Between two looks at what is missing."""
LONGEST_COMPOUND = 1200
"""Bytes of RTCP in one datagram: passes everywhere with SRTP's own, and libsrtp takes no more than 1356."""
REPORT_SECONDS = 1.0
"""Between two sender or receiver reports, on average (RFC 3550 would take 5 s, browsers take 1)."""


class Session:
    """Joins what we send to a peer and what we receive from it by the reports that go between."""

    def __init__(
        self,
        user_id: UserId,
        terms: Terms,
        path: Path,
        ports: MediaPorts,
        *,
        source: Source,
        identity: Identity,
        decoder: Worker,
    ) -> None:
        self.terms = terms
        self.sending = Sending(terms, path, source, identity)
        self.receiving = Receiving(user_id, terms, ports, decoder)
        self._cname = identity.cname
        self._pulse = Pulse(self.tick)
        self._wall = time.time() - time.monotonic()
        """Taken once: whoever sets this machine's clock does not move our sound and picture against each other."""
        self._report_at = 0.0
        self._follow_at = 0.0

    def prepare(self) -> None:
        """The path is being opened."""
        self.sending.prepare()

    def begin(self) -> None:
        """The path is open."""
        self.sending.begin()

    async def run(self) -> None:
        """From the beginning until cancelled; raises what nobody has thought of."""
        await self._pulse.run()

    def close(self) -> None:
        """Nothing is delivered and nothing encoded for this peer any more."""
        self._pulse.close()
        self.sending.close()
        self.receiving.close()

    def release(self) -> None:
        """The decoder's thread has ended."""
        if self.receiving.seeing is not None:
            self.receiving.seeing.release()

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet; `now` is its arrival, monotonic seconds. Never raises."""
        self.receiving.on_rtp(data, now)
        self._look_if_due(now)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One decrypted compound RTCP packet. Never raises."""
        try:
            for report in rtcp.parse(data):
                self._take(report, now)
        except RemoteProtocolError:
            self.receiving.refused["malformed report"] += 1
        self._look_if_due(now)

    def _look_if_due(self, now: float) -> None:
        """Most packets make nothing due, and a look costs more than to find that out."""
        if now >= self._follow_at or self.receiving.lacks(now) or self.receiving.feedback_due(now):
            self._pulse.came(now)

    def _take(self, report: rtcp.Report, now: float) -> None:
        match report:
            case rtcp.SenderReport():
                self.receiving.reported(report, now)
                self.sending.reported(report.blocks, now)
            case rtcp.ReceiverReport():
                self.sending.reported(report.blocks, now)
            case rtcp.Nack() | rtcp.PictureLoss():
                self.sending.asked_for(report)
            case rtcp.Remb():
                self.sending.controller.remb(report.bitrate, now)
                self._follow_at = now
            case rtcp.TransportFeedback():
                self.sending.controller.feedback(report.fci, now)
                self._follow_at = now

    def tick(self, now: float) -> float:
        """What is due is sent, and rates follow what is known. Gives the seconds until it is to be called again."""
        if self.sending.rtt is not None and self.receiving.seeing is not None:
            self.receiving.seeing.nacks.rtt = self.sending.rtt
        requests = self.receiving.requests(self.sending.voice.stream.ssrc, now)
        if now >= self._report_at:
            self._report_at = now + REPORT_SECONDS * (0.5 + random.random())
            requests = [*self._reports(now), *requests]
        elif requests:
            requests.insert(0, self._empty_report())
        if requests:
            self._push(requests)
        if now >= self._follow_at:
            self._follow_at = now + FOLLOW_SECONDS
            self.sending.follow(now)
        return REPAIR_SECONDS if self.receiving.lacks(now) else FOLLOW_SECONDS

    def _push(self, packets: list[bytes]) -> None:
        """As many in a datagram as fit; each datagram begins with a report."""
        compound = b""
        for packet in packets:
            if compound and len(compound) + len(packet) > LONGEST_COMPOUND:
                self.sending.outbox.push_report(compound)
                compound = self._empty_report()
            compound += packet
        self.sending.outbox.push_report(compound)

    def _empty_report(self) -> bytes:
        """RFC 4585, 3.1: feedback travels behind a report, which may be an empty one."""
        return rtcp.write_receiver_report(rtcp.ReceiverReport(self.sending.voice.stream.ssrc), self._cname)

    def _reports(self, now: float) -> list[bytes]:
        """A sender report for each stream that has begun; how theirs arrive is in the first one."""
        blocks = self.receiving.blocks(now)
        written: list[bytes] = []
        for stream in self.sending.streams:
            report = stream.report(now, now + self._wall, blocks if not written else ())
            if report is not None:
                written.append(rtcp.write_sender_report(report, self._cname))
        if written:
            return written
        ours = self.sending.voice.stream.ssrc
        return [rtcp.write_receiver_report(rtcp.ReceiverReport(ours, blocks), self._cname)]
