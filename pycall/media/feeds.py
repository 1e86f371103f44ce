"""Our sound and picture on their way to one peer each: bounded, the newest first to live."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import av

from pycall.core.types import VideoProfile
from pycall.media.cadence import Block

MAX_BLOCKS = 10
"""Blocks that wait for a slow peer, 200 ms; the oldest is dropped beyond that."""


class SoundFeed:
    """20 ms frames for one peer, in order; has one reader. Fits what the media connections call an audio feed."""

    def __init__(self, closed: Callable[[SoundFeed], None]) -> None:
        self._blocks: deque[Block] = deque(maxlen=MAX_BLOCKS)
        self._ready = asyncio.Event()
        self._closed = closed
        self.dropped = 0

    def put(self, block: Block) -> None:
        self.dropped += len(self._blocks) == MAX_BLOCKS
        self._blocks.append(block)
        self._ready.set()

    async def next_audio(self) -> Block:
        """The next block, mono (or stereo, for music).

        `pts` grows by 960, and further only over blocks that were dropped because this was not called for 200 ms, and
        over time for which the loop was held up.
        """
        while not self._blocks:
            self._ready.clear()
            await self._ready.wait()
        return self._blocks.popleft()

    def close(self) -> None:
        self._closed(self)


class PictureFeed:
    """The newest picture for one peer; has one reader. Fits what the media connections call a video feed."""

    def __init__(self, profile: Callable[[], VideoProfile], closed: Callable[[PictureFeed], None]) -> None:
        self._newest: av.VideoFrame | None = None
        self._ready = asyncio.Event()
        self._profile = profile
        self._closed = closed
        self.dropped = 0

    def put(self, picture: av.VideoFrame) -> None:
        """`picture` belongs to this feed alone."""
        self.dropped += self._newest is not None
        self._newest = picture
        self._ready.set()

    def clear(self) -> None:
        """Forget a picture that was not fetched yet."""
        self._newest = None

    async def next_video(self) -> av.VideoFrame:
        """The newest picture not given yet: yuv420p, even sizes, `pts` in microseconds of the capture clock, rising."""
        while self._newest is None:
            self._ready.clear()
            await self._ready.wait()
        picture, self._newest = self._newest, None
        return picture

    @property
    def bitrate(self) -> int:
        """Of the profile in force, bit/s."""
        return self._profile().bitrate

    @property
    def fps(self) -> int:
        """Of the profile in force."""
        return self._profile().fps

    def close(self) -> None:
        self._closed(self)
