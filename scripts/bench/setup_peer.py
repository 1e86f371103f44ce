"""A phone of pycall for the set-up times: signs in, calls or answers when told, and tells when what happened."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from pycall import CallEngine, EngineConfig, MediaType
from pycall.core import events as ev
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.sink import on_audio, on_video

from .content import CLIP, PROFILE
from .end import obey, tell, told

RING_SECONDS = 0.3
"""Nobody answers at once; a program that does waits for what is otherwise looked up while it rings."""


class Phone:
    """Tells every step once per call."""

    def __init__(self, role: dict[str, Any]) -> None:
        self._role = role
        self._told: set[str] = set()
        self.engine = CallEngine(
            EngineConfig(
                server=role["server"],
                app_id=role["app_id"],
                audio_source=f"file:{CLIP}",
                video_source=f"stamped:{CLIP}",
                audio_sink=on_audio(self._hear),
                video_sink=on_video(self._see),
                video_profile=PROFILE.name,
            )
        )
        self.engine.on(ev.Event, self._on_event)

    async def login(self) -> None:
        await self.engine.login(self._role["name"], self._role["sig"])

    async def obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "call":
            self._told.clear()
            self._once("dial")
            await self.engine.call(self._role["other"], MediaType.VIDEO)
            self._once("dialed")
        elif command["do"] == "hangup":
            await self.engine.hangup()

    async def _on_event(self, event: ev.Event) -> None:
        match event:
            case ev.CallReceived():
                self._told.clear()
                self._once("ring")
                await asyncio.sleep(RING_SECONDS)
                self._once("accept")
                await self.engine.accept()
                self._once("accepted")
            case ev.CallBegan():
                self._once("began")
            case ev.CallEnded() | ev.CallNotConnected():
                tell("over")

    def _hear(self, frame: AudioFrame) -> None:
        self._once("first_sound")

    def _see(self, user_id: str, frame: VideoFrame) -> None:
        self._once("first_picture")

    def _once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            tell(what, when=time.time())


async def _main() -> None:
    lines = await told()
    await obey(Phone(json.loads(await lines.readline())), lines)


if __name__ == "__main__":
    asyncio.run(_main())
