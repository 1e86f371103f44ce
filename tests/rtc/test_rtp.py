"""RTP packets: what we write is what aiortc reads, what aiortc writes is what we read, and garbage is refused."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, unwrap_rtx
from hypothesis import given
from hypothesis import strategies as st

from pycall.rtc.rtp import Packet, Reader, Writer, unwrapped, wrapped
from pycall.rtc.terms import AUDIO_LEVEL, MID, SEND_TIME, TRANSPORT, MediaTerms

SHORT = {MID: 1, AUDIO_LEVEL: 2, SEND_TIME: 3, TRANSPORT: 4}
LONG = {MID: 15, AUDIO_LEVEL: 16, SEND_TIME: 100, TRANSPORT: 200}


def terms(kind: str = "video", ids: dict[str, int] = SHORT, mid: str = "1") -> MediaTerms:
    extensions = tuple(RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in ids.items())
    return MediaTerms(kind, mid, (), extensions, None, ())


def table(media: MediaTerms) -> HeaderExtensionsMap:
    made = HeaderExtensionsMap()
    made.configure(RTCRtpParameters(headerExtensions=list(media.extensions)))
    return made


PACKET = Packet(96, True, 65535, 4_000_000_000, 3_000_000_000, b"picture", level=33)


@pytest.mark.parametrize("ids", [SHORT, LONG])
def test_aiortc_reads_what_we_write_of_a_picture(ids: dict[str, int]) -> None:
    media = terms("video", ids)
    read = RtpPacket.parse(Writer(media).write(PACKET, 4711, 0xABCDEF), table(media))
    assert (read.payload_type, read.marker, read.sequence_number) == (96, 1, 65535)
    assert (read.timestamp, read.ssrc, read.payload) == (4_000_000_000, 3_000_000_000, b"picture")
    extensions = read.extensions
    assert (extensions.mid, extensions.abs_send_time, extensions.transport_sequence_number) == ("1", 0xABCDEF, 4711)
    assert extensions.audio_level is None


@pytest.mark.parametrize(("level", "voice"), [(33, True), (127, False)])
def test_aiortc_reads_the_level_of_our_sound(level: int, voice: bool) -> None:
    media = terms("audio", mid="sound")
    read = RtpPacket.parse(Writer(media).write(replace(PACKET, level=level), 1, 2), table(media))
    assert (read.extensions.mid, read.extensions.audio_level) == ("sound", (voice, level))
    assert (read.extensions.abs_send_time, read.extensions.transport_sequence_number) == (None, 1)


@pytest.mark.parametrize("ids", [SHORT, LONG, {}])
def test_we_read_what_aiortc_writes(ids: dict[str, int]) -> None:
    media = terms("video", ids)
    written = RtpPacket(96, 1, 65535, 4_000_000_000, 3_000_000_000, b"picture")
    written.csrc = [1, 2]
    written.extensions.mid, written.extensions.transport_sequence_number = "1", 4711
    written.extensions.abs_send_time, written.padding_size = 5, 9
    read = Reader(media).read(written.serialize(table(media)))
    mid, number = ("1", 4711) if ids else (None, None)
    assert read == replace(PACKET, level=127, padding=9, mid=mid, number=number)


def test_padding_is_written_and_left_out_again() -> None:
    data = Writer(terms()).write(replace(PACKET, payload=b"", padding=255), 1, 1)
    read = Reader(terms()).read(data)
    assert (read.payload, read.padding) == (b"", 255) and len(data) > 255


def test_without_extensions_there_is_no_header_for_them() -> None:
    assert len(Writer(terms(ids={})).write(PACKET, 1, 1)) == 12 + len(PACKET.payload)


def test_a_retransmission_is_what_aiortc_takes_for_one() -> None:
    again = wrapped(PACKET, 97, 5, 77)
    assert (again.payload_type, again.sequence_number, again.ssrc) == (97, 5, 77)
    read = RtpPacket.parse(Writer(terms()).write(again, 1, 1), table(terms()))
    theirs = unwrap_rtx(read, 96, PACKET.ssrc)
    assert (theirs.sequence_number, theirs.payload, theirs.marker) == (65535, b"picture", 1)
    ours = unwrapped(again, 96)
    assert (ours.sequence_number, ours.payload, ours.timestamp) == (65535, b"picture", PACKET.timestamp)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(11),
        b"\x40" + bytes(11),
        b"\x8f" + bytes(11),
        b"\x90" + bytes(11),
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x02" + bytes(4),
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x01" + b"\x1f" + bytes(3),
        b"\x90" + bytes(11) + b"\x10\x00\x00\x01" + bytes(3) + b"\x01",
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x01" + b"\x10\xff" + bytes(2),
        b"\xa0" + bytes(11),
        b"\xa0" + bytes(12),
        b"\xa0" + bytes(11) + b"\x02",
    ],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Reader(terms()).read(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_a_value_error(data: bytes) -> None:
    for prefix in (b"", b"\x90" + os.urandom(11), b"\x90" + bytes(11) + b"\xbe\xde", b"\x90" + bytes(11) + b"\x10\x00"):
        try:
            Reader(terms(), terms("audio", LONG)).read(prefix + data)
        except ValueError:
            continue
