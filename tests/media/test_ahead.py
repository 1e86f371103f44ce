"""A program's own sound that is pushed in advance: heard in full, or refused in one line, but never just lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.feeds import SoundFeed
from pycall.media.frames import AudioFrame
from pycall.media.profiles import profile
from pycall.media.source import Intake
from pycall.media.uplink import Uplink

CLIP = (np.arange(48_000 * 5 // 2) % 30_000 + 1).astype(np.int16).reshape(-1, 1)
"""2.5 s in which every sample is known and none is silence."""


class Clip:
    """Pushes all it has in blocks of `size` samples while it is started, ends, and leaves the rest to the test."""

    def __init__(self, size: int, *, ends: bool = True) -> None:
        self._size = size
        self._ends = ends
        self.intake: Intake[AudioFrame] | None = None

    def start(self, intake: Intake[AudioFrame]) -> None:
        self.intake = intake
        for at in range(0, len(CLIP), self._size):
            intake.push(AudioFrame(CLIP[at : at + self._size]))
        if self._ends:
            intake.end()

    def stop(self) -> None: ...


@asynccontextmanager
async def sending(clip: Clip) -> AsyncIterator[tuple[SoundFeed, asyncio.Queue[str]]]:
    """What a peer is given, and the codes of what was reported."""
    failures: asyncio.Queue[str] = asyncio.Queue()
    uplink = Uplink(
        profile=profile("360p"),
        on_failure=lambda kind, error: failures.put_nowait(error.code.value),
        on_recovery=lambda kind: failures.put_nowait("recovered"),
    )
    feed = uplink.open_audio_feed("ann")
    await uplink.start(clip, None)
    try:
        yield feed, failures
    finally:
        await uplink.stop()


async def heard(feed: SoundFeed, seconds: float) -> np.ndarray:
    blocks = [await feed.next_audio() for _ in range(round(seconds * 50))]
    return np.concatenate([block.samples for block in blocks])


@pytest.mark.parametrize("size", [len(CLIP), 24_000, 480])
async def test_a_clip_that_is_pushed_at_once_is_heard_in_full_and_is_no_lost_device(size: int) -> None:
    async with sending(Clip(size)) as (feed, failures):
        sound = await heard(feed, 5.0 if size == 480 else 3.0)
        assert np.array_equal(sound[sound != 0], CLIP.ravel())
        assert failures.empty()


async def test_a_source_that_never_said_it_ended_is_lost_2_s_after_its_last_sound() -> None:
    async with sending(Clip(48_000, ends=False)) as (feed, failures):
        sound = await heard(feed, 3.0)
        assert np.array_equal(sound[sound != 0], CLIP.ravel())
        assert failures.empty()
        assert await asyncio.wait_for(failures.get(), 5) == ErrorCode.DEVICE_LOST.value


async def test_after_its_end_a_source_may_begin_anew() -> None:
    clip = Clip(len(CLIP))
    async with sending(clip) as (feed, failures):
        await heard(feed, 3.0)
        assert clip.intake is not None
        await asyncio.to_thread(clip.intake.push, AudioFrame(CLIP[:24_000]))
        clip.intake.end()
        sound = await heard(feed, 1.0)
        assert np.array_equal(sound[sound != 0], CLIP[:24_000].ravel())
        assert failures.empty()


async def test_more_than_may_wait_is_refused_and_nothing_of_it_taken() -> None:
    clip = Clip(len(CLIP))
    async with sending(clip) as (feed, failures):
        assert clip.intake is not None
        with pytest.raises(MediaError, match="push at most 30 s ahead") as caught:
            clip.intake.push(AudioFrame(np.ones((48_000 * 29, 1), np.int16)))
        assert caught.value.code is ErrorCode.TOO_MANY
        sound = await heard(feed, 3.0)
        assert np.array_equal(sound[sound != 0], CLIP.ravel())
        assert failures.empty()


async def test_of_live_sound_that_was_held_up_only_the_newest_is_kept() -> None:
    clip = Clip(len(CLIP))
    async with sending(clip) as (feed, _):
        await heard(feed, 3.0)
        assert clip.intake is not None
        captured = time.monotonic() - 0.4
        for n in range(20):
            clip.intake.push(AudioFrame(np.full((960, 1), 1000 + n, np.int16), time=captured + n * 0.02))
        sound = await heard(feed, 0.6)
        assert 0.02 <= np.count_nonzero(sound) / 48_000 <= 0.25
        assert sound.max() == 1019
