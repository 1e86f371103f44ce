"""What goes back to a peer about what came from it: reports, requests and feedback, in datagrams of a bearable size."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters

from pycall.rtc import rtcp
from pycall.rtc.congestion.feedback import parse_feedback
from pycall.rtc.path import Path
from pycall.rtc.rtp import Packet, Writer
from pycall.rtc.send.sending import Identity
from pycall.rtc.send.source import Source
from pycall.rtc.session import LONGEST_COMPOUND, Session
from pycall.rtc.terms import MID, TRANSPORT, Codec, MediaTerms, Terms
from pycall.rtc.worker import Worker
from tests.rtc.stage import End, NumberFeed, ToneFeed

EXTENSIONS = (RTCRtpHeaderExtensionParameters(1, MID), RTCRtpHeaderExtensionParameters(3, TRANSPORT))
AUDIO = MediaTerms("audio", "0", (Codec("opus", 111, 48000),), EXTENSIONS)
VIDEO = MediaTerms("video", "1", (Codec("VP8", 96, 90000, 97),), EXTENSIONS)


class Wire:
    """A path that keeps what leaves."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return True


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def session(wire: Wire) -> AsyncIterator[Session]:
    worker = Worker("pycall-test", depth=60)
    source = Source(ToneFeed(), NumberFeed())
    terms, identity = Terms(AUDIO, VIDEO), Identity("me", 1, 2, 3)
    made = Session("bob", terms, cast(Path, wire), End("alice"), source=source, identity=identity, decoder=worker)
    made.sending.outbox.open()
    yield made
    made.close()
    await source.aclose()
    await worker.stop()


async def test_much_to_say_at_once_goes_in_several_datagrams(session: Session, wire: Wire) -> None:
    writer, now = Writer(VIDEO), time.monotonic()
    arrived = range(0, 1350, 3)
    for number in arrived:
        packet = Packet(96, False, number // 3 * 2, 0, 7, b"\x10\0\0")
        session.on_rtp(writer.write(packet, number, 0), now + number * 0.0001)
    for beat in range(30):
        session.tick(now + 0.1 + beat * 0.01)
    assert max(map(len, wire.sent)) <= LONGEST_COMPOUND
    assert {data[1] for data in wire.sent} <= {rtcp.SR, rtcp.RR}
    reports = [report for data in wire.sent for report in rtcp.parse(data)]
    told = [parse_feedback(report.fci) for report in reports if isinstance(report, rtcp.TransportFeedback)]
    assert {number for one in told for number, at in one if at is not None} == set(arrived)
    asked = {number for report in reports if isinstance(report, rtcp.Nack) for number in report.sequences}
    assert len(asked) == len(arrived) - 1
