"""Which sources and sinks a call uses: what the user named, else what this machine has, else something that works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pycall.config import EngineConfig
from pycall.core.errors import ConfigError, ErrorCode, MediaError

from .identity import Identity

Tell = Callable[[str], None]
PROMPT_INTERVAL = 0.2
"""Seconds between levels: fast enough for a meter that moves."""


@dataclass(frozen=True, slots=True)
class MediaChoice:
    """The media options of one command; None means the user named nothing."""

    audio_source: str | None = None
    video_source: str | None = None
    audio_sink: str | None = None
    video_sink: str | None = None
    profile: str = "720p30"
    record: str | None = None
    audio_profile: str = "voice"

    def config(self, identity: Identity, tell: Tell, *, video: bool) -> EngineConfig:
        """The engine's settings; `tell` gets a line for each thing this machine lacks. May block for a second.

        Raises MediaError or ConfigError if something that was named cannot be used.
        """
        self._check()
        return EngineConfig(
            server=identity.server,
            app_id=identity.app_id,
            audio_source=self.audio_source or _microphone(tell),
            video_source=self.video_source or _camera(tell, video),
            audio_sink=self.audio_sink or _speaker(tell),
            video_sink=self.video_sink or _screen(tell, video),
            video_profile=self.profile,
            audio_profile="music" if self.audio_profile == "music" else "voice",
            record=self.record,
            volume_interval=PROMPT_INTERVAL,
        )

    def _check(self) -> None:
        """Look for what was named, so that a mistake is told before anybody's phone rings."""
        from pycall.media.profiles import profile
        from pycall.media.sink import open_audio_sink, open_video_sink
        from pycall.media.source import open_audio_source, open_video_source

        size = profile(self.profile)
        if self.audio_profile not in ("voice", "music"):
            raise ConfigError(ErrorCode.BAD_ARGUMENT, f"no audio profile {self.audio_profile!r}; use voice or music")
        for name in filter(None, (self.audio_source, self.video_source, self.audio_sink, self.video_sink)):
            check_there(name)
        if self.audio_source:
            open_audio_source(self.audio_source)
        if self.video_source:
            open_video_source(self.video_source, size)
        if self.audio_sink:
            open_audio_sink(self.audio_sink)
        if self.video_sink:
            open_video_sink(self.video_sink)
        if self.record:
            check_writable(self.record)


def check_there(name: str) -> None:
    """Raises MediaError if `name` is a device that this machine does not have; other names pass."""
    from .hardware import find_audio, find_cameras, window_problem

    kind, _, which = name.partition(":")
    if kind in {"mic", "speaker"}:
        audio = find_audio()
        if audio.problem:
            raise MediaError(ErrorCode.NO_LIBRARY, audio.problem)
        if not (audio.inputs if kind == "mic" else audio.outputs):
            noun = "microphone" if kind == "mic" else "speaker"
            raise MediaError(ErrorCode.NO_DEVICE, f"no {noun} found: plug one in, or name another (pycall devices)")
    elif kind == "camera" and (which or "0").isdecimal():
        if (which or "0") not in {camera.selector for camera in find_cameras()}:
            raise MediaError(ErrorCode.NO_DEVICE, f"there is no {name}: plug it in, or name another (pycall devices)")
    elif name == "window" and (problem := window_problem()):
        raise MediaError(ErrorCode.NO_DISPLAY if "DISPLAY" in problem else ErrorCode.NO_LIBRARY, problem)


def check_writable(path: str) -> None:
    """A recording's file can be made: a known ending, in a place that takes it. Else a MediaError or ConfigError."""
    from pycall.media import muxer

    muxer.format_of(path)
    muxer.check_writable(path)


def _microphone(tell: Tell) -> str:
    from .hardware import find_audio

    found = find_audio()
    if found.inputs:
        return "mic"
    tell(_instead("no microphone found", "sending silence", found.problem))
    return "null"


def _speaker(tell: Tell) -> str:
    from .hardware import find_audio

    found = find_audio()
    if found.outputs:
        return "speaker"
    tell(_instead("no speaker found", "playing nothing", found.problem))
    return "null"


def _camera(tell: Tell, video: bool) -> str:
    from .hardware import find_cameras

    cameras = find_cameras()
    if cameras:
        return f"camera:{cameras[0].selector}"
    if video:
        tell("no camera found: sending the test pattern")
    return "pattern"


def _screen(tell: Tell, video: bool) -> str:
    from .hardware import window_problem

    problem = window_problem()
    if problem is None:
        return "window"
    if video:
        tell(_instead("no display found", "showing no picture", None if "DISPLAY" in problem else problem))
    return "null"


def _instead(missing: str, instead: str, problem: str | None) -> str:
    """One line: what is not there, or what has to be installed, and what happens instead."""
    return f"{missing}: {instead}" if problem is None else f"{instead}: {problem}"
