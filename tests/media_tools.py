"""What tests of sound and picture share: an intake that collects, coding there and back, pitch, and waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Condition
from typing import Generic, TypeVar

import av
import numpy as np
import numpy.typing as npt

from pycall.core.errors import MediaError
from pycall.media.frames import AudioFrame
from pycall.media.stamp import draw_stamp

F = TypeVar("F")


class Collector(Generic[F]):
    """An intake that keeps everything; `wait_for` blocks until enough has come."""

    def __init__(self) -> None:
        self.frames: list[F] = []
        self.arrivals: list[float] = []
        self.error: MediaError | None = None
        self._changed = Condition()

    def push(self, frame: F) -> None:
        with self._changed:
            self.frames.append(frame)
            self.arrivals.append(time.monotonic())
            self._changed.notify_all()

    def fail(self, error: MediaError) -> None:
        with self._changed:
            self.error = error
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more is coming."""

    def wait_for(self, count: int, timeout: float = 10.0) -> list[F]:
        return self.wait_until(lambda: len(self.frames) >= count, timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> list[F]:
        with self._changed:
            assert self._changed.wait_for(condition, timeout), f"only {len(self.frames)} frames came"
            return list(self.frames)


@contextmanager
def running(source: object, intake: object) -> Iterator[None]:
    """A source that runs while the block does."""
    source.start(intake)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        source.stop()  # type: ignore[attr-defined]


def loudest_frequency(samples: npt.NDArray[np.int16], rate: int = 48_000) -> float:
    """Hz of the strongest partial."""
    windowed = samples.astype(float) * np.hanning(len(samples))
    return float(np.argmax(np.abs(np.fft.rfft(windowed, 8 * len(samples))))) * rate / (8 * len(samples))


def sine(hertz: float, count: int, rate: int = 48_000, amplitude: float = 0.25) -> npt.NDArray[np.int16]:
    """A mono sine, shape (count,)."""
    wave: npt.NDArray[np.int16] = (np.sin(2 * np.pi * hertz * np.arange(count) / rate) * amplitude * 32767).astype(
        np.int16
    )
    return wave


def through_h264(pictures: list[av.VideoFrame], bitrate: int, fps: int = 30) -> list[av.VideoFrame]:
    """Coded by x264 as a call would and decoded again, picture for picture."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = pictures[0].width, pictures[0].height  # type: ignore[attr-defined]
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", bitrate  # type: ignore[attr-defined]
    encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps)  # type: ignore[attr-defined]
    encoder.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "vbv-maxrate": str(bitrate // 1000),
        "vbv-bufsize": "100",
    }
    decoder = av.CodecContext.create("h264", "r")
    packets = []
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, Fraction(1, fps)
        packets += encoder.encode(picture)  # type: ignore[attr-defined]
    packets += encoder.encode(None)  # type: ignore[attr-defined]
    decoded = [frame for packet in packets for frame in decoder.decode(packet)]  # type: ignore[attr-defined]
    return decoded + decoder.decode(None)  # type: ignore[attr-defined,no-any-return]


def write_media(
    path: Path, *, pictures: int = 0, sound: np.ndarray | None = None, rate: int = 48_000, codec: str = ""
) -> str:
    """A file with numbered pictures at 25 fps, with mono sound, or with both."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"}) if pictures else None
        audio = out.add_stream(codec or "pcm_s16le", rate=rate, layout="mono") if sound is not None else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
            video.time_base = Fraction(1, 25)
        for number in range(pictures):
            planes = np.full((270, 320), 128, np.uint8)
            draw_stamp(planes[:180], number, 1.7e9)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        if audio is not None:
            size = audio.codec_context.frame_size or 1024
            for i in range(0, len(sound), size):
                block = av.AudioFrame.from_ndarray(sound[None, i : i + size], "s16", "mono")
                block.sample_rate, block.pts, block.time_base = rate, i, Fraction(1, rate)
                out.mux(audio.encode(block))
        for stream in (video, audio):
            if stream is not None:
                out.mux(stream.encode(None))
    return str(path)


def joined(frames: list[AudioFrame]) -> npt.NDArray[np.int16]:
    """The samples of mono frames, shape (n,)."""
    return np.concatenate([frame.samples.ravel() for frame in frames])
