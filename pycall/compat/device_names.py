"""The documented verbs for cameras, microphones and loudspeakers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.enums import TUIAudioPlaybackDevice, TUICamera
from pycall.compat.given import Given
from pycall.compat.handset import Handset
from pycall.compat.payload import Payload
from pycall.compat.promise import When, verb
from pycall.core.errors import MediaError, PyCallError
from pycall.core.events import DevicesChanged
from pycall.core.types import AudioPlaybackDevice, DeviceKind, DeviceState

log = logging.getLogger(__name__)

_KINDS = {
    "camera": DeviceKind.CAMERA,
    "video": DeviceKind.CAMERA,
    "microphones": DeviceKind.MICROPHONE,
    "microphone": DeviceKind.MICROPHONE,
    "audio": DeviceKind.MICROPHONE,
    "speaker": DeviceKind.SPEAKER,
}


class DeviceNames(Handset):
    """What both engines have: switching in a call."""

    @verb("deviceType", "deviceId", when=When.IN_CALL)
    async def switchDevice(self, given: Given) -> None:
        """`{deviceType: 'video' | 'audio', deviceId}`; `speaker`, too."""
        await self.engine.switch_device(_kind(given), given.text("deviceId"))

    switch_device = switchDevice

    async def _devices(self, kind: DeviceKind) -> list[Payload]:
        try:
            found = await self.engine.get_device_list(kind)
        except MediaError as error:
            raise TUICallError(TUIErrorCode.GET_DEVICE_LIST_FAIL, error.message) from error
        return [
            Payload(deviceId=one.device_id, label=one.label, kind=one.kind.value, default=one.default) for one in found
        ]


class TuiDeviceNames(DeviceNames):
    """What only TUICallEngine has."""

    def __init__(self, options: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(options, **more)
        self._current: dict[DeviceKind, str] = {}

    @verb("deviceType")
    async def getDeviceList(self, given: Given) -> list[Payload]:
        """`'camera'`, `'microphones'` or `'speaker'`: a list of `{deviceId, label, kind, default}`."""
        return await self._devices(_kind(given))

    @verb("cameraId", when=When.IN_CALL)
    async def switchCamera(self, given: Given) -> None:
        """0 front, 1 back; by the cameras' names."""
        await self.engine.switch_camera(given.one_of("cameraId", TUICamera) is TUICamera.Front)

    @verb("device")
    async def selectAudioPlaybackDevice(self, given: Given) -> None:
        """0 loudspeaker, 1 earpiece: headphones or a headset, by their names."""
        at_ear = given.one_of("device", TUIAudioPlaybackDevice) is TUIAudioPlaybackDevice.Earpiece
        wanted = AudioPlaybackDevice.EARPIECE if at_ear else AudioPlaybackDevice.SPEAKERPHONE
        await self.engine.select_audio_playback_device(wanted)

    get_device_list, switch_camera = getDeviceList, switchCamera
    select_audio_playback_device = selectAudioPlaybackDevice

    def _note_device(self, event: DevicesChanged) -> None:
        """Remember which one is in use, and tell all lists anew."""
        if event.state is DeviceState.ACTIVE:
            self._current[event.kind] = event.device_id
        self.begin("devices", self._tell_devices())

    async def _tell_devices(self) -> None:
        try:
            cameras, microphones, speakers = [await self._devices(kind) for kind in DeviceKind]
        except (TUICallError, PyCallError) as error:
            log.warning("what devices there are cannot be told: %s", error)
            return
        update = Payload(
            cameraList=cameras,
            microphoneList=microphones,
            speakerList=speakers,
            currentCameraID=self._current_id(DeviceKind.CAMERA, cameras),
            currentMicrophoneID=self._current_id(DeviceKind.MICROPHONE, microphones),
            currentSpeakerID=self._current_id(DeviceKind.SPEAKER, speakers),
        )
        self._say("onDeviceUpdated", update)

    def _current_id(self, kind: DeviceKind, listed: list[Payload]) -> str:
        """The one in use, else the default one; empty: none."""
        default = next((str(one.deviceId) for one in listed if one.default), "")
        return self._current.get(kind, default)


def _kind(given: Given) -> DeviceKind:
    wanted = given.text("deviceType")
    if wanted not in _KINDS:
        raise given.wrong(TUIErrorCode.PARAM_RANGE, f"deviceType is {wanted!r}; use one of {', '.join(_KINDS)}")
    return _KINDS[wanted]
