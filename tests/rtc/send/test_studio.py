"""One encoder for many: what a newcomer is shown, and what a full queue leaves out."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import av
import pytest

from pycall.rtc.rtp import Packet
from pycall.rtc.send.picture import PictureSender
from pycall.rtc.send.stream import OutgoingStream
from pycall.rtc.send.studio import Studio, _again
from pycall.rtc.terms import Codec
from tests.rtc.stage import picture, read_number


def test_a_picture_shown_again_comes_after_itself_and_before_what_was_captured_since() -> None:
    first = picture(1, 320, 180)
    first.pts, first.time_base = int((time.monotonic() - 0.05) * 1_000_000), Fraction(1, 1_000_000)
    again, following = _again(first), first.pts + 33_000
    assert again is not first and read_number(again) == 1
    assert again.time_base == first.time_base
    assert first.pts < again.pts < following
    assert (again.pts - first.pts) * again.time_base >= Fraction(1, 90_000)


class Counter:
    """Counts what leaves for one peer; `overfull` says whether too much waits."""

    delay = 0.0

    def __init__(self) -> None:
        self.overfull = False
        self.pictures: list[int] = []
        self.news = asyncio.Event()
        self._awaited = 0

    def push_picture(self, packet: Packet) -> None:
        if packet.marker:
            self.pictures.append(packet.timestamp)
            self.news.set()

    def push_repair(self, packet: Packet, delay: float = 0.0) -> None: ...

    def forget_pictures(self) -> None: ...

    async def more(self, count: int) -> None:
        """Returns when so many pictures more than ever waited for have left."""
        self._awaited += count
        async with asyncio.timeout(10):
            while len(self.pictures) < self._awaited:
                self.news.clear()
                await self.news.wait()


class Feed:
    """A picture for each that was asked for."""

    bitrate, fps = 500_000, 30

    def __init__(self) -> None:
        self.given = 0
        self._wanted = asyncio.Semaphore(0)
        self._taken = asyncio.Event()

    async def give(self) -> None:
        """One picture; returns when it has been taken."""
        self._taken.clear()
        self._wanted.release()
        async with asyncio.timeout(10):
            await self._taken.wait()

    async def next_video(self) -> av.VideoFrame:
        await self._wanted.acquire()
        self.given += 1
        self._taken.set()
        frame = picture(self.given, 320, 180)
        frame.pts, frame.time_base = round(time.monotonic() * 1_000_000), Fraction(1, 1_000_000)
        return frame

    def close(self) -> None: ...


@pytest.mark.parametrize("full", ["the queue", "the link"])
async def test_while_too_many_pictures_wait_to_leave_none_is_encoded(full: str) -> None:
    feed, outbox = Feed(), Counter()
    studio = Studio(feed)
    codec = Codec("H264", 96, 90000)
    sender = PictureSender(OutgoingStream(1, 90000), None, codec, outbox, want_key=studio.want_key)
    studio.add(sender, 500_000, 500_000)
    running = asyncio.create_task(studio.run())
    try:
        for _ in range(3):
            await feed.give()
            await outbox.more(1)
        outbox.overfull = full == "the queue"
        studio.allow(sender, 500_000 if outbox.overfull else 0, 500_000)
        for _ in range(20):
            await feed.give()
        outbox.overfull = False
        studio.allow(sender, 500_000, 500_000)
        await feed.give()
        await outbox.more(1)
        assert len(outbox.pictures) == 4, "what was given meanwhile was left out, not kept for later"
    finally:
        running.cancel()
        await studio.aclose()
