"""Where frames end: the two protocols a sink has to fit, and how sinks are opened by name.

Sinks are called on the event loop and must return at once; one that is slow (a file, a window) keeps a thread and a
bounded queue of its own. A bot's own sink is any object with these methods, or a plain function that is called with
each frame. A sink that has died (a loudspeaker pulled out, a full disk) raises `MediaError` from `hear` or `see`: it is
then dropped, and the others go on.

    speaker, speaker:NAME    sound: the default output device, or one whose name contains NAME
    window                   picture: a window of its own (needs `pip install 'pycall[window]'` and a display)
    terminal                 picture: coloured half blocks in the terminal
    file:out.mkv, file:a.mp4 both: a file of what arrives; opened for sound and for picture, it is one file with both
    null                     both: nothing
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeGuard, runtime_checkable

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import UserId
from pycall.media.frames import AudioFrame, VideoFrame


@runtime_checkable
class AudioSink(Protocol):
    """Hears everybody mixed into one: 20 ms frames, 48 kHz, paced by real time while a call is up. `samples` has the
    shape (960, 1), or (960, 2) with `EngineConfig(audio_profile="music")`."""

    def start(self) -> None:
        """Open the device; raises `MediaError` if it cannot. May block for up to 2 s (not on the loop)."""
        ...

    def hear(self, frame: AudioFrame) -> None: ...

    def stop(self) -> None:
        """Release the device and join the thread within 1 s. May be called twice."""
        ...


@runtime_checkable
class VideoSink(Protocol):
    """Sees the pictures of one user after the other, as they arrive."""

    def start(self) -> None: ...

    def see(self, user_id: UserId, frame: VideoFrame) -> None: ...

    def stop(self) -> None: ...


class NullSink:
    """Takes sound and picture and does nothing with them."""

    def start(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None: ...

    def see(self, user_id: UserId, frame: VideoFrame) -> None: ...

    def stop(self) -> None: ...


class _AudioCallback(NullSink):
    def __init__(self, listener: Callable[[AudioFrame], None]) -> None:
        self._listener = listener
        self.name = _called(listener)

    def hear(self, frame: AudioFrame) -> None:
        self._listener(frame)


class _VideoCallback(NullSink):
    def __init__(self, listener: Callable[[UserId, VideoFrame], None], name: str) -> None:
        self._listener = listener
        self.name = name

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        self._listener(user_id, frame)


def on_audio(listener: Callable[[AudioFrame], None]) -> AudioSink:
    """A sink that calls `listener(frame)` on the event loop every 20 ms; it must return at once."""
    return _AudioCallback(listener)


def on_video(listener: Callable[[UserId, VideoFrame], None]) -> VideoSink:
    """A sink that calls `listener(user_id, frame)` on the event loop for each picture; it must return at once."""
    return _VideoCallback(listener, _called(listener))


def _called(listener: Callable[..., Any]) -> str:
    return str(getattr(listener, "__name__", type(listener).__name__))


def as_audio_sink(wanted: str | AudioSink | Callable[[AudioFrame], None]) -> str | AudioSink:
    """A function as a sink; names and sinks as they are."""
    return wanted if isinstance(wanted, str | AudioSink) else on_audio(wanted)


def as_video_sink(wanted: str | VideoSink | Callable[[VideoFrame], None]) -> str | VideoSink:
    """The same for pictures: the function gets everybody's."""
    if isinstance(wanted, str | VideoSink):
        return wanted
    return _VideoCallback(lambda _, frame: wanted(frame), _called(wanted))


def check_audio_sink(wanted: object) -> None:
    """Raises `ConfigError` unless this is a sink of sound, the name of one, or a function; opens nothing."""
    if isinstance(wanted, str):
        _check_name(wanted, "sound", _AUDIO_NAMES, wanted in ("speaker", "null") or wanted.startswith("speaker:"))
    elif isinstance(wanted, type) or not (isinstance(wanted, AudioSink) or is_plain_function(wanted)):
        raise _no_sink(wanted, "sound", "start(), hear(frame) and stop()")


def check_video_sink(wanted: object) -> None:
    """The same for pictures."""
    if isinstance(wanted, str):
        _check_name(wanted, "picture", _VIDEO_NAMES, wanted in ("window", "terminal", "null"))
    elif isinstance(wanted, type) or not (isinstance(wanted, VideoSink) or is_plain_function(wanted)):
        raise _no_sink(wanted, "picture", "start(), see(user_id, frame) and stop()")


def is_plain_function(wanted: object) -> TypeGuard[Callable[..., Any]]:
    """Something to call with each frame: nobody would await what an `async def` gives."""
    return callable(wanted) and not any(map(inspect.iscoroutinefunction, (wanted, type(wanted).__call__)))


def open_audio_sink(name: str, channels: int = 1) -> AudioSink:
    """The sink called `name`, not started yet: `speaker`, `speaker:NAME`, `file:PATH` or `null`.

    It will be given sound of so many `channels`, 1 or 2. Raises `ConfigError` for a name that means nothing and
    `MediaError` for a file that cannot be written.
    """
    check_audio_sink(name)
    kind, _, rest = name.partition(":")
    if kind == "speaker":
        from pycall.media.devices.sound import Speaker

        return Speaker(rest or None, channels)
    if kind == "file":
        from pycall.media.file_sinks import open_audio_file

        return open_audio_file(rest, channels)
    return NullSink()


def open_video_sink(name: str) -> VideoSink:
    """The sink called `name`, not started yet: `window`, `terminal`, `file:PATH` or `null`.

    Raises `ConfigError` for a name that means nothing and `MediaError` for a file that cannot be written.
    """
    check_video_sink(name)
    kind, _, rest = name.partition(":")
    if name == "window":
        from pycall.media.devices.window import Window

        return Window()
    if name == "terminal":
        from pycall.media.devices.terminal import Terminal

        return Terminal()
    if kind == "file":
        from pycall.media.file_sinks import open_video_file

        return open_video_file(rest)
    return NullSink()


_AUDIO_NAMES = "speaker, speaker:NAME, file:out.mkv, file:out.mp4, null"
_VIDEO_NAMES = "window, terminal, file:out.mkv, file:out.mp4, null"


def _check_name(name: str, what: str, names: str, known: bool) -> None:
    kind, _, rest = name.partition(":")
    if kind == "file" and rest:
        from pycall.media.muxer import format_of

        format_of(rest)
    elif not known:
        raise ConfigError(ErrorCode.BAD_SETTING, f"no {what} sink is called {name!r}; use one of: {names}")


def _no_sink(wanted: object, what: str, methods: str) -> ConfigError:
    advice = f"give a name such as 'null', a plain function, or an object with {methods}"
    given = " ".join((wanted.__name__ if isinstance(wanted, type) else repr(wanted)).split())[:80]
    return ConfigError(ErrorCode.BAD_SETTING, f"{given} is no {what} sink; {advice}")
