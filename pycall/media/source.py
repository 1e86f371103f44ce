"""Where frames begin: the two protocols a source has to fit, and how sources are opened by name.

A source pushes. It may push from any thread (a device's callback, a thread of its own, the event loop), one at a time;
the uplink takes the frame over at once and never blocks it. A bot's own source is any object with `start` and `stop`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from pycall.core.errors import ConfigError, ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.frames import AudioFrame, VideoFrame

F_contra = TypeVar("F_contra", contravariant=True)


class Intake(Protocol[F_contra]):
    """Where a source leaves its frames. Every method may be called from any thread and returns at once."""

    def push(self, frame: F_contra) -> None:
        """Take a frame over; the source must not change it afterwards.

        Sound may be of any length and come up to 30 s ahead of real time: it waits and is played in full. Raises
        `MediaError` (TOO_MANY), and takes nothing, if more would wait. Of sound whose `time` says that it was captured
        long ago only the newest 100 ms are kept, and of pictures the newest. Nothing pushed for 2 s, after the last was
        played, is a failure (DEVICE_LOST).
        """
        ...

    def end(self) -> None:
        """All is pushed, for now: silence (or the last picture) is meant, and no failure. The next `push` begins anew;
        what waits is still played."""
        ...

    def fail(self, error: MediaError) -> None:
        """The source is dead and will push nothing more."""
        ...


@runtime_checkable
class AudioSource(Protocol):
    """A source of sound: any rate, one or two channels, any block size."""

    def start(self, intake: Intake[AudioFrame]) -> None:
        """Begin to push; raises `MediaError` if it cannot. Called once; may block for up to 2 s (not on the loop)."""
        ...

    def stop(self) -> None:
        """Push no more; release the device and join the thread within 1 s. May be called twice."""
        ...


@runtime_checkable
class VideoSource(Protocol):
    """A source of pictures: any size and pixel format, any rate."""

    def start(self, intake: Intake[VideoFrame]) -> None: ...

    def stop(self) -> None: ...


def open_audio_source(name: str, channels: int = 1) -> AudioSource:
    """The source of sound called `name`: `mic`, `mic:NAME`, `file:PATH`, `tone:HZ` or `null`; the path of an existing
    file will do as well. `channels`: 1, or 2 to get stereo of what has it.

    Nothing is captured before `start`. A file is looked into at once, which takes some 20 ms. Raises `ConfigError` for
    an unknown name and `MediaError` for what cannot be opened.
    """
    kind, value = _split(name)
    opener = _AUDIO.get(kind)
    if opener is None:
        raise _unknown(name, "sound", _AUDIO_NAMES)
    return opener(value, channels)


def open_video_source(name: str, profile: VideoProfile) -> VideoSource:
    """The source of pictures called `name`: `camera:N`, `camera:/dev/videoN`, `screen`, `screen::0`, `file:PATH`,
    `stamped:PATH`, `pattern` or `null`; the path of an existing file will do as well. `profile` is what to ask a device
    for; it is not binding. Raises as `open_audio_source` does."""
    kind, value = _split(name)
    opener = _VIDEO.get(kind)
    if opener is None:
        raise _unknown(name, "picture", _VIDEO_NAMES)
    return opener(value, profile)


def is_file(wanted: object) -> bool:
    """True for the name of a source that plays a file, whether or not the file is there."""
    return isinstance(wanted, str) and _split(wanted)[0] in ("file", "stamped")


def check_audio_source(wanted: object) -> None:
    """Raises `ConfigError` unless this is a source of sound or has the name of one; opens nothing."""
    if isinstance(wanted, str):
        kind, value = _split(wanted)
        if kind not in _AUDIO:
            raise _unknown(wanted, "sound", _AUDIO_NAMES)
        if kind == "tone":
            _tone(value, 1)
    elif isinstance(wanted, type) or not isinstance(wanted, AudioSource):
        raise _no_source(wanted, "sound")


def check_video_source(wanted: object) -> None:
    """The same for pictures."""
    if isinstance(wanted, str):
        if _split(wanted)[0] not in _VIDEO:
            raise _unknown(wanted, "picture", _VIDEO_NAMES)
    elif isinstance(wanted, type) or not isinstance(wanted, VideoSource):
        raise _no_source(wanted, "picture")


_AUDIO_NAMES = "mic, mic:NAME, file:PATH, tone:HZ, null"
_VIDEO_NAMES = "camera:N, screen, file:PATH, pattern, null"


def _no_source(wanted: object, what: str) -> ConfigError:
    given = " ".join((wanted.__name__ if isinstance(wanted, type) else repr(wanted)).split())[:80]
    advice = "give a name such as 'null', or an object with start(intake) and stop()"
    return ConfigError(ErrorCode.BAD_SETTING, f"{given} is no {what} source; {advice}")


def _split(name: str) -> tuple[str, str]:
    """Kind and the rest; a bare path counts as a file."""
    kind, _, value = name.partition(":")
    if kind not in _AUDIO and kind not in _VIDEO and os.path.exists(name):
        return "file", name
    return kind, value


def _unknown(name: str, what: str, names: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_ARGUMENT, f"no {what} source {name!r}; use one of {names}, or a file that exists")


def _mic(value: str, channels: int) -> AudioSource:
    from pycall.media.devices.sound import Microphone

    return Microphone(value or None, channels)


def _camera(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.devices.capture import Camera

    return Camera(value or "0", profile)


def _screen(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.devices.capture import Screen

    return Screen(value, profile)


def _tone(value: str, channels: int) -> AudioSource:
    from pycall.media.synthetic import Tone

    try:
        hertz = float(value)
    except ValueError:
        raise ConfigError(ErrorCode.BAD_ARGUMENT, f"tone:{value} names no frequency; use e.g. tone:440") from None
    return Tone(hertz)


def _pattern(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.synthetic import Pattern

    return Pattern(profile)


def _audio_file(value: str, channels: int) -> AudioSource:
    from pycall.media.files import FileAudio

    return FileAudio(value, channels)


def _video_file(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.files import FileVideo

    return FileVideo(value)


def _stamped_file(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.stamped import StampedFile

    return StampedFile(value, profile)


def _no_sound(value: str, channels: int) -> AudioSource:
    from pycall.media.synthetic import Null

    return Null()


def _no_picture(value: str, profile: VideoProfile) -> VideoSource:
    from pycall.media.synthetic import Null

    return Null()


_AUDIO: dict[str, Callable[[str, int], AudioSource]] = {
    "mic": _mic,
    "file": _audio_file,
    "tone": _tone,
    "null": _no_sound,
}
_VIDEO: dict[str, Callable[[str, VideoProfile], VideoSource]] = {
    "camera": _camera,
    "screen": _screen,
    "file": _video_file,
    "stamped": _stamped_file,
    "pattern": _pattern,
    "null": _no_picture,
}
