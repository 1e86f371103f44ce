"""What the next call is made with: sources, sinks and settings, kept from call to call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pycall.core.types import MediaType, UserId, VideoProfile
from pycall.media.muxer import check_writable
from pycall.media.process.effects import PictureEffects
from pycall.media.process.voice import VoiceSwitch
from pycall.media.sink import AudioSink, VideoSink, open_audio_sink, open_video_sink
from pycall.media.source import AudioSource, VideoSource, is_file, open_audio_source, open_video_source
from pycall.media.views import RenderBook, ViewSpec

S = TypeVar("S")


@dataclass(slots=True)
class Gear:
    """What the next call is made with; changed by the engine's verbs."""

    audio_source: str | AudioSource
    video_source: str | VideoSource
    audio_sink: str | AudioSink
    video_sink: str | VideoSink
    profile: VideoProfile
    encoders: tuple[str, ...] = ()
    """Hardware encoders that were found to work."""
    record: str | None = None
    recorded: int = 0
    """Calls so far that have (had) a recording."""
    effects: PictureEffects = field(default_factory=PictureEffects)
    voice: VoiceSwitch = field(default_factory=VoiceSwitch)
    channels: int = 1
    """Of the sound, both ways: 2 for music."""
    renders: RenderBook = field(default_factory=RenderBook)
    views: dict[UserId, ViewSpec] = field(default_factory=dict)
    """A view of their own for these users, beside `video_sink`, which shows everybody."""
    local_view: ViewSpec | None = None
    """Shows what we send."""
    _ready: dict[tuple[object, ...], Any] = field(default_factory=dict, init=False, repr=False)
    """What `check` has made, for the call that follows: looking into a file twice would delay it."""

    def new_audio_source(self) -> AudioSource:
        """Made, not started. Like the three below: raises `MediaError` or `ConfigError`; may read: not on the loop."""
        return self._take(open_audio_source, self.audio_source, self.channels)

    def new_video_source(self) -> VideoSource:
        return self._take(open_video_source, self.video_source, self.profile)

    def new_audio_sink(self) -> AudioSink:
        return self._take(open_audio_sink, self.audio_sink, self.channels)

    def new_video_sink(self) -> VideoSink:
        return self._take(open_video_sink, self.video_sink)

    def check(self, media: MediaType) -> None:
        """Raises as above if a name cannot be right for a call of this kind; starts nothing."""
        self._ready.clear()
        recording = self._recording(self.recorded + 1)
        if recording is not None:
            check_writable(recording)
        made: list[Any] = [self.new_audio_source(), self.new_audio_sink()]
        keys: list[tuple[object, ...]] = [
            (open_audio_source, self.audio_source, self.channels),
            (open_audio_sink, self.audio_sink, self.channels),
        ]
        if media.has_video:
            made += [self.new_video_source(), self.new_video_sink()]
            keys += [(open_video_source, self.video_source, self.profile), (open_video_sink, self.video_sink)]
        self._ready.update(zip(keys, made, strict=True))

    def check_files(self) -> None:
        """Raises `MediaError` if a source is a file that is not there or cannot be played; starts nothing."""
        if is_file(self.audio_source):
            self.new_audio_source()
        if is_file(self.video_source):
            self.new_video_source()

    def wanted(self, media: MediaType) -> tuple[object, ...]:
        """What `check` looks at: as long as this is the same, so is its verdict."""
        things = (self.audio_source, self.video_source, self.audio_sink, self.video_sink, self.profile, self.record)
        return (media, *things)

    def next_recording(self) -> str | None:
        """The file for one more call: `talk.mkv`, then `talk-2.mkv` and so on; None if nothing is to be recorded."""
        if self.record is not None:
            self.recorded += 1
        return self._recording(self.recorded)

    def _recording(self, number: int) -> str | None:
        if self.record is None or number <= 1:
            return self.record
        path = Path(self.record)
        return str(path.with_name(f"{path.stem}-{number}{path.suffix}"))

    def _take(self, opener: Callable[..., S], wanted: str | S, *more: VideoProfile | int) -> S:
        if not isinstance(wanted, str):
            return wanted
        ready: S | None = self._ready.pop((opener, wanted, *more), None)
        return opener(wanted, *more) if ready is None else ready
