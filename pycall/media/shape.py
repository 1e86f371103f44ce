"""Brings what sources push into the one shape that is sent: 48 kHz sound, pictures of the profile's size."""

from __future__ import annotations

from fractions import Fraction
from threading import Lock

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.channels import Resampler, in_channels, packed
from pycall.media.frames import MICROSECOND, SAMPLE_RATE, AudioFrame, Samples, VideoFrame, pixels_of
from pycall.media.turn import middle, turned

MAX_SIDE = 8192
"""Pixels; a wider or higher picture is refused (a file header may claim anything)."""
_ASPECT_TOLERANCE = 0.02
"""Shapes this close are stretched instead of getting bars a few pixels wide (1366 x 768 is not quite 16:9)."""
_EARLY = 0.25
"""Part of a frame interval by which a picture may come early (jitter of cameras) and still be taken."""


class SoundShaper:
    """int16 sound of any rate and number of channels becomes mono or stereo, 48 kHz. For one thread at a time."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels
        self._rate = SAMPLE_RATE
        self._resampler: Resampler | None = None

    def shape(self, frame: AudioFrame) -> Samples:
        """The sound of `frame` as shape (n,) or (n, 2), n as large as its duration asks for, a few more or less.

        Mono is the mean of all channels. Raises `MediaError` (BAD_ARGUMENT) if it is not int16 of shape (n,) or
        (n, channels).
        """
        if frame.samples.dtype != np.int16 or frame.samples.ndim not in (1, 2):
            raise MediaError(ErrorCode.BAD_ARGUMENT, "sound must be int16 of shape (samples, channels)")
        sound = in_channels(frame.samples, self._channels)
        if not 1000 <= frame.rate <= 768_000:
            raise MediaError(ErrorCode.BAD_ARGUMENT, f"a sample rate of {frame.rate} Hz cannot be; use 8000 to 192000")
        if frame.rate == SAMPLE_RATE:
            return sound
        if self._resampler is None or self._rate != frame.rate:
            self._resampler, self._rate = Resampler(self._channels), frame.rate
        return self._resampler.resample(packed(np.ascontiguousarray(sound), rate=frame.rate))


class RateLimit:
    """Lets pictures pass at no more than `fps` a second, judged by their capture times."""

    def __init__(self, fps: int) -> None:
        self._interval = 1.0 / fps
        self._due: float | None = None

    def admits(self, time: float) -> bool:
        """True if the picture captured at `time` (seconds) is to be sent."""
        if self._due is None or abs(time - self._due) > 1.0:
            self._due = time
        if time < self._due - _EARLY * self._interval:
            return False
        on_grid = time - self._due < self._interval
        self._due = (self._due if on_grid else time) + self._interval
        return True


class PictureShaper:
    """Pictures of any size, format and rate become yuv420p of the profile's size at no more than its rate.

    A picture whose shape differs keeps it and gets black bars: cropping would hide what people show each other. With
    `crop` the middle of a wide picture is taken for a profile that is higher than wide, as bars would be most of it.
    One that fits already passes without a copy. `set_profile` may be called from another thread than `shape`.
    """

    def __init__(self, profile: VideoProfile, *, crop: bool = False) -> None:
        self._lock = Lock()
        self._crop = crop
        self._reformatter = VideoReformatter()
        self._shells = Shells()
        self.set_profile(profile)

    def set_profile(self, profile: VideoProfile) -> None:
        """From the next picture on."""
        with self._lock:
            self._profile = profile
            self._limit = RateLimit(profile.fps)

    def shape(self, frame: VideoFrame) -> VideoFrame | None:
        """The picture to send; None if it is one too many. Raises `MediaError` (BAD_ARGUMENT) for one of no use."""
        with self._lock:
            if not self._limit.admits(frame.time):
                return None
            picture = self.fit(frame.picture)
        picture.pict_type = av.video.frame.PictureType.NONE
        picture.pts, picture.time_base = round(frame.time / MICROSECOND), MICROSECOND
        return VideoFrame(picture, frame.time)

    def fit(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture in yuv420p and the profile's size, in a frame object of its own. For one thread at a time."""
        width, height = self._profile.width, self._profile.height
        if not (0 < picture.width <= MAX_SIDE and 0 < picture.height <= MAX_SIDE):
            raise MediaError(ErrorCode.BAD_ARGUMENT, f"a picture of {picture.width} x {picture.height} cannot be sent")
        picture = turned(picture, round(picture.rotation / 90))  # telephones film sideways and say so in the file
        if self._crop and width < height and picture.width > picture.height:
            picture = middle(picture, width, height)
        inner = inner_size(picture.width, picture.height, width, height)
        scaled = self._scale(picture, *inner)
        if inner == (width, height):
            return scaled
        return _with_bars(scaled, width, height)

    def _scale(self, picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        if (picture.width, picture.height, picture.format.name) == (width, height, "yuv420p"):
            return self._shells.another(picture)
        try:
            return self._reformatter.reformat(
                picture,
                width,
                height,
                "yuv420p",
                interpolation=Interpolation.BILINEAR,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(
                ErrorCode.BAD_ARGUMENT, f"a picture in format {picture.format.name} cannot be converted"
            ) from error


def inner_size(width: int, height: int, outer_width: int, outer_height: int) -> tuple[int, int]:
    """The largest even size of the shape width : height inside the outer one."""
    ratio = Fraction(width, height) / Fraction(outer_width, outer_height)
    if abs(ratio - 1) <= _ASPECT_TOLERANCE:
        return outer_width, outer_height
    if ratio > 1:
        return outer_width, max(2, round(outer_height / ratio) // 2 * 2)
    return max(2, round(outer_width * ratio) // 2 * 2), outer_height


def black_picture(width: int, height: int) -> av.VideoFrame:
    """A black yuv420p picture; width and height even."""
    picture = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(picture.planes, (16, 128, 128), strict=True):
        pixels_of(plane)[:] = value
    return picture


def _with_bars(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    canvas = black_picture(width, height)
    left, top = (width - picture.width) // 4 * 2, (height - picture.height) // 4 * 2
    for index, (source, target) in enumerate(zip(picture.planes, canvas.planes, strict=True)):
        x, y = (left, top) if index == 0 else (left // 2, top // 2)
        pixels_of(target)[y : y + source.height, x : x + source.width] = pixels_of(source)
    return canvas


class Shells:
    """Makes further frame objects around the same picture data, without copying it.

    An encoder writes `pts` and `pict_type` into the frame it is given, so each needs an object of its own.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def another(self, picture: av.VideoFrame) -> av.VideoFrame:
        """A new frame that shares the planes of `picture`; neither may be drawn on."""
        shape = (picture.width, picture.height, picture.format.name)
        if self._graph is None or self._shape != shape:
            self._graph = _passing_graph(picture)
            self._shape = shape
        self._graph.push(picture)
        shell = self._graph.pull()
        assert isinstance(shell, av.VideoFrame)
        shell.pts = picture.pts
        if picture.time_base is not None:
            shell.time_base = picture.time_base
        return shell


def _passing_graph(picture: av.VideoFrame) -> Graph:
    graph = Graph()
    entry = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base or MICROSECOND
    )
    entry.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
