"""Our picture encoders, tuned for a call: H.264 by x264 or the graphics processor, VP8 by libvpx, AV1 by SVT-AV1.

Settings and their reasons were measured on 720p30 of a real clip at 1.5 Mbit/s, one thread: x264 superfast with
zerolatency takes 4.6 ms of CPU a frame for 39.4 dB, aiortc's defaults 19.9 ms for 38.0 dB, SVT-AV1 6.4 ms for 41.5 dB.

x264's ultrafast loses its 6 dB by leaving out sub-pixel motion; with `subme=1` it has them back. Adaptive quantisation
stays on, though it costs 0.4 dB: without it what was there before shines through dark, even areas for seconds. At
2.25 Mbit/s, in ms to encode and to decode a frame: superfast 5.1 and 1.4 for 41.6 dB; this 4.7 and 0.9 for 40.7 dB.
Where there are bits enough, two more things are left out: smoothing blocks, and looking for single coefficients that
are not worth their bits (`dct-decimate`: 0.9 ms for 0.2 dB at 2.25 Mbit/s, 0.3 ms for 0.5 dB at 0.6).
"""

from __future__ import annotations

import logging
import os
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Protocol

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE
from av.video.frame import PictureType
from av.video.reformatter import Interpolation

from . import av1, hardware, priority, x264
from .quantiser import Quantiser, Trial
from .scale import scaled

logger = logging.getLogger(__name__)

BUFFER_SECONDS = 0.4
"""Size of the rate control's bucket: a keyframe may take 0.4 s of bits, not more."""
FIRST_SECONDS = 0.12
"""Of bits, what the first picture may take: it travels before anything is known about the path."""
KEYFRAME_SECONDS = 120
"""Longest distance between keyframes: whoever needs one asks for it, and each costs a narrow link 0.2 s."""
BIG_PICTURE = 1280 * 720
FINE = 0.07
"""Bits per pixel from which deblocking and decimation are left out: 720p30 from 1.94 Mbit/s on."""
REOPEN_SHARE = 0.25
"""An encoder whose rate PyAV cannot change is opened anew, which costs a keyframe, so only for a big step."""
REOPEN_SECONDS = 3.0


class PictureEncoder(Protocol):
    """Turns pictures into RTP payloads. `bitrate` is the target, `ceiling` the profile's bitrate, both bit/s."""

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        """The payloads of one frame and its RTP timestamp (90 kHz)."""
        ...


def picture_encoder(codec: str, working: tuple[str, ...] = ()) -> PictureEncoder:
    """The encoder for a codec of `VIDEO_CODECS`; `working`: hardware encoders that work, as `hardware.probe` gives."""
    if codec == "H264":
        return HardwareH264Encoder(working[0]) if working else software_h264()
    return SvtAv1Encoder() if codec == "AV1" else VpxEncoder()


def software_h264() -> PictureEncoder:
    """x264 by the way that there is."""
    return X264Encoder() if x264.available() else WrappedX264Encoder()


def even_yuv420p(frame: av.VideoFrame, least: int = 16) -> av.VideoFrame:
    """The same picture with even sizes, `least` pixels or more, and in yuv420p: x264 takes nothing else in Baseline."""
    return scaled(frame, max(frame.width & ~1, least), max(frame.height & ~1, least))


def rtp_timestamp(frame: av.VideoFrame) -> int:
    """The capture moment in RTP's 90 kHz."""
    base = frame.time_base or VIDEO_TIME_BASE
    return (frame.pts or 0) * base.numerator * VIDEO_CLOCK_RATE // base.denominator


def _fine(frame: av.VideoFrame, fps: int, bitrate: int) -> bool:
    """Whether there are so many bits that blocks hardly show, and to smooth them costs more than it gives."""
    return bitrate >= FINE * frame.width * frame.height * fps


