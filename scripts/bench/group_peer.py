"""One of several phones in one call, for the cost of a mesh: calls or answers, and tells what CPU it used."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

from pycall import CallBegan, CallEngine, CallReceived, EngineConfig, MediaType, UserJoined
from pycall.media.frames import VideoFrame
from pycall.media.sink import on_video

from .end import obey, tell, told


class Phone:
    """Counts the pictures it sees of everybody."""

    def __init__(self, role: dict[str, Any]) -> None:
        self._role = role
        self._seen: Counter[str] = Counter()
        self._joined: set[str] = set()
        self.engine = CallEngine(
            EngineConfig(
                server=role["server"],
                app_id=role["app_id"],
                audio_source="tone:440",
                video_source="pattern",
                audio_sink="null",
                video_sink=on_video(self._see),
                video_profile=role["profile"],
            )
        )
        self.engine.on(CallReceived, self._answer)
        self.engine.on(UserJoined, self._note)
        self.engine.on(CallBegan, lambda event: tell("began"))

    async def login(self) -> None:
        await self.engine.login(self._role["name"], self._role["sig"])

    async def obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "call":
            await self.engine.calls(command["others"], MediaType.VIDEO)
        elif command["do"] == "measure":
            await self._measure(command["seconds"])

    async def _measure(self, seconds: float) -> None:
        """CPU seconds per second of this process, and pictures per second of each of the others."""
        self._seen.clear()
        began, used = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        passed = time.monotonic() - began
        cpu = (time.process_time() - used) / passed
        tell("measured", cpu=cpu, fps={user: count / passed for user, count in self._seen.items()})

    async def _answer(self, event: CallReceived) -> None:
        await self.engine.accept()

    def _note(self, event: UserJoined) -> None:
        self._joined.add(event.user_id)
        if len(self._joined) == self._role["others"]:
            tell("together")

    def _see(self, user_id: str, frame: VideoFrame) -> None:
        self._seen[user_id] += 1


async def _main() -> None:
    lines = await told()
    await obey(Phone(json.loads(await lines.readline())), lines)


if __name__ == "__main__":
    asyncio.run(_main())
