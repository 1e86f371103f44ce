"""What this machine has: microphones, speakers, cameras, a display. Looking never fails; it says what is missing."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec

from pycall.core.errors import MediaError


@dataclass(frozen=True, slots=True)
class Device:
    """Something that can be named after `mic:`, `speaker:` or `camera:`."""

    name: str
    default: bool = False
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound devices; `problem` says why there are none if something has to be installed."""

    inputs: list[Device] = field(default_factory=list)
    outputs: list[Device] = field(default_factory=list)
    problem: str | None = None


@lru_cache(maxsize=1)
def find_audio() -> Audio:
    """Microphones and loudspeakers, as PortAudio sees them. Takes up to a second the first time."""
    from pycall.media.devices.portaudio import list_audio_devices

    try:
        devices = list_audio_devices()
    except MediaError as error:
        return Audio(problem=error.message)
    return Audio(
        [Device(d.name, d.default_input) for d in devices if d.inputs > 0],
        [Device(d.name, d.default_output) for d in devices if d.outputs > 0],
    )


def find_cameras() -> list[Device]:
    """Cameras, by the number that goes after `camera:`."""
    from pycall.media.devices.capture import list_cameras

    return [Device(camera.name, selector=camera.selector) for camera in list_cameras()]


def window_problem() -> str | None:
    """Why no window can be opened here; None if one can be tried."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        return "a window needs an X display, and DISPLAY is not set"
    if find_spec("cv2") is None:
        return "a window needs OpenCV: pip install 'pycall[window]'"
    return None
