"""The conversation: mute, camera, voice and video, profiles, volumes, quality, sources and sinks of one's own."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import av
import numpy as np
import pytest

import pycall
from pycall import (
    AudioFrame,
    CallError,
    ErrorCode,
    Intake,
    MediaError,
    MediaType,
    NetworkQuality,
    VideoFrame,
)
from pycall.core.events import (
    CallMediaChanged,
    ErrorOccurred,
    MediaStatistics,
    NetworkQualityChanged,
    UserAudioAvailable,
    UserVideoAvailable,
    VoiceVolume,
)
from tests.phones import Eye, Phone, phone, ring, talk
from tests.switchroom import Switchroom


async def test_mute_is_silence_at_the_other_end_and_they_are_told(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await bob.ear.tone(440)
    await alice.engine.mute()
    assert not alice.engine.microphone_open
    assert await bob.saw(UserAudioAvailable, count=len(bob.all(UserAudioAvailable)) or 1)
    await bob.until(lambda: bob.all(UserAudioAvailable)[-1] == UserAudioAvailable("alice", False))
    await bob.ear.silence()
    with pytest.raises(CallError, match="muted must be"):
        await alice.engine.mute(0)  # type: ignore[arg-type]
    await alice.engine.mute(False)
    await bob.ear.tone(440)
    await bob.until(lambda: bob.all(UserAudioAvailable)[-1] == UserAudioAvailable("alice", True))


async def test_a_video_call_shows_the_pictures_of_both_in_order(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    for eye, other in [(alice.eye, "bob"), (bob.eye, "alice")]:
        numbers = await eye.pictures(15)
        assert numbers == sorted(set(numbers))
        assert eye.sizes[-1] == (640, 360)
        assert eye.users == {other}


async def test_a_voice_call_shows_nothing_and_opens_no_camera(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await alice.ear.tone(1000)
    assert bob.eye.sizes == []
    with pytest.raises(CallError) as caught:
        await alice.engine.open_camera()
    assert caught.value.code in (ErrorCode.WRONG_STATE, ErrorCode.NOT_SUPPORTED)


async def test_camera_off_and_on(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.pictures(3)
    await alice.engine.close_camera()
    await bob.until(lambda: bob.all(UserVideoAvailable)[-1:] == [UserVideoAvailable("alice", False)])
    await _no_more_pictures(bob.eye)
    await alice.engine.open_camera()
    await bob.until(lambda: bob.all(UserVideoAvailable)[-1] == UserVideoAvailable("alice", True))
    await bob.eye.pictures(3)


async def _no_more_pictures(eye: Eye) -> None:
    """What was on the way may still come; then nothing does for half a second."""
    async with asyncio.timeout(10):
        while True:
            before = len(eye.sizes)
            try:
                await eye.until(lambda seen=before: len(eye.sizes) > seen, 0.5)  # type: ignore[misc]
            except AssertionError:
                return


async def test_voice_to_video_and_back(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await alice.engine.switch_call_media_type(MediaType.VIDEO)
    for side in (alice, bob):
        changed = await side.saw(CallMediaChanged)
        assert (changed.old, changed.new, changed.user_id) == (MediaType.AUDIO, MediaType.VIDEO, "alice")
        assert side.engine.media is MediaType.VIDEO
    await bob.eye.size(640, 360)
    assert not bob.engine.camera_open
    assert alice.eye.sizes == []
    await bob.engine.open_camera()
    await alice.eye.size(640, 360)
    await bob.engine.switch_media(MediaType.AUDIO)
    assert (await alice.saw(CallMediaChanged, count=2)).user_id == "bob"
    await _no_more_pictures(alice.eye)
    await _no_more_pictures(bob.eye)
    assert not alice.engine.camera_open
    await alice.ear.tone(1000)


async def test_a_profile_change_changes_the_size_at_the_other_end(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.size(640, 360)
    alice.engine.set_video_profile("540p15")
    await bob.eye.size(960, 540)
    numbers = await bob.eye.pictures(5)
    assert numbers == sorted(set(numbers))


async def test_volumes_of_everybody_own_first(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await alice.until(
        lambda: any(min(e.volumes.get(u, 0) for u in ("alice", "bob")) > 20 for e in alice.all(VoiceVolume))
    )
    event = alice.all(VoiceVolume)[-1]
    assert list(event.volumes) == ["alice", "bob"]
    assert all(0 <= volume <= 100 for volume in event.volumes.values())
    await alice.engine.close_microphone()
    await alice.until(lambda: alice.all(VoiceVolume)[-1].volumes["alice"] == 0)
    await bob.ear.silence()


async def test_volumes_come_at_the_interval_and_end_with_the_call(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await alice.ear.tone(1000)
    heard, told = alice.ear.frames, len(alice.all(VoiceVolume))
    await alice.saw(VoiceVolume, count=told + 6)
    assert 0.8 <= (alice.ear.frames - heard) * 0.02 <= 2.5, "five times 0.2 s, by the sound that was heard meanwhile"
    await alice.engine.hangup()
    await alice.ended()
    count = len(alice.all(VoiceVolume))
    await bob.ended()
    assert len(alice.all(VoiceVolume)) == count


async def test_quality_and_statistics(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    quality = await alice.saw(NetworkQualityChanged, timeout=8, count=2)
    assert list(quality.qualities) == ["alice", "bob"]
    good = (
        NetworkQuality.EXCELLENT,
        NetworkQuality.GOOD,
    )  # the first seconds of a call count the start of the encoders
    await alice.until(lambda: alice.all(NetworkQualityChanged)[-1].qualities["bob"] in good, 15, "good quality")
    numbers = await alice.saw(MediaStatistics, count=2)
    assert numbers.bitrate_in > 20_000
    assert numbers.bitrate_out > 20_000
    assert numbers.loss_in < 0.05


class Burst:
    """A program's own source: pushes what it is told to, from the test."""

    def __init__(self) -> None:
        self.intake: Intake | None = None  # type: ignore[type-arg]
        self.stopped = 0

    def start(self, intake: Intake) -> None:  # type: ignore[type-arg]
        self.intake = intake

    def stop(self) -> None:
        self.stopped += 1


