"""Sound devices of a real sound server in a real call: listed, exchanged without a gap, pulled out and plugged in."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import pytest_asyncio

from pycall import (
    CallEngine,
    CallError,
    DeviceInfo,
    DeviceKind,
    EngineConfig,
    ErrorCode,
    MediaError,
    MediaType,
    VideoFrame,
)
from pycall.core.events import DevicesChanged, ErrorOccurred, UserAudioAvailable
from pycall.core.types import DeviceState
from pycall.device_verbs import facing
from pycall.media.devices.plugged import changes
from pycall.media.stamp import read_stamp
from tests.media_tools import sine
from tests.phones import Ear, Phone, phone, talk
from tests.pulse import Pulse, pulse_server
from tests.switchroom import Switchroom

RATE = 48_000


class Room:
    """A sound server with microphones that hear a tone of their own; each can be pulled out."""

    def __init__(self, server: Pulse) -> None:
        self.server = server
        self._modules: dict[str, str] = {}

    def plug_in(self, name: str, hertz: float, label: str = "") -> None:
        """A microphone `name` that hears this tone for the rest of the test."""
        self.server.load(f"module-null-sink sink_name=feed_{name} rate=48000")
        self.server.play(sine(hertz, RATE * 90), f"feed_{name}")
        described = f"source_properties=device.description={label or name}"
        self._modules[name] = self.server.load(
            f"module-remap-source source_name={name} master=feed_{name}.monitor {described}"
        )
        self._until_live(name, hertz)

    def _until_live(self, name: str, hertz: float) -> None:
        """A null sink that has just been made is up to 2 s ahead, and its monitor silent as long."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            heard = self.server.live(name)
            if heard is not None and _has(heard, hertz):
                return
        pytest.fail(f"the microphone {name} hears nothing")

    def plug_in_speaker(self, name: str, label: str) -> None:
        described = f"sink_properties=device.description={label}"
        self._modules[name] = self.server.load(f"module-null-sink sink_name={name} rate=48000 {described}")

    def pull_out(self, name: str) -> None:
        self.server.unload(self._modules.pop(name))


@pytest.fixture(scope="module")
def sound_server() -> Iterator[Pulse]:
    with pulse_server() as server:
        yield server


@pytest.fixture
def room(sound_server: Pulse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, sound_server.environment[name])
    it = Room(sound_server)
    yield it
    sound_server.hush()
    for name in list(it._modules):
        it.pull_out(name)


@pytest_asyncio.fixture
async def carol(server: Switchroom, room: Room) -> AsyncIterator[Phone]:
    """Talks into the microphone `usb`, which hears 440 Hz."""
    room.plug_in("usb", 440)
    async with phone(server.url, audio_source="mic:pulse:usb", video_source="pattern") as it:
        await it.engine.login("carol", server.ticket("carol"))
        yield it


