"""Which codecs are offered and in which order, who encodes and decodes them, and where a keyframe begins."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import av
from aiortc import RTCRtpCodecCapability, RTCRtpCodecParameters, RTCRtpSender
from aiortc.codecs import get_encoder
from aiortc.codecs.base import Encoder
from av.codec.context import Flags, ThreadType
from av.frame import Frame

from .encoders import OpusVoiceEncoder, PictureEncoder, VpxEncoder, X264Encoder

OPUS_PARAMETERS: dict[str, int | str | None] = {"minptime": 10, "useinbandfec": 1}
VIDEO_ORDER = ("video/H264", "video/VP8", "video/rtx")
AUDIO_ORDER = ("audio/opus", "audio/G722", "audio/PCMU", "audio/PCMA")


class VoiceEncoder(Protocol):
    def encode(self, frame: av.AudioFrame) -> tuple[list[bytes], int]: ...


class ForeignVoiceEncoder:
    """G.722 and G.711 as aiortc has them, for those who have no Opus."""

    def __init__(self, codec: RTCRtpCodecParameters) -> None:
        self._encoder: Encoder = get_encoder(codec)

    def encode(self, frame: av.AudioFrame) -> tuple[list[bytes], int]:
        payloads, timestamp = self._encoder.encode(frame)
        return payloads, timestamp or 0


def preferences(kind: str, order: tuple[str, ...] | None = None) -> list[RTCRtpCodecCapability]:
    """What is offered and accepted, best first."""
    order = order or (VIDEO_ORDER if kind == "video" else AUDIO_ORDER)
    known = sorted(RTCRtpSender.getCapabilities(kind).codecs, key=lambda codec: not _is_constrained(codec))
    return [codec for name in order for codec in known if codec.mimeType.lower() == name.lower()]


def _is_constrained(codec: RTCRtpCodecCapability) -> bool:
    """H.264 Constrained Baseline, which is what x264 makes and every browser has."""
    return str(codec.parameters.get("profile-level-id", "")).startswith("42e0")


def picture_encoder(codec: RTCRtpCodecParameters) -> PictureEncoder:
    return X264Encoder() if codec.name.upper() == "H264" else VpxEncoder()


def voice_encoder(codec: RTCRtpCodecParameters) -> VoiceEncoder:
    return OpusVoiceEncoder() if codec.name.lower() == "opus" else ForeignVoiceEncoder(codec)


class Decoder:
    """One stream's decoder. Bad data raises `av.FFmpegError` and keeps the state."""

    def __init__(self, codec: RTCRtpCodecParameters) -> None:
        name = {"H264": "h264", "VP8": "vp8", "OPUS": "libopus", "G722": "g722"}.get(codec.name.upper())
        name = name or {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}[codec.name.upper()]
        self._context = av.CodecContext.create(name, "r")
        self._time_base = Fraction(1, codec.clockRate)
        if isinstance(self._context, av.VideoCodecContext):
            self._context.thread_type = ThreadType.SLICE  # frame threads would hold pictures back
            self._context.thread_count = 1
            self._context.flags |= Flags.low_delay
        elif isinstance(self._context, av.AudioCodecContext):
            self._context.sample_rate = {"OPUS": 48000, "G722": 16000}.get(codec.name.upper(), 8000)
            self._context.layout = "mono"
            self._context.format = "s16"

    def decode(self, data: bytes, pts: int) -> list[Frame]:
        """Frames with `pts` in the units of the stream's RTP clock."""
        packet = av.Packet(data)
        packet.pts = pts
        packet.time_base = self._time_base
        return list(self._context.decode(packet))  # type: ignore[attr-defined]


def begins_keyframe(codec: RTCRtpCodecParameters, payload: bytes, data: bytes) -> bool:
    """Whether an RTP payload (`data` is what is in it, after depayloading) carries the beginning of a keyframe."""
    if codec.name.upper() == "H264":
        return _has_idr(payload)
    # VP8: the first packet of the first partition, whose lowest bit is 0 in a keyframe (RFC 6386, 9.1).
    starts = bool(payload) and payload[0] & 0x17 == 0x10
    return starts and bool(data) and data[0] & 1 == 0


def _has_idr(payload: bytes) -> bool:
    """An IDR slice (5) or a sequence parameter set (7), alone, first fragment (28) or aggregated (24); RFC 6184."""
    kind = payload[0] & 0x1F if payload else 0
    if kind in (5, 7):
        return True
    if kind == 28:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == 5
    position = 1
    while kind == 24 and position + 2 < len(payload):
        if payload[position + 2] & 0x1F in (5, 7):
            return True
        position += 2 + int.from_bytes(payload[position : position + 2], "big")
    return False
