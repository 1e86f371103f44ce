"""Cameras, microphones and loudspeakers by their documented verbs, and the event that lists them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.desk import Trtc, Tui, refusal, talk
from tests.pulse import Pulse, pulse_server


@pytest.fixture(scope="module")
def sound_server() -> Iterator[Pulse]:
    """Two microphones and a headset beside the loudspeaker."""
    with pulse_server() as server:
        server.load("module-remap-source source_name=usb master=micfeed.monitor")
        server.load("module-null-sink sink_name=phones rate=48000 sink_properties=device.description=USB_Headset")
        yield server


@pytest.fixture
def sound(sound_server: Pulse, monkeypatch: pytest.MonkeyPatch) -> Pulse:
    """Programs find it by the environment."""
    for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, sound_server.environment[name])
    return sound_server


async def test_a_camera_is_switched_in_a_call(alice: Tui, bob: Tui) -> None:
    camera = {"deviceType": "video", "deviceId": "test"}
    assert (await refusal(alice.engine.switchDevice(camera))).code == -1203
    await talk(alice, bob, 2)
    await alice.engine.switchDevice(camera)
    assert (await alice.saw("onDeviceUpdated")).currentCameraID == "test"
    assert (await refusal(alice.engine.switchDevice({"deviceType": "video", "deviceId": "none"}))).code == 60004
    assert (await refusal(alice.engine.switchDevice({"deviceType": "smell", "deviceId": "a"}))).inner_code == -120203
    assert (await refusal(alice.engine.switchCamera(2))).inner_code == -120203
    assert (await refusal(alice.engine.selectAudioPlaybackDevice({}))).inner_code == -120200


@pytest.mark.pulse
async def test_microphones_and_loudspeakers(sound: Pulse, alice: Tui, bob: Tui) -> None:
    found = await alice.engine.getDeviceList("microphones")
    assert [one["deviceId"] for one in found] == ["pulse:mic", "pulse:usb"]
    assert [one.default for one in found] == [True, False]
    speakers = await alice.engine.getDeviceList({"deviceType": "speaker"})
    assert "USB_Headset" in [one.label for one in speakers]
    await talk(alice, bob)
    await alice.engine.switchDevice({"deviceType": "audio", "deviceId": "pulse:usb"})
    await alice.engine.selectAudioPlaybackDevice(1)
    updated = await alice.saw("onDeviceUpdated", 2)
    assert (updated.currentMicrophoneID, updated.currentSpeakerID) == ("pulse:usb", "pulse:phones")
    assert [one.deviceId for one in updated.microphoneList] == ["pulse:mic", "pulse:usb"]


@pytest.mark.pulse
async def test_the_old_component_lists_and_switches(sound: Pulse, inviter: Trtc, invitee: Trtc) -> None:
    assert [one.deviceId for one in await inviter.calling.getMicrophones()] == ["pulse:mic", "pulse:usb"]
    assert isinstance(await inviter.calling.getCameras(), list)
    await inviter.calling.call({"userID": "bob", "type": 1})
    await inviter.calling.switchDevice({"deviceType": "audio", "deviceId": "pulse:usb"})
    assert inviter.calling.engine.state is not None
