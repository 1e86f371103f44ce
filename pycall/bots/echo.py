"""A bot that sends back what it hears and sees, a little later."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import Generic, TypeVar

from pycall import AudioFrame, EngineConfig, Intake, VideoFrame

from .answering import AnsweringBot

Frame = TypeVar("Frame", AudioFrame, VideoFrame)

MAX_DELAY = 10.0
_FRAMES_PER_SECOND = 60
"""More than sound (50) or picture (30) ever has."""


class DelayLine(Generic[Frame]):
    """A source that pushes, `delay` seconds later, what was put into it; both on the event loop.

    It moves with what comes in: what is still inside when nothing more comes stays inside.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._waiting: deque[Frame] = deque(maxlen=int(delay * _FRAMES_PER_SECOND) + _FRAMES_PER_SECOND)
        self._intake: Intake[Frame] | None = None

    def start(self, intake: Intake[Frame]) -> None:
        self._intake = intake

    def stop(self) -> None:
        self._intake = None
        self._waiting.clear()

    def put(self, frame: Frame) -> None:
        """Take a frame, and push those that have waited long enough."""
        now = time.monotonic()
        self._waiting.append(frame)
        while self._waiting and self._waiting[0].time <= now - self._delay:
            due = self._waiting.popleft()
            if self._intake is not None:
                self._intake.push(replace(due, time=due.time + self._delay))


class _Ears:
    """Puts what is heard and seen into the two delay lines; fits both kinds of sink."""

    def __init__(self, sound: DelayLine[AudioFrame], picture: DelayLine[VideoFrame]) -> None:
        self._sound = sound
        self._picture = picture

    def start(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None:
        self._sound.put(frame)

    def see(self, user_id: str, frame: VideoFrame) -> None:
        self._picture.put(frame)

    def stop(self) -> None: ...


class EchoBot(AnsweringBot):
    """Answers and gives everything back after `delay` seconds (0 to 10)."""

    def __init__(self, config: EngineConfig | None = None, *, delay: float = 0.5) -> None:
        """`config` gives server and app; its sources and sinks are replaced."""
        delay = min(max(delay, 0.0), MAX_DELAY)
        sound, picture = DelayLine[AudioFrame](delay), DelayLine[VideoFrame](delay)
        ears = _Ears(sound, picture)
        config = config or EngineConfig()
        super().__init__(replace(config, audio_source=sound, video_source=picture, audio_sink=ears, video_sink=ears))
