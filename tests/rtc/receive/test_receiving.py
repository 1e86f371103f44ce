"""Any bytes may come as RTP: nothing is raised, and what belongs to nobody is counted."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pycall.rtc.opus import FRAME, OpusEncoder
from pycall.rtc.receive.receiving import Receiving
from pycall.rtc.rtcp import Nack, parse
from pycall.rtc.terms import MID, TRANSPORT, Codec, MediaTerms, Terms
from pycall.rtc.worker import Worker
from tests.rtc.stage import End

EXTENSIONS = (RTCRtpHeaderExtensionParameters(1, MID), RTCRtpHeaderExtensionParameters(3, TRANSPORT))
TERMS = Terms(
    MediaTerms("audio", "0", (Codec("opus", 111, 48000),), EXTENSIONS, red=63),
    MediaTerms("video", "1", (Codec("H264", 102, 90000, 103), Codec("VP8", 96, 90000, 97)), EXTENSIONS),
)


@pytest.fixture
async def receiving() -> Iterator[Receiving]:  # type: ignore[misc]
    worker = Worker("pycall-test", depth=60)
    made = Receiving("bob", TERMS, End.__new__(End), worker)
    yield made
    made.close()
    await worker.stop()


def rtp(kind: int, sequence: int, payload: bytes, ssrc: int = 7, mid: bytes = b"") -> bytes:
    first = 0x90 if mid else 0x80
    head = struct.pack("!BBHII", first, kind, sequence, sequence * FRAME, ssrc)
    extension = bytes([0x10 | (len(mid) - 1)]) + mid if mid else b""
    extension += bytes(-len(extension) % 4)
    return head + (struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension if mid else b"") + payload


async def test_a_stream_is_known_by_payload_type_or_by_mid(receiving: Receiving) -> None:
    payload = OpusEncoder().encode(__import__("numpy").zeros(FRAME, "int16"))
    receiving.on_rtp(rtp(111, 1, payload), 0.0)
    receiving.on_rtp(rtp(111, 1, payload, ssrc=8, mid=b"0"), 0.0)
    receiving.on_rtp(rtp(111, 1, payload, ssrc=9, mid=b"5"), 0.0)
    receiving.on_rtp(rtp(100, 1, payload, ssrc=10), 0.0)
    assert set(receiving.streams) == {7, 8}
    assert receiving.refused["unknown stream"] == 2


async def test_requests_and_reports_are_about_the_stream_that_comes_now(receiving: Receiving) -> None:
    for sequence in (1000, 1001):
        receiving.on_rtp(rtp(96, sequence, b"\x10\0\0", ssrc=7), 0.0)
    for sequence in (40_000, 40_002):
        receiving.on_rtp(rtp(96, sequence, b"\x10\0\0", ssrc=8), 1.0)
    asked = [report for data in receiving.requests(1, 1.1) for report in parse(data)]
    assert Nack(8, (40_001,)) in asked
    assert [block.ssrc for block in receiving.blocks(2.0)] == [8]


async def test_the_33rd_stream_is_taken_as_the_first_was(receiving: Receiving) -> None:
    payload = OpusEncoder().encode(__import__("numpy").zeros(FRAME, "int16"))
    for ssrc in range(40):
        receiving.on_rtp(rtp(111, 1, payload, ssrc=ssrc), 0.0)
    assert not receiving.refused
    assert receiving.hearing.playout.buffer.stats.packets_received == 40


async def test_a_stream_per_number_without_end_is_bounded(receiving: Receiving) -> None:
    for ssrc in range(100):
        receiving.on_rtp(rtp(111, 1, b"x", ssrc=ssrc), 0.0)
    assert len(receiving.streams) <= 32


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(data=st.data())
async def test_broken_packets_change_nothing(receiving: Receiving, data: st.DataObject) -> None:
    whole = bytearray(rtp(data.draw(st.sampled_from([111, 63, 102, 103, 96, 97])), 5, bytes(40), mid=b"1"))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    receiving.on_rtp(bytes(whole[: data.draw(st.integers(0, len(whole)))]), 1.0)
    for request in receiving.requests(1, 2.0):
        parse(request)
