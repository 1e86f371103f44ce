"""Documented engines for tests: signed in at a real server, and everything they tell kept by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pycall import EngineConfig, VideoFrame
from pycall.compat.codes import TUICallError
from pycall.compat.names import TRTCCallingEvent, TUICallEvent
from pycall.compat.payload import Payload
from pycall.compat.trtc import TRTCCalling
from pycall.compat.tui import TUICallEngine
from tests.phones import Ear, Eye, Sense
from tests.switchroom import APP_ID, Switchroom


class Log(Sense):
    """What came, by name, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[str, Any]] = []

    def keeps(self, name: str) -> Callable[[Any], None]:
        def keep(payload: Any) -> None:
            self.entries.append((name, payload))
            self.noticed()

        return keep

    def names(self, *wanted: str) -> list[str]:
        return [name for name, _ in self.entries if not wanted or name in wanted]

    def all(self, name: str) -> list[Any]:
        return [payload for entry, payload in self.entries if entry == name]

    async def saw(self, name: str, count: int = 1, timeout: float = 10.0) -> Any:
        """The `count`th payload of that name since the beginning."""
        await self.until(lambda: len(self.all(name)) >= count, timeout, f"{count} {name}")
        return self.all(name)[count - 1]

    def __str__(self) -> str:
        return f"told {self.names()}"


class View(Log):
    """A view: keeps the sizes of what it is shown."""

    def __call__(self, frame: VideoFrame) -> None:
        self.keeps(f"{frame.width}x{frame.height}")(None)


def config(**changes: Any) -> EngineConfig:
    settings: dict[str, Any] = {
        "audio_source": "tone:440",
        "video_source": "pattern",
        "audio_sink": Ear(),
        "video_sink": Eye(),
        "video_profile": "360p15",
        "volume_interval": 0.2,
        "quality_interval": 1.0,
    }
    return EngineConfig(**{**settings, **changes})


def options(server: Switchroom, **changes: Any) -> dict[str, Any]:
    """What `createInstance` and the constructors take."""
    return {"SDKAppID": APP_ID, "server": server.url, "config": config(**changes)}


class Tui:
    """A TUICallEngine with a log of every event."""

    def __init__(self, engine: TUICallEngine) -> None:
        self.engine = engine
        self.log = Log()
        for name in TUICallEvent:
            engine.on(name, self.log.keeps(str(name)))

    async def saw(self, name: str, count: int = 1) -> Payload:
        payload = await self.log.saw(str(name), count)
        assert isinstance(payload, Payload)
        return payload


@asynccontextmanager
async def tui(server: Switchroom, user: str, **changes: Any) -> AsyncIterator[Tui]:
    """Signed in as `user`, and destroyed at the end."""
    it = Tui(TUICallEngine(options(server, **changes)))
    await it.engine.init({"userID": user, "userSig": server.ticket(user)})
    try:
        yield it
    finally:
        await it.engine.destroyInstance()


async def talk(alice: Tui, bob: Tui, kind: int = 1) -> None:
    await alice.engine.call({"userID": "bob", "type": kind})
    await bob.saw("onCallReceived")
    await bob.engine.accept()
    await alice.saw("onCallBegin")
    await bob.saw("onCallBegin")


async def refusal(awaitable: Any) -> TUICallError:
    with pytest.raises(TUICallError) as caught:
        await awaitable
    return caught.value


class Trtc:
    """A TRTCCalling with a log of every event."""

    def __init__(self, calling: TRTCCalling) -> None:
        self.calling = calling
        self.log = Log()
        for name in TRTCCallingEvent:
            calling.on(name, self.log.keeps(str(name)))

    async def saw(self, name: str, count: int = 1) -> Payload:
        payload = await self.log.saw(str(name), count)
        assert isinstance(payload, Payload)
        return payload


@asynccontextmanager
async def trtc(server: Switchroom, user: str, **changes: Any) -> AsyncIterator[Trtc]:
    it = Trtc(TRTCCalling(options(server, **changes)))
    await it.calling.login({"userID": user, "userSig": server.ticket(user)})
    try:
        yield it
    finally:
        await it.calling.logout()
