"""What peers get from the uplink: the tone, the picture, silence when muted, and word of dead sources."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from threading import Event

import av
import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.feeds import PictureFeed, SoundFeed
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.profiles import profile
from pycall.media.source import AudioSource, Intake, VideoSource
from pycall.media.stamp import read_stamp
from pycall.media.synthetic import Null, Pattern, Tone
from pycall.media.uplink import Uplink
from tests.media_tools import loudest_frequency, sine

P360 = profile("360p30")


class Watched(Uplink):
    """An uplink whose reports wait in a queue."""

    def __init__(self, picture: VideoProfile = P360) -> None:
        self.reports: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        super().__init__(
            profile=picture,
            on_failure=lambda kind, error: self.reports.put_nowait((kind, error.code.value)),
            on_recovery=lambda kind: self.reports.put_nowait((kind, "recovered")),
        )


@asynccontextmanager
async def started(audio: AudioSource | None, video: VideoSource | None) -> AsyncIterator[Watched]:
    uplink = Watched()
    await uplink.start(audio, video)
    try:
        yield uplink
    finally:
        await uplink.stop()


class ByHand:
    """A source that the test pushes into."""

    def __init__(self, refuse: MediaError | None = None) -> None:
        self.intake: Intake[AudioFrame | VideoFrame] | None = None
        self.stopped = Event()
        self.starts = 0
        self._refuse = refuse

    def start(self, intake: Intake[AudioFrame | VideoFrame]) -> None:
        self.starts += 1
        if self._refuse is not None:
            error, self._refuse = self._refuse, None
            raise error
        self.intake = intake

    def stop(self) -> None:
        self.stopped.set()

    def push(self, frame: AudioFrame | VideoFrame) -> None:
        assert self.intake is not None
        self.intake.push(frame)


async def hear(feed: SoundFeed, seconds: float) -> np.ndarray:
    frames = [await feed.next_audio() for _ in range(round(seconds * 50))]
    assert all(b.pts - a.pts == 960 for a, b in pairwise(frames))
    assert {(frame.samples.dtype.name, frame.samples.shape) for frame in frames} == {("int16", (960,))}
    return np.concatenate([frame.samples for frame in frames])


async def see(feed: PictureFeed, seconds: float = 5.0) -> av.VideoFrame:
    return await asyncio.wait_for(feed.next_video(), seconds)


async def sees_nothing(feed: PictureFeed, seconds: float = 0.15) -> bool:
    try:
        await asyncio.wait_for(feed.next_video(), seconds)
    except TimeoutError:
        return True
    return False


async def test_every_feed_hears_the_tone_at_the_pace_of_real_time() -> None:
    async with started(Tone(440.0), None) as uplink:
        feeds = [uplink.open_audio_feed(name) for name in ("ann", "ben")]
        await hear(feeds[0], 0.3)
        began = time.monotonic()
        near, far = await asyncio.gather(hear(feeds[0], 1.0), hear(feeds[1], 1.0))
        assert 0.8 < time.monotonic() - began < 1.2
    assert abs(loudest_frequency(near) - 440.0) < 2.0
    assert abs(loudest_frequency(far[-24000:]) - 440.0) < 2.0


@pytest.mark.usefixtures("jumping_clock")
async def test_sound_is_handed_on_within_5_ms() -> None:
    source = ByHand()
    async with started(source, None) as uplink:
        feed = uplink.open_audio_feed("ann")
        delays = []
        loud = np.full((960, 1), 8000, np.int16)
        for _ in range(15):
            began = time.monotonic()
            await asyncio.to_thread(source.push, AudioFrame(loud))
            while (await feed.next_audio()).samples.max() < 4000:
                pass
            delays.append(time.monotonic() - began)
            await hear(feed, 0.02)
    assert sorted(delays)[7] < 0.005


class Quick(ByHand):
    """Gives its first picture while it is still being started, as a fast camera does."""

    def start(self, intake: Intake[AudioFrame | VideoFrame]) -> None:
        super().start(intake)
        self.push(VideoFrame(Pattern(P360).picture(2, 0.0), time.monotonic()))


async def test_the_picture_of_a_source_that_is_still_starting_is_not_lost() -> None:
    source = Quick()
    uplink = Watched()
    feed = uplink.open_video_feed("ann")
    await uplink.start(None, source)
    stamp = read_stamp(await see(feed))
    assert stamp is not None and stamp.number == 2
    assert await sees_nothing(feed)
    late = uplink.open_video_feed("ben")
    stamp = read_stamp(await see(late))
    assert stamp is not None and stamp.number == 2, "a newcomer begins with the newest picture"
    uplink.video_open = False
    assert await sees_nothing(uplink.open_video_feed("cem")), "but not with one of a camera that was closed"
    await uplink.stop()


@pytest.mark.usefixtures("jumping_clock")
async def test_without_a_source_there_is_silence_in_real_time() -> None:
    async with started(None, None) as uplink:
        feed = uplink.open_audio_feed("ann")
        began = time.monotonic()
        sound = await hear(feed, 0.4)
        assert 0.3 < time.monotonic() - began < 0.6
        assert not sound.any()
        assert uplink.volume() == 0


async def test_a_mute_silences_the_very_next_block() -> None:
    async with started(Tone(440.0), None) as uplink:
        feed = uplink.open_audio_feed("ann")
        await hear(feed, 0.3)
        assert 70 <= uplink.volume() <= 80
        uplink.audio_open = False
        uplink.volume()
        assert not (await hear(feed, 0.3)).any()
        assert uplink.volume() == 0
        uplink.audio_open = True
        assert (await hear(feed, 0.1)).any()


async def test_44_kHz_stereo_in_odd_blocks_comes_out_as_it_should() -> None:
    source = ByHand()
    async with started(source, None) as uplink:
        feed = uplink.open_audio_feed("ann")
        stereo = np.repeat(sine(1000.0, 44100, rate=44100)[:, None], 2, axis=1)
        source.push(AudioFrame(stereo[:20000], 44100))
        source.push(AudioFrame(stereo[20000:], 44100))
        sound = await hear(feed, 1.0)
    assert abs(loudest_frequency(sound[4800:43200]) - 1000.0) < 2.0


async def test_pictures_reach_every_feed_in_a_frame_of_its_own() -> None:
    async with started(None, Pattern(P360)) as uplink:
        feeds = [uplink.open_video_feed(name) for name in ("ann", "ben")]
        seen = []
        for _ in range(6):
            pair = [await see(feed) for feed in feeds]
            pair[0].pict_type = av.video.frame.PictureType.I
            pair[0].pts = 0
            assert pair[1].pict_type == av.video.frame.PictureType.NONE
            assert pair[1].pts
            seen.append(pair[1])
    numbers = [stamp.number for stamp in map(read_stamp, seen) if stamp]
    assert len(numbers) == 6
    assert numbers == sorted(set(numbers))
    assert all(b.pts > a.pts for a, b in pairwise(seen))
    assert {(f.width, f.height, f.format.name) for f in seen} == {(640, 360, "yuv420p")}


async def test_a_closed_camera_gives_nothing_and_opens_again() -> None:
    async with started(None, Pattern(P360)) as uplink:
        feed = uplink.open_video_feed("ann")
        await see(feed)
        uplink.video_open = False
        assert await sees_nothing(feed)
        uplink.video_open = True
        assert read_stamp(await see(feed, 1.0)) is not None


async def test_a_new_profile_changes_size_rate_and_bitrate_while_running() -> None:
    async with started(None, Pattern(P360)) as uplink:
        feed = uplink.open_video_feed("ann")
        await see(feed)
        uplink.set_profile(profile("540p15"))
        assert (feed.fps, feed.bitrate) == (15, 850_000)
        while (picture := await see(feed)).width == 640:
            pass
        following = [await see(feed) for _ in range(6)]
        assert (picture.width, picture.height) == (960, 540)
        assert read_stamp(picture) is not None
    took = float((following[-1].pts - following[0].pts) * following[0].time_base)
    assert 0.30 < took < 0.45


async def test_a_failing_source_is_told_once_and_leaves_silence_and_black() -> None:
    microphone, camera = ByHand(), ByHand()
    async with started(microphone, camera) as uplink:
        sound, pictures = uplink.open_audio_feed("ann"), uplink.open_video_feed("ann")
        error = MediaError(ErrorCode.DEVICE_LOST, "unplugged")
        for source in (microphone, camera):
            assert source.intake is not None
            source.intake.fail(error)
            source.intake.fail(error)
        assert [await uplink.reports.get() for _ in range(2)] == [("audio", "device_lost"), ("video", "device_lost")]
        black = await see(pictures)
        assert np.asarray(black.to_ndarray(format="gray")).max() <= 20
        assert not (await hear(sound, 0.1)).any()
        camera.push(VideoFrame(Pattern(P360).picture(7, 1.7e9)))
        assert await asyncio.wait_for(uplink.reports.get(), 1.0) == ("video", "recovered")
        assert read_stamp(await see(pictures))
        assert uplink.reports.empty()


@pytest.mark.usefixtures("jumping_clock")
async def test_a_source_that_falls_silent_is_noticed_within_3_s() -> None:
    source = ByHand()
    async with started(source, Null()) as uplink:
        source.push(AudioFrame(sine(440.0, 960)))
        began = time.monotonic()
        assert await asyncio.wait_for(uplink.reports.get(), 4.0) == ("audio", "device_lost")
        assert 1.9 < time.monotonic() - began < 3.0
        source.push(AudioFrame(sine(440.0, 960)))
        assert await asyncio.wait_for(uplink.reports.get(), 1.0) == ("audio", "recovered")
        assert uplink.reports.empty()


async def test_sources_are_swapped_in_a_running_call_with_hardly_a_gap() -> None:
    async with started(Tone(440.0), Pattern(P360)) as uplink:
        feed, pictures = uplink.open_audio_feed("ann"), uplink.open_video_feed("ann")
        await hear(feed, 0.2)
        hearing = asyncio.create_task(hear(feed, 1.0))
        await uplink.use_audio(Tone(880.0))
        sound = await hearing
        assert abs(loudest_frequency(sound[-24000:]) - 880.0) < 3.0
        silent = np.abs(sound.reshape(-1, 960)).max(axis=1) < 100
        assert silent.sum() * 0.02 < 0.3
        last = await see(pictures)
        await uplink.use_video(Pattern(P360))
        while (stamp := read_stamp(picture := await see(pictures))) and stamp.number > 3:
            pass
        assert stamp is not None
        assert 0 < float((picture.pts - last.pts) * picture.time_base) < 0.3


async def test_a_swap_that_fails_leaves_the_old_source_running() -> None:
    async with started(Tone(440.0), None) as uplink:
        feed = uplink.open_audio_feed("ann")
        with pytest.raises(MediaError, match="no such thing"):
            await uplink.use_audio(ByHand(refuse=MediaError(ErrorCode.NO_DEVICE, "no such thing")))
        await hear(feed, 0.2)
        assert abs(loudest_frequency(await hear(feed, 0.4)) - 440.0) < 3.0


async def test_a_device_that_only_one_can_have_is_taken_over() -> None:
    first, second = ByHand(), ByHand(refuse=MediaError(ErrorCode.DEVICE_BUSY, "in use"))
    async with started(None, first) as uplink:
        await uplink.use_video(second)
        assert first.stopped.is_set()
        assert second.starts == 2
        feed = uplink.open_video_feed("ann")
        second.push(VideoFrame(Pattern(P360).picture(3, 1.7e9)))
        assert read_stamp(await see(feed))
    assert second.stopped.is_set()


async def test_a_source_that_cannot_start_is_reported_and_the_other_runs() -> None:
    camera = ByHand(refuse=MediaError(ErrorCode.NO_DEVICE, "no camera"))
    async with started(Tone(440.0), camera) as uplink:
        assert await uplink.reports.get() == ("video", "no_device")
        assert (await hear(uplink.open_audio_feed("ann"), 0.3)).any()


async def test_a_bots_source_that_raises_is_reported_like_any_other() -> None:
    class Clumsy(ByHand):
        def start(self, intake: Intake[AudioFrame | VideoFrame]) -> None:
            raise KeyError("oops")

    async with started(Clumsy(), Pattern(P360)) as uplink:
        assert await uplink.reports.get() == ("audio", "bad_argument")
        assert read_stamp(await see(uplink.open_video_feed("ann")))


async def test_a_swap_that_is_cancelled_leaves_no_source_running() -> None:
    class Slow(ByHand):
        def __init__(self) -> None:
            super().__init__()
            self.may_go_on = Event()

        def start(self, intake: Intake[AudioFrame | VideoFrame]) -> None:
            assert self.may_go_on.wait(5.0)
            super().start(intake)

    slow = Slow()
    async with started(None, None) as uplink:
        swap = asyncio.create_task(uplink.use_video(slow))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        swap.cancel()
        assert not await asyncio.to_thread(slow.stopped.wait, 0.2)
        slow.may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await swap
        assert slow.starts == 1
        assert slow.stopped.is_set()


async def test_capture_times_by_another_clock_do_no_harm() -> None:
    camera = ByHand()
    async with started(None, camera) as uplink:
        feed = uplink.open_video_feed("ann")
        times = []
        for at in (time.time(), 0.0, time.monotonic()):
            camera.push(VideoFrame(Pattern(P360).picture(3, 1.7e9), at))
            times.append(float((picture := await see(feed)).pts * picture.time_base))
    assert times == sorted(times)
    assert all(abs(at - time.monotonic()) < 2.0 for at in times)


async def test_a_closed_feed_gets_no_more_and_stop_ends_the_sources() -> None:
    camera = ByHand()
    async with started(Tone(440.0), camera) as uplink:
        feed = uplink.open_video_feed("ann")
        feed.close()
        camera.push(VideoFrame(Pattern(P360).picture(3, 1.7e9)))
        assert await sees_nothing(feed)
    assert camera.stopped.is_set()
    camera.push(VideoFrame(Pattern(P360).picture(4, 1.7e9)))
    await uplink.stop()


class Stubborn(ByHand):
    def stop(self) -> None:
        raise RuntimeError("not now")


async def test_a_source_that_raises_when_it_is_stopped_keeps_no_other_running() -> None:
    camera = ByHand()
    async with started(Stubborn(), camera):
        pass
    assert camera.stopped.is_set()


class Ears:
    def __init__(self) -> None:
        self.heard: list[AudioFrame] = []
        self.seen: list[tuple[str, VideoFrame]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None:
        self.heard.append(frame)

    def see(self, user_id: str, frame: VideoFrame) -> None:
        self.seen.append((user_id, frame))


class Grumpy(Ears):
    def hear(self, frame: AudioFrame) -> None:
        raise RuntimeError("no")


async def test_taps_get_what_is_sent_and_one_that_raises_harms_nobody() -> None:
    ears, grumpy = Ears(), Grumpy()
    async with started(Tone(440.0), Pattern(P360)) as uplink:
        uplink.add_audio_tap(grumpy)
        uplink.add_audio_tap(ears)
        uplink.add_video_tap(ears, "me")
        await hear(uplink.open_audio_feed("ann"), 0.5)
        uplink.remove_audio_tap(ears)
        uplink.remove_video_tap(ears)
    heard = np.concatenate([frame.samples for frame in ears.heard]).ravel()
    assert abs(loudest_frequency(heard) - 440.0) < 4.0
    assert all(abs(b.time - a.time - 0.02) < 1e-6 for a, b in pairwise(ears.heard))
    assert {user for user, _ in ears.seen} == {"me"}
    assert all(read_stamp(frame.picture) for _, frame in ears.seen)


async def test_a_bot_that_pushes_nonsense_is_reported_not_crashed() -> None:
    microphone, camera = ByHand(), ByHand()
    async with started(microphone, camera) as uplink:
        microphone.push(AudioFrame(np.zeros((960, 1), np.float32)))  # type: ignore[arg-type]
        assert await asyncio.wait_for(uplink.reports.get(), 1.0) == ("audio", "bad_argument")
        camera.push(VideoFrame(av.VideoFrame(9000, 2, "gray")))
        assert await asyncio.wait_for(uplink.reports.get(), 1.0) == ("video", "bad_argument")
