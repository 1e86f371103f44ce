"""PortAudio through sounddevice: loading it, what devices there are, and opening a stream with clear errors.

PortAudio reads the list of devices once, when it starts. It is restarted here whenever no stream is open, so that a
headset plugged in meanwhile, or a restarted sound server, is found. Opening and closing are not safe to do from two
threads, so one lock holds them apart; and as both may hang with a driver that hangs, each is given a limited time.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.devices.bounded import within
from pycall.media.devices.pulse import routed
from pycall.media.frames import SAMPLE_RATE

Direction = Literal["input", "output"]
ResultT = TypeVar("ResultT")

BLOCK = 480
"""10 ms at 48 kHz, what a callback gives or takes."""
MIN_LATENCY = 0.02
"""Seconds of device buffer asked for, unless the device says that it needs more. Less is not safe for a callback in
Python, which may wait for other threads."""

_NOUNS = {"input": "microphone", "output": "loudspeaker"}
_INSTEAD = {"input": "tone:440, file:talk.mp4 or null", "output": "file:out.mkv or null"}
_DEVICE_UNAVAILABLE = -9985
_INVALID_CHANNELS = -9998
_INVALID_RATE = -9997

_CLOSE_TIMEOUT = 0.8
_OPEN_TIMEOUT = 2.0

logger = logging.getLogger(__name__)
_lock = threading.Lock()
_open_streams: set[int] = set()


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A sound device as PortAudio names it; `inputs` and `outputs` are its numbers of channels."""

    index: int
    name: str
    host: str
    inputs: int
    outputs: int
    default_input: bool
    default_output: bool


def list_audio_devices() -> list[AudioDevice]:
    """All sound devices, none if there are none. Raises `MediaError` if PortAudio is missing."""
    return _bounded(lambda: _list(_load()), _OPEN_TIMEOUT)


def _load() -> Any:
    """The sounddevice module; `MediaError` if it, or the PortAudio library, cannot be loaded. Starts PortAudio."""
    try:
        import sounddevice
    except ImportError as error:
        raise MediaError(ErrorCode.NO_LIBRARY, "sound needs a package: pip install sounddevice") from error
    except OSError as error:
        message = "sound needs the PortAudio library, which is not installed: apt install libportaudio2"
        raise MediaError(ErrorCode.NO_LIBRARY, message) from error
    return sounddevice


def open_stream(
    direction: Direction, device: str | None, callback: Any, finished: Callable[[], None], *, channels: int = 1
) -> Any:
    """An opened stream of int16, not started yet: of `channels` (1 or 2), 48 kHz if the device can, else what it can.

    `device` is an index, (a part of) a name, or `pulse:` and PulseAudio's name; None is the default. Raises
    `MediaError` if there is none or it is taken.
    """

    def open_now() -> Any:
        sounddevice = _load()
        with routed(direction, device) as named:
            return open_named(sounddevice, named)

    def open_named(sounddevice: Any, named: str | None) -> Any:
        opener = sounddevice.InputStream if direction == "input" else sounddevice.OutputStream
        chosen = _choose(_list(sounddevice), direction, named)
        info = sounddevice.query_devices(chosen.index)
        options = {
            "device": chosen.index,
            "dtype": "int16",
            "blocksize": BLOCK,
            "latency": max(MIN_LATENCY, info[f"default_low_{direction}_latency"]),
            "callback": callback,
            "finished_callback": finished,
        }
        rates = [SAMPLE_RATE, info["default_samplerate"]] if direction == "input" else [SAMPLE_RATE]
        counts = (channels, 3 - channels)
        attempts = [{"samplerate": rate, "channels": count} for rate in rates for count in counts]
        stream = _first_that_opens(sounddevice, partial(opener, **options), attempts, chosen, direction)
        _open_streams.add(id(stream))
        return stream

    return _bounded(open_now, _OPEN_TIMEOUT)


def start_stream(stream: Any) -> None:
    """Begin to call back; raises `MediaError` if the device refuses."""
    sounddevice = _load()
    try:
        _bounded(stream.start, _OPEN_TIMEOUT)
    except sounddevice.PortAudioError as error:
        close_stream(stream)
        raise MediaError(ErrorCode.NO_DEVICE, f"the sound device does not start: {error}") from error


