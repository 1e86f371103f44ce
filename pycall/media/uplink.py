"""Our sound and picture on their way out: from one source of each kind to every peer's feed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pycall.core.errors import MediaError
from pycall.core.types import UserId, VideoProfile
from pycall.media.ahead import Ahead, Piece
from pycall.media.bridge import AUDIO_LIMIT, VIDEO_LIMIT
from pycall.media.feeds import PictureFeed, SoundFeed
from pycall.media.files import share_file
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.inlet import Inlet
from pycall.media.lanes import PictureLane, SoundLane
from pycall.media.process.effects import PictureEffects
from pycall.media.process.voice import VoiceFilter, VoiceSwitch
from pycall.media.shape import SoundShaper
from pycall.media.sink import AudioSink, VideoSink
from pycall.media.slot import Slot
from pycall.media.source import AudioSource, VideoSource

AUDIO, VIDEO = "audio", "video"
CHECK_INTERVAL = 0.25
"""Seconds between two looks at whether the sources still push."""


class Uplink:
    """Runs the sources, shapes what they push, and hands it to any number of feeds and taps.

    `on_failure(kind, error)` is called on the loop when the source of a kind ("audio" or "video") cannot start, fails,
    or pushes nothing for 2 s without having said that it has ended; `on_recovery(kind)` when it pushes again. Meanwhile
    feeds get silence and one black picture. `effects` and `voice` say what is filtered on the way; `channels`: 2 for
    stereo. Everything here is called on the event loop.
    """

    def __init__(
        self,
        *,
        profile: VideoProfile,
        on_failure: Callable[[str, MediaError], None],
        on_recovery: Callable[[str], None],
        effects: PictureEffects | None = None,
        voice: VoiceSwitch | None = None,
        channels: int = 1,
    ) -> None:
        self._on_failure = on_failure
        self._on_recovery = on_recovery
        self._channels = channels
        self._sound = SoundLane(channels)
        self._picture = PictureLane(profile, effects or PictureEffects())
        self._voice = voice or VoiceSwitch()
        self._audio = Slot("the sound source", self._audio_inlet, self._sound.source_gone)
        self._video = Slot("the picture source", self._video_inlet, self._picture.clear)
        self._watchdog: asyncio.Task[None] | None = None

    async def start(self, audio: AudioSource | None, video: VideoSource | None) -> None:
        """Start the sources. One that cannot start is told to `on_failure`; the other runs all the same."""
        if self._watchdog is None:
            self._sound.start()
            self._watchdog = asyncio.create_task(self._watch(), name="uplink watchdog")
        share_file(audio, video)
        await asyncio.gather(self._begin(AUDIO, self._audio.use(audio)), self._begin(VIDEO, self._video.use(video)))

    async def stop(self) -> None:
        """Nothing is captured from here on; then both sources are stopped. Feeds wait. May be called twice."""
        self._sound.stop()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        await asyncio.gather(self._audio.stop(), self._video.stop())
        self._picture.clear()

    async def use_audio(self, source: AudioSource | None) -> None:
        """Take sound from `source` from now on; None: silence.

        Raises `MediaError` if it cannot start; the old source then goes on, unless both needed one device.
        """
        share_file(source, self._video.source)
        await self._audio.use(source)

    async def use_video(self, source: VideoSource | None) -> None:
        """Take pictures from `source` from now on; None: no picture. Raises as `use_audio` does."""
        share_file(self._audio.source, source)
        await self._video.use(source)

    @property
    def audio_open(self) -> bool:
        """False: muted. The next block is silence."""
        return self._sound.open

    @audio_open.setter
    def audio_open(self, value: bool) -> None:
        self._sound.open = value

    @property
    def video_open(self) -> bool:
        """False: the camera is closed. Feeds get no picture, not even one captured already."""
        return self._picture.open

    @video_open.setter
    def video_open(self, value: bool) -> None:
        self._picture.open = value

    def set_profile(self, profile: VideoProfile) -> None:
        """Size, rate and bitrate from the next picture on; the sources are not restarted."""
        self._picture.set_profile(profile)

    def open_audio_feed(self, user_id: UserId) -> SoundFeed:
        """Our sound for one more peer, from the next block on."""
        return self._sound.open_feed()

    def open_video_feed(self, user_id: UserId) -> PictureFeed:
        """Our picture for one more peer, from the next picture on."""
        return self._picture.open_feed()

    def volume(self) -> int:
        """0 to 100: the loudest 20 ms sent since this was last asked; 0 while muted."""
        return self._sound.meter.read()

    def add_audio_tap(self, sink: AudioSink) -> None:
        """`sink.hear` gets every block that is sent; `start` and `stop` are its owner's business."""
        self._sound.add_tap(sink)

    def remove_audio_tap(self, sink: AudioSink) -> None:
        self._sound.remove_tap(sink)

    def add_video_tap(self, sink: VideoSink, user_id: UserId = "") -> None:
        """`sink.see` gets every picture that is sent, as one of `user_id`; it must not draw on them."""
        self._picture.add_tap(sink, user_id)

    def remove_video_tap(self, sink: VideoSink) -> None:
        self._picture.remove_tap(sink)

    def _audio_inlet(self) -> Inlet[AudioFrame, Piece]:
        shaper, voice, ahead = SoundShaper(self._channels), VoiceFilter(self._voice), Ahead(self._sound.lead)

        def deliver(piece: Piece) -> None:
            self._sound.deliver(piece.samples, piece.ahead)
            ahead.arrived(piece)

        return Inlet(
            asyncio.get_running_loop(),
            admit=ahead.admit,
            convert=lambda frame: ahead.piece(voice.apply(shaper.shape(frame))),
            deliver=deliver,
            failed=lambda error: self._failed(AUDIO, error),
            recovered=lambda: self._on_recovery(AUDIO),
            limit=AUDIO_LIMIT,
        )

    def _video_inlet(self) -> Inlet[VideoFrame, VideoFrame]:
        return Inlet(
            asyncio.get_running_loop(),
            admit=lambda frame, now: now,
            convert=self._picture.convert,
            deliver=self._picture.deliver,
            failed=lambda error: self._failed(VIDEO, error),
            recovered=lambda: self._on_recovery(VIDEO),
            limit=VIDEO_LIMIT,
        )

    async def _begin(self, kind: str, use: Awaitable[None]) -> None:
        try:
            await use
        except MediaError as error:
            self._failed(kind, error)

    def _failed(self, kind: str, error: MediaError) -> None:
        if kind == AUDIO:
            self._sound.source_gone()
        else:
            self._picture.show_black()
        self._on_failure(kind, error)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            now = time.monotonic()
            self._audio.check(now)
            self._video.check(now)