def narrow_asm(cpuinfo: str) -> str:
    """x264's `asm` setting for a machine with this `/proc/cpuinfo`: with AVX-512, all but that; else empty: its choice.

    Its AVX-512 code was measured 11 % slower than its AVX2 code (4.1 against 3.67 ms a frame, the same bits): short
    bursts of wide registers, 30 times a second. What is named here is used unasked, so only where it surely exists.
    """
    flags = next((line.split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    return "avx2,fma3,bmi2" if {"avx512f", "avx2", "fma", "bmi2", "abm"} <= set(flags) else ""


@cache
def _asm() -> dict[str, object]:
    try:
        found = narrow_asm(Path("/proc/cpuinfo").read_text())
    except (OSError, UnicodeDecodeError):  # not Linux: x264 knows best
        return {}
    return {"asm": found} if found else {}


def _threads(frame: av.VideoFrame) -> int:
    return 2 if frame.width * frame.height > BIG_PICTURE else 1


def _context(name: str, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext:
    codec = av.CodecContext.create(name, "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
    codec.time_base, codec.framerate = VIDEO_TIME_BASE, Fraction(fps)
    codec.bit_rate, codec.gop_size, codec.max_b_frames = bitrate, fps * KEYFRAME_SECONDS, 0
    return codec


class X264Encoder:
    """H.264 Constrained Baseline by libx264 itself; the target is followed at once and without a keyframe."""

    def __init__(self) -> None:
        self._codec: x264.X264 | None = None
        self._opened_for: tuple[int, int] | None = None
        self._fine = False
        self._since_key = 0

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        frame = even_yuv420p(frame)
        codec = self._codec_for(frame, fps, fine=_fine(frame, fps, ceiling))
        key = key or self._since_key >= KEYFRAME_SECONDS * fps
        trial: Trial | None = self._quantiser.plan(key=key, bitrate=min(bitrate, ceiling), fps=fps)
        while trial is not None:
            picture = frame if trial.softer == 1 else _softened(frame, trial.softer)
            stream = codec.encode(picture, key=trial.key, quantiser=trial.quantiser)
            self._since_key = 0 if trial.key else self._since_key + 1
            trial = self._quantiser.made(trial, 8 * len(stream))
        return packetize_h264(stream), rtp_timestamp(frame)

    def _codec_for(self, frame: av.VideoFrame, fps: int, *, fine: bool) -> x264.X264:
        size = (frame.width, frame.height)
        if self._codec is None or self._opened_for != size:
            self._codec = None  # first, so that the next may have its memory
            self._codec = x264.X264(*size, fps=fps, threads=_threads(frame), settings=_x264_settings(fine))
            self._quantiser = Quantiser(frame.width * frame.height, FIRST_SECONDS)
            self._opened_for, self._fine = size, fine
        elif fine is not self._fine:
            self._codec.change(_smoothing(fine))
            self._fine = fine
        return self._codec


def _softened(frame: av.VideoFrame, times: int) -> av.VideoFrame:
    """The same picture with so many times less detail each way."""
    width, height = max(2, frame.width // times & ~1), max(2, frame.height // times & ~1)
    return scaled(scaled(frame, width, height, Interpolation.AREA), frame.width, frame.height)


def _x264_settings(fine: bool) -> dict[str, object]:
    """More of x264's settings."""
    return {**_smoothing(fine), "subme": 1, "scenecut": 0, **_asm()}


def _smoothing(fine: bool) -> dict[str, object]:
    return {"no-deblock": int(fine), "no-dct-decimate": int(fine)}


class WrappedX264Encoder:
    """The same by FFmpeg's wrapper, where libx264 is not to be had by itself: follows half a second later."""

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
        codec = _context("libx264", frame, fps, ceiling)
        codec.thread_count = _threads(frame)
        codec.profile = "Baseline"
        bucket = {"aq-mode": 1, "vbv-init": round(FIRST_SECONDS / BUFFER_SECONDS, 3)}
        settings = {**_x264_settings(_fine(frame, fps, ceiling)), **bucket}
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "maxrate": str(ceiling),  # bit_rate is followed in a running encoder only below maxrate
            "bufsize": str(int(ceiling * BUFFER_SECONDS)),
            "forced-idr": "1",
            "x264-params": ":".join(f"{name}={value}" for name, value in settings.items()),
        }
        return codec


def packetize_h264(stream: bytes) -> list[bytes]:
    """RTP payloads (RFC 6184, packetization mode 1) of one picture in Annex B."""
    units: Iterator[bytes] = H264Encoder._split_bitstream(stream)
    return H264Encoder._packetize(units)


class _OneRateEncoder(ABC):
    """One whose rate cannot be changed while it runs."""

    least = 16
    """Pixels of the smallest width and height that it takes."""

    def __init__(self) -> None:
        self._codec: av.VideoCodecContext | None = None
        self._opened_for: tuple[int, int, int] | None = None
        self._opened_bitrate = 0
        self._opened_at = 0

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        frame = even_yuv420p(frame, self.least)
        timestamp = rtp_timestamp(frame)
        bitrate = min(bitrate, ceiling)
        wanted = (frame.width, frame.height, fps)
        if self._codec is None or self._opened_for != wanted or self._rate_is_off(bitrate, timestamp):
            self._codec, self._opened_for = self._open(frame, fps, bitrate), wanted
            self._opened_bitrate, self._opened_at = bitrate, timestamp
        frame.pict_type = PictureType.I if key else PictureType.NONE
        stream = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        return self._packetize(stream), timestamp

    @abstractmethod
    def _open(self, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext: ...

    @abstractmethod
    def _packetize(self, stream: bytes) -> list[bytes]: ...

    def _rate_is_off(self, bitrate: int, timestamp: int) -> bool:
        """Down at once, up only every few seconds, neither for a small step."""
        if bitrate < self._opened_bitrate * (1 - REOPEN_SHARE):
            return True
        long_ago = (timestamp - self._opened_at) * VIDEO_TIME_BASE >= REOPEN_SECONDS
        return long_ago and bitrate > self._opened_bitrate * (1 + REOPEN_SHARE)


class VpxEncoder(_OneRateEncoder):
    """VP8, for those who have no H.264."""

    def __init__(self) -> None:
        super().__init__()
        self._picture_id = random.randrange(1 << 15)

    def _packetize(self, stream: bytes) -> list[bytes]:
        payloads: list[bytes] = Vp8Encoder._packetize(stream, self._picture_id)
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        return payloads

    def _open(self, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext:
        codec = _context("libvpx", frame, fps, bitrate)
        codec.gop_size = 3000
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


class SvtAv1Encoder(_OneRateEncoder):
    """AV1: about 2 dB better than x264 at the same bitrate, for half as much CPU again. For those who ask for it.

    In low delay each picture comes out at once, and a keyframe when asked for (seen with SVT-AV1 4.1).
    """

    least = 64

    def _open(self, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext:
        os.environ.setdefault("SVT_LOG", "0")  # it writes 20 lines to stderr each time; failures come as exceptions
        codec = _context("libsvtav1", frame, fps, bitrate)
        bucket = int(1000 * BUFFER_SECONDS)  # its buffers are in ms
        settings = {
            "rtc": 1,
            "pred-struct": 1,  # low delay
            "rc": 2,  # constant bitrate
            "lp": _threads(frame),
            "max-qp": 63,
            "buf-sz": bucket,
            "buf-initial-sz": int(1000 * FIRST_SECONDS),
            "buf-optimal-sz": int(bucket * 0.6),
        }
        params = ":".join(f"{name}={value}" for name, value in settings.items())
        codec.options = {"preset": "12", "svtav1-params": params}
        with priority.kept():
            codec.open()
        return codec

    def _packetize(self, stream: bytes) -> list[bytes]:
        return av1.packetize(stream)


class HardwareH264Encoder(_OneRateEncoder):
    """H.264 by the graphics processor; x264 from the moment on at which that fails."""

    least = 160

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._spare: PictureEncoder | None = None

    def encode(
        self, frame: av.VideoFrame, *, key: bool, bitrate: int, ceiling: int, fps: int
    ) -> tuple[list[bytes], int]:
        if self._spare is None:
            try:
                return super().encode(frame, key=key, bitrate=bitrate, ceiling=ceiling, fps=fps)
            except hardware.ERRORS as error:
                logger.warning("%s does not work any more (%s); x264 goes on", self._name, error)
                self._codec, self._spare = None, software_h264()
        return self._spare.encode(frame, key=key, bitrate=bitrate, ceiling=ceiling, fps=fps)

    def _open(self, frame: av.VideoFrame, fps: int, bitrate: int) -> av.VideoCodecContext:
        codec = hardware.context(self._name, frame.width, frame.height, fps, bitrate)
        codec.gop_size = fps * KEYFRAME_SECONDS
        return codec

    def _packetize(self, stream: bytes) -> list[bytes]:
        return packetize_h264(stream)