def close_stream(stream: Any) -> None:
    """Stop at once and release the device; what the driver says about one that is gone does not matter."""

    def close() -> None:
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
        _open_streams.discard(id(stream))

    try:
        _bounded(close, _CLOSE_TIMEOUT)
    except MediaError as error:
        logger.error("a sound device is left behind: %s", error)


def _bounded(work: Callable[[], ResultT], seconds: float) -> ResultT:
    """Do something with PortAudio, one at a time; raises `MediaError` when it takes longer than `seconds`.

    A driver or sound server that hangs never answers. It is then left to a thread of its own, and PortAudio's own
    clean-up at the end of the process, which would wait for it for ever, is called off.
    """

    def alone() -> ResultT:
        with _lock:
            return work()

    try:
        return within(seconds, alone, "portaudio")
    except FutureTimeout as error:
        _call_off_cleanup()
        message = "the sound system does not answer; try again when the machine is less busy, else restart it"
        raise MediaError(ErrorCode.DEVICE_BUSY, message) from error


def _call_off_cleanup() -> None:
    cleanup = getattr(sys.modules.get("sounddevice"), "_exit_handler", None)
    if cleanup is not None:
        atexit.unregister(cleanup)


def _refresh(sounddevice: Any) -> None:
    """Read the list of devices anew. sounddevice has no public way to do it."""
    if not _open_streams:
        sounddevice._terminate()
        sounddevice._initialize()


def _list(sounddevice: Any) -> list[AudioDevice]:
    _refresh(sounddevice)
    hosts = sounddevice.query_hostapis()
    return [
        AudioDevice(
            index=index,
            name=info["name"],
            host=hosts[info["hostapi"]]["name"],
            inputs=info["max_input_channels"],
            outputs=info["max_output_channels"],
            default_input=index == sounddevice.default.device[0],
            default_output=index == sounddevice.default.device[1],
        )
        for index, info in enumerate(sounddevice.query_devices())
    ]


def _choose(devices: list[AudioDevice], direction: Direction, wanted: str | None) -> AudioDevice:
    noun = _NOUNS[direction]
    usable = [device for device in devices if (device.inputs if direction == "input" else device.outputs) > 0]
    if not usable:
        raise MediaError(ErrorCode.NO_DEVICE, f"no {noun} was found; plug one in, or use {_INSTEAD[direction]}")
    if wanted is None:
        standard = [d for d in usable if (d.default_input if direction == "input" else d.default_output)]
        return (standard or usable)[0]
    low = wanted.lower()
    exact = [device for device in usable if low in (device.name.lower(), str(device.index))]
    found = exact or [device for device in usable if low in device.name.lower()]
    if not found:
        raise MediaError(ErrorCode.NO_DEVICE, f"no {noun} is called {wanted!r}; there are: {_names(usable)}")
    if len({device.name for device in found}) > 1:
        raise MediaError(ErrorCode.NO_DEVICE, f"{wanted!r} fits more than one {noun}: {_names(found)}")
    return found[0]


def _names(devices: list[AudioDevice]) -> str:
    return ", ".join(dict.fromkeys(device.name for device in devices))


def _first_that_opens(
    sounddevice: Any,
    opener: Callable[..., Any],
    attempts: list[dict[str, float]],
    device: AudioDevice,
    direction: Direction,
) -> Any:
    """Try one combination after the other, as long as the device only dislikes the rate or the channels."""
    refused: Exception | None = None
    for attempt in attempts:
        try:
            return opener(**attempt)
        except sounddevice.PortAudioError as error:
            refused = error
            if _code(error) not in (_INVALID_CHANNELS, _INVALID_RATE):
                break
    code = ErrorCode.DEVICE_BUSY if refused and _code(refused) == _DEVICE_UNAVAILABLE else ErrorCode.NO_DEVICE
    hint = "; another program may be using it" if code is ErrorCode.DEVICE_BUSY else ""
    text = str(refused).splitlines()[0]
    raise MediaError(code, f"cannot open the {_NOUNS[direction]} {device.name!r}{hint} ({text})") from refused


def _code(error: Exception) -> int | None:
    return error.args[1] if len(error.args) > 1 else None