class NumpyCamera(Burst):
    """Pushes plain numpy pictures of one colour from a thread of its own, 20 a second."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        super().__init__()
        self.started = 0
        self._picture = np.full((360, 640, 3), colour, np.uint8)
        self._end = threading.Event()

    def start(self, intake: Intake[VideoFrame]) -> None:
        super().start(intake)
        self.started += 1
        self._end.clear()
        self._thread = threading.Thread(target=self._run, name="numpy camera")
        self._thread.start()

    def _run(self) -> None:
        assert self.intake is not None
        while not self._end.wait(0.05):
            self.intake.push(VideoFrame.from_numpy(self._picture))

    def stop(self) -> None:
        super().stop()
        self._end.set()
        self._thread.join()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()


class ColourEye:
    """A program's own sink: the mean colour of each picture, as numpy."""

    def __init__(self) -> None:
        self.colours: list[tuple[int, ...]] = []
        self.came = asyncio.Event()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def see(self, user_id: str, frame: VideoFrame) -> None:
        self.colours.append(tuple(frame.to_numpy().mean(axis=(0, 1)).astype(int)))
        self.came.set()


async def test_a_program_sends_and_receives_numpy_pictures(alice: Phone, server: Switchroom) -> None:
    camera, eye = NumpyCamera((10, 20, 220)), ColourEye()
    async with phone(server.url, video_source=camera, video_sink=eye) as bot:
        await bot.engine.login("bot", server.ticket("bot"))
        await alice.engine.use_video_source(NumpyCamera((220, 20, 10)))
        colours = ColourEye()
        alice.engine._driver.gear.video_sink = colours
        await talk(alice, bot, MediaType.VIDEO)
        await asyncio.wait_for(asyncio.gather(eye.came.wait(), colours.came.wait()), 10)
        assert_colour(eye.colours[-1], (220, 20, 10))
        assert_colour(colours.colours[-1], (10, 20, 220))
    assert camera.stopped >= 1
    assert not camera.is_running


def assert_colour(seen: tuple[int, ...], sent: tuple[int, ...]) -> None:
    assert all(abs(one - other) < 40 for one, other in zip(seen, sent, strict=True)), seen


async def test_the_same_source_object_serves_the_next_call(alice: Phone, server: Switchroom) -> None:
    camera = NumpyCamera((10, 220, 10))
    async with phone(server.url, video_source=camera) as bot:
        await bot.engine.login("bot", server.ticket("bot"))
        for number in (1, 2):
            alice.log.clear()
            bot.log.clear()
            alice.eye.sizes.clear()
            await talk(bot, alice, MediaType.VIDEO)
            await alice.eye.size(640, 360)
            await bot.engine.hangup()
            await alice.ended()
            await bot.ended()
            async with asyncio.timeout(2):
                while bot.engine._driver._closing:
                    await asyncio.wait(bot.engine._driver._closing)
            assert camera.started == number
            assert camera.stopped >= number
            assert not camera.is_running


