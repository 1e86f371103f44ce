"""The verbs of CallEngine for devices: which there are, and which are used."""

from __future__ import annotations

import re

from pycall.arguments import checked_bool, checked_device_kind, checked_playback, checked_text
from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import AudioPlaybackDevice, DeviceInfo, DeviceKind
from pycall.verbs import Verbs

_EARPIECE = re.compile(r"head ?(phone|set)|ear ?(piece|phone|bud)|airpods|handset|buds\b", re.IGNORECASE)
_FRONT = re.compile(r"\b(front|user|face)", re.IGNORECASE)
_BACK = re.compile(r"\b(back|rear|world|environment)", re.IGNORECASE)
TEST_CAMERA = "test"
"""Id of a moving picture that stands for a camera where there is none."""


class DeviceVerbs(Verbs):
    """From the first of these on, or the first call that uses a device, `DevicesChanged` tells what comes and goes.

    A device that is pulled out in a call is replaced by the default one, else by silence or black; an `ErrorOccurred`
    says so, and the call goes on.
    """

    async def get_device_list(self, kind: DeviceKind | str) -> list[DeviceInfo]:
        """All `camera`, `microphone` or `speaker` devices, the default one first; none if there are none.

        Raises `MediaError` if the sound system does not answer or its library is missing.
        """
        chosen = checked_device_kind(kind)
        self._must_be_open()
        return await self._driver.devices.devices(chosen)

    async def switch_device(self, kind: DeviceKind | str, device_id: str) -> None:
        """Use this device now and in later calls. In a call the new one is opened before the old one is closed.

        Raises `MediaError`: NO_DEVICE if there is none of that id, or what opening it raises; the old one then goes on.
        """
        chosen, wanted = checked_device_kind(kind), checked_text("device_id", device_id)
        self._must_be_open()
        with self._one(f"switch_device of a {chosen.value}"):
            found = await self._driver.devices.devices(chosen)
            test = chosen is DeviceKind.CAMERA and wanted == TEST_CAMERA
            if not test and wanted not in [device.device_id for device in found]:
                raise MediaError(ErrorCode.NO_DEVICE, f"there is no {chosen.value} {wanted!r}; {_listed(found)}")
            await self._driver.devices.use_device(chosen, wanted)

    async def switch_camera(self, front: bool) -> None:
        """Use the camera that looks at us, or the one that looks away.

        Judged by the cameras' names; where these say nothing, the first one is the front camera and the second the
        other. Raises `MediaError` (NO_DEVICE) if there is no such camera.
        """
        checked_bool("front", front)
        found = await self.get_device_list(DeviceKind.CAMERA)
        chosen = facing(found, front=front)
        if chosen is None:
            raise MediaError(
                ErrorCode.NO_DEVICE, f"there is no {'front' if front else 'back'} camera; {_listed(found)}"
            )
        await self.switch_device(DeviceKind.CAMERA, chosen.device_id)

    async def select_audio_playback_device(self, device: AudioPlaybackDevice | str) -> None:
        """Play voices at the ear (`earpiece`: headphones or a headset, by their names) or aloud (`speakerphone`).

        Raises `MediaError` (NO_DEVICE) if there is no such device.
        """
        wanted = checked_playback(device)
        found = await self.get_device_list(DeviceKind.SPEAKER)
        at_ear = wanted is AudioPlaybackDevice.EARPIECE
        chosen = [one for one in found if bool(_EARPIECE.search(one.label)) is at_ear]
        if not chosen:
            raise MediaError(ErrorCode.NO_DEVICE, f"there is no {wanted.value}; {_listed(found)}")
        await self.switch_device(DeviceKind.SPEAKER, chosen[0].device_id)


def facing(cameras: list[DeviceInfo], *, front: bool) -> DeviceInfo | None:
    """The camera that looks at us, or away, by its name; unnamed ones count in their order."""
    named = [camera for camera in cameras if (_FRONT if front else _BACK).search(camera.label)]
    plain = [camera for camera in cameras if not (_FRONT.search(camera.label) or _BACK.search(camera.label))]
    others = plain[:1] if front else plain[1:]
    return next(iter(named or others), None)


def _listed(found: list[DeviceInfo]) -> str:
    return "there are: " + ", ".join(f"{one.device_id} ({one.label})" for one in found) if found else "there is none"
