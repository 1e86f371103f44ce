"""A file's pictures at an even rate, each with its number drawn in, so that the receiver can work out what was sent.

Picture `number` shows the file at `number / fps` seconds, over and over; it is the same wherever it is computed. So one
who receives it reads the number (`pycall.media.stamp`), asks `ReferenceClip` for the picture and compares the two below
the stamp.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.frames import Pixels, VideoFrame
from pycall.media.pacing import Ticker
from pycall.media.shape import PictureShaper
from pycall.media.source import Intake
from pycall.media.stamp import draw_stamp
from pycall.media.tracks import Track, open_media


class ReferenceClip:
    """The pictures of a file by number, in a profile's size and rate. Raises `MediaError` if it has none.

    Numbers asked for in rising order cost one decoded frame each (1 to 3 ms at 720p); going back costs a pass through
    the file. For one thread at a time.
    """

    def __init__(self, path: str, profile: VideoProfile) -> None:
        self._fps = profile.fps
        self._height = profile.height
        self._shaper = PictureShaper(profile)
        self._times, self._period = _timetable(path)
        self._track = Track(path, av.VideoFrame)
        self._at = 0
        self._shown = -1
        self._planes: Pixels | None = None

    def index(self, number: int) -> int:
        """Which picture of the file, from 0, is shown as `number`."""
        return bisect_right(self._times, Fraction(number, self._fps) % self._period) - 1

    def planes(self, number: int) -> Pixels:
        """yuv420p planes one under the other, shape (height * 3 / 2, width); not to be changed."""
        index = self.index(number)
        if self._planes is None or index != self._shown:
            self._move_to(index)
            picture = self._shaper.fit(self._track.head)
            self._planes = picture.to_ndarray().astype(np.uint8, copy=False)
            self._shown = index
        return self._planes

    def luma(self, number: int) -> Pixels:
        """The brightness, shape (height, width), without a stamp; not to be changed."""
        return self.planes(number)[: self._height]

    def picture(self, number: int, at: float | None = None) -> av.VideoFrame:
        """The picture in yuv420p, a copy of its own; with its stamp if `at` (unix seconds) is given."""
        planes = self.planes(number).copy()
        if at is not None:
            draw_stamp(planes[: self._height], number, at)
        return av.VideoFrame.from_numpy_buffer(planes, format="yuv420p")

    def close(self) -> None:
        """Release the file."""
        self._track.close()

    def _move_to(self, index: int) -> None:
        """Forward only, by way of the beginning if need be; a picture that cannot be decoded is passed over."""
        for _ in range(len(self._times) + 1):
            if self._at == index:
                return
            self._track.advance()
            self._at += 1
            if self._track.passed is not None:
                self._track.begin()
                self._at = 0


def _timetable(path: str) -> tuple[list[Fraction], Fraction]:
    """When each picture of a file begins, seconds from the first, rising; and the length of a pass. Decodes nothing."""
    with open_media(path) as container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.time_base is None:
            raise MediaError(ErrorCode.BAD_FILE, f"{path} has no picture; choose another file")
        packets = sorted(_stamps(container, stream))
        tick, rate = Fraction(stream.time_base), stream.average_rate
    if not packets:
        raise MediaError(ErrorCode.BAD_FILE, f"{path} holds no picture that can be decoded")
    begin, (last, duration) = packets[0][0], packets[-1]
    step = duration * tick or (1 / Fraction(rate) if rate else Fraction(1, 25))
    return [(pts - begin) * tick for pts, _ in packets], (last - begin) * tick + step


def _stamps(container: InputContainer, stream: av.VideoStream) -> Iterator[tuple[int, int]]:
    """Time and duration of every picture that is shown, in ticks; as far as the file goes, if it ends early."""
    with suppress(av.error.FFmpegError):
        for packet in container.demux(stream):
            if packet.pts is not None and not packet.is_discard:
                yield packet.pts, packet.duration or 0


class StampedFile:
    """The source `stamped:PATH`: the pictures of `ReferenceClip` at the profile's rate, with number and time."""

    def __init__(self, path: str, profile: VideoProfile) -> None:
        self._path = path
        self._profile = profile
        self._clip: ReferenceClip | None = ReferenceClip(path, profile)
        self._ticker: Ticker | None = None

    def start(self, intake: Intake[VideoFrame]) -> None:
        clip = self._clip or ReferenceClip(self._path, self._profile)
        clip.planes(0)
        self._clip = clip

        def beat(number: int, due: float) -> None:
            try:
                intake.push(VideoFrame(clip.picture(number, time.time()), due))
                clip.planes(number + 1)  # decoded now, so that it is ready when it is due
            except MediaError as error:
                intake.fail(error)

        self._ticker = Ticker("pycall-stamped", Fraction(1, self._profile.fps), beat)
        self._ticker.start()

    def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()
        if self._clip is not None:
            self._clip.close()
            self._clip = None
