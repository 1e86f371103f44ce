"""Which devices an engine uses, what is told about them, and what takes the place of one that is gone.

    a device in use goes ─► the others of its kind, the default one first ─► silence or black, and the peers are told
    a device comes while its kind is silent ─► it is taken

A source or sink that is not a device (a file, a tone, the program's own) is never exchanged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from pycall.call_media import CallMedia
from pycall.core.errors import ErrorCode, MediaError, PyCallError
from pycall.core.events import DevicesChanged, ErrorOccurred, Event
from pycall.core.types import DeviceInfo, DeviceKind, DeviceState
from pycall.gear import Gear
from pycall.media.bridge import call_on
from pycall.media.devices.plugged import DeviceWatch, list_devices

log = logging.getLogger(__name__)

Place = Literal["audio_source", "video_source", "audio_sink"]
PLACES: dict[DeviceKind, tuple[Place, str]] = {
    DeviceKind.CAMERA: ("video_source", "camera"),
    DeviceKind.MICROPHONE: ("audio_source", "mic"),
    DeviceKind.SPEAKER: ("audio_sink", "speaker"),
}
"""Where a kind of device stands in the gear, and what its sources or sinks are called."""
MAX_REPLACEMENTS = 5
"""Per kind and call; a device that is lost again and again is then left alone."""


class DeviceDesk:
    """Belongs to one engine. `tell` takes events, `media` gives the running call's. On the event loop."""

    def __init__(self, gear: Gear, tell: Callable[[Event], None], media: Callable[[], CallMedia | None]) -> None:
        self._gear = gear
        self._tell = tell
        self._media = media
        self._watch: DeviceWatch | None = None
        self._silent: set[DeviceKind] = set()
        self._replaced: dict[DeviceKind, int] = {}
        self._tasks: dict[DeviceKind, asyncio.Task[None]] = {}
        self._closed = False

    async def devices(self, kind: DeviceKind) -> list[DeviceInfo]:
        """All of a kind, the default one first; from now on changes are told."""
        self.watch()
        return await asyncio.to_thread(list_devices, kind)

    async def use(self, place: Place, wanted: Any) -> None:
        """Change over to this source or sink, in the running call too.

        Raises what opening it raises; what was used before goes on then, unless both needed the same device.
        """
        await asyncio.to_thread(getattr(replace(self._gear, **{place: wanted}), f"new_{place}"))
        old = getattr(self._gear, place)
        setattr(self._gear, place, wanted)
        media = self._media()
        try:
            if media is not None:
                await media.use(place)
        except PyCallError:
            setattr(self._gear, place, old)
            raise

    async def use_device(self, kind: DeviceKind, device_id: str) -> None:
        """The same for a device by its id; tells that it is the active one."""
        self.watch()
        place, word = PLACES[kind]
        await self.use(place, f"{word}:{device_id}")
        self._silent.discard(kind)
        self._tell(DevicesChanged(kind, device_id, DeviceState.ACTIVE))

    def in_use(self, kind: DeviceKind) -> str | None:
        """The id of the chosen device, an empty one for the default; None if it is no device at all."""
        place, word = PLACES[kind]
        name = getattr(self._gear, place)
        if not isinstance(name, str) or name.partition(":")[0] != word:
            return None
        return name.partition(":")[2]

    def call_begins(self) -> None:
        """Tell changes from now on, if the call uses devices."""
        self._silent.clear()
        self._replaced.clear()
        if any(self.in_use(kind) is not None for kind in PLACES):
            self.watch()

    def lost(self, kind: DeviceKind, error: PyCallError) -> bool:
        """What was in use is gone; False if nothing can take its place, so that the caller says so."""
        replaceable = error.code is ErrorCode.DEVICE_LOST or (error.code is ErrorCode.NO_DEVICE and self.in_use(kind))
        if self._closed or not replaceable or self.in_use(kind) is None:
            return False
        running = self._tasks.get(kind)
        if running is not None and not running.done():
            return True
        self._replaced[kind] = self._replaced.get(kind, 0) + 1
        if self._replaced[kind] > MAX_REPLACEMENTS:
            return False
        self._do(kind, self._replace(kind, error))
        return True

    async def aclose(self) -> None:
        """End the thread and the tasks. May be called twice."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        watch, self._watch = self._watch, None
        if watch is not None:
            await asyncio.to_thread(watch.stop)

    def watch(self) -> None:
        """Tell changes from now on."""
        if self._watch is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._watch = DeviceWatch(lambda device, state: _pass_on(loop, self._changed, device, state))
            self._watch.start()

    def _do(self, kind: DeviceKind, step: Any) -> None:
        self._tasks[kind] = asyncio.create_task(step, name=f"replace {kind.value}")

    def _changed(self, device: DeviceInfo, state: DeviceState) -> None:
        """Called for every change that the watch sees."""
        kind, chosen = device.kind, self.in_use(device.kind)
        if self._closed or (state is DeviceState.ACTIVE and chosen != ""):
            return
        self._tell(DevicesChanged(kind, device.device_id, state))
        if state is DeviceState.REMOVE and (chosen == device.device_id or (chosen == "" and device.default)):
            gone = MediaError(ErrorCode.DEVICE_LOST, f"the {kind.value} {device.label!r} is gone; choose another")
            self.lost(kind, gone)
        elif state is DeviceState.ADD and kind in self._silent and self._media() is not None:
            self._do(kind, self._take(kind, device.device_id))

    async def _replace(self, kind: DeviceKind, error: PyCallError) -> None:
        """Another device in its place, or silence."""
        gone, media = self.in_use(kind), self._media()
        if media is None:
            place, word = PLACES[kind]
            setattr(self._gear, place, word)
            return
        for device in await self._others(kind, gone):
            try:
                await self.use_device(kind, device.device_id)
            except PyCallError as refused:
                log.info("%s cannot take the place of what is gone: %s", device.device_id, refused)
                continue
            self._tell(ErrorOccurred(error.code, f"{error.message}; {device.label!r} is used now"))
            return
        self._silent.add(kind)
        media.give_up(kind, error)

    async def _others(self, kind: DeviceKind, gone: str | None) -> list[DeviceInfo]:
        try:
            found = await asyncio.to_thread(list_devices, kind)
        except MediaError as error:
            log.warning("%s", error)
            return []
        return [device for device in found if device.device_id != gone]

    async def _take(self, kind: DeviceKind, device_id: str) -> None:
        try:
            await self.use_device(kind, device_id)
        except PyCallError as refused:
            log.info("the new %s cannot be used: %s", kind.value, refused)


def _pass_on(
    loop: asyncio.AbstractEventLoop,
    changed: Callable[[DeviceInfo, DeviceState], None],
    device: DeviceInfo,
    state: DeviceState,
) -> None:
    call_on(loop, lambda: changed(device, state))
