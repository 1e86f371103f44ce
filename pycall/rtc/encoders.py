"""Our encoders: H.264 by x264 and VP8 by libvpx tuned for a call, Opus for one voice.

Settings and their reasons were measured on 720p30 of a real clip at 1.5 Mbit/s, one thread: x264 superfast with
zerolatency takes 4.6 ms of CPU a frame for 39.4 dB, aiortc's defaults 19.9 ms for 38.0 dB.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from av.video.frame import PictureType

AUDIO_TIME_BASE = Fraction(1, 48000)
OPUS_BITRATE = 40_000
"""Mono voice with room for music; fullband from 32 kbit/s on."""
BUFFER_SECONDS = 0.5
"""Size of the rate control's bucket: a keyframe may take half a second's bits, not more."""
KEYFRAME_SECONDS = 10
"""Longest distance between keyframes; lost ones are asked for, so this only helps a recording."""
BIG_PICTURE = 1280 * 720
REOPEN_SHARE = 0.25
"""libvpx cannot change its rate through PyAV: it is opened anew, which costs a keyframe, so only for a big step."""
REOPEN_SECONDS = 3.0


class PictureEncoder(Protocol):
    """Turns pictures into RTP payloads. `bitrate` is the target, `ceiling` the profile's bitrate, both bit/s."""

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        """The payloads of one frame and its RTP timestamp (90 kHz)."""
        ...


def even_yuv420p(frame: av.VideoFrame) -> av.VideoFrame:
    """The same picture with even sizes and in yuv420p: x264 takes nothing else in Baseline."""
    width, height = frame.width & ~1, frame.height & ~1
    if frame.format.name == "yuv420p" and (width, height) == (frame.width, frame.height):
        return frame
    made = frame.reformat(width=max(width, 16), height=max(height, 16), format="yuv420p")
    made.pts, made.time_base = frame.pts, frame.time_base
    return made


def rtp_timestamp(frame: av.VideoFrame) -> int:
    """The capture moment in RTP's 90 kHz."""
    return convert_timebase(frame.pts or 0, frame.time_base or VIDEO_TIME_BASE, VIDEO_TIME_BASE)


def _threads(frame: av.VideoFrame) -> int:
    return 2 if frame.width * frame.height > BIG_PICTURE else 1


class X264Encoder:
    """H.264 Constrained Baseline. The target below the ceiling is followed at once and without a keyframe."""

    def __init__(self) -> None:
        self._codec: av.VideoCodecContext | None = None
        self._opened_for: tuple[int, int, int, int] | None = None

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        frame = even_yuv420p(frame)
        timestamp = rtp_timestamp(frame)
        wanted = (frame.width, frame.height, fps, ceiling)
        if self._codec is None or self._opened_for != wanted:
            self._codec, self._opened_for = self._open(frame, fps, ceiling), wanted
        self._codec.bit_rate = min(bitrate, ceiling)
        # Whatever the source left in pict_type would become this picture's type.
        frame.pict_type = PictureType.I if key else PictureType.NONE
        stream = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        return packetize_h264(stream), timestamp

    def _open(self, frame: av.VideoFrame, fps: int, ceiling: int) -> av.VideoCodecContext:
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
        codec.time_base, codec.framerate = VIDEO_TIME_BASE, Fraction(fps)
        codec.bit_rate = ceiling
        codec.gop_size, codec.max_b_frames = fps * KEYFRAME_SECONDS, 0
        codec.thread_count = _threads(frame)
        codec.profile = "Baseline"
        codec.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "maxrate": str(ceiling),  # bit_rate is followed in a running encoder only below maxrate
            "bufsize": str(int(ceiling * BUFFER_SECONDS)),
            "forced-idr": "1",
            "x264-params": "scenecut=0",
        }
        return codec


def packetize_h264(stream: bytes) -> list[bytes]:
    """RTP payloads (RFC 6184, packetization mode 1) of one picture in Annex B."""
    units: Iterator[bytes] = H264Encoder._split_bitstream(stream)
    return H264Encoder._packetize(units)


class VpxEncoder:
    """VP8, for those who have no H.264."""

    def __init__(self) -> None:
        self._codec: av.VideoCodecContext | None = None
        self._opened_for: tuple[int, int, int] | None = None
        self._opened_bitrate = 0
        self._opened_at = 0
        self._picture_id = random.randrange(1 << 15)

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        frame = even_yuv420p(frame)
        timestamp = rtp_timestamp(frame)
        bitrate = min(bitrate, ceiling)
        wanted = (frame.width, frame.height, fps)
        if self._codec is None or self._opened_for != wanted or self._rate_is_off(bitrate, timestamp):
            self._codec, self._opened_for = self._open(frame, fps, bitrate), wanted
            self._opened_bitrate, self._opened_at = bitrate, timestamp
        frame.pict_type = PictureType.I if key else PictureType.NONE
        stream = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        payloads = Vp8Encoder._packetize(stream, self._picture_id)
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        return payloads, timestamp

    def _rate_is_off(self, bitrate: int, timestamp: int) -> bool:
        """Down at once, up only every few seconds, neither for a small step."""
        if bitrate < self._opened_bitrate * (1 - REOPEN_SHARE):
            return True
        long_ago = (timestamp - self._opened_at) * VIDEO_TIME_BASE >= REOPEN_SECONDS
        return long_ago and bitrate > self._opened_bitrate * (1 + REOPEN_SHARE)

    def _open(self, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext:
        codec = av.CodecContext.create("libvpx", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
        codec.time_base, codec.framerate = VIDEO_TIME_BASE, Fraction(fps)
        codec.bit_rate, codec.gop_size = bitrate, 3000
        codec.qmin, codec.qmax = 2, 56
        codec.thread_count = _threads(frame)
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-8",
            "noise-sensitivity": "0",
            "lag-in-frames": "0",
            "minrate": str(bitrate),  # equal to maxrate: constant bitrate
            "maxrate": str(bitrate),
            "bufsize": str(int(bitrate * BUFFER_SECONDS)),
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": "1",
            "partitions": "0",
        }
        return codec


class OpusVoiceEncoder:
    """Opus, one channel, 20 ms, with in-band repair for listeners who can use it."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, av.AudioCodecContext)
        codec.bit_rate, codec.sample_rate, codec.time_base = OPUS_BITRATE, 48000, AUDIO_TIME_BASE
        codec.format, codec.layout = "s16", "mono"
        codec.options = {
            "application": "voip",
            "fec": "1",
            "packet_loss": "5",
            "frame_duration": "20",
            "compression_level": "5",
        }
        self._codec = codec

    def encode(self, frame: av.AudioFrame) -> tuple[list[bytes], int]:
        """The payload of 20 ms (s16, mono, 48 kHz, 960 samples) and its RTP timestamp (48 kHz)."""
        timestamp = convert_timebase(frame.pts or 0, frame.time_base or AUDIO_TIME_BASE, AUDIO_TIME_BASE)
        return [bytes(packet) for packet in self._codec.encode(frame)], timestamp
