"""Two people on the phone, for tests: engines whose ears and eyes tell what they really hear and see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np

from pycall import AudioFrame, CallEngine, CallReceived, EngineConfig, Event, MediaType, VideoFrame
from pycall.core.events import CallBegan, CallEnded, CallNotConnected
from pycall.media.stamp import read_stamp
from tests.media_tools import loudest_frequency

E = TypeVar("E", bound=Event)
WINDOW = 9600
"""Samples that an ear judges by: 0.2 s at 48 kHz."""
TERMINAL = (CallEnded, CallNotConnected)


class Sense:
    """What can be waited for: `until` looks again whenever something came."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def noticed(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0, what: str = "") -> None:
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what or 'it'} did not come within {timeout} s; {self}") from None


class Ear(Sense):
    """An audio sink that knows the pitch of what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0
        self.stopped = 0
        self.frames = 0
        self._recent = np.zeros(0, np.int16)

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def hear(self, frame: AudioFrame) -> None:
        assert frame.samples.shape == (960, 1)
        self.frames += 1
        self._recent = np.concatenate((self._recent, frame.samples[:, 0]))[-WINDOW:]
        self.noticed()

    @property
    def pitch(self) -> float:
        """Hz of what was heard in the last 0.2 s; 0 for (near) silence."""
        if len(self._recent) < WINDOW or np.abs(self._recent).max() < 300:
            return 0.0
        return loudest_frequency(self._recent)

    async def tone(self, hertz: float, timeout: float = 10.0) -> None:
        await self.until(lambda: abs(self.pitch - hertz) < 8, timeout, f"{hertz} Hz")

    async def tones(self, *hertz: float, timeout: float = 15.0) -> None:
        """All of these at once, mixed."""
        await self.until(lambda: all(self._sounds(one) for one in hertz), timeout, f"{hertz} Hz together")

    def _sounds(self, hertz: float) -> bool:
        """This pitch is among the loudest: a twentieth of the loudest one's power at least."""
        if len(self._recent) < WINDOW:
            return False
        power = np.abs(np.fft.rfft(self._recent * np.hanning(WINDOW))) ** 2
        at = round(hertz * WINDOW / 48000)
        return bool(power[at - 2 : at + 3].max() > power.max() / 20 > 1e6)

    async def silence(self, timeout: float = 10.0) -> None:
        self._recent = np.zeros(0, np.int16)
        await self.until(lambda: len(self._recent) == WINDOW and self.pitch == 0.0, timeout, "silence")

    async def stopped_hearing(self, timeout: float = 2.0) -> None:
        """Nothing but silence, or nothing at all, for 0.3 s."""
        async with asyncio.timeout(timeout):
            while await self._hears_something():
                pass

    async def _hears_something(self) -> bool:
        self._recent = np.zeros(0, np.int16)
        try:
            await self.until(lambda: bool(np.abs(self._recent).max(initial=0) > 300), 0.3)
        except AssertionError:
            return False
        return True

    def __str__(self) -> str:
        return f"heard {self.frames} frames, last {self.pitch:.0f} Hz"


class Eye(Sense):
    """A video sink that reads the number drawn into each picture."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []
        self.numbers: list[int] = []
        self.users: set[str] = set()
        self.numbers_of: dict[str, list[int]] = {}
        """The numbers seen, by who sent them."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def see(self, user_id: str, frame: VideoFrame) -> None:
        self.users.add(user_id)
        self.sizes.append((frame.width, frame.height))
        stamp = read_stamp(frame.picture)
        if stamp is not None:
            self.numbers.append(stamp.number)
            self.numbers_of.setdefault(user_id, []).append(stamp.number)
        self.noticed()

    async def pictures(self, count: int = 5, timeout: float = 10.0) -> list[int]:
        """The numbers of that many more readable pictures."""
        before = len(self.numbers)
        await self.until(lambda: len(self.numbers) >= before + count, timeout, f"{count} pictures")
        return self.numbers[before:]

    async def pictures_of(self, user_id: str, count: int = 5, timeout: float = 15.0) -> list[int]:
        """The numbers of that many more readable pictures of one person."""
        before = len(self.numbers_of.get(user_id, []))
        await self.until(
            lambda: len(self.numbers_of.get(user_id, [])) >= before + count, timeout, f"{count} pictures of {user_id}"
        )
        return self.numbers_of[user_id][before:]

    async def size(self, width: int, height: int, timeout: float = 10.0) -> None:
        self.sizes.clear()
        await self.until(lambda: (width, height) in self.sizes, timeout, f"a picture of {width}x{height}")

    def __str__(self) -> str:
        return f"saw {len(self.numbers)} stamps, sizes {set(self.sizes[-30:])}"


class Phone(Sense):
    """An engine with an ear, an eye and a list of everything that happened."""

    def __init__(self, engine: CallEngine, ear: Ear, eye: Eye) -> None:
        super().__init__()
        self.engine = engine
        self.ear = ear
        self.eye = eye
        self.log: list[Event] = []
        engine.on(Event, self._note)

    def _note(self, event: Event) -> None:
        self.log.append(event)
        self.noticed()

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.log if isinstance(event, kind)]

    async def saw(self, kind: type[E], timeout: float = 10.0, count: int = 1) -> E:
        """The `count`th event of that kind since the beginning."""
        await self.until(lambda: len(self.all(kind)) >= count, timeout, kind.__name__)
        return self.all(kind)[count - 1]

    async def ended(self, timeout: float = 10.0) -> CallEnded | CallNotConnected:
        """The one terminal event; fails if there are two."""
        await self.until(lambda: any(isinstance(e, TERMINAL) for e in self.log), timeout, "a terminal event")
        terminal = [event for event in self.log if isinstance(event, TERMINAL)]
        assert len(terminal) == 1, terminal
        assert isinstance(terminal[0], TERMINAL)
        return terminal[0]

    def __str__(self) -> str:
        return f"{self.engine.user_id} saw {[type(event).__name__ for event in self.log]}"


@asynccontextmanager
async def phone(url: str, **changes: Any) -> AsyncIterator[Phone]:
    """A phone that sends a tone of 440 Hz and the moving pattern unless told otherwise; nobody is signed in."""
    ear, eye = Ear(), Eye()
    settings: dict[str, Any] = {
        "audio_source": "tone:440",
        "video_source": "pattern",
        "audio_sink": ear,
        "video_sink": eye,
        "video_profile": "360p15",
        "server": url,
    }
    async with CallEngine(EngineConfig(**{**settings, **changes})) as engine:
        yield Phone(engine, ear, eye)


async def ring(caller: Phone, callee: Phone, media: MediaType = MediaType.AUDIO, timeout: int = 30) -> CallReceived:
    """One calls the other, whose phone rings now."""
    assert callee.engine.user_id is not None
    before = len(callee.all(CallReceived))
    await caller.engine.call(callee.engine.user_id, media, timeout=timeout)
    return await callee.saw(CallReceived, count=before + 1)


async def talk(caller: Phone, callee: Phone, media: MediaType = MediaType.AUDIO) -> None:
    """One calls the other, who accepts; returns when both have begun."""
    begun = len(caller.all(CallBegan)) + 1
    await ring(caller, callee, media)
    await callee.engine.accept()
    await caller.saw(CallBegan, count=begun)
    await callee.saw(CallBegan, count=begun)
