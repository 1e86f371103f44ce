"""The loudspeaker and the common picture sink of one call: opened with it, exchanged in it, closed with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pycall.core.errors import MediaError, PyCallError
from pycall.gear import Gear
from pycall.media.downlink import Downlink
from pycall.media.sink import AudioSink, NullSink, VideoSink
from pycall.media.views import View

S = TypeVar("S")


class CallSinks:
    """What everybody is heard and seen on. `failed(error)` and `speaker_failed(error)` are called on the event loop."""

    def __init__(
        self, gear: Gear, failed: Callable[[PyCallError], None], speaker_failed: Callable[[PyCallError], None]
    ) -> None:
        self.downlink = Downlink(on_sink_failed=self._sink_failed, channels=gear.channels)
        self._gear = gear
        self._failed = failed
        self._speaker_failed = speaker_failed
        self._speaker: AudioSink | None = None
        self._changing = asyncio.Lock()
        self._open = False

    async def start(self) -> None:
        """Open both; one that cannot be opened is told, and the other is used."""
        async with self._changing:
            self._open = True
            self._speaker = await self._made(self._gear.new_audio_sink, self._speaker_failed)
            video = await self._made(self._new_video_sink, self._failed)
            await self.downlink.start([self._speaker] if self._speaker else [], [video] if video else [])

    async def use_audio_sink(self) -> None:
        """Change over to the gear's loudspeaker; raises `MediaError`, and the old one goes on then."""
        async with self._changing:
            if not self._open:
                return
            new = await asyncio.to_thread(self._gear.new_audio_sink)
            await asyncio.to_thread(new.start)
            old, self._speaker = self._speaker, new
            await self.downlink.add_started_audio_sink(new)
            if old is not None:
                await self.downlink.remove_audio_sink(old)

    def _new_video_sink(self) -> VideoSink:
        sink = self._gear.new_video_sink()
        return sink if type(sink) is NullSink else View(sink, self._gear.renders)

    def _sink_failed(self, sink: AudioSink | VideoSink, error: MediaError) -> None:
        if sink is self._speaker:
            self._speaker = None
            self._speaker_failed(error)
        else:
            self._failed(error)

    @staticmethod
    async def _made(make: Callable[[], S], failed: Callable[[PyCallError], None]) -> S | None:
        """The sink, or none and a word to the user."""
        try:
            return await asyncio.to_thread(make)
        except PyCallError as error:
            failed(error)
            return None
