"""The hard moments: hanging up while a device opens, verbs inside listeners, answers that never come, broken sinks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from pycall import (
    AudioFrame,
    CallEnded,
    CallError,
    CallNotConnected,
    CallReceived,
    CallState,
    ErrorCode,
    Intake,
    LoginError,
    MediaError,
    MediaType,
    SignalingError,
    VideoFrame,
)
from pycall.core.events import (
    CallBegan,
    ErrorOccurred,
    SignalingLost,
    SignalingRestored,
    UserRinging,
    UserSigExpired,
    VoiceVolume,
)
from pycall.media.source import open_audio_source
from tests.phones import Phone, phone, ring, talk
from tests.relay import Relay
from tests.switchroom import Switchroom


class SlowCamera:
    """Takes its time to open, as real ones do, and remembers how often it was opened and released."""

    def __init__(self) -> None:
        self.opening = threading.Event()
        self.go_on = threading.Event()
        self.opened = 0
        self.released = threading.Event()

    def start(self, intake: Intake[VideoFrame]) -> None:
        self.opening.set()
        assert self.go_on.wait(5)
        self.opened += 1

    def stop(self) -> None:
        self.released.set()


@pytest.fixture
def camera() -> Iterator[SlowCamera]:
    camera = SlowCamera()
    yield camera
    camera.go_on.set()


async def test_hanging_up_while_the_camera_opens_releases_it(
    server: Switchroom, bob: Phone, camera: SlowCamera
) -> None:
    async with phone(server.url, video_source=camera) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(carol, bob, MediaType.VIDEO)
        assert await asyncio.to_thread(camera.opening.wait, 5)
        await carol.engine.hangup()
        assert isinstance(await carol.ended(), CallNotConnected)
        assert not camera.released.is_set()
        camera.go_on.set()
        assert await asyncio.to_thread(camera.released.wait, 1)
        assert camera.opened == 1


async def test_a_camera_that_opens_slowly_does_not_delay_the_voice(
    server: Switchroom, bob: Phone, camera: SlowCamera
) -> None:
    async with phone(server.url, video_source=camera) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(bob, carol)
        await bob.engine.switch_media(MediaType.VIDEO)
        await carol.until(lambda: carol.engine.media is MediaType.VIDEO)
        await carol.engine.open_camera()
        assert await asyncio.to_thread(camera.opening.wait, 5)
        await bob.ear.tone(440)
        await carol.ear.tone(1000)
        camera.go_on.set()


async def test_toggling_faster_than_the_camera_opens_ends_as_wanted_last(
    server: Switchroom, bob: Phone, camera: SlowCamera
) -> None:
    async with phone(server.url, video_source=camera) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(carol, bob, MediaType.VIDEO)
        assert await asyncio.to_thread(camera.opening.wait, 5)
        for _ in range(3):
            await carol.engine.close_camera()
            await carol.engine.open_camera()
        await carol.engine.close_camera()
        camera.go_on.set()
        assert await asyncio.to_thread(camera.released.wait, 2)
        assert camera.opened == 1
        assert not carol.engine.camera_open


class OneUserDevice:
    """A microphone that can be open once, and that takes 0.3 s to let go."""

    def __init__(self) -> None:
        self._taken = threading.Lock()
        self.refused = 0

    def start(self, intake: Intake[AudioFrame]) -> None:
        if not self._taken.acquire(blocking=False):
            self.refused += 1
            raise MediaError(ErrorCode.DEVICE_BUSY, "the microphone is in use")

    def stop(self) -> None:
        if self._taken.locked():
            threading.Event().wait(0.3)
            self._taken.release()


async def test_the_next_call_waits_until_the_last_one_has_let_go_of_the_device(server: Switchroom, bob: Phone) -> None:
    microphone = OneUserDevice()
    async with phone(server.url, audio_source=microphone) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        for _ in range(2):
            carol.log.clear()
            bob.log.clear()
            await talk(carol, bob)
            await carol.engine.hangup()
            await carol.ended()
            await bob.ended()
    assert microphone.refused == 0


class WatchedTone:
    """The tone of 440 Hz; knows when it was let go."""

    def __init__(self) -> None:
        self._tone = open_audio_source("tone:440")
        self.released = threading.Event()

    def start(self, intake: Intake[AudioFrame]) -> None:
        self._tone.start(intake)

    def stop(self) -> None:
        self._tone.stop()
        self.released.set()


async def test_hanging_up_is_heard_at_once_even_if_the_server_is_slow(bob: Phone, server: Switchroom) -> None:
    microphone = WatchedTone()
    async with Relay(server.url) as relay, phone(relay.url, audio_source=microphone) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob)
        await bob.ear.tone(440)
        await carol.ear.tone(1000)
        relay.hold()
        hanging_up = asyncio.create_task(carol.engine.hangup())
        await bob.ear.stopped_hearing()
        await carol.ear.stopped_hearing()
        assert await asyncio.to_thread(microphone.released.wait, 1)
        assert carol.engine.state is CallState.LEAVING
        assert not bob.all(CallEnded)
        relay.release()
        await hanging_up
        assert isinstance(await carol.ended(), CallEnded)
        assert isinstance(await bob.ended(), CallEnded)


async def test_a_listener_may_answer_wait_and_hang_up(alice: Phone, bob: Phone) -> None:
    async def pick_up(event: CallReceived) -> None:
        await bob.engine.accept()
        await bob.engine.wait_for(CallBegan, 5)
        await bob.ear.tone(440)
        await bob.engine.hangup()

    bob.engine.on(CallReceived, pick_up)
    await alice.engine.call("bob")
    assert isinstance(await alice.ended(), CallEnded)
    assert isinstance(await bob.ended(), CallEnded)


async def test_a_listener_may_close_its_engine(alice: Phone, bob: Phone) -> None:
    closed = asyncio.Event()

    async def leave(event: VoiceVolume) -> None:
        await bob.engine.aclose()
        closed.set()

    await talk(alice, bob)
    bob.engine.on(VoiceVolume, leave)
    await asyncio.wait_for(closed.wait(), 5)
    assert isinstance(await alice.ended(), CallEnded)


async def test_waiting_right_after_a_verb_misses_nothing(alice: Phone, bob: Phone) -> None:
    await alice.engine.call("bob")
    assert (await alice.engine.wait_for(UserRinging, 5)).user_id == "bob"
    await bob.engine.reject()
    assert (await bob.engine.wait_for(CallNotConnected, 5)).user_id == "bob"


async def test_every_event_of_a_call_comes_through_the_stream(alice: Phone, bob: Phone) -> None:
    stream = alice.engine.events()
    await talk(alice, bob)
    await alice.engine.hangup()
    names = []
    async for event in stream:
        names.append(type(event).__name__)
        if isinstance(event, CallEnded):
            break
    periodic = {"VoiceVolume", "NetworkQualityChanged", "MediaStatistics"}
    assert [name for name in names if name not in periodic] == [
        "UserRinging",
        "UserJoined",
        "CallBegan",
        "UserAudioAvailable",
        "CallQuality",
        "CallEnded",
    ]


async def test_a_cancelled_call_verb_does_not_ring_on(bob: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        relay.hold()
        calling = asyncio.create_task(carol.engine.call("bob"))
        await asyncio.wait({calling}, timeout=0.3)
        assert carol.engine.state is CallState.DIALING
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        relay.release()
        assert isinstance(await carol.ended(), CallNotConnected)
        assert isinstance(await bob.ended(), CallNotConnected)


async def test_a_call_verb_without_an_answer_gives_up_and_does_not_ring_on(bob: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url, reply_timeout=0.3) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        relay.hold()
        with pytest.raises(SignalingError) as caught:
            await carol.engine.call("bob")
        assert caught.value.code is ErrorCode.TIMED_OUT
        relay.release()
        assert isinstance(await carol.ended(), CallNotConnected)
        assert isinstance(await bob.ended(), CallNotConnected)


async def test_a_ticket_that_runs_out_during_a_lost_link_keeps_the_talk_and_can_be_renewed(
    bob: Phone, server: Switchroom
) -> None:
    async with Relay(server.url) as relay, phone(relay.url, volume_interval=0.2) as carol:
        await carol.engine.login("carol", server.ticket("carol", expire=2))
        expires = time.time() + 2
        await talk(carol, bob)
        relay.close_door()
        await carol.until(lambda: bool(carol.all(VoiceVolume)) and time.time() > expires)
        relay.open_door()
        await carol.saw(UserSigExpired, timeout=20)
        assert not carol.engine.signed_in
        with pytest.raises(LoginError) as caught:
            await carol.engine.call("bob")
        assert caught.value.code is ErrorCode.NOT_LOGGED_IN
        await bob.ear.tone(440)
        await carol.engine.login("carol", server.ticket("carol"))
        await carol.saw(SignalingRestored)
        assert len(carol.all(SignalingLost)) == 1
        await carol.engine.hangup()
        assert isinstance(await bob.ended(), CallEnded)


class BrokenSpeaker:
    """Cannot be opened."""

    def start(self) -> None:
        raise MediaError(ErrorCode.NO_DEVICE, "no loudspeaker here")

    def stop(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None: ...


async def test_a_call_without_a_loudspeaker_goes_on(server: Switchroom, bob: Phone) -> None:
    async with phone(server.url, audio_sink=BrokenSpeaker()) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        assert await carol.saw(ErrorOccurred) == ErrorOccurred(ErrorCode.NO_DEVICE, "no loudspeaker here")
        await bob.ear.tone(440)
        await carol.eye.pictures(3)


class WildEye:
    """Raises whatever it likes."""

    def start(self) -> None:
        raise ValueError("wild")

    def stop(self) -> None:
        raise ValueError("wild")

    def see(self, user_id: str, frame: VideoFrame) -> None: ...


async def test_a_sink_of_ones_own_that_raises_is_told_and_harms_nothing(
    server: Switchroom, bob: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    async with phone(server.url, video_sink=WildEye()) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        error = await carol.saw(ErrorOccurred)
        assert error.code is ErrorCode.BAD_SINK
        assert "\n" not in error.message
        await asyncio.gather(bob.ear.tone(440), carol.ear.tone(1000), bob.eye.pictures(3))
    assert "wild" in caplog.text


async def test_neither_ticket_nor_user_text_nor_sdp_is_logged(
    alice: Phone, bob: Phone, server: Switchroom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with phone(server.url) as carol:
        ticket = server.ticket("carol")
        await carol.engine.login("carol", ticket)
        await carol.engine.call("bob", user_data="my secret words")
        await bob.saw(CallReceived)
        await bob.engine.accept()
        await carol.saw(CallBegan)
        await carol.engine.hangup()
        await bob.ended()
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("pycall", "signaling_server")))
    assert ticket not in ours
    assert "secret words" not in ours
    assert "ice-ufrag" not in ours
    assert "fingerprint" not in ours


async def test_an_error_is_one_line_with_a_code(alice: Phone) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.accept()
    assert caught.value.code is ErrorCode.WRONG_STATE
    assert "\n" not in str(caught.value)