async def test_a_program_changes_its_source_in_the_call(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await bob.ear.tone(440)
    await alice.engine.use_audio_source("tone:2000")
    await bob.ear.tone(2000)
    with pytest.raises(MediaError) as caught:
        await alice.engine.use_audio_source("file:/no/such/file.wav")
    assert caught.value.code is ErrorCode.NO_SUCH_FILE
    await bob.ear.tone(2000)


async def test_a_source_that_dies_is_told_to_both_and_the_call_goes_on(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    source = Burst()
    await alice.engine.use_audio_source(source)
    assert source.intake is not None
    source.intake.fail(MediaError(ErrorCode.DEVICE_LOST, "the microphone was unplugged"))
    error = await alice.saw(ErrorOccurred)
    assert error == ErrorOccurred(ErrorCode.DEVICE_LOST, "the microphone was unplugged")
    await bob.until(lambda: UserAudioAvailable("alice", False) in bob.all(UserAudioAvailable))
    await alice.engine.use_audio_source("tone:440")
    await bob.ear.tone(440)
    await bob.until(lambda: bob.all(UserAudioAvailable)[-1] == UserAudioAvailable("alice", True))


async def test_a_call_without_a_camera_goes_on_with_sound(server: Switchroom, bob: Phone) -> None:
    async with phone(server.url, video_source="camera:17") as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        error = await carol.saw(ErrorOccurred)
        assert error.code in (ErrorCode.NO_DEVICE, ErrorCode.NO_SUCH_FILE)
        await bob.ear.tone(440)
        await carol.eye.pictures(3)
        assert not [event for event in bob.all(UserVideoAvailable) if event.available]
        await carol.engine.use_video_source("pattern")
        await carol.engine.open_camera()
        await bob.eye.pictures(3)
        assert bob.all(UserVideoAvailable) == [UserVideoAvailable("carol", True)]
        assert len(carol.all(ErrorOccurred)) == 1


async def test_each_call_is_recorded_in_a_file_of_its_own(server: Switchroom, bob: Phone, tmp_path: Path) -> None:
    async with phone(server.url, record=str(tmp_path / "talk.mkv")) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(carol, bob)
        await bob.engine.reject()
        await carol.ended()
        await bob.ended()
        for _ in range(2):
            carol.log.clear()
            bob.log.clear()
            await talk(carol, bob, MediaType.VIDEO)
            await carol.eye.pictures(20)
            await carol.engine.hangup()
            await carol.ended()
            await bob.ended()
    assert sorted(path.name for path in tmp_path.glob("*.mkv")) == ["talk-2.mkv", "talk.mkv"]
    for name in ["talk.mkv", "talk-2.mkv"]:
        with av.open(str(tmp_path / name)) as file:
            kinds = [stream.type for stream in file.streams]
            assert (kinds.count("video"), kinds.count("audio")) == (2, 1)
            assert sum(1 for _ in file.decode(file.streams.video[0])) > 10


async def test_two_calls_in_a_row_into_and_out_of_files(server: Switchroom, bob: Phone, tmp_path: Path) -> None:
    """The second call begins at once, while the first one's files may still be closing."""
    heard = tmp_path / "heard.mkv"
    clip = str(Path(pycall.__file__).with_name("data") / "bunny.mp4")
    settings = {"audio_sink": f"file:{heard}", "video_sink": f"file:{heard}", "video_source": f"file:{clip}"}
    async with phone(server.url, **settings) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        for _ in range(2):
            carol.log.clear()
            bob.log.clear()
            bob.eye.sizes.clear()
            await talk(carol, bob, MediaType.VIDEO)
            await bob.eye.until(lambda: len(bob.eye.sizes) > 10)
            await carol.engine.hangup()
            await carol.ended()
            await bob.ended()
            assert not carol.all(ErrorOccurred)
    with av.open(str(heard)) as file:
        assert sum(1 for _ in file.decode(video=0)) > 5


def test_an_audio_frame_is_plain_numpy() -> None:
    assert AudioFrame(np.zeros((960, 1), np.int16)).duration == 0.02
