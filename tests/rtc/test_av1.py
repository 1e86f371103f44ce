"""AV1: payloads of any OBUs come back whole, broken ones are refused, and real pictures survive the whole way."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import RTCRtpCodecParameters
from hypothesis import given, settings
from hypothesis import strategies as st

from pycall.core.errors import ConfigError
from pycall.core.types import PeerState
from pycall.core.wire import Signaled
from pycall.rtc import av1
from pycall.rtc.codecs import Decoder, assemble, begins_keyframe, unpack
from pycall.rtc.encoders import SvtAv1Encoder
from pycall.rtc.mesh import Mesh
from pycall.rtc.receive.video_buffer import Piece, VideoBuffer
from pycall.rtc.send.studio import begins_key
from tests.rtc.stage import CALL, End, NumberFeed, Stage, picture, read_number

AV1 = RTCRtpCodecParameters(mimeType="video/AV1", clockRate=90000, payloadType=45)
TEXTURE = np.random.default_rng(3).integers(40, 200, (720, 1280), dtype=np.uint8)
FRAME, PADDING, DELIMITER, TILE_LIST = 6, 15, 2, 8


def obu(kind: int, content: bytes, *, extension: int | None = None) -> bytes:
    """With a size field, as an encoder writes it."""
    head = bytes([kind << 3 | 2]) if extension is None else bytes([kind << 3 | 6, extension])
    size, length = bytearray(), len(content)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return head + bytes(size) + bytes([length]) + content


def pictures(count: int, *, key_at: int = -1, width: int = 320, height: int = 180) -> list[list[bytes]]:
    """The payloads of `count` numbered pictures."""
    encoder, out = SvtAv1Encoder(), []
    for number in range(count):
        frame = picture(number, width, height, TEXTURE)
        frame.pts, frame.time_base = number * 33333, Fraction(1, 1_000_000)
        payloads, timestamp = encoder.encode(frame, key=number == key_at, bitrate=800_000, ceiling=800_000, fps=30)
        assert timestamp == number * 33333 * 9 // 100
        out.append(payloads)
    return out


# --- payloads


kept = st.tuples(
    st.sampled_from([1, 3, 4, 5, FRAME]),
    st.one_of(st.integers(0, 40), st.integers(1150, 1250), st.integers(0, 6000)),
    st.sampled_from([None, 0, 0x20]),
)


@given(st.lists(kept, min_size=1, max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_obus_come_back_as_they_went(parts: list[tuple[int, int, int | None]], delimited: bool) -> None:
    unit = b"".join(obu(kind, bytes(size), extension=layer) for kind, size, layer in parts)
    payloads = av1.packetize((obu(DELIMITER, b"") if delimited else b"") + unit)
    assert all(2 <= len(payload) <= 1200 for payload in payloads)
    assert av1.depacketize(payloads) == unit
    assert [bool(payload[0] & 0x80) for payload in payloads[1:]] == [bool(p[0] & 0x40) for p in payloads[:-1]]
    assert [bool(p[0] & 0x08) for p in payloads] == [any(k == 1 for k, _, _ in parts)] + [False] * (len(payloads) - 1)


def test_payloads_are_filled() -> None:
    payloads = av1.packetize(obu(FRAME, bytes(12_000)))
    assert len(payloads) == 11 and all(len(payload) >= 1198 for payload in payloads[:-1])
    assert [payload[0] >> 6 for payload in payloads] == [1, *[3] * 9, 2]


def test_what_is_not_for_the_decoder_is_neither_sent_nor_taken() -> None:
    frame = obu(FRAME, b"picture")
    noise = [obu(kind, b"noise") for kind in (DELIMITER, TILE_LIST, PADDING)]
    assert av1.packetize(b"".join([*noise, frame, *noise])) == [b"\x10" + bytes([FRAME << 3]) + b"picture"]
    assert av1.packetize(noise[0]) == []
    # the same, from a sender that leaves sizes in and delimiters too
    received = bytes([0x20, len(noise[0])]) + noise[0] + frame
    assert av1.depacketize([received]) == frame
    assert av1.depacketize([bytes([0x10]) + noise[2]]) == b""


def test_a_length_may_be_left_out_or_not() -> None:
    frame = bytes([FRAME << 3]) + b"picture"
    assert av1.depacketize([b"\x10" + frame]) == av1.depacketize([b"\x00\x08" + frame]) == obu(FRAME, b"picture")
    assert av1.depacketize([b"\x00\x00\x08" + frame]) == obu(FRAME, b"picture")


@pytest.mark.parametrize(
    "payloads",
    [
        [b""],
        [b"\x10"],
        [b"\x00\x09" + b"\x30picture"],  # longer than the payload
        [b"\x30\x01\x30\x01\x30"],  # says three, has two
        [b"\x88\x30x"],  # a new sequence in the middle of an OBU
        [b"\x90\x30x"],  # continues what never began
        [b"\x50\x30x"],  # does not end
        [b"\x50\x30x", b"\x10\x30x"],  # the end is missing
        [b"\x10\xb0x"],  # the forbidden bit
        [b"\x10\x34"],  # an extension that is not there
        [b"\x10\x32\x09x"],  # its own size, too large
        [b"\x10\x32\x01xy"],  # its own size, too small
        [b"\x00" + b"\xff" * 9],  # a number without end
        [b"\x10\x32" + b"\xff" * 7 + b"\x01"],  # a number above 32 bits
    ],
)
def test_broken_payloads_are_refused(payloads: list[bytes]) -> None:
    with pytest.raises(ValueError):
        av1.depacketize(payloads)


@given(st.lists(st.binary(max_size=60), max_size=6))
@settings(max_examples=1500, deadline=None)
def test_any_bytes_are_taken_or_refused(payloads: list[bytes]) -> None:
    for call in (lambda: av1.depacketize(payloads), lambda: av1.packetize(b"".join(payloads))):
        with suppress(ValueError):
            call()
    for payload in payloads:
        with suppress(ValueError):
            begins_keyframe(AV1, payload, unpack(AV1, payload))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_pictures_give_a_picture_or_an_error(data: st.DataObject) -> None:
    """What the receiver does with them: assemble, decode; errors of two kinds only, and it goes on afterwards."""
    decoder = Decoder(AV1)
    for number, payloads in enumerate(SENT[:4]):
        damaged = [bytearray(payload) for payload in payloads]
        for _ in range(data.draw(st.integers(0, 4))):
            victim = data.draw(st.sampled_from(damaged))
            victim[data.draw(st.integers(0, len(victim) - 1))] = data.draw(st.integers(0, 255))
        try:
            unit = assemble(AV1, [bytes(payload) for payload in damaged])
            if unit:
                decoder.decode(unit, number * 3000)
        except (ValueError, av.FFmpegError):
            pass
    frames = [frame for n, payloads in enumerate(SENT[10:13]) for frame in decoder.decode(assemble(AV1, payloads), n)]
    assert [read_number(frame) for frame in frames] == [10, 11, 12]


SENT = pictures(20, key_at=10)


# --- pictures


def test_every_picture_can_be_read_at_once() -> None:
    decoder = Decoder(AV1)
    for number, payloads in enumerate(SENT):
        assert all(len(payload) <= 1200 for payload in payloads)
        (frame,) = decoder.decode(assemble(AV1, [unpack(AV1, payload) for payload in payloads]), number * 3000)
        assert read_number(frame) == number
        assert (frame.pts, frame.time_base) == (number * 3000, Fraction(1, 90000))


def test_keyframes_are_known_to_sender_and_receiver_and_to_nobody_else() -> None:
    assert [n for n, payloads in enumerate(SENT) if begins_key("AV1", payloads)] == [0, 10]
    seen = [(n, i) for n, p in enumerate(SENT) for i, part in enumerate(p) if begins_keyframe(AV1, part, part)]
    assert seen == [(0, 0), (10, 0)]
    assert len(SENT[0]) > 1


def test_pictures_survive_reordered_packets() -> None:
    """Each packet swapped with its neighbour, some sent twice."""
    buffer, decoder = VideoBuffer(), Decoder(AV1)
    packets = [
        Piece(number * 3000, payload is payloads[-1], key := begins_keyframe(AV1, payload, payload), payload, key)
        for number, payloads in enumerate(SENT)
        for payload in payloads
    ]
    order = [at for first in range(1, len(packets), 2) for at in (first + 1, first) if at < len(packets)]
    seen = []
    for at in [0, *order, *order[:5]]:
        for done in buffer.add((65530 + at) & 0xFFFF, packets[at], now=0.0):
            seen += [read_number(frame) for frame in decoder.decode(assemble(AV1, done.parts), done.timestamp)]
    assert seen == list(range(20))


def test_nothing_is_written_to_stderr() -> None:
    code = "from tests.rtc.test_av1 import pictures; assert len(pictures(2)) == 2"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# --- calls


def two_ends(alice: tuple[str, ...], bob: tuple[str, ...]) -> Stage:
    def feed() -> NumberFeed:
        return NumberFeed(640, 360, 30, 800_000)

    stage = Stage(End("alice", video=feed), End("bob", video=feed))
    for user_id, codecs in (("alice", alice), ("bob", bob)):
        end = stage.ends[user_id]
        end.mesh = Mesh(end, end, call_id=CALL, stats_seconds=0.5, video_codecs=codecs)
    return stage


@pytest.mark.parametrize(
    ("alice", "bob", "sent"),
    [
        (("AV1", "VP8"), ("AV1", "H264"), ("AV1", "AV1")),
        (("AV1", "H264"), ("H264", "VP8"), ("H264", "H264")),
        (("H264", "AV1"), ("AV1", "H264"), ("H264", "AV1")),
    ],
)
async def test_each_side_sends_its_best_that_both_can(
    alice: tuple[str, ...], bob: tuple[str, ...], sent: tuple[str, str]
) -> None:
    stage = two_ends(alice, bob)
    try:
        stage.connect("alice", "bob")
        for end, other in (("alice", "bob"), ("bob", "alice")):
            await stage.ends[end].until_state(other, PeerState.UP)
            await stage.ends[end].until(lambda end=end: stage.ends[end].pictures >= 40)
            session = stage.ends[end].mesh.peers[other].session
            codecs = (session.sending.picture.codec.name, session.receiving.seeing.codec_name)
            assert codecs == (sent if end == "alice" else sent[::-1])
            numbers = [number for _, number, _, _ in stage.ends[end].seen]
            assert numbers == sorted(numbers) and numbers[-1] - numbers[-20] <= 25
    finally:
        await stage.close()


async def test_a_lost_decoder_gets_a_keyframe() -> None:
    """Broken packets on the way: the picture stops, a keyframe is asked for, and it goes on."""
    stage = two_ends(("AV1",), ("AV1",))
    try:
        stage.connect("alice", "bob")
        bob = stage.ends["bob"]
        await bob.until(lambda: bob.pictures >= 20)
        seeing = bob.mesh.peers["alice"].session.receiving.seeing
        take, spoilt = seeing.take, []

        def spoil(packet, *rest):  # type: ignore[no-untyped-def]
            if len(spoilt) < 3 and packet.payload:
                packet.payload = packet.payload[:8] + bytes(len(packet.payload) - 8)
                spoilt.append(packet)
            return take(packet, *rest)

        seeing.take = spoil
        keys, seen = seeing.keyframes, bob.pictures
        await bob.until(lambda: len(spoilt) == 3 and seeing.keyframes > keys and bob.pictures > seen + 30)
        assert bob.seen[-1][1] > bob.seen[-20][1] > 0
    finally:
        await stage.close()


# --- terms


@pytest.mark.parametrize(("said", "agreed"), [("profile=0", "AV1"), ("profile=1", "VP8"), ("", "AV1")])
async def test_another_profile_is_another_codec(said: str, agreed: str) -> None:
    stage = two_ends(("AV1", "VP8"), ("AV1", "VP8"))

    def rewrite(signaled: Signaled) -> Signaled:
        if signaled.kind == "offer" and signaled.sdp:
            theirs = f"level-idx=13;{said};tier=1" if said else "level-idx=13"
            return replace_sdp(signaled, signaled.sdp.replace("level-idx=5;profile=0;tier=0", theirs))
        return signaled

    stage.change = rewrite
    try:
        stage.connect("alice", "bob")
        answer = (await stage.until_posted("answer")).sdp or ""
        assert ("a=rtpmap:45 AV1/90000" in answer) is (agreed == "AV1")
        if agreed == "AV1":
            assert f"a=fmtp:45 level-idx=13;profile=0;tier={1 if said else 0}" in answer
        await stage.ends["alice"].until_state("bob", PeerState.UP)
        assert stage.ends["alice"].mesh.peers["bob"].session.terms.video.codecs[0].name == agreed
    finally:
        await stage.close()


def replace_sdp(signaled: Signaled, sdp: str) -> Signaled:
    return Signaled(call_id=CALL, sender=signaled.sender, kind=signaled.kind, generation=signaled.generation, sdp=sdp)


@pytest.mark.parametrize("codecs", [(), ("H265",), ("AV1", "AV1"), "AV1", ("av1",)])
async def test_unknown_codecs_are_refused_early(codecs: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="H264, VP8, AV1"):
        two_ends(codecs, ("VP8",))
