"""One stream of a media file as decoded frames with their times, over and over again."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import av
from av.container import InputContainer
from av.stream import Disposition

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.shape import MAX_SIDE

log = logging.getLogger(__name__)

AUDIO, VIDEO = "audio", "video"
_NOT_MEDIA = {"hls", "dash", "concat", "tty", "ffmetadata", "applehttp", "sdp", "rtsp", "lavfi"}
"""Formats of FFmpeg that point at other files or turn any text into a picture."""
_MAX_JUMP = 10.0
"""Seconds; a larger jump of timestamps within a stream is an error of the file, not a pause."""
_USUAL_FRAME = 1 / 25

_SAME_FRAME = 0.005
"""Seconds; closer timestamps belong to one frame (formats round them differently)."""

_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
"""A title that is no UTF-8 spoils no film; PyAV 19 has no such option any more, as it does not mind."""

F = TypeVar("F", av.AudioFrame, av.VideoFrame)


def open_media(path: str) -> InputContainer:
    """Open a regular file; nothing it refers to is followed. Raises `MediaError` (NO_SUCH_FILE, BAD_FILE)."""
    _check_regular(path)
    try:
        container: InputContainer = av.open(
            "file:" + os.path.abspath(path), options={"protocol_whitelist": "file"}, **_LENIENT
        )
    except PermissionError:
        raise MediaError(ErrorCode.BAD_FILE, f"{path} may not be read; check its permissions") from None
    except (av.error.FFmpegError, OSError, ValueError):
        raise MediaError(
            ErrorCode.BAD_FILE, f"{path} is no media file, or it is damaged; try to play it first"
        ) from None
    if _NOT_MEDIA & set(container.format.name.split(",")):
        container.close()
        raise MediaError(ErrorCode.BAD_FILE, f"{path} is a list or a text, no media file; name the file itself")
    return container


def _check_regular(path: str) -> None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        raise MediaError(ErrorCode.NO_SUCH_FILE, f"there is no file {path!r}; check the name") from None
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(ErrorCode.BAD_FILE, f"{path} is no regular file; only those can be played")
    if status.st_size == 0:
        raise MediaError(ErrorCode.BAD_FILE, f"{path} is empty; choose another file")


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through a stream: when its first frame began and its last one ended, seconds, and how many there were."""

    begin: float
    end: float
    count: int


class Track(Generic[F]):
    """A cursor over the frames of one stream, pass after pass. `head` is the frame at the cursor.

    Times are seconds since the beginning of the file as its timestamps tell, made rising and free of absurd jumps.
    After the last frame the cursor is put on the first one again at once, so that the next pass begins without delay.
    """

    head: F
    time: float
    """Of `head`."""

    def __init__(self, path: str, kind: type[F]) -> None:
        self._path = path
        self._kind: type[F] = kind
        self._container: InputContainer | None = None
        self.passed: Pass | None = None
        """The pass that is over, while the cursor waits for the next one to begin."""
        self._open()
        self._go_to_first()

    def begin(self) -> None:
        """The next pass begins: it is no longer waited."""
        self.passed = None

    def advance(self) -> None:
        """On to the next frame. Raises `MediaError` if the file cannot be read any more."""
        frame = next(self._frames, None)
        if frame is not None:
            self._place(frame)
            return
        self.passed = Pass(self._first, self._end, self.count)
        self._rewind()

    def finish(self) -> None:
        """Leave the rest of this pass out."""
        self.passed = Pass(self._first, self.time, self.count)
        self._rewind()

    @property
    def promised_end(self) -> float | None:
        """When the last frame should be over, as the file's header says; None if it says nothing."""
        if self._container is None:
            return None
        if self._stream.duration is not None and self._stream.time_base is not None:
            begin = self._stream.start_time or 0
            return float((begin + self._stream.duration) * self._stream.time_base) + self._shift
        return self._container.duration / av.time_base if self._container.duration is not None else None

    def seek(self, time: float) -> None:
        """Put the cursor on the frame shown or heard at `time`, seconds from the beginning."""
        if time > 2.0 and self._jump(round((time - self._shift) * av.time_base)):
            self._end, self.count = time, 0
            self.advance()
        while self.passed is None and self._end <= time:
            self.advance()

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def _what(self) -> str:
        return "sound" if self._kind is av.AudioFrame else "picture"

    def _open(self) -> None:
        self.close()
        self._container = open_media(self._path)
        self._stream = self._pick(self._container)
        self._stream.codec_context.thread_count = 2
        self._frames: Iterator[F] = self._decode(self._container)
        self._shift = -_beginning(self._container)

    def _go_to_first(self) -> None:
        self._end, self.count = 0.0, 0
        frame = next(self._frames, None)
        if frame is None:
            self.close()
            raise MediaError(ErrorCode.BAD_FILE, f"{self._path} holds no {self._what} that can be decoded")
        self._place(frame)
        self._first = self.time

    def _rewind(self) -> None:
        """By a jump, which takes a few milliseconds; where that does not lead to the first frame, by opening anew."""
        first = self._first
        self._shift = -_beginning(self._container) if self._container is not None else 0.0
        if self._jump(round(-self._shift * av.time_base)):
            frame = next(self._frames, None)
            if frame is not None and frame.time is not None and abs(frame.time + self._shift - first) < _SAME_FRAME:
                self._end, self.count = 0.0, 0
                self._place(frame)
                return
        self._open()
        self._go_to_first()

    def _jump(self, offset: int) -> bool:
        assert self._container is not None
        try:
            self._container.seek(offset)
        except av.error.FFmpegError:
            return False
        self._frames = self._decode(self._container)
        return True

    def _pick(self, container: InputContainer) -> av.AudioStream | av.VideoStream:
        wanted = AUDIO if self._kind is av.AudioFrame else VIDEO
        streams = [s for s in container.streams if s.type == wanted and s.codec_context is not None]
        moving = [s for s in streams if not s.disposition & Disposition.attached_pic]
        for stream in moving or streams:
            if isinstance(stream, av.AudioStream):
                return stream
            if isinstance(stream, av.VideoStream) and max(stream.width, stream.height) <= MAX_SIDE:
                return stream
        container.close()
        advice = "null, mic or tone:440" if wanted == AUDIO else "null, camera:0 or pattern"
        raise MediaError(ErrorCode.BAD_FILE, f"{self._path} has no {self._what}; choose another source, e.g. {advice}")

    def _decode(self, container: InputContainer) -> Iterator[F]:
        packets = container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                log.info("a file ends early: %s", type(error).__name__)
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue  # a damaged packet; the next may be whole
            yield from (frame for frame in frames if isinstance(frame, self._kind))

    def _place(self, frame: F) -> None:
        time = self._end if frame.time is None else frame.time + self._shift
        if self.count and not -1.0 < time - self._end < _MAX_JUMP:
            self._shift += self._end - time
            time = self._end
        self.head = frame
        self.time = max(time, self.time) if self.count else time
        self._end = self.time + self._duration(frame)
        self.count += 1

    def _duration(self, frame: F) -> float:
        if isinstance(frame, av.AudioFrame):
            return frame.samples / frame.sample_rate
        if frame.duration and frame.time_base:
            return float(frame.duration * frame.time_base)
        rate = self._stream.average_rate if isinstance(self._stream, av.VideoStream) else None
        return float(1 / rate) if rate else _USUAL_FRAME


def _beginning(container: InputContainer) -> float:
    """Where the earliest stream begins, in the file's own time."""
    return container.start_time / av.time_base if container.start_time is not None else 0.0
