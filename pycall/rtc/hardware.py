"""H.264 encoders in graphics processors: which ones work is found by encoding one picture, never assumed.

That FFmpeg knows an encoder says nothing: without the device and its driver it fails when it is opened, or later, or
hangs. None of these could be tried by us on a real device: the options are those that FFmpeg documents for low delay.
"""

from __future__ import annotations

import logging
import threading
import time
from fractions import Fraction
from functools import cache

import av

logger = logging.getLogger(__name__)

PROBE_SECONDS = 2.0
"""An encoder that has not given its picture by then is not used."""
BUCKET_SECONDS = 0.4
"""Size of the rate control's bucket."""
ERRORS = (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError, AssertionError)
"""What opening and using an encoder raises without the device, its driver or memory on it."""

OPTIONS = {
    "h264_nvenc": {
        "preset": "p3",
        "tune": "ull",
        "rc": "cbr",
        "zerolatency": "1",
        "delay": "0",
        "forced-idr": "1",
        "bf": "0",
        "profile": "baseline",
    },
    "h264_qsv": {
        "preset": "veryfast",
        "async_depth": "1",
        "look_ahead": "0",
        "forced_idr": "1",
        "bf": "0",
        "profile": "baseline",
    },
    "h264_videotoolbox": {"realtime": "1", "allow_sw": "0", "bf": "0", "profile": "constrained_baseline"},
    "h264_amf": {
        "usage": "ultralowlatency",
        "rc": "cbr",
        "forced_idr": "1",
        "bf": "0",
        "profile": "constrained_baseline",
    },
}
_PROBING = threading.Lock()


def context(name: str, width: int, height: int, fps: int, bitrate: int) -> av.VideoCodecContext:
    """An encoder for low delay at a constant `bitrate` in bit/s; opened with its first picture. Raises `ERRORS`."""
    codec = av.CodecContext.create(name, "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height = width, height
    codec.pix_fmt = "nv12" if name == "h264_qsv" else "yuv420p"  # PyAV converts what it is given
    codec.time_base, codec.framerate = Fraction(1, 90000), Fraction(fps)
    codec.bit_rate, codec.max_b_frames = bitrate, 0
    rate = {"maxrate": str(bitrate), "bufsize": str(int(bitrate * BUCKET_SECONDS))}
    codec.options = {**OPTIONS[name], **rate}
    return codec


def probe() -> tuple[str, ...]:
    """Which encoders work here, the best one first. Blocks, for `PROBE_SECONDS` at most and only the first time."""
    with _PROBING:
        return _probed()


@cache
def _probed() -> tuple[str, ...]:
    """A driver that hangs cannot be stopped: its thread is left behind, as a daemon."""
    working: set[str] = set()
    until = time.monotonic() + PROBE_SECONDS
    threads = [
        threading.Thread(target=_try, args=(name, working), name=f"pycall-probe-{name}", daemon=True)
        for name in OPTIONS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    found = tuple(name for name in OPTIONS if name in working)
    logger.info("hardware encoders: %s", ", ".join(found) or "none")
    return found


def _try(name: str, working: set[str]) -> None:
    try:
        if _encodes(name):
            working.add(name)
    except ERRORS as error:
        logger.debug("%s does not work here: %s", name, error)


def _encodes(name: str) -> bool:
    """Whether a picture comes out at once. Raises one of `ERRORS` if not even that can be tried."""
    codec = context(name, 320, 180, 30, 500_000)
    frame = av.VideoFrame(320, 180, "yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 90000)
    return any(packet.size for packet in codec.encode(frame))
