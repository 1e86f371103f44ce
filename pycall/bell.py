"""A bell: rings through a loudspeaker until it is stopped, with a sound file or the usual ringing tone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from pycall.core.errors import MediaError
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Samples
from pycall.media.pacing import Ticker
from pycall.media.profiles import profile
from pycall.media.sink import AudioSink, as_audio_sink, open_audio_sink
from pycall.media.source import AudioSource, Intake, open_audio_source
from pycall.media.synthetic import Tone
from pycall.media.uplink import Uplink

log = logging.getLogger(__name__)

HERTZ = 425.0
TONE_SECONDS, PAUSE_SECONDS = 1, 4
"""The ringing tone most networks in Europe use (ITU-T E.180): 425 Hz, 1 s on, 4 s off."""
_FRAMES_PER_SECOND = SAMPLE_RATE // FRAME_SAMPLES


class RingingTone:
    """A source of that tone."""

    def __init__(self) -> None:
        self._tone = Tone(HERTZ)
        self._ticker: Ticker | None = None

    def block(self, number: int) -> Samples:
        """Block `number` of 20 ms, shape (960, 1)."""
        if number % ((TONE_SECONDS + PAUSE_SECONDS) * _FRAMES_PER_SECOND) < TONE_SECONDS * _FRAMES_PER_SECOND:
            return self._tone.samples(number * FRAME_SAMPLES, FRAME_SAMPLES)
        return np.zeros((FRAME_SAMPLES, 1), np.int16)

    def start(self, intake: Intake[AudioFrame]) -> None:
        def beat(number: int, due: float) -> None:
            intake.push(AudioFrame(self.block(number), SAMPLE_RATE, due))

        self._ticker = Ticker("pycall-bell", Fraction(FRAME_SAMPLES, SAMPLE_RATE), beat)
        self._ticker.start()

    def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()


class Bell:
    """`start` and `stop` may be called in any order and again; the last one counts."""

    def __init__(self, sink: str | AudioSink | Callable[[AudioFrame], None], sound: str = "") -> None:
        """`sink` as in EngineConfig.audio_sink; `sound`: a path to a sound file, looped; empty: the ringing tone."""
        self._sink_wanted = as_audio_sink(sink)
        self._sound = sound
        self._sink: AudioSink | None = None
        self._uplink: Uplink | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Begin to ring. Raises `MediaError` or `ConfigError` if file or sink cannot be used."""
        async with self._turn:
            if self._uplink is None:
                source = await asyncio.to_thread(_source, self._sound)
                self._sink = await asyncio.to_thread(self._started_sink)
                self._uplink = Uplink(profile=profile("360p"), on_failure=_failed, on_recovery=_recovered)
                self._uplink.add_audio_tap(self._sink)
                self._uplink.audio_open = True
                await self._uplink.start(source, None)

    async def stop(self) -> None:
        """Be silent and let go of the loudspeaker."""
        async with self._turn:
            uplink, sink, self._uplink, self._sink = self._uplink, self._sink, None, None
            if uplink is not None:
                await uplink.stop()
            if sink is not None:
                await asyncio.to_thread(sink.stop)

    def _started_sink(self) -> AudioSink:
        wanted = self._sink_wanted
        sink = open_audio_sink(wanted) if isinstance(wanted, str) else wanted
        sink.start()
        return sink


def _source(sound: str) -> AudioSource:
    return open_audio_source(f"file:{sound}") if sound else RingingTone()


def _failed(kind: str, error: MediaError) -> None:
    log.warning("the bell is silent: %s", error)


def _recovered(kind: str) -> None:
    log.info("the bell rings again")