class GapEar(Ear):
    """Knows the longest stretch of near silence between sounds, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._silent = 0

    def hear(self, frame: object) -> None:
        super().hear(frame)  # type: ignore[arg-type]
        for piece in frame.samples[:, 0].reshape(-1, 48):  # type: ignore[attr-defined]
            if np.abs(piece).max() > 500:
                self.longest = max(self.longest, self._silent / RATE)
                self._silent = 0
            else:
                self._silent += 48


def changed(someone: Phone, kind: DeviceKind = DeviceKind.MICROPHONE) -> list[tuple[str, str]]:
    return [(e.device_id, e.state.value) for e in someone.all(DevicesChanged) if e.kind is kind]


async def told(someone: Phone, expected: list[tuple[str, str]], kind: DeviceKind = DeviceKind.MICROPHONE) -> None:
    """This and no more, once it comes: events are told beside the call, so the sound may be first."""
    await someone.until(lambda: len(changed(someone, kind)) >= len(expected))
    assert changed(someone, kind) == expected


async def test_every_microphone_is_listed_by_itself_the_default_first(carol: Phone, room: Room) -> None:
    room.plug_in("webcam", 1000, "Web_Camera")
    found = await carol.engine.get_device_list("microphone")
    assert [device.device_id for device in found] == ["pulse:mic", "pulse:usb", "pulse:webcam"]
    assert [device.default for device in found] == [True, False, False]
    assert "usb" in found[1].label
    assert {device.kind for device in found} == {DeviceKind.MICROPHONE}


async def test_microphones_are_exchanged_in_a_call_without_a_gap(carol: Phone, bob: Phone, room: Room) -> None:
    room.plug_in("webcam", 1000)
    ear = GapEar()
    await bob.engine.use_audio_sink(ear)
    await talk(carol, bob)
    await ear.tone(440)
    ear.longest = 0.0
    await carol.engine.switch_device("microphone", "pulse:webcam")
    await ear.tone(1000)
    await carol.engine.switch_device(DeviceKind.MICROPHONE, "pulse:usb")
    await ear.tone(440)
    assert ear.longest < 0.3
    await told(carol, [("pulse:webcam", "active"), ("pulse:usb", "active")])
    assert not carol.all(ErrorOccurred)


async def test_a_microphone_that_is_pulled_out_is_replaced_and_the_call_goes_on(
    carol: Phone, bob: Phone, room: Room
) -> None:
    room.server.play(sine(1000, RATE * 90), "micfeed")
    await talk(carol, bob)
    await bob.ear.tone(440)
    room.pull_out("usb")
    await bob.ear.tone(1000)
    lost = await carol.saw(ErrorOccurred)
    assert lost.code is ErrorCode.DEVICE_LOST
    assert re.search(r"microphone .*usb.* is gone.* is used now", lost.message)
    await told(carol, [("pulse:usb", "remove"), ("pulse:mic", "active")])
    assert UserAudioAvailable("carol", False) not in bob.all(UserAudioAvailable)


async def test_when_the_last_microphone_goes_there_is_silence_until_one_comes(
    server: Switchroom, bob: Phone, room: Room
) -> None:
    with pulse_server(awake=False) as lonely, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULSE_SERVER", lonely.environment["PULSE_SERVER"])
        lonely.play(sine(440, RATE * 90), "micfeed")
        async with phone(server.url, audio_source="mic") as dave:
            await dave.engine.login("dave", server.ticket("dave"))
            await talk(dave, bob)
            await bob.ear.tone(440)
            lonely.unload("module-remap-source")
            await bob.until(lambda: UserAudioAvailable("dave", False) in bob.all(UserAudioAvailable))
            await bob.ear.silence()
            assert (await dave.saw(ErrorOccurred)).code is ErrorCode.DEVICE_LOST
            lonely.load("module-remap-source source_name=new master=micfeed.monitor")
            await bob.ear.tone(440)
            await bob.until(lambda: bob.all(UserAudioAvailable)[-1] == UserAudioAvailable("dave", True))
            await dave.until(lambda: changed(dave)[-1] == ("pulse:new", "active"))


async def test_voices_go_to_the_ear_and_back_to_the_loudspeaker(bob: Phone, server: Switchroom, room: Room) -> None:
    room.plug_in_speaker("phones", "USB_Headset")
    async with phone(server.url, audio_source="null", audio_sink="speaker") as dave:
        await dave.engine.login("dave", server.ticket("dave"))
        await talk(bob, dave)
        await dave.engine.select_audio_playback_device("earpiece")
        await until_played(room, "phones.monitor", 1000)
        await dave.engine.select_audio_playback_device("speakerphone")
        await until_played(room, "speaker.monitor", 1000)
        await dave.engine.switch_device("speaker", "pulse:phones")
        room.pull_out("phones")
        await until_played(room, "speaker.monitor", 1000)
        expected = [("pulse:phones", "remove"), ("pulse:speaker", "active")]
        await dave.until(lambda: changed(dave, DeviceKind.SPEAKER)[-2:] == expected)


async def until_played(room: Room, device: str, hertz: float) -> None:
    """Record until the tone is in it."""
    async with asyncio.timeout(10):
        while not _has(await asyncio.to_thread(room.server.record, 0.3, device), hertz):
            pass


def _has(samples: np.ndarray, hertz: float) -> bool:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return bool(np.abs(samples).max() > 500 and abs(np.argmax(spectrum) * RATE / len(samples) - hertz) < 10)


async def test_cameras_are_exchanged_in_a_call_without_a_gap(alice: Phone, bob: Phone) -> None:
    old: list[float] = []  # when each picture was captured, as the sender has stamped it
    new: list[float] = []

    def see(frame: VideoFrame) -> None:
        kind = new if read_stamp(frame.picture) is None else old  # the pattern carries numbers, the test camera none
        kind.append((frame.picture.pts or 0) / 90_000)

    await bob.engine.start_remote_view("alice", see)
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.until(lambda: len(old) > 5)
    await alice.engine.switch_device("camera", "test")
    await bob.eye.until(lambda: len([at for at in new if at > old[-1]]) > 5)
    assert min(at for at in new if at > old[-1]) - old[-1] < 0.3
    await told(alice, [("test", "active")], DeviceKind.CAMERA)


@pytest.mark.parametrize("kind", ["camera", "microphone", "speaker"])
async def test_a_device_that_is_not_there_is_refused(kind: str, room: Room) -> None:
    async with CallEngine(EngineConfig(audio_source="null", audio_sink="null")) as engine:
        with pytest.raises(MediaError, match=f"there is no {kind} 'gramophone'") as caught:
            await engine.switch_device(kind, "gramophone")
        assert caught.value.code is ErrorCode.NO_DEVICE
        with pytest.raises(MediaError) as caught:
            await engine.switch_camera(True)
        assert caught.value.code is ErrorCode.NO_DEVICE
        with pytest.raises(MediaError, match="there is no earpiece; there are: pulse:speaker") as caught:
            await engine.select_audio_playback_device("earpiece")


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("get_device_list", ("gramophone",)),
        ("get_device_list", (None,)),
        ("switch_device", ("camera", 0)),
        ("switch_camera", (1,)),
        ("select_audio_playback_device", ("loud",)),
    ],
)
async def test_what_no_verb_can_take_is_refused(verb: str, values: tuple) -> None:
    async with CallEngine(EngineConfig(audio_source="null", audio_sink="null")) as engine:
        with pytest.raises(CallError) as caught:
            await getattr(engine, verb)(*values)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize(
    ("labels", "front", "back"),
    [
        (["Integrated Camera", "USB Camera"], 0, 1),
        (["Rear Camera", "Front Camera"], 1, 0),
        (["UVC", "Camera facing back", "Other"], 0, 1),
        (["Only One"], 0, None),
        ([], None, None),
    ],
)
def test_cameras_look_where_their_names_say_or_else_in_their_order(
    labels: list[str], front: int | None, back: int | None
) -> None:
    cameras = [DeviceInfo(str(number), label, DeviceKind.CAMERA) for number, label in enumerate(labels)]
    assert facing(cameras, front=True) == (None if front is None else cameras[front])
    assert facing(cameras, front=False) == (None if back is None else cameras[back])


async def test_a_sound_server_that_hangs_is_told_in_time(room: Room) -> None:
    with pulse_server(awake=False) as hung, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULSE_SERVER", hung.environment["PULSE_SERVER"])
        hung.freeze_daemon()
        async with CallEngine(EngineConfig(audio_source="null", audio_sink="null")) as engine, asyncio.timeout(8):
            with pytest.raises(MediaError, match="the sound system does not answer") as caught:
                await engine.get_device_list("speaker")
    assert caught.value.code is ErrorCode.DEVICE_BUSY


def test_what_went_is_told_first_then_what_came_then_the_new_default() -> None:
    def microphone(name: str, default: bool = False) -> DeviceInfo:
        return DeviceInfo(name, name, DeviceKind.MICROPHONE, default)

    before = {DeviceKind.MICROPHONE: [microphone("a", True), microphone("b")]}
    after = {DeviceKind.MICROPHONE: [microphone("b", True), microphone("c")], DeviceKind.SPEAKER: [microphone("s")]}
    told = [(device.device_id, state) for device, state in changes(before, after)]
    assert told == [("a", DeviceState.REMOVE), ("c", DeviceState.ADD), ("b", DeviceState.ACTIVE)]
    assert changes(after, after) == []
