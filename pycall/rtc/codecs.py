"""How pictures are decoded, and where a keyframe begins in an RTP payload."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import av
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload
from av.codec.context import Flags, ThreadType

from . import av1

DECODERS = {"H264": "h264", "VP8": "vp8", "AV1": "libdav1d"}
UNPACK_ERRORS = (ValueError, IndexError, AssertionError)
MAX_PIXELS = 8192 * 4352
"""Of a picture, for every decoder: more would be an attack on our memory. AV1 can say 65536 x 65536 in ten bytes."""


class Decoder:
    """One stream's decoder. Bad data raises `av.FFmpegError` and keeps the state."""

    def __init__(self, codec: RTCRtpCodecParameters) -> None:
        context = av.CodecContext.create(DECODERS[codec.name], "r")
        assert isinstance(context, av.VideoCodecContext)
        self._context = context
        self._time_base = Fraction(1, codec.clockRate)
        context.thread_type = ThreadType.SLICE  # frame threads would hold pictures back
        context.thread_count = 1
        context.flags |= Flags.low_delay  # libdav1d: no picture is held back
        context.options = {"max_pixels": str(MAX_PIXELS)}

    def decode(self, data: bytes, pts: int) -> list[av.VideoFrame]:
        """Frames with `pts` in the units of the stream's RTP clock."""
        packet = av.Packet(data)
        packet.pts = pts
        packet.time_base = self._time_base
        return list(self._context.decode(packet))


@cache
def _name(mime_type: str) -> str:
    """aiortc works it out anew for every packet."""
    return mime_type.partition("/")[2].upper()


def unpack(codec: RTCRtpCodecParameters, payload: bytes) -> bytes:
    """What an RTP payload gives to its picture; raises one of `UNPACK_ERRORS` if it is broken."""
    name = _name(codec.mimeType)
    if name == "H264" and len(payload) > 2 and payload[0] & 0x1F == 28 and payload[1] < 0x80:
        return payload[2:]  # as most are: a fragment of a unit, not its first (RFC 6184, 5.8)
    if name == "AV1" and payload:
        av1.read(payload)
        return payload  # a fragment means nothing without its neighbours
    return depayload(codec, payload) if payload else b""


def assemble(codec: RTCRtpCodecParameters, parts: Sequence[bytes]) -> bytes:
    """The picture for the decoder, of all that its packets gave; raises `ValueError` if they do not fit together."""
    return av1.depacketize(part for part in parts if part) if codec.name == "AV1" else b"".join(parts)


def begins_keyframe(codec: RTCRtpCodecParameters, payload: bytes, data: bytes) -> bool:
    """Whether an RTP payload (`data` is what `unpack` made of it) carries the beginning of a keyframe."""
    name = _name(codec.mimeType)
    if name == "H264":
        return _has_idr(payload)
    if name == "AV1":
        return bool(payload) and av1.begins_key(payload)
    # VP8: the first packet of the first partition, whose lowest bit is 0 in a keyframe (RFC 6386, 9.1).
    starts = bool(payload) and payload[0] & 0x17 == 0x10
    return starts and bool(data) and data[0] & 1 == 0


def opens_keyframe(codec: RTCRtpCodecParameters, payload: bytes) -> bool:
    """Whether a payload that begins a keyframe is surely its first: an IDR slice of H.264 may follow its parameters."""
    return _name(codec.mimeType) != "H264" or _has_unit(payload, (7,))


def _has_idr(payload: bytes) -> bool:
    """An IDR slice (5) or a sequence parameter set (7)."""
    return _has_unit(payload, (5, 7))


def _has_unit(payload: bytes, kinds: tuple[int, ...]) -> bool:
    """A unit of one of these kinds, alone, first fragment (28) or aggregated (24); RFC 6184."""
    kind = payload[0] & 0x1F if payload else 0
    if kind in kinds:
        return True
    if kind == 28:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F in kinds
    position = 1
    while kind == 24 and position + 2 < len(payload):
        if payload[position + 2] & 0x1F in kinds:
            return True
        position += 2 + int.from_bytes(payload[position : position + 2], "big")
    return False
