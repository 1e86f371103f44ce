"""Where frames begin: the two protocols a source has to fit, and how sources are opened by name.

A source pushes. It may push from any thread (a device's callback, a thread of its own, the event loop); the uplink
takes the frame over at once and never blocks it. A bot's own source is any object with `start` and `stop`.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from pycall.core.errors import MediaError
from pycall.media.frames import AudioFrame, VideoFrame

F_contra = TypeVar("F_contra", AudioFrame, VideoFrame, contravariant=True)


class Intake(Protocol[F_contra]):
    """Where a source leaves its frames. Every method may be called from any thread and returns at once."""

    def push(self, frame: F_contra) -> None:
        """Take a frame over; the source must not change it afterwards."""
        ...

    def fail(self, error: MediaError) -> None:
        """The source is dead and will push nothing more."""
        ...


class AudioSource(Protocol):
    """A source of sound: any rate, one or two channels, any block size."""

    def start(self, intake: Intake[AudioFrame]) -> None:
        """Begin to push; raises `MediaError` if it cannot. Called once; may block for up to 2 s (not on the loop)."""
        ...

    def stop(self) -> None:
        """Push no more; release the device and join the thread within 1 s. May be called twice."""
        ...


class VideoSource(Protocol):
    """A source of pictures: any size and pixel format, any rate."""

    def start(self, intake: Intake[VideoFrame]) -> None: ...

    def stop(self) -> None: ...
