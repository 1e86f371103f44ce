"""What arrives from the peers is heard and seen by every sink, whatever its shape, and a broken sink breaks nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.downlink import Downlink
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.sink import NullSink, on_audio, on_video
from tests.media.listening import loudest, plain, strength, tone

Failed = list[tuple[object, MediaError]]


@pytest.fixture
def failed() -> Failed:
    return []


@pytest.fixture
async def downlink(failed: Failed) -> AsyncIterator[Downlink]:
    made = Downlink(on_sink_failed=lambda sink, error: failed.append((sink, error)))
    yield made
    await made.stop()


class Ears(NullSink):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.started = self.stopped = 0

    def start(self) -> None:
        self.started += 1

    def hear(self, frame: AudioFrame) -> None:
        self.frames.append(frame)

    def stop(self) -> None:
        self.stopped += 1

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate([frame.samples[:, 0] for frame in self.frames])


@pytest.mark.parametrize("length", [240, 960, 1920])
@pytest.mark.parametrize("channels", [1, 2])
async def test_any_sound_comes_as_20_ms_frames_of_mono(downlink: Downlink, channels: int, length: int) -> None:
    ears, more = Ears(), Ears()
    await downlink.start([ears, more], [])
    for index in range(48000 // length):
        at = np.arange(index * length, (index + 1) * length) / 48000
        samples = (8000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
        downlink.audio_arrived("bob", samples if channels == 1 else np.stack([samples, samples], axis=1))
    assert {frame.samples.shape for frame in ears.frames} == {(960, 1)}
    assert len(ears.frames) == 50
    assert loudest(ears.sound) == pytest.approx(440, abs=2)
    assert strength(ears.sound[4800:43200], 440) == pytest.approx(8000, rel=0.03)
    assert len(more.frames) == len(ears.frames)


async def test_one_voice_is_heard_in_the_same_turn_of_the_loop(downlink: Downlink) -> None:
    ears = Ears()
    await downlink.start([ears], [])
    before = time.monotonic()
    downlink.audio_arrived("bob", tone(440))
    assert len(ears.frames) == 1
    assert before <= ears.frames[0].time <= time.monotonic()


async def test_two_voices_are_heard_together_in_real_time(downlink: Downlink) -> None:
    ears = Ears()
    await downlink.start([ears], [])
    began = asyncio.get_running_loop().time()
    for index in range(50):
        downlink.audio_arrived("bob", tone(440, index * 960, level=4000))
        downlink.audio_arrived("eve", tone(1000, index * 960, level=4000))
        await until(began + (index + 1) / 50)
    assert 45 <= len(ears.frames) <= 52
    middle = ears.sound[len(ears.sound) // 2 :][: 48000 // 4]
    assert loudest(middle) == pytest.approx(440, abs=5) or loudest(middle) == pytest.approx(1000, abs=5)
    assert strength(middle, 440) > 2000
    assert strength(middle, 1000) > 2000


async def until(moment: float) -> None:
    """Wait for a moment of the loop's clock, as a network in real time would."""
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()
    loop.call_at(moment, reached.set)
    await reached.wait()


async def test_a_picture_is_seen_by_every_sink_at_once(downlink: Downlink) -> None:
    seen: list[tuple[str, VideoFrame]] = []
    sinks = [on_video(lambda user, frame: seen.append((user, frame))) for _ in range(2)]
    await downlink.start([], sinks)
    picture = plain(100)
    before = time.monotonic()
    downlink.video_arrived("bob", picture)
    assert [user for user, _ in seen] == ["bob", "bob"]
    assert seen[0][1].picture is picture
    assert before <= seen[0][1].time <= time.monotonic()


async def test_volume_is_the_loudest_since_last_asked(downlink: Downlink) -> None:
    await downlink.start([], [])
    for level in (100, 20000, 100):
        downlink.audio_arrived("bob", tone(440, level=level))
    downlink.audio_arrived("eve", np.zeros(960, np.int16))
    volumes = downlink.volumes()
    assert volumes["bob"] > 80
    assert volumes["eve"] == 0
    assert downlink.volumes() == {"bob": 0, "eve": 0}
    downlink.forget("bob")
    assert downlink.volumes() == {"eve": 0}


@pytest.mark.parametrize(
    ("raised", "code"),
    [(MediaError(ErrorCode.DEVICE_LOST, "gone"), ErrorCode.DEVICE_LOST), (ValueError("bug"), ErrorCode.BAD_SINK)],
)
async def test_a_sink_that_raises_is_dropped_and_told_once(
    downlink: Downlink, failed: Failed, raised: Exception, code: ErrorCode
) -> None:
    def broken(*_: object) -> None:
        raise raised

    ears, bad_ears, bad_eyes = Ears(), on_audio(broken), on_video(broken)
    await downlink.start([bad_ears, ears], [bad_eyes])
    for index in range(5):
        downlink.audio_arrived("bob", tone(440, index * 960))
        downlink.video_arrived("bob", plain(100))
    assert len(ears.frames) == 5
    assert [(sink, error.code) for sink, error in failed] == [(bad_ears, code), (bad_eyes, code)]


async def test_a_sink_that_does_not_open_is_told_and_the_others_are_used(downlink: Downlink, failed: Failed) -> None:
    class Missing(NullSink):
        def start(self) -> None:
            raise MediaError(ErrorCode.NO_DEVICE, "no loudspeaker was found")

    missing, ears = Missing(), Ears()
    await downlink.start([missing, ears], [])
    downlink.audio_arrived("bob", tone(440))
    assert [(sink, error.code) for sink, error in failed] == [(missing, ErrorCode.NO_DEVICE)]
    assert len(ears.frames) == 1


async def test_sinks_come_and_go_in_a_running_call(downlink: Downlink) -> None:
    ears = Ears()
    await downlink.start([], [])
    assert await downlink.add_audio_sink(ears)
    downlink.audio_arrived("bob", tone(440))
    await downlink.remove_audio_sink(ears)
    downlink.audio_arrived("bob", tone(440))
    assert (len(ears.frames), ears.started, ears.stopped) == (1, 1, 1)


async def test_after_stop_nothing_is_given_and_every_sink_is_closed_once(downlink: Downlink) -> None:
    ears = Ears()
    await downlink.start([ears], [])
    await downlink.stop()
    await downlink.stop()
    downlink.audio_arrived("bob", tone(440))
    assert (len(ears.frames), ears.started, ears.stopped) == (0, 1, 1)


class Clumsy(Ears):
    """A program's own sink that raises where it likes."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def start(self) -> None:
        self._raise("start")

    def stop(self) -> None:
        self._raise("stop")

    def _raise(self, where: str) -> None:
        if where == self._where:
            raise RuntimeError(where)


@pytest.mark.parametrize("where", ["start", "stop"])
async def test_a_sink_of_a_program_that_raises_when_it_begins_or_ends_harms_nobody(
    downlink: Downlink, failed: Failed, where: str
) -> None:
    clumsy, ears = Clumsy(where), Ears()
    await downlink.start([clumsy, ears], [])
    downlink.audio_arrived("bob", tone(440))
    await downlink.stop()
    assert ears.frames and ears.stopped == 1
    assert [(sink, error.code) for sink, error in failed] == [(clumsy, ErrorCode.BAD_SINK)] * (where == "start")
