"""PulseAudio's (and PipeWire's) own list of microphones and loudspeakers, which PortAudio shows as one device only.

Sound itself goes through PortAudio all the same: the environment tells ALSA's PulseAudio plugin which device to open.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pycall.core.types import DeviceInfo, DeviceKind

log = logging.getLogger(__name__)

PREFIX = "pulse:"
"""Device ids of PulseAudio's begin with this; the rest is its own name of the device."""
_VARIABLES = {"input": "PULSE_SOURCE", "output": "PULSE_SINK"}
_NO_MONITOR = 0xFFFFFFFF
"""PulseAudio's number for: this source listens to no sink."""

Sounds = dict[DeviceKind, list[DeviceInfo]]


class PulseLink:
    """One connection to the sound server; made again when it was lost. For one thread."""

    def __init__(self) -> None:
        self._pulse: Any = None

    def devices(self) -> Sounds | None:
        """Microphones and loudspeakers; None if there is no sound server to ask."""
        try:
            pulse = self._connected()
            return None if pulse is None else _listed(pulse)
        except _errors() as error:
            log.info("the sound server does not answer: %s", error)
            self.close()
            return None

    def wait(self, seconds: float) -> bool:
        """Until a device comes or goes, at most so long; False at once if there is no sound server to wait for."""
        if self._pulse is None:
            return False
        try:
            self._pulse.event_listen(timeout=seconds)
        except _errors():
            self.close()
        return True

    def close(self) -> None:
        pulse, self._pulse = self._pulse, None
        if pulse is not None:
            pulse.close()

    def _connected(self) -> Any:
        if self._pulse is None and sys.platform.startswith("linux"):
            self._pulse = _connect()
        return self._pulse


@contextmanager
def routed(direction: str, device: str | None) -> Iterator[str | None]:
    """While it lasts, opening what it gives opens what `device` names. For one thread at a time."""
    if device is None or not device.startswith(PREFIX):
        yield device
        return
    variable = _VARIABLES[direction]
    before = os.environ.get(variable)
    os.environ[variable] = device.removeprefix(PREFIX)
    try:
        yield "pulse"
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _library() -> Any:
    """pulsectl; None where it, or libpulse, is not installed."""
    try:
        import pulsectl
    except (ImportError, OSError) as error:
        log.debug("no PulseAudio: %s", error)
        return None
    return pulsectl


def _errors() -> tuple[type[Exception], ...]:
    library = _library()
    return () if library is None else (library.PulseError, library.PulseDisconnected)


def _connect() -> Any:
    """A connection that hears of devices; None without a library or a server."""
    library = _library()
    if library is None:
        return None
    pulse = library.Pulse("pycall", connect=False)
    try:
        pulse.connect(autospawn=False)
    except library.PulseError:
        pulse.close()
        return None

    def heard(_: Any) -> None:
        raise library.PulseLoopStop

    pulse.event_mask_set("sink", "source", "server")
    pulse.event_callback_set(heard)
    return pulse


def _listed(pulse: Any) -> Sounds:
    server = pulse.server_info()
    sources = [source for source in pulse.source_list() if source.monitor_of_sink == _NO_MONITOR]
    return {
        DeviceKind.MICROPHONE: _infos(sources, DeviceKind.MICROPHONE, server.default_source_name),
        DeviceKind.SPEAKER: _infos(pulse.sink_list(), DeviceKind.SPEAKER, server.default_sink_name),
    }


def _infos(found: list[Any], kind: DeviceKind, default: str) -> list[DeviceInfo]:
    return [DeviceInfo(PREFIX + one.name, one.description, kind, one.name == default) for one in found]
