"""Microphone and loudspeaker, through PortAudio.

Callbacks run on PortAudio's own thread and do three things: copy, stamp, hand over.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.channels import columns, in_channels
from pycall.media.devices import portaudio
from pycall.media.devices.portaudio import AudioDevice, list_audio_devices
from pycall.media.devices.ring import PlayoutRing
from pycall.media.devices.watch import StallWatch
from pycall.media.frames import SAMPLE_RATE, AudioFrame

if TYPE_CHECKING:
    from pycall.media.source import Intake

__all__ = ["AudioDevice", "Microphone", "Speaker", "list_audio_devices"]

STALL = 2.0
"""Seconds without a callback after which a device counts as lost; they normally come every 10 ms."""
_MAX_CAPTURE_DELAY = 1.0


class Microphone:
    """A source of sound: 10 ms blocks of what a microphone hears, of `channels` at 48 kHz if the device can.

    `device` is an index or (a part of) a name, None the default. Fits `AudioSource`.
    """

    def __init__(self, device: str | None = None, channels: int = 1) -> None:
        self._device = device
        self._channels = channels
        self._intake: Intake[AudioFrame] | None = None
        self._stream: Any = None
        self._rate = SAMPLE_RATE
        self._stopping = False
        self._told = threading.Lock()
        self._watch = StallWatch("microphone", STALL, self._lost)

    def start(self, intake: Intake[AudioFrame]) -> None:
        """Open the device and begin to push; raises `MediaError` if there is none, or it is taken, or no PortAudio."""
        self._intake = intake
        self._stream = portaudio.open_stream("input", self._device, self._captured, self._lost, channels=self._channels)
        self._rate = int(self._stream.samplerate)
        portaudio.start_stream(self._stream)
        self._watch.start()

    def stop(self) -> None:
        """Release the device; may be called twice."""
        self._stopping = True
        self._watch.stop()
        stream, self._stream = self._stream, None
        if stream is not None:
            portaudio.close_stream(stream)

    def _captured(self, block: Any, samples: int, times: Any, _: Any) -> None:
        now = time.monotonic()
        self._watch.alive()
        if self._intake is not None and not self._stopping:
            self._intake.push(AudioFrame(block.copy(), self._rate, now - _age(times, samples / self._rate)))

    def _lost(self) -> None:
        """The stream has ended, or stalled; tell it once unless we ended it."""
        if self._intake is not None and not self._stopping and self._told.acquire(blocking=False):
            self._intake.fail(MediaError(ErrorCode.DEVICE_LOST, "the microphone is gone; plug it in or choose another"))


class Speaker:
    """A sink that plays what everybody says, about 60 ms after it came, on a loudspeaker.

    `device` is an index or (a part of) a name, None the default. It is given `channels` and plays them in as many if it
    can. Fits `AudioSink`. `hear` raises `MediaError` once the device is lost.
    """

    def __init__(self, device: str | None = None, channels: int = 1) -> None:
        self._device = device
        self._channels = channels
        self._stream: Any = None
        self._finished = False
        self._called = 0.0
        self.ring = PlayoutRing(channels)

    def start(self) -> None:
        """Open the device; raises `MediaError` if there is none, it is taken, or PortAudio is missing."""
        self._stream = portaudio.open_stream("output", self._device, self._wanted, self._ended, channels=self._channels)
        self._called = time.monotonic()
        portaudio.start_stream(self._stream)

    def hear(self, frame: AudioFrame) -> None:
        """Queue 20 ms at 48 kHz."""
        if self._stream is None:
            return
        if self._finished or time.monotonic() - self._called > STALL:
            raise MediaError(ErrorCode.DEVICE_LOST, "the loudspeaker is gone; plug it in or choose another")
        self.ring.put(in_channels(frame.samples, self._channels))

    def stop(self) -> None:
        """Release the device, without playing what is left; may be called twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            portaudio.close_stream(stream)

    def _wanted(self, block: Any, samples: int, _: Any, __: Any) -> None:
        self._called = time.monotonic()
        sound = self.ring.get(samples)
        block[:] = columns(sound if block.shape[1] == sound.ndim else in_channels(sound, 1))

    def _ended(self) -> None:
        self._finished = True


def _age(times: Any, block_seconds: float) -> float:
    """Seconds since the first sample of a block was captured, by PortAudio's clock if it makes sense."""
    age = float(times.currentTime - times.inputBufferAdcTime)
    return age if 0.0 < age < _MAX_CAPTURE_DELAY else block_seconds
