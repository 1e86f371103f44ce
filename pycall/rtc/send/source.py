"""Our sound and our picture for all peers of a call: read, encoded and shared from the first peer to the last."""

from __future__ import annotations

import asyncio
import logging

from ..ports import AudioFeed, VideoFeed
from .studio import Studio
from .voice import Voice

logger = logging.getLogger(__name__)


class Source:
    """Owns both feeds and the two tasks that read them."""

    def __init__(
        self,
        audio: AudioFeed,
        video: VideoFeed,
        hardware: tuple[str, ...] = (),
        *,
        dtx: bool = False,
        music: bool = False,
    ) -> None:
        self.voice = Voice(audio, dtx=dtx, music=music)
        self.studio = Studio(video, hardware)
        self._tasks = [
            asyncio.create_task(self.voice.run(), name="pycall voice"),
            asyncio.create_task(self.studio.run(), name="pycall studio"),
        ]

    async def aclose(self) -> None:
        """The feeds are closed and every encoder's thread has ended; may be called twice."""
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("encoding broke", exc_info=outcome)
        self._tasks = []  # how they ended refers to all that they had in hand
        await self.voice.aclose()
        await self.studio.aclose()
