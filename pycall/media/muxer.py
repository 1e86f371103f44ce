"""Writes one `.mkv` or `.mp4` that plays even if the process is killed while writing it.

Matroska closes a cluster, and MP4 a fragment, about every second, and both are flushed at once; the end of the file
adds nothing that a player needs. Tracks: pictures (H.264) in the order given, then one of sound (Opus or AAC).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from fractions import Fraction
from pathlib import Path

import av

from pycall.core.errors import ConfigError, ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.channels import packed
from pycall.media.frames import SAMPLE_RATE, Samples
from pycall.media.shape import PictureShaper

logger = logging.getLogger(__name__)

FORMATS = {".mkv": "matroska", ".mp4": "mp4"}
_FRAGMENT = 1_000_000
# In an MP4 the first picture of a track that begins late is shown from the beginning; the others come at their time.
_OPTIONS = {
    "matroska": {"cluster_time_limit": "1000", "default_mode": "infer_no_subs"},
    "mp4": {"movflags": "empty_moov+default_base_moof", "frag_duration": str(_FRAGMENT)},
}
_COMMON_OPTIONS = {
    "flush_packets": "1",
    # A track that falls silent (a closed camera) must not hold the others back in memory for longer than this.
    "max_interleave_delta": str(_FRAGMENT),
}
# bit/s of each channel.
_AUDIO = {"matroska": ("libopus", 64_000), "mp4": ("aac", 96_000)}
_X264 = {"preset": "superfast", "tune": "zerolatency", "crf": "23", "threads": "1"}
_MILLISECOND = Fraction(1, 1000)
_KEYFRAME_EVERY = 60


def format_of(path: str) -> str:
    """FFmpeg's name of the container that a file name asks for; `ConfigError` if it is neither."""
    name = FORMATS.get(Path(path).suffix.lower())
    if name is None:
        raise ConfigError(ErrorCode.BAD_SETTING, f"{path!r} cannot be recorded to: name a .mkv or .mp4 file")
    return name


def check_writable(path: str) -> None:
    """Raises `MediaError` unless a file can be made there; what is there stays as it is, and nothing new is left."""
    target = os.path.realpath(path)
    new = not os.path.exists(target)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666))
        if new:
            os.unlink(target)
    except OSError as error:
        if not os.path.isdir(os.path.dirname(target)):
            raise MediaError(ErrorCode.NO_SUCH_FILE, f"the folder of {path!r} is not there: make it first") from None
        problem = f"{path!r} cannot be written ({error.strerror}): choose another file"
        raise MediaError(ErrorCode.BAD_FILE, problem) from None


class Muxer:
    """An open file. Times are seconds since its beginning. Every method may raise `av.FFmpegError` or `OSError`."""

    def __init__(self, path: str, *, audio: bool, pictures: Mapping[str, tuple[int, int]], channels: int = 1) -> None:
        """`pictures`: name to (width, height) of each picture track, in the file's order; `channels` of the sound."""
        form = format_of(path)
        self._path = path
        self._channels = channels
        options = {**_COMMON_OPTIONS, **_OPTIONS[form]}
        self._container = av.open(f"file:{path}", "w", format=form, container_options=options)
        self._pictures = {name: self._add_picture(name, size) for name, size in pictures.items()}
        self._audio = self._add_audio(*_AUDIO[form]) if audio else None
        self._shapers = {name: PictureShaper(VideoProfile("", *size, 30, 0)) for name, size in pictures.items()}
        self._last = dict.fromkeys(pictures, -1)
        self._sound_after = -SAMPLE_RATE
        self._empty = True
        self._container.start_encoding()

    @property
    def tracks(self) -> Collection[str]:
        """Names of the picture tracks."""
        return self._pictures.keys()

    def write_picture(self, track: str, picture: av.VideoFrame, seconds: float) -> None:
        """Encode one picture of any size and format; it is scaled into the track's size, its shape kept.

        Raises `MediaError` for one that cannot be converted; the file goes on without it.
        """
        stream = self._pictures[track]
        # However soon it comes after the one before: after a stop of the machine many come at once.
        frame = self._shapers[track].fit(picture)
        frame.pict_type = av.video.frame.PictureType.NONE
        self._last[track] = frame.pts = max(round(seconds * 1000), self._last[track] + 1)
        frame.time_base = _MILLISECOND
        self._container.mux(stream.encode(frame))

    def write_sound(self, samples: Samples, position: int) -> None:
        """Encode int16 at 48 kHz, shape (n,) or (n, 2); `position` is that of its first sample."""
        if self._audio is None:
            return
        frame = packed(samples, pts=position)
        self._empty = False
        self._container.mux([packet for packet in self._audio.encode(frame) if (packet.pts or 0) > self._sound_after])

    def grown(self, pictures: Mapping[str, tuple[int, int]]) -> Muxer:
        """The same file with these picture tracks, and what is in it so far; this one is closed.

        Killed meanwhile, it leaves what it had in a file with `.before` in its name. Up to 20 ms of sound are lost.
        """
        self.close()
        path = Path(self._path)
        before = path.with_suffix(f".before{path.suffix}")
        path.replace(before)
        made = Muxer(self._path, audio=self._audio is not None, pictures=pictures, channels=self._channels)
        if not self._empty:  # a file without a single packet does not open
            made._copy_sound(before)
        before.unlink()
        return made

    def _copy_sound(self, path: Path) -> None:
        if self._audio is None:
            return
        with av.open(f"file:{path}") as file:
            for packet in file.demux(file.streams.audio[:1]):
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue  # the mark of the end
                self._sound_after = round(packet.pts * packet.time_base * SAMPLE_RATE)
                packet.stream = self._audio
                self._container.mux(packet)

    def close(self) -> None:
        """Flush the encoders and end the file; the file is closed even if that fails."""
        try:
            for stream in (*self._pictures.values(), self._audio):
                if stream is not None:
                    self._container.mux(stream.encode(None))
        finally:
            self._container.close()

    def _add_picture(self, name: str, size: tuple[int, int]) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=30, options=dict(_X264))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _MILLISECOND
        stream.codec_context.gop_size = _KEYFRAME_EVERY
        stream.metadata["title"] = name
        return stream

    def _add_audio(self, codec: str, bit_rate: int) -> av.AudioStream:
        stream = self._container.add_stream(codec, rate=SAMPLE_RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono" if self._channels == 1 else "stereo"
        stream.bit_rate = bit_rate * self._channels
        return stream


def even(size: int) -> int:
    """The largest even number not above `size`, at least 2: H.264 halves the colour planes."""
    return max(2, size - size % 2)
