"""Everybody's sound and picture on their way from the peers to our sinks.

    peer ─► mono or stereo ─► meter ─► mixer ─► every audio sink
    peer ─► stamped with its arrival ─► every video sink

Everything here runs on the event loop; only the sinks' blocking `start` and `stop` run in threads. A sink that raises
is dropped and reported once, and the others go on: a call never ends because a loudspeaker did.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import av

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.channels import in_channels
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Samples, VideoFrame
from pycall.media.level import Meter
from pycall.media.mixer import Mixer
from pycall.media.sink import AudioSink, VideoSink
from pycall.media.stopping import name_of, stop_within

logger = logging.getLogger(__name__)

SinkT = TypeVar("SinkT", AudioSink, VideoSink)
_TICK = FRAME_SAMPLES / SAMPLE_RATE
STOP_LIMIT = 5.0
"""Seconds that a sink's `stop` is waited for; a recording may take 3 to be finished."""
_LATE = 0.1
"""Seconds by which the mixing clock may lag before it starts anew instead of catching up."""


class Downlink:
    """Gives what arrives to the sinks. All methods are called on the event loop, also the callback.

    `on_sink_failed(sink, error)` is called once for a sink that did not start or that raised; the sink is gone then.
    Sinks hear `channels`: 1, or 2 for stereo, in which a mono voice is in the middle.
    """

    def __init__(
        self,
        *,
        on_sink_failed: Callable[[AudioSink | VideoSink, MediaError], None] | None = None,
        channels: int = 1,
    ) -> None:
        self._channels = channels
        self._on_sink_failed = on_sink_failed
        self._audio_sinks: list[AudioSink] = []
        self._video_sinks: list[VideoSink] = []
        self._meters: dict[UserId, Meter] = {}
        self._mixer = Mixer()
        self._clock: asyncio.TimerHandle | None = None
        self._running = False
        self._stopping: set[asyncio.Task[None]] = set()

    async def start(self, audio_sinks: Sequence[AudioSink], video_sinks: Sequence[VideoSink]) -> None:
        """Open the sinks and begin to give. One that cannot be opened is reported; the others are used."""
        self._running = True
        for audio_sink in audio_sinks:
            await self.add_audio_sink(audio_sink)
        for video_sink in video_sinks:
            await self.add_video_sink(video_sink)

    async def stop(self) -> None:
        """Give nothing more and close every sink; may be called twice."""
        self._running = False
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        sinks: list[AudioSink | VideoSink] = [*self._audio_sinks, *self._video_sinks]
        self._audio_sinks, self._video_sinks = [], []
        self._meters.clear()
        self._mixer = Mixer()
        await asyncio.gather(*(stop_within(STOP_LIMIT, sink) for sink in sinks), *self._stopping)

    async def add_audio_sink(self, sink: AudioSink) -> bool:
        """Open one more sink in a running call; False if it could not be opened (which is reported)."""
        return await self._add(sink, self._audio_sinks)

    async def add_video_sink(self, sink: VideoSink) -> bool:
        return await self._add(sink, self._video_sinks)

    async def add_started_audio_sink(self, sink: AudioSink) -> None:
        """Give sound to a sink that was started already; it is stopped here, as every other."""
        await self._take(sink, self._audio_sinks)

    async def add_started_video_sink(self, sink: VideoSink) -> None:
        """The same for pictures."""
        await self._take(sink, self._video_sinks)

    async def remove_audio_sink(self, sink: AudioSink) -> None:
        """Give this sink nothing more and close it; unknown ones are ignored."""
        await self._remove(sink, self._audio_sinks)

    async def remove_video_sink(self, sink: VideoSink) -> None:
        await self._remove(sink, self._video_sinks)

    def audio_arrived(self, user_id: UserId, samples: Samples) -> None:
        """A piece of a user's decoded sound, ours from now on: int16 at 48 kHz of shape (n,) or (n, 2), any length."""
        if not self._running or not len(samples):
            return
        samples = in_channels(samples, self._channels)
        self._meter_of(user_id).hear(samples)
        now = time.monotonic()
        self._give_audio(self._mixer.push(user_id, samples, now))
        self._keep_clock(now)

    def _meter_of(self, user_id: UserId) -> Meter:
        meter = self._meters.get(user_id)
        if meter is None:
            meter = self._meters[user_id] = Meter()
        return meter

    def video_arrived(self, user_id: UserId, frame: av.VideoFrame) -> None:
        """One decoded picture, given to every sink at once. Sinks share it and must not change it."""
        if not self._running:
            return
        picture = VideoFrame(frame)
        for sink in tuple(self._video_sinks):
            try:
                sink.see(user_id, picture)
            except Exception as error:  # a sink may be the program's own code
                self._drop(sink, self._video_sinks, error)

    def volumes(self) -> dict[UserId, int]:
        """The loudest 20 ms of every user since last asked, 0 to 100."""
        return {user_id: meter.read() for user_id, meter in self._meters.items()}

    def forget(self, user_id: UserId) -> None:
        """The user has left: no volume, nothing left in the mix."""
        self._meters.pop(user_id, None)
        self._mixer.forget(user_id)

    def _give_audio(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            for sink in tuple(self._audio_sinks):
                try:
                    sink.hear(frame)
                except Exception as error:  # a sink may be the program's own code
                    self._drop(sink, self._audio_sinks, error)

    def _keep_clock(self, now: float) -> None:
        if self._clock is None and self._mixer.several(now):
            loop = asyncio.get_running_loop()
            self._clock = loop.call_at(loop.time() + _TICK, self._tick, loop.time() + _TICK)

    def _tick(self, due: float) -> None:
        """Runs every 20 ms while several people are heard."""
        self._clock = None
        now = time.monotonic()
        self._give_audio(self._mixer.tick(now))
        if self._running and self._mixer.several(now):
            loop = asyncio.get_running_loop()
            following = due + _TICK if loop.time() - due < _LATE else loop.time() + _TICK
            self._clock = loop.call_at(following, self._tick, following)

    async def _add(self, sink: SinkT, sinks: list[SinkT]) -> bool:
        try:
            await asyncio.to_thread(sink.start)
        except Exception as error:  # a sink may be the program's own code
            self._report(sink, _as_media_error(sink, error))
            return False
        return await self._take(sink, sinks)

    async def _take(self, sink: SinkT, sinks: list[SinkT]) -> bool:
        if self._running:
            sinks.append(sink)
            return True
        await stop_within(STOP_LIMIT, sink)
        return False

    async def _remove(self, sink: SinkT, sinks: list[SinkT]) -> None:
        if sink in sinks:
            sinks.remove(sink)
            await stop_within(STOP_LIMIT, sink)

    def _drop(self, sink: SinkT, sinks: list[SinkT], error: Exception) -> None:
        """Take a sink that raised out of use, close it in the background and tell once."""
        if sink not in sinks:
            return
        sinks.remove(sink)
        task = asyncio.get_running_loop().create_task(stop_within(STOP_LIMIT, sink), name="sink stop")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        self._report(sink, _as_media_error(sink, error))

    def _report(self, sink: AudioSink | VideoSink, error: MediaError) -> None:
        if self._on_sink_failed is None:
            logger.warning("%s", error)
        else:
            self._on_sink_failed(sink, error)


def _as_media_error(sink: AudioSink | VideoSink, error: Exception) -> MediaError:
    if isinstance(error, MediaError):
        return error
    logger.error("the sink %s raised and gets nothing more", name_of(sink), exc_info=error)
    return MediaError(ErrorCode.BAD_SINK, f"the sink {name_of(sink)} raised {error!r}; it is dropped")
