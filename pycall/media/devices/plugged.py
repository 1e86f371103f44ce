"""Which cameras, microphones and loudspeakers there are, and word of each that comes, goes or becomes the default.

Cameras are looked for once a second. Sound devices are told by PulseAudio (PipeWire too); where there is none,
PortAudio lists them, but it cannot tell changes while a device is open, so then nothing is told about them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import DeviceInfo, DeviceKind, DeviceState
from pycall.media.devices.bounded import within
from pycall.media.devices.capture import list_cameras
from pycall.media.devices.portaudio import AudioDevice, list_audio_devices
from pycall.media.devices.pulse import PulseLink, Sounds

POLL = 1.0
"""Seconds between two looks at cameras."""
_PATIENCE = 2.0
_LISTEN = 0.25
"""Seconds for which the sound server is listened to at a time, so that stopping takes no longer."""

Survey = dict[DeviceKind, list[DeviceInfo]]
Change = tuple[DeviceInfo, DeviceState]


def list_devices(kind: DeviceKind) -> list[DeviceInfo]:
    """All devices of a kind, the default one first. Raises `MediaError` if PortAudio is missing, or after 2 s."""
    if kind is DeviceKind.CAMERA:
        return _cameras()
    try:
        sounds = within(_PATIENCE, _sounds, "sound devices")
    except FutureTimeout as error:
        message = "the sound system does not answer; try again when the machine is less busy, else restart it"
        raise MediaError(ErrorCode.DEVICE_BUSY, message) from error
    found = _by_portaudio(kind) if sounds is None else sounds[kind]
    return sorted(found, key=lambda device: not device.default)


def _sounds() -> Sounds | None:
    link = PulseLink()
    try:
        return link.devices()
    finally:
        link.close()


def changes(before: Survey, after: Survey) -> list[Change]:
    """What went, what came, and what is the default now, in this order."""
    gone: list[Change] = []
    come: list[Change] = []
    active: list[Change] = []
    for kind in before.keys() & after.keys():
        old, new = ({device.device_id: device for device in survey[kind]} for survey in (before, after))
        gone += [(old[one], DeviceState.REMOVE) for one in old if one not in new]
        come += [(new[one], DeviceState.ADD) for one in new if one not in old]
        was = {one for one in old if old[one].default}
        active += [(new[one], DeviceState.ACTIVE) for one in new if new[one].default and one not in was]
    return [*gone, *come, *active]


class DeviceWatch:
    """Calls `changed(device, state)` from a thread of its own, from `start` to `stop`."""

    def __init__(self, changed: Callable[[DeviceInfo, DeviceState], None]) -> None:
        self._changed = changed
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tell nothing more, and join the thread. May be called twice, or before `start`."""
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        link = PulseLink()
        try:
            known = _survey(link, {})
            while not self._done.is_set():
                if not link.wait(_LISTEN):
                    self._done.wait(POLL)
                seen = _survey(link, known)
                for device, state in changes(known, seen):
                    if not self._done.is_set():
                        self._changed(device, state)
                known = seen
        finally:
            link.close()


def _survey(link: PulseLink, before: Survey) -> Survey:
    """A sound server that has gone has taken its devices along; one that never was there has told of none."""
    sounds = link.devices()
    if sounds is None:
        sounds = {kind: [] for kind in before if kind is not DeviceKind.CAMERA}
    return {DeviceKind.CAMERA: _cameras(), **sounds}


def _cameras() -> list[DeviceInfo]:
    return [
        DeviceInfo(camera.selector, camera.name, DeviceKind.CAMERA, number == 0)
        for number, camera in enumerate(list_cameras())
    ]


def _by_portaudio(kind: DeviceKind) -> list[DeviceInfo]:
    microphone = kind is DeviceKind.MICROPHONE

    def info(device: AudioDevice) -> DeviceInfo:
        default = device.default_input if microphone else device.default_output
        return DeviceInfo(device.name, device.name, kind, default)

    return [info(one) for one in list_audio_devices() if (one.inputs if microphone else one.outputs) > 0]
